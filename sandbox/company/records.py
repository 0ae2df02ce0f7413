"""What the company knows about its people, customers and deals while it lives; no CRM's words in here."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True, eq=False)
class Region:
    """A sales region: name and its cities as (province, city, short name, area code)."""

    name: str
    cities: list[tuple[str, str, str, str]]


@dataclass(slots=True, eq=False)
class Party:
    """A real company out there. It may be a customer in one CRM or in both."""

    number: int
    short: str  # city and brand: 苏州蓝海
    trade: str
    industry: str
    industry_en: str
    region: Region
    place: tuple[str, str, str, str]
    staff: int
    revenue_cents: int


@dataclass(slots=True, eq=False)
class User:
    """An employee as one CRM knows him or her."""

    id: str
    surname: str
    given: str
    number: int
    region: Region
    place: tuple[str, str, str, str]
    line: str
    position: str  # rep, manager or director
    leader: User | None
    active: bool = True

    @property
    def name(self) -> str:
        return self.surname + self.given


@dataclass(slots=True, eq=False)
class Product:
    """Something to sell; price in cents."""

    id: str
    name: str
    code: str
    line: str
    price_cents: int


@dataclass(slots=True, eq=False)
class Contact:
    """A person at a customer."""

    id: str
    surname: str
    given: str
    account: Account
    number: int
    title: str
    department: str


@dataclass(slots=True, eq=False)
class Account:
    """A customer in one CRM; `name` is how this CRM spells the party."""

    id: str
    number: int
    name: str
    party: Party
    owner: User
    kind: str
    rating: str
    source: str
    contacts: list[Contact] = field(default_factory=list)
    deals: int = 0
    buyer: bool = False  # has won deals


@dataclass(slots=True, eq=False)
class Lead:
    """Someone who may become a customer; `party` is already known to the company, not to the CRM."""

    id: str
    surname: str
    given: str
    number: int
    party: Party
    owner: User
    source: str
    status: str
    over: bool = False


@dataclass(slots=True, eq=False)
class Deal:
    """A deal while it lives. stage: index into the stages of its CRM; -1 once won or lost."""

    id: str
    number: int
    name: str
    account: Account
    contact: Contact | None
    owner: User
    product: Product
    pipeline: str
    source: str
    amount_cents: int
    closing_day: int
    stage: int
    probability: int
    stage_name: str
    opened: int
    from_lead: bool = False  # a lead points to it, so it is never deleted
    deleted: bool = False
    steps: int = 0  # the number of the step that is due; an older one still in the queue is void
    currency: str = ""  # where books are kept: what it is in, and the rate as its CRM says it
    rate: float = 1
