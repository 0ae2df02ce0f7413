"""Reading records: sorted by change, page by token, window after window, wide modules in field chunks.

https://www.zoho.com/crm/developer/docs/api/v8/get-records.html

Facts it obeys: a list shows 2,000 rows by page and 100,000 by page_token; a token belongs to its exact
parameters, so other field chunks of a page are read by `ids`, never with its token; `sort_by` puts a call
into the sub-concurrency.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from time import sleep

from connectors.core.contract import Page, Stream
from connectors.core.errors import Actor, Problem
from connectors.zoho.api import VERSION, Api
from connectors.zoho.cut import Cut, cutter
from connectors.zoho.errors import TOKEN_SPENT, WINDOW_FULL
from connectors.zoho.fields import Reading
from connectors.zoho.progress import Progress, Turning
from connectors.zoho.rich_texts import RichTexts

PER_PAGE = "200"
_IDS_PER_CALL = 100
_VERSION_TRIES = 5
_PAUSE = 1.1  # seconds: what Zoho stamps in whole ones is then over
_RECENT = timedelta(minutes=5)  # by how much our clock and Zoho's may differ
TOO_LONG = "MODULE_TOO_LONG"  # the code of a Problem: a list that nothing continues
_LIST_ENDS = "PAGINATION_LIMIT_EXCEEDED"  # more rows, but no token to reach them: the list ends here


def read_records(api: Api, stream: Stream, reading: Reading, since: datetime | None) -> Iterator[Page]:
    """Every record changed at or after `since` (all if None, or where the module has no stamp)."""
    walk = _Walk(api, stream, reading)
    start = since if reading.shape.stamp else None
    while code := (yield from walk.window(start)):
        if reading.shape.stamp is None and code in WINDOW_FULL | {_LIST_ENDS}:
            raise _too_long(stream)
        start = walk.progress.restart(start, code)


def read_by_ids(api: Api, stream: Stream, reading: Reading, ids: Sequence[str]) -> Iterator[Page]:
    """These records as they are now, all field chunks of one version; what is gone is left out."""
    walk = _Walk(api, stream, reading)
    for batch in _batches(ids):
        yield from walk.these(batch)


class _Walk:
    """One read. Its parameters never change, so that its tokens stay valid."""

    def __init__(self, api: Api, stream: Stream, reading: Reading) -> None:
        self._api, self._module, self._chunks = api, stream.api_name, reading.chunks
        self._rich = RichTexts(api, stream, reading)
        self._stamp = stamp = reading.shape.stamp
        self._cut = cutter(reading.shape.records, stamp)
        self._own = {name: str(value) for name, value in dict(stream.options.get("params", {})).items()}
        # Without a stamp the best that keeps new records behind those already read.
        order = stamp or ("Created_Time" if "Created_Time" in self._chunks[0] else "id")
        self._sorting = {"sort_by": order, "sort_order": "asc"}
        self.progress = Progress(api.by_now)

    def window(self, since: datetime | None) -> Generator[Page, None, str]:
        """The pages from `since` on; "" when it is complete, else the code that says why it is not."""
        token: str | None = None
        turning = Turning(f"GET {VERSION}{self._module}")
        while True:
            try:
                cut = self._page(since, token)
            except Problem as problem:
                if problem.code in WINDOW_FULL | TOKEN_SPENT:
                    return problem.code
                raise
            if cut is None:
                return ""
            turning.turn(cut.body)
            self.progress.see(cut.moments)
            promise = self.progress.promise(complete=not cut.more)
            yield from self._group(cut, promise)
            if not cut.more:
                return ""
            if cut.token is None:
                return _LIST_ENDS
            token = cut.token

    def these(self, ids: Sequence[str]) -> Iterator[Page]:
        """The pages of at most 100 records."""
        for chunk, part in self._settled(ids):
            yield Page(part.body, part.rows, chunk, f"{VERSION}{self._module}?ids={len(ids)} of them")

    def _page(self, since: datetime | None, token: str | None) -> Cut | None:
        params = {**self._own, **self._sorting, "per_page": PER_PAGE, "fields": ",".join(self._chunks[0])}
        if token:
            params["page_token"] = token
        return self._api.get(self._module, params, self._cut, since=since, sub=True)

    def _group(self, cut: Cut, promise: datetime | None) -> Iterator[Page]:
        """A page and the other field chunks of its records; the promise holds once the last is out."""
        asked = f"{VERSION}{self._module}?{_query({**self._own, **self._sorting})}&fields="
        pages = [(0, cut)] if len(self._chunks) == 1 and not self._rich else self._all_chunks(cut)
        for position, (chunk, part) in enumerate(pages, 1):
            count = len(self._chunks[chunk]) if chunk < len(self._chunks) else len(self._rich)
            names = f"{count} names, chunk {chunk + 1} of {len(self._chunks) + bool(self._rich)}"
            yield Page(
                part.body, part.rows, chunk, asked + names, promise if position == len(pages) else None
            )

    def _all_chunks(self, page: Cut) -> list[tuple[int, Cut]]:
        """The page and its other chunks, of one version of each record; read again by ids if it moved between."""
        ids = list(page.versions)
        rich = self._rich_of(ids)
        parts = [(0, page), *self._by_ids(ids, range(1, len(self._chunks)))]
        whole = (
            [*parts, *rich] if self._agree(parts) and self._still(page.versions) else self._all_settled(ids)
        )
        return [*whole, *self._once_more(page)]

    def _once_more(self, page: Cut) -> list[tuple[int, Cut]]:
        """What changed in the newest second, read again when it is over: a second edit within it moves no stamp, so
        that chunks of two versions look alike."""
        newest = max(page.moments, default=None)
        if newest is None or abs(datetime.now(UTC) - newest) > _RECENT:
            return []
        sleep(_PAUSE)
        stamps = ((id, stamp) for id, stamp in page.versions.items() if stamp)
        return self._all_settled([id for id, stamp in stamps if datetime.fromisoformat(stamp) == newest])

    def _all_settled(self, ids: Sequence[str]) -> list[tuple[int, Cut]]:
        return [part for batch in _batches(ids) for part in self._settled(batch)]

    def _settled(self, ids: Sequence[str]) -> list[tuple[int, Cut]]:
        for _ in range(_VERSION_TRIES):
            parts = self._by_ids(ids, range(len(self._chunks)))
            there = {id: stamp for chunk, cut in parts if chunk == 0 for id, stamp in cut.versions.items()}
            rich = self._rich_of(list(there))
            if self._agree(parts) and self._still(there):
                return [*parts, *rich]
        raise Problem(
            "records changed between the calls that read their fields, again and again",
            do="Run the sync again at a quieter hour; if it keeps failing, report this",
            actor=Actor.OPERATOR,
            where=f"GET {VERSION}{self._module}",
            code="VERSIONS_DIFFER",
            transient=True,
        )

    def _agree(self, parts: Sequence[tuple[int, Cut]]) -> bool:
        """Whether every chunk holds the same records with the same stamps."""
        seen: dict[int, dict[str, str | None]] = {chunk: {} for chunk in range(len(self._chunks))}
        for chunk, cut in parts:
            seen[chunk] |= cut.versions
        return all(versions == seen[0] for versions in seen.values())

    def _rich_of(self, ids: Sequence[str]) -> list[tuple[int, Cut]]:
        """The rich texts of these records as a chunk behind the others."""
        return [(len(self._chunks), self._rich.of(batch)) for batch in _batches(ids)] if self._rich else []

    def _still(self, versions: Mapping[str, str | None]) -> bool:
        """Whether the records that rich texts were read of, which carry no stamp, are still of these versions."""
        if not self._rich or not self._stamp:
            return True
        found: dict[str, str | None] = {}
        for batch in _batches(list(versions)):
            cut = self._list(batch, self._stamp)
            found |= cut.versions if cut else {}
        return found == versions

    def _by_ids(self, ids: Sequence[str], chunks: Iterable[int]) -> list[tuple[int, Cut]]:
        parts = (
            (chunk, self._list(batch, ",".join(self._chunks[chunk])))
            for chunk in chunks
            for batch in _batches(ids)
        )
        return [(chunk, cut) for chunk, cut in parts if cut is not None]

    def _list(self, ids: Sequence[str], fields: str) -> Cut | None:
        params = {**self._own, "per_page": PER_PAGE, "fields": fields, "ids": ",".join(ids)}
        return self._api.get(self._module, params, self._cut)


def _batches(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[at : at + _IDS_PER_CALL] for at in range(0, len(ids), _IDS_PER_CALL))


def _too_long(stream: Stream) -> Problem:
    """Zoho ends every list there, and only a stamp could open another window behind its end."""
    return Problem(
        f"{stream.api_name} has no Modified_Time, so each sync reads it whole, and it has more than the "
        "100,000 records that Zoho lists",
        do=f"Leave it out: ZOHO_MODULES_EXCEPT={stream.api_name}; its first 100,000 records stay as they are",
        where=f"GET {VERSION}{stream.api_name}",
        code=TOO_LONG,
    )


def _query(params: dict[str, str]) -> str:
    return "&".join(f"{name}={value}" for name, value in params.items())
