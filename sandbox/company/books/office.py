"""What no CRM has a place for, and managers write into spreadsheets: events of the `office` in the company's log.

Fields are those of the warehouse's inputs, in codes; dates ISO texts, decimals texts.
"""

from __future__ import annotations

from typing import Any

from sandbox.company.books.papers import Paper
from sandbox.company.clock import day_text
from sandbox.company.log import CREATE, UPDATE, Event
from sandbox.company.records import Account, User
from sandbox.company.side import Side

OFFICE = "office"
KINDS = ("receipts", "contracts", "payment_plans", "survey_responses", "opportunity_splits")


class Office:
    """The managers of one CRM's people."""

    def __init__(self, side: Side) -> None:
        self._side = side
        self._rows = 0

    def write(self, kind: str, /, **facts: Any) -> str:
        """A new row; gives a handle to it."""
        self._rows += 1
        id = f"{self._side.crm}-{kind}-{self._rows}"
        self._append(kind, id, CREATE, {"crm": self._side.crm, **facts})
        return id

    def rewrite(self, kind: str, id: str, /, **facts: Any) -> None:
        """Other values in a row."""
        self._append(kind, id, UPDATE, facts)

    def _append(self, kind: str, id: str, act: str, facts: dict[str, Any]) -> None:
        side = self._side
        side.log.append(Event(side.agenda.now, OFFICE, kind, id, act, "", facts))

    def today(self) -> str:
        """As a row says it."""
        return day_text(self._side.agenda.today)

    def of(self, account: Account) -> dict[str, Any]:
        """The columns that name a customer."""
        return {"account": account.name, "account_id": account.id}

    def who(self, user: User) -> dict[str, str]:
        """Name and number of a person, as the managers write them."""
        number = (
            f"E{user.number:04d}" if self._side.crm == "fxiaoke" else f"user{user.number:04d}@corp.example"
        )
        return {"name": user.name, "number": number}


def text(cents: int) -> str:
    """Money as a row says it."""
    return f"{cents // 100}.{cents % 100:02d}"


def money_row(order: Paper, cents: int) -> dict[str, Any]:
    """The columns that say how much of what, in a row."""
    return {"opportunity_id": order.deal.id, "amount": text(cents), "currency": order.deal.currency}
