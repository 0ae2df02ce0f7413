"""How often each path was called, and what it cost."""

from __future__ import annotations

from collections import Counter
from typing import Any


class Stats:
    """Counts since the last reset. Credits run on until the sandbox's clock passes a day."""

    def __init__(self, budget: int) -> None:
        self.calls: Counter[str] = Counter()
        self.statuses: Counter[str] = Counter()
        self.rows: Counter[str] = Counter()
        self.budget, self.spent = budget, 0

    def count(self, path: str, status: int, rows: int, credits: int) -> None:
        """One answered call."""
        self.calls[path] += 1
        self.statuses[str(status)] += 1
        self.rows[path] += rows
        self.spent += credits

    def header(self) -> dict[str, str]:
        """Zoho tells the rest only once half of the credits of 24 hours are spent."""
        if self.spent * 2 < self.budget:
            return {}
        return {"X-API-CREDITS-REMAINING": str(max(0, self.budget - self.spent))}

    def exhausted(self) -> bool:
        """No credits left."""
        return self.spent >= self.budget

    def reset(self) -> None:
        """Forget the counts (not the credits)."""
        for counter in (self.calls, self.statuses, self.rows):
            counter.clear()

    def report(self) -> dict[str, Any]:
        """As JSON: calls and rows per path, statuses, credits."""
        return {
            "calls": dict(self.calls), "rows": dict(self.rows), "statuses": dict(self.statuses),
            "total": self.calls.total(), "credits": {"budget": self.budget, "spent": self.spent},
        }  # fmt: skip
