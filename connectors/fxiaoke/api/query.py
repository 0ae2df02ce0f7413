"""Walking an object's records: by `_id`, a hundred at a time, inside a window of last_modified_time.

What it obeys: a page has at most 100 records; offsets end at 10,000, so the next page is asked for by `_id GT` and the
offset stays 0; records come in no order of change, so what a read promises is known before it begins (the newest change
that there was then); `total` may be 0 whatever there is. The end is an empty page: whether a page can be short though
more follow is not known, and taking a short page for the end would lose records without a word.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any

import msgspec

from connectors.core.contract import Field, FieldType, Listed, Listing, Page, Shape, Stream, Totals, Untold
from connectors.core.errors import Actor, Problem
from connectors.core.http import BadBody
from connectors.core.surrogates import without_lone_surrogates
from connectors.fxiaoke.api.api import Api, query_path
from connectors.fxiaoke.api.describe import IS_DELETED, LIFE_STATUS, RECORDS, Reading
from connectors.fxiaoke.api.envelopes import usual
from connectors.fxiaoke.api.personal import without_personal

LIMIT = 100
STAMP = "last_modified_time"
INVALID = "invalid"
TOO_FEW = "TOO_FEW"  # the code of a Problem
_FEW, _LACKING = 20, 0.005  # records that two counts may hide: made void meanwhile, or a share of all
_NEWEST = (
    20  # records that are asked for the newest change: some may bear a stamp of the future, or an odd one
)
_MOST_PAGES = 5  # of ids that are looked for among the void
_Filter = tuple[str, str, Sequence[Any]]


class _Row(msgspec.Struct, rename={"id": "_id"}):
    id: str
    last_modified_time: Any = None
    life_status: Any = None
    is_deleted: Any = None


class _Data(msgspec.Struct):
    dataList: list[_Row]
    total: Any = None
    totalSize: Any = None  # what one client reads before `total`


class _Reply(msgspec.Struct):
    data: _Data


class _Mark(msgspec.Struct, array_like=True):
    """Where a read goes on: behind which record, what it may promise at its end, and where its window begins, None
    where it reads everything (milliseconds)."""

    after: str
    promise: int | None
    since: int | None = None


@dataclass(frozen=True, slots=True)
class Cut:
    """One page. stamps: those that can be read; void: records that are made void; total: what Fxiaoke counts, 0 where
    it does not."""

    body: bytes
    ids: Sequence[str]
    stamps: Sequence[datetime]
    void: int
    total: int
    redacted: frozenset[str]


def sweep_shape(stream: Stream, found: Reading) -> Shape:
    """Key and stamp. The stamp is a plain field here: one that cannot be read must not cost an id."""
    stamp = (Field(STAMP, FieldType.EPOCH_MS),) if found.shape.stamp else ()
    return Shape(RECORDS, stream.key, None, (Field(stream.key, FieldType.TEXT), *stamp))


def deleted_shape(stream: Stream) -> Shape:
    """Void records: who they were about proves nothing."""
    fields = (Field(stream.key, FieldType.TEXT), Field(STAMP, FieldType.EPOCH_MS))
    return Shape(RECORDS, stream.key, STAMP, fields)


def read_records(
    api: Api, stream: Stream, found: Reading, since: datetime | None, resume: str = ""
) -> Iterator[Page]:
    """Every living record changed at or after `since` (all if None, or where the object has no stamp)."""
    yield from _Walk(api, stream, found, _living(found)).changed(since, _mark_of(resume))


def read_void(
    api: Api, stream: Stream, found: Reading, since: datetime | None, resume: str = ""
) -> Iterator[Page]:
    """Records that were made void (作废) and changed at or after `since`: Fxiaoke's list of deletes."""
    if not found.void:
        return
    walk = _Walk(api, stream, found, _void(found), names=(stream.key, STAMP, found.void), void=True)
    yield from walk.changed(since, _mark_of(resume))


def read_by_ids(api: Api, stream: Stream, found: Reading, ids: Sequence[str]) -> Iterator[Page]:
    """These records as they are now; what is gone or void is left out."""
    walk = _Walk(api, stream, found, _living(found))
    for at in range(0, len(ids), LIMIT):
        cut = walk.page("", more=[(stream.key, "IN", list(ids[at : at + LIMIT]))])
        if cut.ids:
            yield walk.paged(cut, f"{len(ids[at : at + LIMIT])} ids")


def read_sweep(api: Api, stream: Stream, found: Reading) -> Iterator[Page]:
    """The ids of all living records. No page promises anything, and one that ends before Fxiaoke's own count is no
    list."""
    names = (stream.key, STAMP) if found.shape.stamp else (stream.key,)
    walk = _Walk(api, stream, found, _living(found), names=names)
    counted = listed = 0
    held: Page | None = None
    for cut, request in walk.cuts(counted=True):
        counted = counted or cut.total
        listed += len(cut.ids)
        if held:
            yield held
        held = walk.paged(cut, request)
    if counted - listed > max(_FEW, counted * _LACKING):
        raise _too_few(stream, counted, listed)
    if held:
        yield held


def read_totals(
    api: Api, stream: Stream, found: Reading, sums: Sequence[str], after: str, until: str
) -> Totals | Untold:
    """How many living records there are by Fxiaoke's word, with ids behind `after`, up to and with `until`; no sums."""
    walk = _Walk(api, stream, found, _living(found), names=(stream.key,))
    cut = walk.page(after, more=_up_to(until), counted=True, limit=1)
    if cut.ids and not cut.total:
        return Untold("Fxiaoke gives no total of its records")
    return Totals(cut.total, untold="Fxiaoke gives no sums" if sums else "")


def read_listed(
    api: Api, stream: Stream, found: Reading, fields: Sequence[str], after: str, until: str
) -> Listing:
    """Living records of such a range. A short page need not be the last one, an empty one is."""
    names = (stream.key, *((STAMP,) if found.shape.stamp else ()), *fields)
    cut = _Walk(api, stream, found, _living(found), names=names).page(after, more=_up_to(until))
    return Listing(_values(cut.body, fields), ended=not cut.ids or cut.ids[-1] == until)


def read_gone(api: Api, stream: Stream, found: Reading, ids: Collection[str]) -> dict[str, datetime | None]:
    """Those of the ids that are void, with their stamp, which making a record void need not move."""
    if not found.void:
        return {}
    walk = _Walk(api, stream, found, _void(found), names=(stream.key, STAMP, found.void), void=True)
    wanted, there = sorted(ids)[: LIMIT * _MOST_PAGES], dict[str, datetime | None]()
    for at in range(0, len(wanted), LIMIT):
        cut = walk.page("", more=[(stream.key, "IN", wanted[at : at + LIMIT])])
        there |= {one.id: one.stamp for one in _values(cut.body, ())}
    return there


def _up_to(until: str) -> list[_Filter]:
    return [("_id", "LTE", [until])] if until else []


def _values(body: bytes, fields: Sequence[str]) -> list[Listed]:
    rows = json.loads(body, parse_float=Decimal, parse_int=Decimal)["data"]["dataList"]
    return [
        Listed(row["_id"], _moment(row.get(STAMP)), {name: _exact(row.get(name)) for name in fields})
        for row in rows
    ]


def _exact(value: Any) -> Decimal | None:
    """Numbers come as texts, or as JSON's."""
    if isinstance(value, Decimal):
        return value
    try:
        return Decimal(value) if isinstance(value, str) and value else None
    except ArithmeticError:
        return None


class _Walk:
    """One read. names: the fields that are asked for, all if none. void: its records are expected to be void."""

    def __init__(
        self,
        api: Api,
        stream: Stream,
        found: Reading,
        filters: Sequence[_Filter],
        *,
        names: Sequence[str] = (),
        void: bool = False,
    ) -> None:
        self._api, self._name, self._path = api, stream.api_name, query_path(stream.api_name)
        self._filters, self._names, self._void = list(filters), list(names), void
        self._stamped, self._own = found.shape.stamp is not None, found.personal

    def changed(self, since: datetime | None, mark: _Mark | None) -> Iterator[Page]:
        """What changed at or after a moment, or everything; on behind the mark of a read that was stopped."""
        if mark and not self._is_past(_moment(mark.promise)):
            mark = None
        since = _moment(mark.since) if mark else since
        # A cursor that ran ahead has passed over what changed until then: everything is looked at once more.
        if since is None or not self._stamped or not self._is_past(since):
            yield from self._everything(mark)
        else:
            yield from self._window(since, mark)

    def _everything(self, mark: _Mark | None) -> Iterator[Page]:
        promise = _moment(mark.promise) if mark else self._newest(())
        yield from self._promising(promise, None, self.cuts(after=mark.after if mark else ""))

    def _window(self, since: datetime, mark: _Mark | None) -> Iterator[Page]:
        within: list[_Filter] = [(STAMP, "GTE", [_milliseconds(since)])]
        if mark:
            cuts = self.cuts(after=mark.after, more=within)
            yield from self._promising(_moment(mark.promise), since, cuts)
            return
        first = self.page("", more=within)
        # A read of one page is of one moment: it promises what it holds. A longer one is begun anew once the newest
        # change is known, since what it has passed may change while it walks.
        short = len(first.ids) < LIMIT
        promise = self._past(first) if short else self._newest(within)
        yield from self._promising(promise, since, self.cuts(more=within, first=first if short else None))

    def _promising(
        self, promise: datetime | None, since: datetime | None, cuts: Iterator[tuple[Cut, str]]
    ) -> Iterator[Page]:
        """Pages behind which the read can go on; the last one promises."""
        held: tuple[Cut, str] | None = None
        for cut, request in cuts:
            if held:
                yield self.paged(*held, resume=_marked(held[0], promise, since))
            held = cut, request
        if held:
            yield replace(self.paged(*held, watermark=promise), anew=since is None)

    def cuts(
        self,
        *,
        after: str = "",
        more: Sequence[_Filter] = (),
        first: Cut | None = None,
        counted: bool = False,
    ) -> Iterator[tuple[Cut, str]]:
        """Pages up to the empty one, each with what was asked. first: the first page, where it is at hand."""
        cut = first or self.page(after, more=more, counted=counted)
        while cut.ids:
            yield cut, self._asked(after, more)
            after = max(after, cut.ids[-1])
            cut = self.page(after, more=more)

    def page(
        self, after: str, *, more: Sequence[_Filter] = (), counted: bool = False, limit: int = LIMIT
    ) -> Cut:
        """The records beyond `after`."""
        beyond: list[_Filter] = [("_id", "GT", [after])] if after else []
        body = self._body([*self._filters, *more, *beyond], [("_id", True)], self._names, limit, counted)

        def parse(answer: bytes) -> Cut:
            cut = cut_page(answer, self._own)
            if list(cut.ids) != sorted(cut.ids) or (cut.ids and cut.ids[-1] <= after):
                raise BadBody("its records are not in the order of _id that was asked for")
            return cut

        cut = self._api.post(self._path, body, parse)
        if cut.void and not self._void:
            raise _void_among_living(self._name, self._path)
        return cut

    def paged(self, cut: Cut, request: str, *, watermark: datetime | None = None, resume: str = "") -> Page:
        """The page as the contract wants it."""
        return Page(
            cut.body,
            len(cut.ids),
            0,
            f"{self._path} {self._name} {request}",
            watermark,
            resume=resume,
            redacted=cut.redacted,
        )

    def _newest(self, more: Sequence[_Filter]) -> datetime | None:
        """The newest change that there is now."""
        if not self._stamped:
            return None
        body = self._body([*self._filters, *more], [(STAMP, False)], ["_id", STAMP], _NEWEST, counted=False)
        cut = self._api.post(self._path, body, lambda answer: cut_page(answer, None))
        return self._past(cut) or (self._api.clock if cut.stamps else None)

    def _is_past(self, moment: datetime | None) -> bool:
        return moment is None or self._api.by_now(moment)

    def _past(self, cut: Cut) -> datetime | None:
        """The newest change: a stamp of the future would hide every change until then, and promises nothing."""
        return max(filter(self._api.by_now, cut.stamps), default=None)

    def _body(
        self,
        filters: Sequence[_Filter],
        orders: Sequence[tuple[str, bool]],
        names: Sequence[str],
        limit: int,
        counted: bool,
    ) -> dict[str, Any]:
        info: dict[str, Any] = {
            "limit": limit,
            "offset": 0,
            "filters": [{"field_name": f, "operator": o, "field_values": list(v)} for f, o, v in filters],
            "orders": [{"fieldName": name, "isAsc": ascending} for name, ascending in orders],
        }
        if names:
            info["fieldProjection"] = list(names)
        return {
            "data": {
                "dataObjectApiName": self._name,
                "find_explicit_total_num": counted,
                "search_query_info": info,
            }
        }

    def _asked(self, after: str, more: Sequence[_Filter]) -> str:
        conditions = [*self._filters, *more, *([("_id", "GT", [after])] if after else [])]
        return " and ".join(
            f"{field} {operator} {','.join(map(str, v))}" for field, operator, v in conditions
        )


@cache
def _decoder() -> msgspec.json.Decoder[_Reply]:
    return msgspec.json.Decoder(_Reply)


def cut_page(body: bytes, own: frozenset[str] | None) -> Cut:
    """A page, looked into as far as paging needs. own: fields of the records that must go as employees' personal data,
    with what references say of them; None: all of it stays. Raises BadBody."""
    body, redacted = usual(body), frozenset[str]()
    if own is not None:
        body, redacted = without_personal(body, own)
    try:
        reply = _decoder().decode(body)
    except msgspec.DecodeError:
        try:
            reply = _decoder().decode(without_lone_surrogates(body))
        except msgspec.DecodeError as error:
            raise BadBody("it is not a page of records") from error
    rows = reply.data.dataList
    stamps = [moment for row in rows if (moment := _moment(row.last_modified_time))]
    void = sum(row.life_status == INVALID or row.is_deleted in (True, "true") for row in rows)
    counts = (count for count in (reply.data.totalSize, reply.data.total) if isinstance(count, int))
    total = next(counts, 0)
    return Cut(body, [row.id for row in rows], stamps, void, total, redacted)


def _moment(milliseconds: Any) -> datetime | None:
    """None for what is no moment: decoding sets the record aside, and the others are read."""
    try:
        return datetime.fromtimestamp(int(milliseconds) / 1000, UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None


def _milliseconds(moment: datetime) -> str:
    """Cut, never rounded up: the window holds its first moment."""
    whole = moment.astimezone(UTC)
    return str(int(whole.timestamp()) * 1000 + whole.microsecond // 1000)


def _mark_of(resume: str) -> _Mark | None:
    return msgspec.json.decode(resume, type=_Mark) if resume else None


def _marked(cut: Cut, promise: datetime | None, since: datetime | None) -> str:
    stamps = (None if moment is None else int(_milliseconds(moment)) for moment in (promise, since))
    return msgspec.json.encode(_Mark(cut.ids[-1], *stamps)).decode()


def _living(found: Reading) -> list[_Filter]:
    """N also matches what is empty."""
    if not found.void:
        return []
    return [(found.void, "N", [INVALID if found.void == LIFE_STATUS else "true"])]


def _void(found: Reading) -> list[_Filter]:
    return [(found.void, "EQ", [INVALID if found.void == LIFE_STATUS else "true"])]


def _void_among_living(name: str, path: str) -> Problem:
    return Problem(
        f"Fxiaoke gave void records (作废) of {name} where it was asked for living ones",
        do=f"Set FXIAOKE_VOID_FIELD to the field that tells them, {LIFE_STATUS} or {IS_DELETED}; if neither helps, "
        "report it",
        where=f"POST {path}",
        code="VOID_AMONG_LIVING",
    )


def _too_few(stream: Stream, counted: int, listed: int) -> Problem:
    return Problem(
        f"Fxiaoke counts {counted:,} records of {stream.api_name} and gave {listed:,}; none of them is taken for "
        "deleted",
        do="Run the sync again, which reads them anew; if it stays so, tell the vendor's support both numbers",
        actor=Actor.OPERATOR,
        code=TOO_FEW,
        transient=True,
    )
