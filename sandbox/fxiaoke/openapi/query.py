"""What a query asks, and which records that is: filters, orders, limit and offset."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sandbox.fxiaoke.openapi import errors
from sandbox.fxiaoke.openapi.render import Writer
from sandbox.fxiaoke.openapi.schema import FieldFacts, ObjectFacts
from sandbox.fxiaoke.openapi.store import Shown, Store
from sandbox.fxiaoke.openapi.switches import Switches

FURTHEST = 10_000
_NUMERIC = frozenset({"number", "currency", "percentile", "date", "date_time"})
_ID = FieldFacts("_id", "text", "唯一性ID")
_VOID = frozenset({"life_status", "is_deleted"})


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition; all of them must hold."""

    facts: FieldFacts
    operator: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wish:
    """A query, checked. order: (field, ascending)."""

    limit: int
    offset: int
    filters: tuple[Filter, ...]
    orders: tuple[tuple[FieldFacts, bool], ...]
    names: tuple[str, ...]
    counted: bool


def wish_of(data: dict[str, Any], facts: ObjectFacts, switches: Switches) -> Wish:
    """What the `data` of a query asks for. Raises Refusal."""
    info = data.get("search_query_info")
    if not isinstance(info, dict):
        raise errors.bad_parameter("search_query_info")
    limit, offset = info.get("limit", 20), info.get("offset", 0)
    if type(limit) is not int or not 1 <= limit <= switches.page:
        raise errors.bad_parameter("limit")
    if type(offset) is not int or offset < 0:
        raise errors.bad_parameter("offset")
    if offset > FURTHEST:
        raise errors.too_far()
    if offset % limit:
        raise errors.bad_parameter("offset")
    return Wish(
        limit,
        offset,
        tuple(_filter(one, facts) for one in info.get("filters") or ()),
        tuple(_order(one, facts) for one in info.get("orders") or ()),
        tuple(info.get("fieldProjection") or ()),
        bool(data.get("find_explicit_total_num", True)) and switches.totals,
    )


def _filter(one: Any, facts: ObjectFacts) -> Filter:
    if not isinstance(one, dict) or not isinstance(one.get("field_values"), list):
        raise errors.bad_parameter("filters")
    operator = one.get("operator")
    if operator not in _TESTS:
        raise errors.bad_parameter("operator")
    values = tuple(_text(value) for value in one["field_values"])
    return Filter(_field(one.get("field_name"), facts), operator, values)


def _order(one: Any, facts: ObjectFacts) -> tuple[FieldFacts, bool]:
    if not isinstance(one, dict):
        raise errors.bad_parameter("orders")
    return _field(one.get("fieldName"), facts), str(one.get("isAsc", True)).lower() != "false"


def _field(name: Any, facts: ObjectFacts) -> FieldFacts:
    found = _ID if name == "_id" else facts.fields.get(name)
    if found is None:
        raise errors.bad_parameter(f"field {name}")
    return found


def _text(value: Any) -> str:
    """Clients send texts, numbers and booleans."""
    return str(value).lower() if isinstance(value, bool) else str(value)


class Query:
    """Finds the records of a wish."""

    def __init__(
        self, store: Store, facts: ObjectFacts, wish: Wish, writer: Writer, switches: Switches
    ) -> None:
        self._store, self._facts, self._wish, self._writer = store, facts, wish, writer
        self._switches = switches

    def page(self) -> tuple[list[Shown], int]:
        """The rows of the page, and how many there are in all (0 where that was not counted)."""
        wish = self._wish
        most = min(wish.limit, self._switches.short_page or wish.limit)
        by_id = [(facts.name, ascending) for facts, ascending in wish.orders] == [("_id", True)]
        if by_id and not wish.counted:
            return _some(self._matching(), wish.offset, most), 0
        rows = list(self._matching())
        for facts, ascending in reversed(wish.orders or ((self._facts.fields["last_modified_time"], False),)):
            rows.sort(key=lambda shown, facts=facts: self._rank(facts, shown), reverse=not ascending)
        return rows[wish.offset : wish.offset + most], len(rows) if wish.counted else 0

    def _matching(self) -> Iterator[Shown]:
        """In the order of `_id`."""
        ids, wish = self._store.ids(self._facts), self._wish
        beyond = [f.values[0] for f in wish.filters if f.facts.name == "_id" and f.operator == "GT"]
        if self._facts.api_name in self._switches.unshared:
            return
        unseen = frozenset(self._switches.unseen)
        hides = not self._switches.invalid_shown and not any(f.facts.name in _VOID for f in wish.filters)
        for at in range(bisect_right(ids, max(beyond)) if beyond else 0, len(ids)):
            shown = self._store.shown(self._facts, ids[at])
            if ids[at] in unseen:
                continue
            if hides and shown.invalid is not None:
                continue
            if all(self._holds(f, shown) for f in wish.filters):
                yield shown

    def _rank(self, facts: FieldFacts, shown: Shown) -> tuple[int, float, str]:
        value = shown.row.id if facts is _ID else self._writer.value(facts, shown)
        if value is None:
            return (0, 0.0, "")
        return (1, float(value), "") if facts.type in _NUMERIC else (1, 0.0, _text(value))

    def _holds(self, one: Filter, shown: Shown) -> bool:
        value = shown.row.id if one.facts is _ID else self._writer.value(one.facts, shown)
        there = (
            [_text(v) for v in value] if isinstance(value, list) else [] if value is None else [_text(value)]
        )
        read: Callable[[str], Any] = float if one.facts.type in _NUMERIC else str
        try:
            found, asked = [read(v) for v in there], [read(v) for v in one.values]
        except ValueError as error:
            raise errors.bad_parameter(f"field_values of {one.facts.name}") from error
        if one.operator in ("BETWEEN", "NBETWEEN") and len(asked) != 2:
            raise errors.bad_parameter(one.operator)
        if one.operator in ("GT", "GTE", "LT", "LTE", "EQ") and not asked:
            raise errors.bad_parameter(one.operator)
        inclusive = self._switches.between
        return _TESTS[one.operator](found, asked, inclusive)


def _some(rows: Iterator[Shown], skip: int, most: int) -> list[Shown]:
    found: list[Shown] = []
    for position, shown in enumerate(rows):
        if position >= skip:
            found.append(shown)
        if len(found) == most:
            break
    return found


def _inside(found: list[Any], asked: list[Any], inclusive: bool) -> bool:
    low, high = asked
    return any(low <= v <= high if inclusive else low < v < high for v in found)


_Test = Callable[[list[Any], list[Any], bool], bool]
_TESTS: dict[str, _Test] = {
    "EQ": lambda found, asked, _: asked[0] in found,
    "N": lambda found, asked, _: not set(found) & set(asked),  # also what is empty
    "GT": lambda found, asked, _: any(v > asked[0] for v in found),
    "GTE": lambda found, asked, _: any(v >= asked[0] for v in found),
    "LT": lambda found, asked, _: any(v < asked[0] for v in found),
    "LTE": lambda found, asked, _: any(v <= asked[0] for v in found),
    "LIKE": lambda found, asked, _: any(str(a) in str(v) for v in found for a in asked),
    "NLIKE": lambda found, asked, _: not any(str(a) in str(v) for v in found for a in asked),
    "IS": lambda found, asked, _: not found,
    "ISN": lambda found, asked, _: bool(found),
    "IN": lambda found, asked, _: bool(set(found) & set(asked)),
    "NIN": lambda found, asked, _: not set(found) & set(asked),
    "BETWEEN": _inside,
    "NBETWEEN": lambda found, asked, inclusive: not _inside(found, asked, inclusive),
    "STARTWITH": lambda found, asked, _: any(str(v).startswith(str(asked[0])) for v in found),
    "ENDWITH": lambda found, asked, _: any(str(v).endswith(str(asked[0])) for v in found),
    "CONTAINS": lambda found, asked, _: set(asked) <= set(found),
    "HASANYOF": lambda found, asked, _: bool(set(found) & set(asked)),
    "NHASANYOF": lambda found, asked, _: not set(found) & set(asked),
}
