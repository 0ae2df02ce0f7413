"""COQL: Zoho's query language, used where a query reads more at a call than a list does.

https://www.zoho.com/crm/developer/docs/api/v8/COQL-Overview.html and COQL-Limitations.html: WHERE is a must, a
call gives at most 2,000 rows for 1 (up to 200 rows), 2 (up to 1,000) or 3 credits and counts in the
sub-concurrency; beyond 100,000 rows only a key set (`id > last`) goes on. Ranges of ids can be read side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice

from connectors.core.errors import Problem
from connectors.core.http import BadBody
from connectors.zoho.api import VERSION, Api
from connectors.zoho.cut import Cut, cutter

PATH = f"{VERSION}coql"
MOST_ROWS = 2_000
_FEWER_ROWS = 200  # one of Zoho's own descriptions stops here
_SIDE_BY_SIDE = 10  # calls of this kind at once; the limiter of the organisation may allow fewer
_ROWS_PER_RANGE, _MOST_RANGES = 20_000, 40
_CREDITS = ((200, 1), (1_000, 2), (MOST_ROWS, 3))


def credits_of(rows: int) -> int:
    """What a query with this LIMIT costs."""
    return next(credits for most, credits in _CREDITS if rows <= most)


@dataclass(frozen=True, slots=True)
class Range:
    """Ids behind `after`, up to and with `until`; None: without end, for records made meanwhile."""

    after: int = 0
    until: int | None = None

    def __str__(self) -> str:
        ends = [f"id > '{self.after}'"] if self.after else []
        ends += [f"id <= '{self.until}'"] if self.until is not None else []
        return " and ".join(ends) or "id is not null"


def walk_ids(api: Api, module: str, columns: Sequence[str], stamp: str | None) -> Iterator[tuple[str, Cut]]:
    """(query, page) over all records of a module in the order of their ids.

    A record that is made, changed or deleted meanwhile moves no other across a page border. Raises Problem.
    """
    ask = _Asker(api, module, columns, stamp)
    onward: Range | None = Range()
    while onward and (found := ask(onward)):
        query, cut, onward = found
        yield query, cut


def walk_ranges(
    api: Api, module: str, columns: Sequence[str], stamp: str | None, ranges: Sequence[Range]
) -> Iterator[tuple[str, Cut, list[Range]]]:
    """(query, page, what is left to read behind it) of all ranges side by side, as pages come in. Raises Problem.

    A page is held back until there is another: nothing is left behind the last one, though an empty range may end
    after it.
    """
    ask, left = _Asker(api, module, columns, stamp), dict(enumerate(ranges))
    waiting = iter(list(left))
    with ThreadPoolExecutor(_SIDE_BY_SIDE, thread_name_prefix="coql") as pool:
        running: dict[Future[_Found | None], int] = {}
        held: tuple[str, Cut, list[Range]] | None = None

        def start(place: int) -> None:
            running[pool.submit(copy_context().run, ask, left[place])] = place

        for place in islice(waiting, _SIDE_BY_SIDE):
            start(place)
        try:
            while running:
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    place, found = running.pop(future), future.result()
                    onward = found[2] if found else None
                    if onward:
                        left[place] = onward
                        start(place)
                    else:
                        del left[place]
                        if (following := next(waiting, None)) is not None:
                            start(following)
                    if found:
                        if held:
                            yield held
                        held = (*found[:2], list(left.values()))
            if held:
                yield held[0], held[1], []
        finally:
            for future in running:
                future.cancel()


def borders(api: Api, module: str, rows: int) -> list[Range]:
    """All ids as ranges of about equal width, one for so many rows; ids grow with time, so most hold alike many."""
    count = min(_MOST_RANGES, rows // _ROWS_PER_RANGE)
    if count < 2:
        return [Range()]
    low, high = (_outermost(api, module, order) for order in ("asc", "desc"))
    if low is None or high is None or high - low < count:
        return [Range()]
    cuts = [low + (high - low) * place // count for place in range(1, count)]
    return [Range(after, until) for after, until in zip([0, *cuts], [*cuts, None], strict=True)]


_Found = tuple[str, Cut, Range | None]


class _Asker:
    """Reads the first page of a range; from several threads."""

    def __init__(self, api: Api, module: str, columns: Sequence[str], stamp: str | None) -> None:
        self._api, self._module, self._columns = api, module, columns
        self._cut, self._rows = cutter("data", stamp), MOST_ROWS

    def __call__(self, ids: Range) -> _Found | None:
        """(query, page, the rest of the range or None); None where the range holds nothing."""
        while True:
            rows = self._rows
            query = f"select {', '.join(self._columns)} from {self._module} where {ids} order by id asc limit 0, {rows}"
            parse = partial(_inside, self._cut, ids)
            try:
                cut = self._api.post(PATH, {"select_query": query}, parse, credits=credits_of(rows), sub=True)
            except Problem as problem:
                if problem.code != "LIMIT_EXCEEDED" or rows == _FEWER_ROWS:
                    raise
                self._rows = _FEWER_ROWS
                continue
            if cut is None:
                return None
            return query, cut, replace(ids, after=max(map(int, cut.versions))) if cut.more else None


def _outermost(api: Api, module: str, order: str) -> int | None:
    query = f"select id from {module} where id is not null order by id {order} limit 0, 1"
    cut = api.post(PATH, {"select_query": query}, cutter("data", None), credits=1, sub=True)
    return int(next(iter(cut.versions))) if cut else None


def _inside(cut_page: Callable[[bytes], Cut], ids: Range, body: bytes) -> Cut:
    """The first page of a range. Raises BadBody when its records do not lie in it: the walk would not end."""
    cut = cut_page(body)
    if any(int(id) <= ids.after or (ids.until is not None and int(id) > ids.until) for id in cut.versions):
        raise BadBody("its records do not lie in the range that was asked for")
    return cut
