"""What the paper work is about while it goes on; money in the smallest unit of the deal's currency."""

from __future__ import annotations

from dataclasses import dataclass, field

from sandbox.company.chance import Chance
from sandbox.company.clock import day_text
from sandbox.company.records import Account, Contact, Deal, Product, User


@dataclass(slots=True, eq=False)
class Line:
    """So much of a product at its list price; `total` is what is paid for it."""

    product: Product
    quantity: int
    total: int

    @property
    def listed(self) -> int:
        """What it would be without discount."""
        return self.quantity * self.product.price_cents


@dataclass(slots=True, eq=False)
class Paper:
    """A quote, order, contract or invoice of a deal. number: people's; day: the office's."""

    id: str
    number: str
    deal: Deal
    total: int
    day: int
    lines: list[Line] = field(default_factory=list)
    line_ids: list[str] = field(default_factory=list)
    paid: int = 0

    @property
    def account(self) -> Account:
        """Whose it is."""
        return self.deal.account


@dataclass(slots=True, eq=False)
class Instalment:
    """A part of an order that is due. settled: a receipt for it came, or is on its way."""

    id: str
    number: int
    order: Paper
    amount: int
    due: int
    paid: int = 0
    settled: bool = False


@dataclass(slots=True, eq=False)
class Case:
    """A customer's trouble."""

    id: str
    number: str
    account: Account
    contact: Contact
    product: Product
    owner: User
    kind: str
    priority: str
    origin: str
    subject: str
    opened: int
    reopened: int = 0


def lines_of(chance: Chance, deal: Deal, products: list[Product]) -> list[Line]:
    """One to three lines that sum to the deal's amount: its own product first."""
    rest, found = deal.amount_cents, []
    chosen = [deal.product, *(chance.pick(products) for _ in range(chance.below(3)))]
    for place, product in enumerate(chosen):
        part = rest if place == len(chosen) - 1 else rest * (50 + chance.below(30)) // 100
        rest -= part
        found.append(Line(product, max(1, -(-part // product.price_cents)), part))
    return found


def year_after(day: int) -> str:
    """The last day of a term of a year that begins on this one."""
    return day_text(day + 364)
