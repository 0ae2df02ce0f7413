"""The company as a whole: founded from a seed and a size, then lived through day by day.

The same (seed, size) at the same clock gives the same event log, however the clock got there.
"""

from __future__ import annotations

from sandbox.company.acts import Acts
from sandbox.company.agenda import Agenda
from sandbox.company.books.books import Books, read_books
from sandbox.company.books.fxiaoke_pen import FxiaokePen
from sandbox.company.books.office import Office
from sandbox.company.books.rounds import Rounds
from sandbox.company.books.zoho_pen import ZohoPen
from sandbox.company.chance import Chance
from sandbox.company.clock import DAY, HISTORY_BEGINS, OPENING
from sandbox.company.collector import collector_paused
from sandbox.company.days import Days
from sandbox.company.deals import DealLives
from sandbox.company.dialects.fxiaoke import Fxiaoke
from sandbox.company.dialects.zoho import Zoho
from sandbox.company.log import Log
from sandbox.company.parties import Market
from sandbox.company.prospects import LeadLives
from sandbox.company.records import Product, Region
from sandbox.company.reports import Reports
from sandbox.company.side import Side
from sandbox.company.sidelines import Sidelines
from sandbox.company.staff import Staff
from sandbox.company.words import sales, words

SIZES = {"small": 600, "medium": 20_000, "large": 200_000}


def deals_of(size: str | int) -> int:
    """Deals that Zoho will have seen by the opening: a named size or the number itself. Raises ValueError."""
    if str(size) in SIZES:
        return SIZES[str(size)]
    try:
        deals = int(size)
    except ValueError:
        deals = 0
    if deals < 50:
        raise ValueError(f"size {size!r} is neither {', '.join(SIZES)} nor a number of deals from 50 on")
    return deals


class World:
    """The company. `log` is the truth; everything else here is how it comes about."""

    def __init__(self, seed: int, size: str | int, clock: int = OPENING, *, books: bool = False) -> None:
        """books: whether what follows a won deal is lived too; the sales are the same with and without."""
        self.seed, self.size, self.log = seed, str(size), Log()
        self._begin(books=books)
        self.run(clock)

    def _begin(self, *, books: bool) -> None:
        self.clock, self.books = HISTORY_BEGINS, books
        deals, chance = deals_of(self.size), Chance(self.seed)
        self._agenda = Agenda(chance, HISTORY_BEGINS)
        vocabulary = words()
        regions = [Region(r["name"], [tuple(city) for city in r["cities"]]) for r in vocabulary["regions"]]
        market = Market(chance, regions, vocabulary)
        zoho = Side(Zoho(sales()["zoho"], vocabulary), chance, self._agenda, self.log, market)
        fxiaoke = Side(Fxiaoke(sales()["fxiaoke"], vocabulary), chance, self._agenda, self.log, market)
        for side, other, plan in ((zoho, fxiaoke, deals), (fxiaoke, zoho, min(deals * 2 // 3, 100_000))):
            if books:
                self._keep_books(side, plan)
            self._found(side, other, regions, plan)
        self.acts = {side.crm: Acts(side) for side in (zoho, fxiaoke)}
        Sidelines(zoho, self.seed, deals).begin()
        Reports(fxiaoke, self.seed).begin()

    def _found(self, side: Side, other: Side, regions: list[Region], plan: int) -> None:
        """People and products on the first morning, then the customers who were there before the CRM was."""
        for entity, id, changes in side.dialect.founding():
            side.created(entity, id, "", changes)
        Staff(side, regions, min(280, 12 + plan // 400)).found()
        for line in side.dialect.words["product_lines"]:
            for name, code, price in line["products"]:
                product = Product(side.mint(), name, code, line["name"], price * 100)
                side.products.append(product)
                side.created("products", product.id, side.admin, side.dialect.product(product))
        customers = max(20, plan * 3 // 25)
        for i in range(customers):
            self._agenda.at(HISTORY_BEGINS + 60 + i * 25_000 // customers, self._customer, side, other)
        tempo = sales()
        deals = DealLives(side, tempo)
        Days(side, other, deals, LeadLives(side, other, deals, tempo), plan).begin()

    def refound(self, *, books: bool) -> None:
        """The same company at the same clock, with books or without. Raises ValueError where acts would be lost."""
        if any(acts.done for acts in self.acts.values()):
            raise ValueError("somebody has acted in this company; switch the ledger on or off before that")
        clock = self.clock
        self.log.clear()
        self._begin(books=books)
        self.run(clock)

    def _keep_books(self, side: Side, plan: int) -> None:
        zoho = side.crm == "zoho"
        chance, facts = Chance(self.seed + (15_487_469 if zoho else 32_452_867)), read_books()
        office = Office(side)
        pen = (ZohoPen if zoho else FxiaokePen)(side, office, facts)
        side.books = Books(side, chance, pen, office, facts)
        Rounds(side, chance, pen, office, facts, plan).begin()

    @staticmethod
    def _customer(side: Side, other: Side) -> None:
        party = side.new_party(other)
        side.new_account(party, side.seller(party.region.name))

    def run(self, until: int) -> int:
        """Live until this second; gives the number of new events. Raises ValueError if it lies in the past."""
        if until < self.clock:
            raise ValueError("the clock does not go back")
        before = len(self.log)
        with collector_paused():
            self._agenda.run(until)
        self.clock = until
        return len(self.log) - before

    def advance(self, days: int) -> int:
        """Live through so many days more; gives the number of new events."""
        return self.run(self.clock + days * DAY)
