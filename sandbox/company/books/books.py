"""From an offer to the money: what a deal leaves behind in one CRM and in its managers' spreadsheets.

It has dice of its own and touches nothing that the sales go by, so that they are the same with and without it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sandbox.company.books.office import Office
from sandbox.company.books.papers import Instalment, Paper, lines_of
from sandbox.company.books.pen import Pen
from sandbox.company.chance import Chance
from sandbox.company.clock import day_starts
from sandbox.company.records import Account, Deal
from sandbox.company.side import Side
from sandbox.company.words import read_yaml

_QUOTED = 60  # from this probability on a deal has an offer


def read_books() -> dict[str, Any]:
    """How the paper work goes (`books.yml`)."""
    return read_yaml(Path(__file__).with_name("books.yml"))


class Books:
    """The paper work of one CRM's deals; `Side.books` tells it what happens to them."""

    def __init__(self, side: Side, chance: Chance, pen: Pen, office: Office, words: dict[str, Any]) -> None:
        self._side, self._chance, self._pen, self._office, self._words = side, chance, pen, office, words
        self._quotes: dict[str, Paper] = {}
        self._contracts: dict[str, Paper] = {}  # by account: the one that may be renewed
        self._owed: dict[str, list[Instalment]] = {}  # by account
        self._fought: set[str] = set()

    def currency(self, account: Account) -> tuple[str, float]:
        """What a customer buys in, and the rate as this CRM says it."""
        for code, of in self._words["currencies"].items():
            if account.number % of["every"] == 0:
                return code, of[self._side.crm]
        return "CNY", 1

    def opened(self, deal: Deal) -> None:
        """A new deal: perhaps another is after it, perhaps two people share it."""
        if self._chance.percent(self._words["fought"]):
            self._fought.add(deal.id)
            price = deal.amount_cents * (80 + self._chance.below(40)) // 100
            self._pen.fought(deal, self._chance.below(len(self._side.dialect.words["competitors"])), price)
        if self._chance.percent(self._words["split"]):
            self._split(deal)

    def moved(self, deal: Deal) -> None:
        """Late enough, a deal has an offer."""
        if deal.probability >= _QUOTED and deal.amount_cents and deal.id not in self._quotes:
            self._quote(deal)

    def closed(self, deal: Deal) -> None:
        """Won or lost."""
        won = deal.probability > 0
        if quote := self._quotes.get(deal.id):
            self._pen.quote_ended(quote, won=won)
        if deal.id in self._fought:
            self._pen.fight_ended(deal, won=won)
        if won:
            self._later(1 + self._chance.below(4), self._order, deal)

    def removed(self, deal: str) -> None:
        """The papers of a deal (its id) go with it, and do not come back with it."""
        self._quotes.pop(deal, None)
        self._fought.discard(deal)
        self._pen.removed(deal)
        self._contracts = {of: paper for of, paper in self._contracts.items() if paper.deal.id != deal}

    def _split(self, deal: Deal) -> None:
        other = self._chance.pick(self._side.sellers[deal.account.party.region.name])
        if other is deal.owner:
            return
        share = 50 + 10 * self._chance.below(5)
        for user, part, role in ((deal.owner, share, "owner"), (other, 100 - share, "presales")):
            who = self._office.who(user)
            self._office.write(
                "opportunity_splits", opportunity_id=deal.id, opportunity_name=deal.name, person=who["name"],
                person_id=who["number"], role=role, share=f"0.{part:02d}", valid_from=self._office.today(),
            )  # fmt: skip

    def _paper(self, kind: str, deal: Deal, total: int) -> Paper:
        number = f"{kind}{self._pen.number(kind):06d}"
        return Paper(self._pen.mint(), number, deal, total, self._side.agenda.today)

    def _quote(self, deal: Deal) -> Paper:
        paper = self._paper("BJ", deal, deal.amount_cents)
        paper.lines = lines_of(self._chance, deal, self._side.products)
        self._pen.quote(paper)
        self._quotes[deal.id] = paper
        return paper

    def _order(self, deal: Deal) -> None:
        if deal.id in self._side.away:
            return
        quote = self._quotes.get(deal.id)
        order = self._paper("DD", deal, deal.amount_cents)
        order.lines = lines_of(self._chance, deal, self._side.products)
        contract = self._contract(deal)
        delivery = self._side.agenda.today + 10 + self._chance.below(50)
        self._pen.order(order, quote, contract, delivery)
        self._later(1 + self._chance.below(3), self._move, order, 1)
        if self._chance.percent(self._words["cancelled"]):
            self._later(5 + self._chance.below(10), self._move, order, 3)
            return
        self._later(delivery - order.day, self._move, order, 2)
        self._instalments(order)

    def _move(self, order: Paper, status: int) -> None:
        self._pen.order_moved(order, status)

    def _contract(self, deal: Deal) -> Paper | None:
        if self._side.crm == "zoho" and not self._chance.percent(self._words["contracted"]):
            return None
        paper = self._paper("HT", deal, deal.amount_cents)
        before = self._contracts.get(deal.account.id)
        renewed = before if before and before.day < paper.day - 90 else None
        self._pen.contract(paper, renewed)
        self._contracts[deal.account.id] = paper
        return paper

    def _instalments(self, order: Paper) -> None:
        terms = self._chance.pick(self._words["instalments"])
        left, owed = order.total, self._owed.setdefault(order.account.id, [])
        for number, (share, days) in enumerate(zip(terms["parts"], terms["due"], strict=True), 1):
            amount = left if number == len(terms["parts"]) else order.total * share // 100
            left -= amount
            part = Instalment(self._pen.mint(), number, order, amount, order.day + days)
            self._pen.plan(part)
            owed.append(part)
            self._later(max(1, days - 10), self._invoice, part, share)
            if not self._chance.percent(self._words["never_paid"]):
                self._later(days + self._chance.pick(self._words["paid_late"]), self._paid, part)

    def _invoice(self, part: Instalment, share: int) -> None:
        if not self._void(part.order):
            self._pen.invoice(self._paper("FP", part.order.deal, part.amount), part.order, share)

    def _paid(self, part: Instalment) -> None:
        """The customer pays a part, perhaps with another one, perhaps not what was due."""
        if part.settled or self._void(part.order):
            return
        together = [part]
        if self._chance.percent(self._words["paid_together"]):
            today = self._side.agenda.today
            together += [
                other
                for other in self._owed[part.order.account.id]
                if not other.settled and other.order is not part.order and other.due < today + 15
                and not self._void(other.order)
            ][:1]  # fmt: skip
        amounts = [self._amount(each) for each in together]
        if len(together) == 1 and self._chance.percent(self._words["paid_in_two"]):
            self._later(10, self._receive, [(part, amounts[0] - amounts[0] // 2)])
            amounts[0] //= 2
        for each in together:
            each.settled = True
        self._receive([(each, cents) for each, cents in zip(together, amounts, strict=True) if cents])

    def _amount(self, part: Instalment) -> int:
        if self._chance.percent(self._words["paid_less"]):
            return part.amount - part.amount // 20
        if self._chance.percent(self._words["paid_more"]):
            return part.amount + part.amount // 100
        return part.amount

    def _receive(self, parts: list[tuple[Instalment, int]]) -> None:
        living = [(part, cents) for part, cents in parts if not self._void(part.order)]
        if not living:
            return
        for part, cents in living:
            part.paid += cents
            part.order.paid += cents
        number = f"HK{self._pen.number('HK'):06d}"
        receipt = self._pen.receipt(number, living, self._chance.pick(self._words["methods"]))
        if len(living) == 1 and self._chance.percent(self._words["refunded"]):
            part, cents = living[0]
            self._later(20 + self._chance.below(40), self._refund, part.order, receipt, cents // 4)

    def _refund(self, order: Paper, receipt: str, cents: int) -> None:
        if not self._void(order) and cents:
            self._pen.refund(order, receipt, cents)

    def _void(self, order: Paper) -> bool:
        """Whether nothing happens to an order any more: it is gone, or its deal is."""
        return not self._side.away.isdisjoint((order.id, order.deal.id))

    def _later(self, days: int, act: Any, *args: Any) -> None:
        """At some time of office hours so many days (one or more) from now; never with the dice of the sales."""
        agenda = self._side.agenda
        agenda.at(day_starts(agenda.today + days) + 9 * 3600 + self._chance.below(32_000), act, *args)
