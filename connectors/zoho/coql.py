"""COQL: Zoho's query language, used where a query reads more at a call than a list does.

https://www.zoho.com/crm/developer/docs/api/v8/COQL-Overview.html and COQL-Limitations.html: WHERE is a must, a
call gives at most 2,000 rows for 1 (up to 200 rows), 2 (up to 1,000) or 3 credits and counts in the
sub-concurrency; beyond 100,000 rows only a key set (`id > last`) goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from connectors.core.errors import Problem
from connectors.core.http import BadBody
from connectors.zoho.api import VERSION, Api
from connectors.zoho.cut import Cut, cutter

PATH = f"{VERSION}coql"
MOST_ROWS = 2_000
_FEWER_ROWS = 200  # one of Zoho's own descriptions stops here
_CREDITS = ((200, 1), (1_000, 2), (MOST_ROWS, 3))


def credits_of(rows: int) -> int:
    """What a query with this LIMIT costs."""
    return next(credits for most, credits in _CREDITS if rows <= most)


def walk_ids(
    api: Api, module: str, columns: Sequence[str], stamp: str | None, *, after: int = 0
) -> Iterator[tuple[str, Cut]]:
    """(query, page) over all records of a module in the order of their ids, from behind `after`.

    A record that is made, changed or deleted meanwhile moves no other across a page border. Raises Problem.
    """
    cut_page, rows, last = cutter("data", stamp), MOST_ROWS, after
    while True:
        condition = f"id > '{last}'" if last else "id is not null"
        query = f"select {', '.join(columns)} from {module} where {condition} order by id asc limit 0, {rows}"
        parse = partial(_behind, cut_page, last)
        try:
            cut = api.post(PATH, {"select_query": query}, parse, credits=credits_of(rows), sub=True)
        except Problem as problem:
            if problem.code != "LIMIT_EXCEEDED" or rows == _FEWER_ROWS:
                raise
            rows = _FEWER_ROWS
            continue
        if cut is None:
            return
        yield query, cut
        if not cut.more:
            return
        last = max(map(int, cut.versions))


def _behind(cut_page: Callable[[bytes], Cut], last: int, body: bytes) -> Cut:
    """The page that follows `last`. Raises BadBody when its records do not: the walk would not end."""
    cut = cut_page(body)
    if any(int(id) <= last for id in cut.versions):
        raise BadBody("its records do not lie behind those of the page before")
    return cut
