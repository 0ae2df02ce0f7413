"""DealHistory, made from what happened to deals. https://www.zoho.com/crm/developer/docs/api/v8/stage-history.html"""

from __future__ import annotations

from typing import Any

from sandbox.company.clock import local_day
from sandbox.company.log import Event
from sandbox.serving.rows import Row, Table


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
