"""Histories, made from what happened to deals and leads: DealHistory and Lead_Status_History.

https://www.zoho.com/crm/developer/docs/api/v8/stage-history.html
"""

from __future__ import annotations

from typing import Any

from sandbox.company.clock import local_day
from sandbox.company.log import CREATE, STATUS_IDS, UPDATE, Event
from sandbox.serving.rows import Table


class Visit:
    """A stay in a stage, as a row. There are several per deal, so it keeps the events and writes itself when asked."""

    __slots__ = ("_amount", "_closing", "_entered", "_left", "created", "id", "modified")

    def __init__(self, entered: Event, amount: float | None, closing: str) -> None:
        self.id: str = entered.changes["_visit"]
        self.created = self.modified = entered.time
        self._entered, self._amount, self._closing = entered, amount, closing
        self._left: Event | None = None

    @property
    def created_by(self) -> str:
        return self._entered.by

    modified_by = created_by

    @property
    def values(self) -> dict[str, Any]:
        entry, left = self._entered.changes, self._left
        return {
            "Potential_Name": self._entered.id,
            "Stage": entry["Stage"],
            "Moved_To__s": left and left.changes["Stage"],
            "Stage_Duration_Calendar_Days": left and local_day(left.time) - local_day(self.created),
            "Amount": self._amount,
            "Probability": entry["Probability"],
            "Expected_Revenue": entry.get("Expected_Revenue"),
            "Closing_Date": self._closing,
        }

    def leave(self, event: Event) -> None:
        """The deal went to another stage. The row's Modified_Time stays the moment of entry."""
        self._left = event


class Visits(Table):
    """A row per visit of a stage, with amount and closing day as they were at entry."""

    def __init__(self) -> None:
        super().__init__()
        self._open: dict[str, Visit] = {}
        self._amounts: dict[str, float] = {}
        self._closings: dict[str, str] = {}

    def apply(self, event: Event) -> None:
        """Take one event of a deal in."""
        changes, deal = event.changes, event.id
        if "Amount" in changes:
            self._amounts[deal] = changes["Amount"]
        if "Closing_Date" in changes:
            self._closings[deal] = changes["Closing_Date"]
        if "_visit" not in changes:
            return
        self.version += 1
        left = self._open.get(deal)
        if left is not None:
            left.leave(event)
        visit = Visit(event, self._amounts.get(deal), self._closings[deal])
        self.rows[visit.id] = self._open[deal] = visit


class StatusVisit:
    """A stay of a lead in a status, as a row."""

    __slots__ = ("_entered", "_left", "created", "id", "modified")

    def __init__(self, entered: Event, number: int) -> None:
        self.id = str(int(entered.id) + number * STATUS_IDS)
        self.created = self.modified = entered.time
        self._entered = entered
        self._left: Event | None = None

    @property
    def created_by(self) -> str:
        return self._entered.by

    modified_by = created_by

    @property
    def values(self) -> dict[str, Any]:
        left = self._left
        return {
            "Full_Name": self._entered.id,
            "Lead_Status": self.status,
            "Moved_To__s": left and left.changes["Lead_Status"],
            "Duration_Days": left and local_day(left.time) - local_day(self.created),
        }

    @property
    def status(self) -> str:
        """Where the lead is during the stay."""
        return self._entered.changes["Lead_Status"]

    def leave(self, event: Event) -> None:
        """The lead went to another status. The row's Modified_Time stays the moment of entry."""
        self._left = event


class StatusVisits(Table):
    """A row per stay of a lead in a status."""

    def __init__(self) -> None:
        super().__init__()
        self._open: dict[str, StatusVisit] = {}
        self._counts: dict[str, int] = {}

    def apply(self, event: Event) -> None:
        """Take one event of a lead in."""
        status, left = event.changes.get("Lead_Status"), self._open.get(event.id)
        if event.kind not in (CREATE, UPDATE) or not status or (left and left.status == status):
            return
        self.version += 1
        if left:
            left.leave(event)
        self._counts[event.id] = number = self._counts.get(event.id, 0) + 1
        visit = StatusVisit(event, number)
        self.rows[visit.id] = self._open[event.id] = visit
