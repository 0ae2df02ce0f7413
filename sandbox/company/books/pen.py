"""What a CRM must be able to write down of the paper work; each method appends to the log."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from sandbox.company.books.office import Office
from sandbox.company.books.papers import Case, Instalment, Paper
from sandbox.company.records import Account, Contact, Deal, Lead, User
from sandbox.company.side import Side

Changes = dict[str, Any]


class Pen(ABC):
    """Writes into one CRM, and into the managers' spreadsheets what that CRM has no place for. It has ids of its own,
    so that those of the sales stay as they are."""

    def __init__(self, side: Side, office: Office, words: dict[str, Any]) -> None:
        self._side, self._office, self._words = side, office, words
        self._serial = 0
        self._numbers: dict[str, int] = {}
        self._of_deals: dict[str, list[tuple[str, str]]] = {}

    @abstractmethod
    def begin(self) -> None:
        """What is there on the first day."""

    @abstractmethod
    def mint(self) -> str:
        """A new id, larger than all before it."""

    @abstractmethod
    def quote(self, paper: Paper) -> None:
        """An offer with its lines."""

    @abstractmethod
    def quote_ended(self, quote: Paper, *, won: bool) -> None:
        """The deal of an offer was won or lost."""

    @abstractmethod
    def contract(self, paper: Paper, renewed: Paper | None) -> None:
        """A contract was signed for a year."""

    @abstractmethod
    def order(self, paper: Paper, quote: Paper | None, contract: Paper | None, delivery: int) -> None:
        """An order with its lines, to be delivered on a day."""

    @abstractmethod
    def order_moved(self, order: Paper, status: int) -> None:
        """status: 1 approved, 2 delivered, 3 cancelled."""

    @abstractmethod
    def invoice(self, paper: Paper, order: Paper, share: int) -> None:
        """An invoice over a share (percent) of an order."""

    @abstractmethod
    def plan(self, part: Instalment) -> None:
        """A part of an order is due on a day."""

    @abstractmethod
    def receipt(self, number: str, parts: list[tuple[Instalment, int]], method: str) -> str:
        """Money came for these parts of orders of one customer; gives its id."""

    @abstractmethod
    def refund(self, order: Paper, receipt: str, amount: int) -> None:
        """Money was given back."""

    @abstractmethod
    def follow_up(self, account: Account, deal: Deal | None, contact: Contact | None, dice: int) -> str:
        """Somebody talked to the customer; gives what can be edited or deleted of it."""

    @abstractmethod
    def visit(self, account: Account, deal: Deal | None, contact: Contact | None, *, real: bool) -> str:
        """Somebody went there; real: with a check-in."""

    @abstractmethod
    def chore(self, account: Account, deal: Deal | None, contact: Contact | None) -> str | None:
        """Something is to be done for the customer."""

    @abstractmethod
    def case(self, case: Case) -> None:
        """A customer's trouble came in."""

    @abstractmethod
    def case_moved(self, case: Case, step: str) -> None:
        """step: answered, solved, reopened."""

    @abstractmethod
    def campaign(self, name: str, kind: int, owner: User, cost: int, reached: list[Lead | Contact]) -> None:
        """A campaign is planned."""

    @abstractmethod
    def campaigns_over(self) -> None:
        """The campaigns of which the last day has passed."""

    @abstractmethod
    def fought(self, deal: Deal, competitor: int, price: int) -> None:
        """A competitor is after the same deal."""

    @abstractmethod
    def fight_ended(self, deal: Deal, *, won: bool) -> None:
        """Who won it."""

    def number(self, kind: str) -> int:
        """The next running number of a kind of paper."""
        self._numbers[kind] = self._numbers.get(kind, 0) + 1
        return self._numbers[kind]

    def wrote(self, entity: str, id: str, deal: Deal | None, by: User, changes: Changes) -> None:
        """A record; what belongs to a deal goes with it."""
        self._side.created(entity, id, by.id, changes)
        if deal is not None:
            self._of_deals.setdefault(deal.id, []).append((entity, id))

    def rewrote(self, entity: str, id: str, by: User, changes: Changes) -> None:
        """An edit; nothing where the record is gone."""
        self._side.updated(entity, id, by.id, changes)

    def drop(self, entity: str, id: str) -> None:
        """A deletion; nothing where the record is gone already."""
        self._side.deleted(entity, id)

    def removed(self, deal: str) -> None:
        """The papers of a deal (its id) go, the youngest first."""
        for entity, id in reversed(self._of_deals.pop(deal, [])):
            self.drop(entity, id)
