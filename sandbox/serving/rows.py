"""The records as they stand now, kept up to date from the event log for serving."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from sandbox.company.log import CREATE, DELETE, RECOMPUTE, RESTORE, UPDATE, Event


class Served(Protocol):
    """What the writers of answers need of a record. Times in seconds; `by` are user ids."""

    id: str
    created: int
    modified: int

    @property
    def created_by(self) -> str: ...

    @property
    def modified_by(self) -> str: ...

    @property
    def values(self) -> Mapping[str, Any]: ...


class Row:
    """A record that is kept as it stands."""

    __slots__ = ("created", "created_by", "id", "modified", "modified_by", "values")

    def __init__(self, id: str, time: int, by: str, values: dict[str, Any]) -> None:
        self.id, self.values = id, values
        self.created = self.modified = time
        self.created_by = self.modified_by = by


class Binned:
    """A record on the deleted list."""

    __slots__ = ("by", "permanent", "row", "time")

    def __init__(self, row: Row, time: int, by: str, *, permanent: bool) -> None:
        self.row, self.time, self.by, self.permanent = row, time, by, permanent


class Table:
    """The rows of one entity by id, in order of creation.

    version: moves with every change. written: lookups to these rows as they were last written out.
    """

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.bin: dict[str, Binned] = {}
        self.version = 0
        self.written: dict[str, Any] = {}

    def apply(self, event: Event) -> None:
        """Take one event in."""
        self.version += 1
        self.written.pop(event.id, None)
        kind = event.kind
        if kind == UPDATE:
            row = self.rows[event.id]
            row.values.update(event.changes)
            row.modified, row.modified_by = event.time, event.by
        elif kind == CREATE:
            self.rows[event.id] = Row(event.id, event.time, event.by, dict(event.changes))
        elif kind == DELETE:
            permanent = "_permanent" in event.changes
            self.bin[event.id] = Binned(self.rows.pop(event.id), event.time, event.by, permanent=permanent)
        elif kind == RECOMPUTE:
            self.rows[event.id].values.update(event.changes)
        elif kind == RESTORE:
            # Not documented whether a restore is a modification: here it is not, the harder case for readers.
            self.rows[event.id] = self.bin.pop(event.id).row
