"""What Zoho itself counts and sums, and short lists by ranges of ids: what our tables are held against.

By COQL: 1 credit for all totals of a range, 3 for a list of 2,000 records. How the columns of aggregates are called is
shown in two ways there, so they are found by kind. Where COQL does not answer, `actions/count` tells the rows for 50
credits, once a day. https://www.zoho.com/crm/developer/docs/api/v8/COQL-Overview.html, …/get-record-count.html
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from connectors.core.contract import Listed, Listing, Page, Stream, Totals, Untold
from connectors.core.errors import Problem
from connectors.core.http import BadBody
from connectors.core.private import write_private
from connectors.zoho.api import Api
from connectors.zoho.coql import MOST_ROWS, PATH, Range, credits_of
from connectors.zoho.errors import NO_CREDITS, RESERVE_REACHED

COUNT_CREDITS = 50
_MOST_SUMS = 4  # a query has at most five aggregates, and one of them counts
_DAY = 86_400.0
_MOST_DELETED_PAGES = 5
_SHORT = frozenset({RESERVE_REACHED.code, NO_CREDITS.code})
_WORD = re.compile(r"[a-z0-9]+")


class Counter:
    """Asks one organisation; thread-safe. memory: where is kept when a module was last counted for 50 credits."""

    def __init__(self, api: Api, memory: Path, *, now: Callable[[], float] = time.time) -> None:
        self._api, self._memory, self._now = api, memory, now
        self._lock = threading.Lock()
        self._refused: dict[str, str] = {}  # module → why COQL does not serve it
        self._unsummed: dict[str, str] = {}  # module → why COQL does not sum its fields

    def totals(self, stream: Stream, sums: Sequence[str], after: str, until: str) -> Totals | Untold:
        """See `Source.totals`."""
        ids, module = range_of(after, until), stream.api_name
        try:
            found = self._asked(module, list(sums)[:_MOST_SUMS], ids)
        except Problem as problem:
            if problem.code in _SHORT:
                return Untold(problem.what)
            if problem.transient:
                raise
            self._refused[module] = problem.code
            found = None
        if found is not None:
            return found
        why = f"COQL gives no count of {module} ({self._refused.get(module, 'its answer is none')})"
        return Untold(why) if after or until else self._counted(stream, why)

    def listed(
        self, stream: Stream, fields: Sequence[str], stamp: str | None, after: str, until: str
    ) -> Listing:
        """See `Source.listed`."""
        ids, names = (
            range_of(after, until),
            list(dict.fromkeys([stream.key, *([stamp] if stamp else ()), *fields])),
        )
        query = f"select {', '.join(names)} from {stream.api_name} where {ids} order by id asc limit 0, {MOST_ROWS}"

        def parse(body: bytes) -> Listing:
            return _listing(body, stream.key, stamp, fields)

        cost = credits_of(MOST_ROWS)
        found = self._api.post(PATH, {"select_query": query}, parse, credits=cost, sub=True)
        return found or Listing((), ended=True)

    def _asked(self, module: str, sums: Sequence[str], ids: Range) -> Totals | None:
        """By COQL; None where it is known not to count, or its answer cannot be read. Raises Problem."""
        if module in self._refused:
            return None
        summed = () if module in self._unsummed else sums
        try:
            return self._query(module, summed, ids)
        except Problem as problem:
            if not summed or problem.transient or problem.code in _SHORT:
                raise
            self._unsummed[module] = (
                problem.code
            )  # one of the fields is no number to it: rows are worth knowing
        return self._query(module, (), ids)

    def _query(self, module: str, sums: Sequence[str], ids: Range) -> Totals | None:
        asked = ", ".join(["COUNT(id)", *(f"SUM({name})" for name in sums)])
        query = f"select {asked} from {module} where {ids} limit 0, 1"

        def parse(body: bytes) -> Totals | None:
            return totals_in(body, sums)

        found = self._api.post(PATH, {"select_query": query}, parse, sub=True)
        if found is not None and module in self._unsummed:
            return Totals(found.rows, untold=f"COQL does not sum its fields ({self._unsummed[module]})")
        return found

    def _counted(self, stream: Stream, why: str) -> Totals | Untold:
        """For 50 credits, once a day."""
        with self._lock:
            last = self._last()
            if self._now() - last.get(stream.api_name, 0.0) < _DAY:
                return Untold(f"{why}, and for {COUNT_CREDITS} credits it is counted once a day")
            try:
                rows = self._api.get(
                    f"{stream.api_name}/actions/count",
                    {k: str(v) for k, v in stream.options.get("params", {}).items()},
                    _count,
                    credits=COUNT_CREDITS,
                )
            except Problem as problem:
                if problem.transient and problem.code not in _SHORT:
                    raise
                return Untold(f"{why}, and a count for {COUNT_CREDITS} credits was not had: {problem.what}")
            write_private(self._memory, {**last, stream.api_name: self._now()})
        if rows is None:
            return Untold(f"{why}, and Zoho's own count of records says nothing")
        return Totals(rows, untold=f"{why}, and a count of records has no sums")

    def _last(self) -> dict[str, float]:
        try:
            return msgspec.json.decode(self._memory.read_bytes(), type=dict[str, float])
        except (FileNotFoundError, msgspec.DecodeError):
            return {}


def deleted_among(pages: Iterable[Page], ids: Collection[str]) -> dict[str, datetime | None]:
    """Those of the ids that the first pages of a deleted list name, with the time."""
    found: dict[str, datetime | None] = {}
    for page in islice(pages, _MOST_DELETED_PAGES):
        rows = msgspec.json.decode(page.body)["data"] if isinstance(page.body, bytes) else ()
        found |= {row["id"]: _moment(row.get("deleted_time")) for row in rows if row["id"] in ids}
        if len(found) == len(ids):
            break
    return found


def range_of(after: str, until: str) -> Range:
    """A range of ids as COQL asks for it."""
    return Range(int(after or 0), int(until) if until else None)


def totals_in(body: bytes, sums: Sequence[str]) -> Totals | None:
    """The one row of an answer; None where it cannot be told what is what. A number is read as its text says.

    An aggregate is told by its column's words: COUNT(id), count, Count_id; SUM(Amount), sum, Amount. A sum of nothing
    is null.
    """
    try:
        (row,) = json.loads(body, parse_float=Decimal, parse_int=Decimal)["data"]
        cells = {
            frozenset(_WORD.findall(name.lower().replace("_", " "))): value for name, value in row.items()
        }
        counts = [v for words, v in cells.items() if "count" in words] or list(cells.values()) * (
            len(cells) == 1
        )
        (rows,) = counts
        found = {name: _sum(cells, name, alone=len(sums) == 1) for name in sums}
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    if not isinstance(rows, Decimal) or rows != rows.to_integral_value() or rows < 0:
        return None
    told = {name: value for name, value in found.items() if value is not None}
    unread = [name for name in sums if name not in told]
    return Totals(
        int(rows), told, f"COQL's answer does not tell the sum of {', '.join(unread)}" if unread else ""
    )


def _sum(cells: Mapping[frozenset[str], Any], name: str, *, alone: bool) -> Decimal | None:
    own = frozenset(_WORD.findall(name.lower().replace("_", " ")))
    named = [value for words, value in cells.items() if own <= words and "count" not in words]
    exact = [value for words, value in cells.items() if words in (own, own | {"sum"})]
    bare = [value for words, value in cells.items() if words == {"sum"}] if alone else []
    candidates = exact or named or bare
    if len(candidates) != 1:
        return None
    value = Decimal(0) if candidates[0] is None else candidates[0]
    return value if isinstance(value, Decimal) else _exact(value)


def _listing(body: bytes, key: str, stamp: str | None, fields: Iterable[str]) -> Listing:
    try:
        page = json.loads(body, parse_float=Decimal, parse_int=Decimal)
        records = [
            Listed(str(row[key]), _moment(row.get(stamp)), {name: _exact(row.get(name)) for name in fields})
            for row in page["data"]
        ]
        return Listing(records, ended=not page["info"]["more_records"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadBody("it is not a list of records") from error


def _moment(text: Any) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


def _exact(value: Any) -> Decimal | None:
    """A number as it was written; some organisations send one as a text."""
    if isinstance(value, Decimal) or value is None:
        return value
    try:
        return Decimal(str(value))
    except ArithmeticError:
        return None


def _count(body: bytes) -> int | None:
    try:
        found = msgspec.json.decode(body)["count"]
    except (msgspec.DecodeError, KeyError, TypeError):
        return None
    return found if isinstance(found, int) and not isinstance(found, bool) else None
