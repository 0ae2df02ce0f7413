"""The records as they stand now, kept up to date from the event log for serving."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sandbox.company.clock import DAY, local_day
from sandbox.company.log import CREATE, DELETE, RESTORE, UPDATE, Event


class Row:
    """One record. Times in seconds; `by` are user ids."""

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
    """The rows of one entity. `version` moves with every change; `stale` holds ids whose name may have changed."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.bin: dict[str, Binned] = {}
        self.version = 0
        self.stale: set[str] = set()

    def apply(self, event: Event) -> None:
        """Take one event in."""
        self.version += 1
        self.stale.add(event.id)
        if event.kind == UPDATE:
            row = self.rows[event.id]
            row.values.update(event.changes)
            row.modified, row.modified_by = event.time, event.by
        elif event.kind == CREATE:
            self.rows[event.id] = Row(event.id, event.time, event.by, dict(event.changes))
        elif event.kind == DELETE:
            permanent = "_permanent" in event.changes
            self.bin[event.id] = Binned(self.rows.pop(event.id), event.time, event.by, permanent=permanent)
        elif event.kind == RESTORE:
            # Not documented whether a restore is a modification: here it is not, the harder case for readers.
            self.rows[event.id] = self.bin.pop(event.id).row

    def names(self) -> Iterable[str]:
        """Ids whose lookups must be written anew; forgets them."""
        stale, self.stale = self.stale, set()
        return stale


class Visits(Table):
    """DealHistory: a row per visit of a stage. Its Modified_Time is when the stage was entered, for ever."""

    def __init__(self) -> None:
        super().__init__()
        self._open: dict[str, Row] = {}
        self._terms: dict[str, dict[str, Any]] = {}

    _CARRIED = ("Amount", "Probability", "Expected_Revenue", "Closing_Date")

    def apply(self, event: Event) -> None:
        """Take one event of a deal in."""
        terms = self._terms.setdefault(event.id, {})
        for name in self._CARRIED:
            if name in event.changes:
                terms[name] = event.changes[name]
        if "_visit" not in event.changes:
            return
        self.version += 1
        stage = event.changes["Stage"]
        left = self._open.get(event.id)
        if left is not None:
            left.values["Moved_To__s"] = stage
            left.values["Stage_Duration_Calendar_Days"] = local_day(event.time) - local_day(left.created)
        id = event.changes["_visit"]
        row = Row(id, event.time, event.by, {"Potential_Name": event.id, "Stage": stage, **terms})
        self.rows[id] = self._open[event.id] = row


RECYCLED = 60 * DAY  # how long the bin keeps a record
REMEMBERED = 120 * DAY  # how long the deleted list knows an id
