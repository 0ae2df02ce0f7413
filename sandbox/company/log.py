"""The event log: everything that ever happened in either CRM, in order. It is the truth.

Values are plain JSON values in the CRM's own vocabulary: money as a number with at most two decimals,
dates as `YYYY-MM-DD`, times as ISO 8601 with +08:00, a reference as the id of the record it points to.
A field that is absent from a create event is empty. Keys that begin with an underscore are not fields:

- `_visit`: the id of the stage visit that begins with this event (deals of Zoho)
- `_party`: the number of the real company behind an account, the same in both CRMs
- `_permanent`: on a delete, the record skips the recycle bin

A change of an organisation's fields stands among the events of the records that have the field (`FIELD_KINDS`): `id`
is the field's api name, `changes` its `type` and `label`. It stamps no record, but its values are gone or of another
type from then on.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

CREATE, UPDATE, DELETE, RESTORE = "create", "update", "delete", "restore"
RECOMPUTE = "recompute"  # a value changes and no stamp moves: formulas, roll-ups
ADD_FIELD, CHANGE_FIELD, REMOVE_FIELD = "add_field", "change_field", "remove_field"
FIELD_KINDS = frozenset({ADD_FIELD, CHANGE_FIELD, REMOVE_FIELD})
# A lead's n-th stay in a status has the lead's id plus n times this: the log has no id for it.
STATUS_IDS = 1_000_000_000_000


class Event(msgspec.Struct, frozen=True, gc=False):
    """One change of one record. `by` is the id of the user (of the same CRM) who made it."""

    time: int
    crm: str
    entity: str
    id: str
    kind: str
    by: str
    changes: Mapping[str, Any]


class Log:
    """Append-only and ordered by time; can be asked for in parts by (crm, entity)."""

    def __init__(self) -> None:
        self._all: list[Event] = []
        self._newest = 0
        self._by_entity: dict[tuple[str, str], list[Event]] = defaultdict(list)
        self._split = 0

    def append(self, event: Event) -> None:
        """Add an event that is not older than the last one. Raises ValueError otherwise."""
        if event.time < self._newest:
            raise ValueError(f"an event of {event.time} cannot follow one of {self._newest}")
        self._newest = event.time
        self._all.append(event)

    def clear(self) -> None:
        """As it was before anything happened."""
        self.__init__()

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Event]:
        return iter(self._all)

    def since(self, position: int) -> Sequence[Event]:
        """Events from this position on; positions count from 0 and never change."""
        return self._all[position:]

    def of(self, crm: str, entity: str) -> Sequence[Event]:
        """The events of one kind of record, in order."""
        return self._index().get((crm, entity), ())

    def entities(self) -> list[tuple[str, str]]:
        """Every (crm, entity) that has events, in order of first appearance."""
        return list(self._index())

    def _index(self) -> dict[tuple[str, str], list[Event]]:
        """Split what was appended since the last question; most of a history is never asked for in parts."""
        for event in self.since(self._split):
            self._by_entity[event.crm, event.entity].append(event)
        self._split = len(self._all)
        return self._by_entity

    def digest(self) -> str:
        """sha256 over all events: equal for equal histories, on any machine."""
        encoder = msgspec.json.Encoder()
        running = hashlib.sha256()
        for event in self._all:
            running.update(encoder.encode(event))
        return running.hexdigest()
