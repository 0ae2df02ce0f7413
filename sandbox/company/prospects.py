"""The life of a lead: contacted, then converted into a customer (and mostly a deal), or dead."""

from __future__ import annotations

from sandbox.company.deals import DealLives
from sandbox.company.records import Account, Lead
from sandbox.company.side import Side


class LeadLives:
    """Brings leads into one CRM and takes them to their end."""

    def __init__(self, side: Side, other: Side, deals: DealLives, tempo: dict[str, list[int]]) -> None:
        self._side, self._other, self._deals, self._tempo = side, other, deals, tempo

    def arrive(self) -> None:
        """A new lead."""
        side, chance, dialect = self._side, self._side.chance, self._side.dialect
        id = side.mint()
        party = side.new_party(self._other)
        lead = Lead(
            id, chance.pick(dialect.words["surnames"]), chance.pick(dialect.words["given"]), side.serial(), party,
            side.seller(party.region.name), chance.pick(dialect.sales["sources"]), dialect.sales["lead_statuses"][0],
        )  # fmt: skip
        side.created("leads", id, lead.owner.id, dialect.lead(lead))
        side.leads.append(lead)
        self._rest(lead)

    def _rest(self, lead: Lead) -> None:
        side = self._side
        side.agenda.later(side.chance.pick(self._tempo["rests"]), self._step, lead)

    def _step(self, lead: Lead) -> None:
        if lead.over:
            return
        dice = self._side.chance.below(100)
        if dice < 35:
            self._convert(lead)
        elif dice < 55:
            self._end(lead, self._side.chance.pick(self._side.dialect.sales["lead_dead"]))
        else:
            self._advance(lead)

    def _advance(self, lead: Lead) -> None:
        side = self._side
        statuses = side.dialect.sales["lead_statuses"]
        at = statuses.index(lead.status)
        if at + 1 < len(statuses):
            lead.status = statuses[at + 1]
            side.updated("leads", lead.id, lead.owner.id, side.dialect.lead_moved(lead))
        self._rest(lead)

    def _end(self, lead: Lead, status: str) -> None:
        lead.status, lead.over = status, True
        self._side.updated("leads", lead.id, lead.owner.id, self._side.dialect.lead_moved(lead))

    def _convert(self, lead: Lead) -> None:
        side = self._side
        account = self._account(lead)
        contact = side.new_contact(account)
        deal = self._deals.open(account, contact) if side.chance.percent(80) else None
        if deal:
            deal.from_lead = True
        lead.status, lead.over = side.dialect.sales["lead_won"], True
        changes = side.dialect.lead_converted(lead, side.agenda.now, account, contact, deal)
        side.updated("leads", lead.id, lead.owner.id, changes)

    def _account(self, lead: Lead) -> Account:
        side = self._side
        return side.customers.get(lead.party.number) or side.new_account(lead.party, lead.owner)
