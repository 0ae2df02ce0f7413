"""One CRM of the company: its people, products and customers, and the pen that writes the log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.company.agenda import Agenda
from sandbox.company.chance import Chance
from sandbox.company.dialects.base import Dialect
from sandbox.company.log import CREATE, DELETE, RECOMPUTE, RESTORE, UPDATE, Event, Log
from sandbox.company.parties import Market, spelling
from sandbox.company.records import Account, Contact, Deal, Lead, Party, Product, User

if TYPE_CHECKING:
    from sandbox.company.books.books import Books


class Side:
    """State of one CRM, kept for the lives of its records; the log is what others may read."""

    def __init__(self, dialect: Dialect, chance: Chance, agenda: Agenda, log: Log, market: Market) -> None:
        self.dialect, self.chance, self.agenda, self.log, self.market = dialect, chance, agenda, log, market
        self.crm = dialect.crm
        self.admin = ""
        self.users: list[User] = []
        self.sellers: dict[str, list[User]] = {}  # by region: those who can be given a customer
        self.products: list[Product] = []
        self.accounts: list[Account] = []
        self.contacts: list[Contact] = []
        self.deals: list[Deal] = []
        self.leads: list[Lead] = []
        self.customers: dict[int, Account] = {}  # by the number of the party
        self.away: set[str] = set()  # deleted; what still happens to them is void
        self.lost: set[str] = set()  # of those, the ones that cannot come back
        self.books: Books | None = None  # what follows from its deals, where that is kept
        self._serial = 1000
        self._mint = dialect.mint

    def mint(self) -> str:
        """A new id, larger than all before it."""
        self._serial += 1
        return self._mint(self._serial, self.agenda.now)

    def serial(self) -> int:
        """The number of the last id: what people see as a running number."""
        return self._serial

    def created(self, entity: str, id: str, by: str, changes: dict[str, Any]) -> None:
        self.log.append(Event(self.agenda.now, self.crm, entity, id, CREATE, by, changes))

    def updated(self, entity: str, id: str, by: str, changes: dict[str, Any]) -> None:
        if id in self.away:
            return
        self.log.append(Event(self.agenda.now, self.crm, entity, id, UPDATE, by, changes))

    def recomputed(self, entity: str, id: str, changes: dict[str, Any]) -> None:
        if id in self.away:
            return
        self.log.append(Event(self.agenda.now, self.crm, entity, id, RECOMPUTE, "", changes))

    def reshaped(self, entity: str, field: str, kind: str, changes: dict[str, Any]) -> None:
        """A field of the entity was added, changed or removed (`FIELD_KINDS`)."""
        self.log.append(Event(self.agenda.now, self.crm, entity, field, kind, self.admin, changes))

    def deleted(self, entity: str, id: str, *, permanent: bool = False) -> None:
        if id in self.away:
            return
        self.away.add(id)
        if permanent:
            self.lost.add(id)
        changes = {"_permanent": True} if permanent else {}
        if entity == "deals" and self.books:
            self.books.removed(id)
        self.log.append(Event(self.agenda.now, self.crm, entity, id, DELETE, self.admin, changes))

    def restored(self, entity: str, id: str) -> None:
        if id not in self.away or id in self.lost:
            return
        self.away.remove(id)
        self.log.append(Event(self.agenda.now, self.crm, entity, id, RESTORE, self.admin, {}))

    def new_account(self, party: Party, owner: User) -> Account:
        """The party becomes a customer here, with one or two contacts."""
        chance, sales = self.chance, self.dialect.sales
        id = self.mint()
        account = Account(
            id, self._serial, spelling(party, self.crm), party, owner, chance.pick(sales["account_types"]),
            chance.pick(sales["ratings"]), chance.pick(sales["sources"]),
        )  # fmt: skip
        self.created("accounts", id, owner.id, self.dialect.account(account))
        self.accounts.append(account)
        self.customers[party.number] = account
        for _ in range(1 + chance.below(2)):
            self.new_contact(account)
        return account

    def new_contact(self, account: Account) -> Contact:
        """Another person at the customer."""
        chance, words = self.chance, self.dialect.words
        id = self.mint()
        contact = Contact(
            id, chance.pick(words["surnames"]), chance.pick(words["given"]), account, self._serial,
            chance.pick(words["titles"]), chance.pick(words["departments"]),
        )  # fmt: skip
        self.created("contacts", id, account.owner.id, self.dialect.contact(contact))
        account.contacts.append(contact)
        self.contacts.append(contact)
        return contact

    def new_party(self, other: Side) -> Party:
        """A company that is no customer here yet: sometimes one the other CRM knows already."""
        if other.accounts and self.chance.percent(30):
            known = self.chance.pick(other.accounts).party
            if known.number not in self.customers:
                return known
        return self.market.found()

    def seller(self, region: str) -> User:
        """Someone who sells in the region."""
        return self.chance.pick(self.sellers[region])
