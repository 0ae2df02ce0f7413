"""The life of a deal: it moves, stalls, changes hands and amount, is won or lost, and sometimes comes back."""

from __future__ import annotations

from sandbox.company.log import CREATE, UPDATE, Event
from sandbox.company.records import Account, Contact, Deal, Product, User
from sandbox.company.side import Side


class DealLives:
    """Opens deals in one CRM and takes them from step to step."""

    def __init__(self, side: Side, tempo: dict[str, list[int]]) -> None:
        self._side, self._tempo = side, tempo

    def open(self, account: Account, contact: Contact | None = None) -> Deal:
        """A new deal with this customer, by default with one of its contacts."""
        side, chance, dialect = self._side, self._side.chance, self._side.dialect
        roll, agenda = chance.roll, side.agenda
        id = side.mint()
        product = self._product(account)
        stage = 0 if roll() < 0.75 else 1
        name, probability = dialect.stages[stage]
        account.deals += 1
        if contact is None and account.contacts and roll() >= 0.04:
            contact = chance.pick(account.contacts)
        deal = Deal(
            id, side.serial(), f"{account.party.short}-{product.name}-{account.deals:02d}", account, contact,
            self._owner(account), product, dialect.sales["pipelines"][roll() < 0.2],
            chance.pick(dialect.sales["sources"]), 0 if roll() < 0.05 else self._worth(product),
            agenda.today + 20 + int(roll() * 100), stage, probability, name, agenda.now,
        )  # fmt: skip
        if side.books:
            deal.currency, deal.rate = side.books.currency(account)
        changes = self._visit(dialect.deal(deal, chance, agenda.now))
        side.log.append(Event(agenda.now, side.crm, "deals", id, CREATE, deal.owner.id, changes))
        side.deals.append(deal)
        if side.books:
            side.books.opened(deal)
        self._rest(deal)
        return deal

    def remove(self, deal: Deal, *, permanent: bool = False) -> None:
        """To the recycle bin, or for ever; a third of the bin comes back after some days."""
        if deal.deleted or deal.from_lead:
            return
        side = self._side
        deal.deleted = True
        side.deleted("deals", deal.id, permanent=permanent)
        if not permanent and side.chance.percent(33):
            side.agenda.later(1 + side.chance.below(9), self._restore, deal)

    def _restore(self, deal: Deal) -> None:
        deal.deleted = False
        self._side.restored("deals", deal.id)
        if deal.stage >= 0:
            self._rest(deal)

    def _product(self, account: Account) -> Product:
        """What the customer buys leans to the owner's product line."""
        chance, products = self._side.chance, self._side.products
        product = chance.pick(products)
        return product if product.line == account.owner.line or chance.percent(50) else chance.pick(products)

    def _owner(self, account: Account) -> User:
        """The customer's owner; a customer whose owner has left gets a new one first."""
        if not account.owner.active:
            side = self._side
            account.owner = side.seller(account.party.region.name)
            side.updated("accounts", account.id, side.admin, side.dialect.account_handed(account))
        return account.owner

    def _worth(self, product: Product) -> int:
        roll, quantities, discounts = (
            self._side.chance.roll,
            self._tempo["quantities"],
            self._tempo["discounts"],
        )
        quantity, discount = (
            quantities[int(roll() * len(quantities))],
            discounts[int(roll() * len(discounts))],
        )
        odd = int(roll() * 1000)  # one amount in ten ends in odd cents
        return product.price_cents * quantity * discount // 100 + (odd * 100 if odd < 900 else odd)

    def _visit(self, changes: dict) -> dict:
        """Zoho keeps a row of its own for each visit of a stage; the event names it."""
        if self._side.crm == "zoho":
            changes["_visit"] = self._side.mint()
        return changes

    def _rest(self, deal: Deal, tempo: str = "rests") -> None:
        agenda, days = self._side.agenda, self._tempo[tempo]
        deal.steps += 1
        agenda.later(days[int(self._side.chance.roll() * len(days))], self._step, deal, deal.steps)

    def _step(self, deal: Deal, number: int) -> None:
        """The next thing that happens to a deal. The dice's bands are in percent."""
        if deal.deleted or number != deal.steps:
            return
        dice = int(self._side.chance.roll() * 100)
        if deal.stage < 0:
            self._reopen(deal)
            return
        if not deal.owner.active:
            self._hand_over(deal)
        if dice < 66:
            self._forward(deal, 2 if dice < 18 else 1)
        elif dice < 69 and deal.stage > 0:
            self._move(deal, deal.stage - 1)
        elif dice < 82:
            self._close(deal, self._side.dialect.lost[dice < 71])
        elif dice < 97:
            self._edit(deal, dice)
        if deal.stage >= 0:
            self._rest(deal, "stalls" if dice >= 93 else "rests")
        elif deal.probability == 0 and self._side.chance.percent(4):
            self._rest(deal, "stalls")  # it will come back

    def _forward(self, deal: Deal, by: int) -> None:
        if deal.stage + by < len(self._side.dialect.stages):
            self._move(deal, deal.stage + by)
        else:
            self._close(deal, self._side.dialect.won)

    def _move(self, deal: Deal, stage: int) -> None:
        deal.stage = stage
        deal.stage_name, deal.probability = self._side.dialect.stages[stage]
        self._write(
            deal, self._side.dialect.deal_moved(deal, self._side.chance, self._side.agenda.now), visit=True
        )
        if self._side.books:
            self._side.books.moved(deal)

    def _close(self, deal: Deal, end: tuple[str, int]) -> None:
        side = self._side
        if end is side.dialect.won and not deal.amount_cents:
            deal.amount_cents = self._worth(deal.product)
            self._write(deal, side.dialect.deal_worth(deal))
        deal.stage = -1
        deal.stage_name, deal.probability = end
        deal.closing_day = side.agenda.today
        self._write(deal, side.dialect.deal_moved(deal, side.chance, side.agenda.now), visit=True)
        if end is side.dialect.won and not deal.account.buyer:
            deal.account.buyer = True
            if bought := side.dialect.account_bought():
                side.updated("accounts", deal.account.id, deal.owner.id, bought)
        if side.books:
            side.books.closed(deal)

    def _reopen(self, deal: Deal) -> None:
        side = self._side
        deal.stage = len(side.dialect.stages) - 1
        deal.stage_name, deal.probability = side.dialect.stages[deal.stage]
        deal.closing_day = side.agenda.today + 30
        self._write(deal, side.dialect.deal_reopened(deal), visit=True)
        self._rest(deal)

    def _hand_over(self, deal: Deal) -> None:
        side = self._side
        deal.owner = self._owner(deal.account)
        side.updated("deals", deal.id, side.admin, side.dialect.deal_handed(deal))

    def _edit(self, deal: Deal, dice: int) -> None:
        side = self._side
        if dice < 86 or not deal.amount_cents:
            deal.amount_cents = self._worth(deal.product)
            self._write(deal, side.dialect.deal_worth(deal))
        elif dice < 91:
            deal.closing_day = max(deal.closing_day, side.agenda.today) + 7 + side.chance.below(40)
            self._write(deal, side.dialect.deal_due(deal))
        else:
            self._write(deal, side.dialect.deal_noted(deal, side.chance, side.agenda.now))

    def _write(self, deal: Deal, changes: dict, *, visit: bool = False) -> None:
        side = self._side
        if visit:
            self._visit(changes)
        if deal.id in side.away:
            return
        side.log.append(Event(side.agenda.now, side.crm, "deals", deal.id, UPDATE, deal.owner.id, changes))
