"""How to read a whole module: by records, by COQL or by Bulk Read, and what each is expected to cost.

Costs: https://www.zoho.com/crm/developer/docs/api/v8/api-limits.html. Times are rules of thumb from public
measurements (a list call half a second, a bulk job about four seconds of its own beside queue and download);
the manifest of each package tells the actual ones.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from connectors.core.contract import FieldType, Stream
from connectors.core.errors import Problem
from connectors.zoho.fields import PER_CALL, Reading

SETTING = "ZOHO_FULL_READ"
_AUTO = "auto"
# Records alone carry the names of lookups surely, so the others must be worth it.
_WORTH = 50  # credits


class Way(StrEnum):
    """A way to read all records of a module."""

    RECORDS = "records"
    COQL = "coql"
    BULK = "bulk"


@dataclass(frozen=True, slots=True)
class _Cost:
    rows: int  # a call or job
    credits: int
    calls: int
    seconds: float


_COSTS = {
    Way.RECORDS: _Cost(200, 1, 1, 0.5),
    Way.COQL: _Cost(2_000, 3, 1, 1.0),
    Way.BULK: _Cost(200_000, 50, 6, 15.0),
}


@dataclass(frozen=True, slots=True)
class Plan:
    """What a full read is expected to take. closed: why the other ways are not open."""

    way: Way
    rows: int
    calls: int
    credits: int
    minutes: float
    closed: Mapping[Way, str]

    def __str__(self) -> str:
        barred = "".join(f"; no {way}: {why}" for way, why in self.closed.items())
        return (
            f"{self.rows:,} rows by {self.way}: about {self.calls:,} calls, {self.credits:,} credits, "
            f"{self.minutes:.1f} minutes{barred}"
        )


def wish_of(values: Mapping[str, str]) -> Way | None:
    """The way that the settings ask for; None: the cheapest. Raises Problem."""
    text = (values.get(SETTING) or _AUTO).strip().lower()
    if text == _AUTO:
        return None
    if text not in tuple(Way):
        raise Problem(f"the setting {SETTING} is wrong", do=f"set it to {_AUTO}, {', '.join(Way)}")
    return Way(text)


def plan(stream: Stream, reading: Reading, rows: int, wish: Way | None = None) -> Plan:
    """The cheapest open way in credits, unless it saves too little; `wish` where it is open."""
    closed = _closed(stream, reading)
    plans = {way: _estimate(way, rows, reading.parts, closed) for way in Way if way not in closed}
    if wish in plans:
        return plans[wish]
    best = min(plans.values(), key=lambda p: (p.credits, p.minutes))
    records = plans[Way.RECORDS]
    return best if records.credits - best.credits >= _WORTH else records


def without(found: Plan, way: Way, why: str, stream: Stream, reading: Reading) -> Plan:
    """The next best plan when a way has turned out to be closed."""
    closed = {**_closed(stream, reading), **found.closed, way: why}
    open_ways = [w for w in Way if w not in closed]
    return min(
        (_estimate(w, found.rows, reading.parts, closed) for w in open_ways),
        key=lambda p: (p.credits, p.minutes),
    )


def _closed(stream: Stream, reading: Reading) -> dict[Way, str]:
    closed: dict[Way, str] = {}
    names = {name for chunk in reading.chunks for name in chunk}
    if why := stream.options.get("no_bulk"):
        closed[Way.BULK] = str(why)
    elif odd := sorted(
        f.name for f in reading.shape.fields if f.name in names and _uncarried(f.name, reading)
    ):
        closed[Way.BULK] = f"its files do not carry {', '.join(odd[:3])} as lists do"
        closed[Way.COQL] = f"it does not carry {', '.join(odd[:3])} as lists do"
    if reading.rich:
        closed |= dict.fromkeys((Way.BULK, Way.COQL), f"they may cut {', '.join(reading.rich[:3])}")
    if len(names) >= PER_CALL:
        closed[Way.COQL] = f"a query names at most {PER_CALL} fields"
    if reading.shape.stamp is None:
        closed |= dict.fromkeys((Way.BULK, Way.COQL), "no stamp says what was read")
    return closed


def _uncarried(name: str, reading: Reading) -> bool:
    field = next(f for f in reading.shape.fields if f.name == name)
    return field.type is FieldType.JSON and name not in reading.lists


def _estimate(way: Way, rows: int, parts: int, closed: Mapping[Way, str]) -> Plan:
    cost = _COSTS[way]
    units = max(1, math.ceil(rows / cost.rows))
    if way is Way.RECORDS:  # what follows a page is read by ids, 100 at a call
        units += (parts - 1) * math.ceil(rows / 100)
    seconds = units * cost.seconds
    return Plan(way, rows, units * cost.calls, units * cost.credits, seconds / 60, dict(closed))
