"""What somebody who only polls the CRM can have seen, from the sandbox's truth at each sync; and whether the
warehouse's history says exactly that.

A sight is what one attempt to sync could see of a record: it was read, it stood on the deleted list, a sweep listed
it. Sights of a sync that failed or was killed may have been taken over, now or when the next sync goes on; those of
a sync that succeeded must have been. A row of history is a sight that was news.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

Content = Mapping[str, Any]
NUMBER = "Own_integer_"  # fields of this name were whole numbers when they were added, whatever they became


class What(StrEnum):
    """What a sight says."""

    READ = "read"
    GONE = "on the deleted list"
    LISTED = "listed by a sweep"


@dataclass(frozen=True)
class Sight:
    """content: of a record that was read. must: a sync that succeeded cannot have missed it."""

    what: What
    must: bool
    content: Content | None = None
    types: Content = field(default_factory=dict)


@dataclass(frozen=True)
class Version:
    """One row of history. types: of numbers that may have been turned (the same value in another type is news)."""

    content: Content
    alive: bool
    types: Content = field(default_factory=dict)


@dataclass(frozen=True)
class Snapshot:
    """The truth about one module at an attempt, as far as the user of the API may see it. gone: id → when it was
    deleted, of those on the CRM's list. types: api name → type. stamp_in: the field that says when a record changed.
    maybe: ids on the list of which a look at its end need not learn."""

    records: Mapping[str, Content]
    gone: Mapping[str, datetime]
    types: Mapping[str, str]
    stamp_in: str
    maybe: frozenset[str] = frozenset()

    def stamp(self, id: str) -> datetime:
        """When the record says that it was changed."""
        return self.records[id][self.stamp_in]

    def lists(self, id: str) -> bool:
        """Whether the CRM's list of deleted records surely tells of this one."""
        return id in self.gone and id not in self.maybe

    def turned(self, id: str) -> Content:
        """The types of the record's numbers that may be turned."""
        names = self.records[id].keys()
        return {name: kind for name, kind in self.types.items() if name.startswith(NUMBER) and name in names}


@dataclass(frozen=True)
class Attempt:
    """What a sync set out to do with a module. ok: it succeeded. after: the truth when it ended, where something
    happened while it read."""

    truth: Snapshot
    ok: bool
    full: bool = False
    sweep: bool = False
    after: Snapshot | None = None


def plain(name: str, value: Any) -> Any:
    """A value of the truth or of the warehouse as something that compares: references as ids, numbers as decimals."""
    match value:
        case None | "" | []:
            return None
        case dict():
            return value["id"]
        case bool():
            return value
        case int() | float() | Decimal():
            return Decimal(str(value)).normalize()
        case datetime():
            return value.astimezone(UTC)
        case list():
            return tuple(value)
        case str() if name.startswith(NUMBER):
            try:
                return Decimal(value).normalize()
            except InvalidOperation:
                return value
        case str() if value.startswith('["'):
            return tuple(json.loads(value))
        case str() if value.startswith('[{"id":'):
            return tuple(one["id"] for one in json.loads(value))
    return value


def filled(record: Mapping[str, Any], ticks: Iterable[str] = ()) -> Content:
    """The record's values that are not empty. ticks: its checkboxes, which are never empty."""
    found = {name: plain(name, value) for name, value in record.items()}
    found |= {name: bool(found.get(name)) for name in ticks}
    return {name: value for name, value in found.items() if value is not None}


class Observer:
    """Follows one module through the attempts to sync it. overlap: how far back each poll looks."""

    def __init__(self, overlap: timedelta) -> None:
        self._overlap = overlap
        self._last: dict[str, Version] = {}
        self._told: dict[str, int] = defaultdict(int)  # rows of history that are explained
        self._open: dict[str, list[Sight]] = defaultdict(list)  # what failed attempts may have seen
        self._cursor: datetime | None = None  # no attempt can have come further
        self.gone_at: dict[str, set[datetime]] = defaultdict(set)

    def polled(self, stamp: datetime) -> bool:
        """Whether the next poll surely reads what carries this stamp."""
        return self._cursor is None or stamp >= self._cursor - self._overlap

    def observe(self, attempt: Attempt, history: Mapping[str, Sequence[Version]]) -> list[str]:
        """What is wrong with the history after this attempt, a sentence each."""
        wrong = []
        for id in sorted(self._ids(attempt) | history.keys()):
            new, sure = self._sights(attempt, id)
            sights = [*self._open[id], *new]
            rows = list(history.get(id, ()))[self._told[id] :]
            if not explained(self._last.get(id), rows, sights):
                wrong.append(f"{id}: {told(self._last.get(id), rows, sights)}")
            if attempt.ok and sure:
                self._settle(id, rows, new)
            else:
                self._open[id] = [replace(sight, must=False) for sight in sights]
        for truth in filter(None, (attempt.truth, attempt.after)):
            stamps = [truth.stamp(id) for id in truth.records]
            self._cursor = max([*stamps, *([self._cursor] if self._cursor else [])], default=None)
            for id, moment in truth.gone.items():
                self.gone_at[id].add(moment)
        return wrong

    def _ids(self, attempt: Attempt) -> set[str]:
        found: set[str] = set()
        for truth in filter(None, (attempt.truth, attempt.after)):
            found |= truth.records.keys() | truth.gone.keys()
        return found

    def _settle(self, id: str, rows: Sequence[Version], sights: Sequence[Sight]) -> None:
        """The sync was whole: nothing of what was seen before can come later."""
        self._open[id] = []
        self._told[id] += len(rows)
        version = rows[-1] if rows else self._last.get(id)
        if version is not None:
            read = next((sight for sight in sights if sight.must and sight.what is What.READ), None)
            self._last[id] = replace(version, types=read.types) if read else version

    def _sights(self, attempt: Attempt, id: str) -> tuple[list[Sight], bool]:
        """What the attempt sees of a record, and whether that is sure: of one that changed meanwhile it may see
        either and need see neither."""
        first = self._seen(attempt, attempt.truth, id)
        then = self._seen(attempt, attempt.after, id) if attempt.after else first
        if first == then:
            return first, True
        # The read, the deleted list and the sweep each meet the one or the other.
        return [replace(sight, must=False) for sight in (*first, *then) * 3], False

    def _seen(self, attempt: Attempt, truth: Snapshot, id: str) -> list[Sight]:
        if id not in truth.records:
            sight = Sight(What.GONE, attempt.ok and (truth.lists(id) or attempt.sweep))
            return [sight] if id in truth.gone or attempt.sweep else []
        content, types, last = truth.records[id], truth.turned(id), self._last.get(id)
        must = attempt.ok and (attempt.full or self.polled(truth.stamp(id)))
        sights = [Sight(What.READ, must, content, types)]
        if attempt.sweep:
            behind = last is None or last.content[truth.stamp_in] < truth.stamp(id)
            sights += [
                Sight(What.LISTED, attempt.ok),
                Sight(What.READ, attempt.ok and behind, content, types),
            ]
        return sights


def explained(last: Version | None, rows: Sequence[Version], sights: Sequence[Sight]) -> bool:
    """Whether these rows are what the sights left behind after the version before: all that must, nothing else."""
    if not sights:
        return not rows
    sight, later = sights[0], sights[1:]
    news, version = _news(last, sight)
    if (news or version != last) and rows and same(rows[0], version) and explained(version, rows[1:], later):
        return True  # without news it is the same value in another type
    return not (news and sight.must) and explained(last, rows, later)


def same(row: Version, version: Version | None) -> bool:
    """Whether a row of history is this version."""
    return version is not None and row.alive == version.alive and row.content == version.content


def _news(last: Version | None, sight: Sight) -> tuple[bool, Version | None]:
    """Whether a sight changes what was known, and the version that it leaves."""
    if sight.what is What.READ:
        version = Version(sight.content or {}, True, sight.types)
        changed = last is None or not last.alive or last.content != version.content
        return changed, version if changed or (last and last.types != version.types) else last
    if last is None or last.alive is (sight.what is What.LISTED):
        return False, last
    return True, Version(last.content, sight.what is What.LISTED, last.types)


def told(last: Version | None, rows: Sequence[Version], sights: Sequence[Sight]) -> str:
    """For the failure message: what history says, and what was to be seen."""
    known = last.content if last else {}

    def changes(content: Content | None) -> dict[str, Any]:
        names = known.keys() | (content or {}).keys()
        return {n: (content or {}).get(n) for n in sorted(names) if known.get(n) != (content or {}).get(n)}

    says = [(changes(row.content), "alive" if row.alive else "buried") for row in rows]
    saw = [
        (sight.what.value, "must" if sight.must else "may", changes(sight.content) if sight.content else {})
        for sight in sights
    ]
    state = "unknown" if last is None else "alive" if last.alive else "buried"
    return f"was {state}; history adds {says}; seen {saw}"
