"""What a CRM must be able to write down. Each method gives the fields that an act sets, as plain values."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from sandbox.company.chance import Chance
from sandbox.company.records import Account, Contact, Deal, Lead, Product, User

Changes = dict[str, Any]


class Dialect(ABC):
    """One CRM's vocabulary. `sales` is its part of `sales.yml`."""

    crm: str

    def __init__(self, sales: dict[str, Any], words: dict[str, Any]) -> None:
        self.sales, self.words = sales, words
        self.stages: list[tuple[str, int]] = [tuple(stage) for stage in sales["stages"]]
        self.won: tuple[str, int] = tuple(sales["won"])
        self.lost: list[tuple[str, int]] = [tuple(stage) for stage in sales["lost"]]

    @abstractmethod
    def mint(self, serial: int, time: int) -> str:
        """A new record id; ids of one CRM grow in the order of creation."""

    def founding(self) -> list[tuple[str, str, Changes]]:
        """(entity, id, fields) of records that exist before the first user does."""
        return []

    @abstractmethod
    def user(self, user: User) -> Changes:
        """A new employee."""

    @abstractmethod
    def left(self, user: User) -> Changes:
        """The employee left."""

    @abstractmethod
    def product(self, product: Product) -> Changes:
        """A new product."""

    @abstractmethod
    def priced(self, product: Product) -> Changes:
        """The list price moved."""

    @abstractmethod
    def account(self, account: Account) -> Changes:
        """A new customer."""

    @abstractmethod
    def account_touched(self, account: Account, chance: Chance) -> Changes:
        """Someone edited the customer."""

    @abstractmethod
    def account_handed(self, account: Account) -> Changes:
        """Another owner."""

    def account_bought(self) -> Changes:
        """The customer's first deal was won; nothing where a CRM does not keep that."""
        return {}

    @abstractmethod
    def contact(self, contact: Contact) -> Changes:
        """A new contact."""

    @abstractmethod
    def contact_touched(self, contact: Contact, chance: Chance) -> Changes:
        """Someone edited the contact."""

    @abstractmethod
    def lead(self, lead: Lead) -> Changes:
        """A new lead."""

    @abstractmethod
    def lead_moved(self, lead: Lead) -> Changes:
        """The lead has a new status."""

    @abstractmethod
    def lead_converted(
        self, lead: Lead, time: int, account: Account, contact: Contact, deal: Deal | None
    ) -> Changes:
        """The lead became a customer."""

    @abstractmethod
    def deal(self, deal: Deal, chance: Chance, time: int) -> Changes:
        """A new deal."""

    @abstractmethod
    def deal_moved(self, deal: Deal, chance: Chance, time: int) -> Changes:
        """The deal is in another stage, or closed."""

    @abstractmethod
    def deal_reopened(self, deal: Deal) -> Changes:
        """A lost deal came back."""

    @abstractmethod
    def deal_worth(self, deal: Deal) -> Changes:
        """The amount changed."""

    @abstractmethod
    def deal_due(self, deal: Deal) -> Changes:
        """The expected closing day moved."""

    @abstractmethod
    def deal_noted(self, deal: Deal, chance: Chance, time: int) -> Changes:
        """A note, a next step, nothing that counts."""

    @abstractmethod
    def deal_handed(self, deal: Deal) -> Changes:
        """Another owner."""

    @abstractmethod
    def reviewed(self, quarter: str) -> Changes:
        """What the mass update at the beginning of a quarter sets on every deal it reaches."""


def money(cents: int) -> float:
    """Cents as the CRM's number."""
    return cents / 100


def expected(deal: Deal) -> float:
    """Amount × probability, to the cent, half up."""
    return ((deal.amount_cents * deal.probability + 50) // 100) / 100


def mobile(number: int) -> str:
    """A mobile number of a range nobody has."""
    return f"1700000{number % 10_000:04d}"
