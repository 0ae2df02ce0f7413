"""Field values as something that can be compared: what criteria and queries are made of."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from sandbox.company import clock
from sandbox.serving.rows import Served
from sandbox.zoho.schema import LOOKUPS, FieldFacts
from sandbox.zoho.store import Store

STAMPS = {"Created_Time": "created", "created_time": "created", "Modified_Time": "modified"}
ACTORS = {"Created_By": "created_by", "Modified_By": "modified_by"}
_NUMBERS = frozenset({"integer", "percent", "double", "currency", "formula", "rollup_summary"})
ID_LENGTH = 18
Get = Callable[[Served], Any]
_moment = lru_cache(maxsize=65_536)(clock.parse)


def reader(store: Store, facts: FieldFacts) -> Get:
    """A function that gives a row's value: times in seconds, lookups as ids, the rest plain; None is empty."""
    name = facts.name
    if name == "id":
        return lambda row: row.id
    if name in STAMPS:
        attribute = STAMPS[name]
        return lambda row: getattr(row, attribute)
    if name in ACTORS:
        attribute = ACTORS[name]
        return lambda row: getattr(row, attribute) or None
    if facts.type in LOOKUPS:
        there = store.there(facts.target or "users")
        return lambda row: id if (id := row.values.get(name)) in there else None
    if facts.type == "boolean":
        return lambda row: bool(row.values.get(name))
    if facts.type == "datetime":
        return lambda row: _moment(text) if (text := row.values.get(name)) else None
    return lambda row: row.values.get(name)


def literal(facts: FieldFacts, value: Any) -> Any:
    """A value of a criterion in the field's terms, as `reader` gives them. Raises ValueError."""
    if isinstance(value, list):
        return [literal(facts, each) for each in value]
    if facts.name == "id":
        return str(value).zfill(ID_LENGTH)
    if facts.name in STAMPS or facts.type == "datetime":
        return clock.parse(str(value))
    if facts.type in _NUMBERS:
        return float(value)
    if facts.type == "boolean":
        if str(value).lower() not in ("true", "false"):
            raise ValueError(f"{value!r} is no boolean")
        return str(value).lower() == "true"
    if facts.type in LOOKUPS and isinstance(value, dict):
        return str(value.get("id"))
    return str(value)


def _has(value: Any, wanted: str) -> bool:
    return wanted in value if isinstance(value, list) else wanted.lower() in str(value).lower()


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda value, wanted: wanted in value if isinstance(value, list) else value == wanted,
    "!=": lambda value, wanted: value != wanted,
    ">": lambda value, wanted: value > wanted,
    ">=": lambda value, wanted: value >= wanted,
    "<": lambda value, wanted: value < wanted,
    "<=": lambda value, wanted: value <= wanted,
    "in": lambda value, wanted: value in wanted,
    "not in": lambda value, wanted: value not in wanted,
    "between": lambda value, wanted: wanted[0] <= value <= wanted[1],
    "not between": lambda value, wanted: not wanted[0] <= value <= wanted[1],
    "contains": _has,
    "starts with": lambda value, wanted: str(value).lower().startswith(wanted.lower()),
    "ends with": lambda value, wanted: str(value).lower().endswith(wanted.lower()),
}


def test(get: Get, operator: str, wanted: Any) -> Callable[[Served], bool]:
    """A condition on a row. An empty value meets `is null` only, as in SQL."""
    if operator == "is null":
        return lambda row: get(row) is None
    if operator == "is not null":
        return lambda row: get(row) is not None
    compare = _COMPARE[operator]
    return lambda row: (value := get(row)) is not None and compare(value, wanted)
