"""What every office day brings to one CRM: new deals and leads, small edits, clearing up, a quarterly review."""

from __future__ import annotations

from sandbox.company.clock import HISTORY_BEGINS, OPENING, day_starts, day_text, is_weekend, local_day
from sandbox.company.deals import DealLives
from sandbox.company.prospects import LeadLives
from sandbox.company.records import Account, Contact
from sandbox.company.side import Side

_FIRST = local_day(HISTORY_BEGINS)
_OPENING = local_day(OPENING)


def _weight(day: int) -> int:
    """How much of the business falls on a day: weekends little, around Spring Festival half."""
    weight = 20 if is_weekend(day) else 100
    return weight // 2 if day_text(day)[5:7] == "02" else weight


_HISTORY_WEIGHT = sum(_weight(day) for day in range(_FIRST + 1, _OPENING + 1))


class Days:
    """Spreads a yearly plan over days. After the opening every day has at least one of each kind of change."""

    def __init__(self, side: Side, other: Side, deals: DealLives, leads: LeadLives, plan: int) -> None:
        self._side, self._other, self._deals, self._leads = side, other, deals, leads
        self._plan = plan
        self._weighed = 0

    def begin(self) -> None:
        """The first of the days; each day then plans the next."""
        self._side.agenda.at(day_starts(_FIRST + 1), self._day)

    def _share(self, total: int, day: int) -> int:
        """This day's part of a total for the whole history; parts add up to it exactly, and go on after it."""
        before, after = self._weighed, self._weighed + _weight(day)
        return total * after // _HISTORY_WEIGHT - total * before // _HISTORY_WEIGHT

    def _day(self) -> None:
        agenda, day, plan = self._side.agenda, self._side.agenda.today, self._plan
        least = 1 if day >= _OPENING else 0
        for act, count in (
            (self._new_deal, self._share(plan * 97 // 100, day)),  # leads bring the rest
            (self._leads.arrive, self._share(plan // 8, day)),
            (self._touch_account, max(least, self._share(plan // 10, day))),
            (self._touch_contact, max(least, self._share(plan // 10, day))),
            (self._remove_deal, max(least, self._share(plan // 60, day))),
            (self._remove_contact, self._share(plan // 200, day)),
            (self._remove_lead, self._share(plan // 100, day)),
            (self._reprice, self._share(20, day)),
        ):
            for _ in range(count):
                # Weekends stay weekends here: an advance over a weekend must not be empty.
                agenda.at(day_starts(day) + 9 * 3600 + self._side.chance.below(32_000), act)
        if day_text(day)[5:] in ("01-01", "04-01", "07-01", "10-01"):
            agenda.at(day_starts(day) + 20 * 3600, self._review)
        self._weighed += _weight(day)
        agenda.at(day_starts(day + 1), self._day)

    def _new_deal(self) -> None:
        side, chance = self._side, self._side.chance
        if chance.percent(8):
            party = side.new_party(self._other)
            account: Account = side.new_account(party, side.seller(party.region.name))
        else:
            account = chance.favour(side.accounts)
        self._deals.open(account)

    def _touch_account(self) -> None:
        side = self._side
        account = side.chance.pick(side.accounts)
        changes = side.dialect.account_touched(account, side.chance)
        side.updated("accounts", account.id, account.owner.id, changes)

    def _touch_contact(self) -> None:
        side = self._side
        contact = side.chance.pick(side.contacts)
        if contact in contact.account.contacts:  # not while it is in the recycle bin
            changes = side.dialect.contact_touched(contact, side.chance)
            side.updated("contacts", contact.id, contact.account.owner.id, changes)

    def _remove_deal(self) -> None:
        chance = self._side.chance
        if self._side.deals:
            self._deals.remove(chance.pick(self._side.deals), permanent=chance.percent(10))

    def _remove_contact(self) -> None:
        """A contact whom nothing refers to leaves; sometimes it was a mistake."""
        side = self._side
        contact = side.new_contact(side.chance.pick(side.accounts))
        contact.account.contacts.remove(contact)
        side.agenda.later(2, self._drop_contact, contact)

    def _drop_contact(self, contact: Contact) -> None:
        self._side.deleted("contacts", contact.id)
        if self._side.chance.percent(20):
            self._side.agenda.later(3, self._keep_contact, contact)

    def _keep_contact(self, contact: Contact) -> None:
        self._side.restored("contacts", contact.id)
        contact.account.contacts.append(contact)

    def _remove_lead(self) -> None:
        side = self._side
        if side.leads:
            lead = side.chance.pick(side.leads)
            if not lead.over:
                lead.over = True
                side.deleted("leads", lead.id)

    def _reprice(self) -> None:
        side = self._side
        product = side.chance.pick(side.products)
        product.price_cents = product.price_cents * (97 + side.chance.below(8)) // 10_000 * 100
        side.updated("products", product.id, side.admin, side.dialect.priced(product))

    def _review(self) -> None:
        """A mass update: a quarter of the open deals, all stamped with the same second."""
        side = self._side
        day = day_text(side.agenda.today)
        changes = side.dialect.reviewed(f"{day[:4]}Q{(int(day[5:7]) + 2) // 3}")
        for deal in side.deals:
            if deal.stage >= 0 and not deal.deleted and deal.number % 4 == 0:
                side.updated("deals", deal.id, side.admin, changes)
