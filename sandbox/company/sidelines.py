"""What Zoho's organisation keeps beside its sales: quotes with lines, visits, equipment, links, notes.

It has dice and ids of its own, so that the sales of a seed are the same with and without it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.company.chance import Chance
from sandbox.company.clock import HISTORY_BEGINS, OPENING, day_starts, day_text, local_day, office_iso
from sandbox.company.records import Account
from sandbox.company.side import Side

# What equipment is described by: (field, type), a hundred and eleven of them.
_SPEC_TYPES = (
    "text",
    "integer",
    "currency",
    "boolean",
    "date",
    "datetime",
    "double",
    "picklist",
    "percent",
    "email",
)
SPECS = tuple((f"Spec_{n:03d}", _SPEC_TYPES[n % len(_SPEC_TYPES)]) for n in range(1, 112))
SPEC_CHOICES = ("甲", "乙", "丙")
MOODS = ("积极", "犹豫", "着急")
MOST = 1500  # of a kind in the history, however large the company
_FIRST, _OPENING = local_day(HISTORY_BEGINS), local_day(OPENING)
_DAYS = _OPENING - _FIRST


class Sidelines:
    """Spread over the days like everything else; after the opening every kind is made, edited and removed daily."""

    def __init__(self, side: Side, seed: int, plan: int) -> None:
        self._side, self._chance = side, Chance(seed + 7_919)
        self._plan = min(plan, 10 * MOST)
        self._serial = 0
        self._quotes: dict[str, list[str]] = {}  # id → lines
        self._kept: dict[str, dict[str, Account]] = {"site_visits": {}, "equipment": {}, "notes": {}}
        self._links: dict[str, str] = {}  # id → equipment

    def begin(self) -> None:
        """The first day; each plans the next."""
        self._side.agenda.at(day_starts(_FIRST + 1), self._day)

    def _day(self) -> None:
        agenda, day = self._side.agenda, self._side.agenda.today
        least = int(day >= _OPENING)
        for act, tenth in (
            (self._quote, 10), (self._visit, 8), (self._equip, 5), (self._note, 10), (self._edit_line, 5),
            (self._edit_visit, 3), (self._edit_equipment, 2), (self._edit_note, 2), (self._recompute, 3),
            (self._unlink, 1), (self._drop_visit, 1), (self._drop_equipment, 1), (self._drop_note, 1),
            (self._drop_quote, 1),
        ):  # fmt: skip
            for _ in range(max(least, self._share(self._plan * tenth // 100, day))):
                agenda.at(day_starts(day) + 9 * 3600 + self._chance.below(32_000), act)
        agenda.at(day_starts(day + 1), self._day)

    @staticmethod
    def _share(total: int, day: int) -> int:
        passed = day - _FIRST
        return total * (passed + 1) // _DAYS - total * passed // _DAYS

    def _mint(self) -> str:
        self._serial += 1
        return str(554_023_500_000_000_000 + self._serial * 3)

    def _account(self) -> Account:
        return self._chance.favour(self._side.accounts)

    def _quote(self) -> None:
        account, side = self._account(), self._side
        id, prices = (
            self._mint(),
            [self._chance.pick(side.products) for _ in range(1 + self._chance.below(4))],
        )
        lines, total = [], 0
        for number, product in enumerate(prices, 1):
            quantity = 1 + self._chance.below(9)
            total += quantity * product.price_cents
            line = {
                "Parent_Id": id, "Product_Name": product.id, "Quantity": float(quantity),
                "List_Price": product.price_cents / 100, "Total": quantity * product.price_cents / 100,
                "Sequence_Number": number, "Description": product.name,
            }  # fmt: skip
            lines.append((self._mint(), line))
        changes = {
            "Subject": f"{account.party.short}报价{self._serial}", "Account_Name": account.id,
            "Owner": account.owner.id, "Quote_Stage": "Draft", "Valid_Till": day_text(side.agenda.today + 30),
            "Grand_Total": total / 100, "Expected_Margin": total // 5 / 100,
            "Cover_Letter": self._letter(),
        }  # fmt: skip
        side.created("quotes", id, account.owner.id, changes)
        for line_id, line in lines:
            side.created("quoted_items", line_id, account.owner.id, line)
        self._quotes[id] = [line_id for line_id, _ in lines]

    def _letter(self) -> str | None:
        """None, or a rich text of up to some two thousand characters."""
        return f"<p>{'随函附上报价，请查收。' * (self._serial % 191)}</p>" if self._serial % 3 else None

    def _edit_line(self) -> None:
        """A line is changed, and its quote with it."""
        if self._quotes:
            quote = self._chance.pick(list(self._quotes))
            line = self._chance.pick(self._quotes[quote])
            self._side.updated(
                "quoted_items", line, self._side.admin, {"Description": f"改{self._chance.below(99)}"}
            )
            stage = self._chance.pick(("Negotiation", "Delivered", "Confirmed"))
            self._side.updated("quotes", quote, self._side.admin, {"Quote_Stage": stage})

    def _recompute(self) -> None:
        """A formula takes another value; Zoho stamps nobody's change of it."""
        if self._quotes:
            quote = self._chance.pick(list(self._quotes))
            self._side.recomputed("quotes", quote, {"Expected_Margin": self._chance.below(9_000_000) / 100})

    def _drop_quote(self) -> None:
        """The lines go with their quote."""
        if len(self._quotes) > 3:
            quote = self._chance.pick(list(self._quotes))
            for line in self._quotes.pop(quote):
                self._side.deleted("quoted_items", line)
            self._side.deleted("quotes", quote)

    def _visit(self) -> None:
        account = self._account()
        mail = f"c{account.number}@customer.example" if self._chance.percent(70) else None
        changes = {
            "Name": f"拜访{account.party.short}", "Account": account.id, "Owner": account.owner.id,
            "Visit_Date": day_text(self._side.agenda.today), "Result": "已签到",
            "Mood": list(MOODS[: self._chance.below(4)]) or None, "Contact_Email": mail,
        }  # fmt: skip
        self._make("site_visits", account, changes)

    def _edit_visit(self) -> None:
        self._edit("site_visits", lambda: {"Result": self._chance.pick(("已完成", "已取消"))})

    def _equip(self) -> None:
        account = self._account()
        changes = {"Name": f"{account.party.short}产线", "Account": account.id, "Owner": account.owner.id}
        for name, type_ in SPECS:
            if self._chance.percent(40):
                changes[name] = self._spec(type_)
        id = self._make("equipment", account, changes)
        for contact in account.contacts[:2]:
            link = self._mint()
            self._side.created(
                "equipment_x_contacts", link, account.owner.id,
                {"Equipment_Lookup": id, "Operators": contact.id},
            )  # fmt: skip
            self._links[link] = id

    def _spec(self, type_: str) -> Any:
        number = self._chance.below(100_000)
        match type_:
            case "text":
                return f"型号{number}"
            case "currency":
                return number / 100
            case "double":
                return number / 8
            case "boolean":
                return number % 2 == 0
            case "date":
                return day_text(_FIRST + number % 900)
            case "datetime":
                return office_iso(HISTORY_BEGINS + number)
            case "picklist":
                return SPEC_CHOICES[number % len(SPEC_CHOICES)]
            case "email":
                return f"s{number}@customer.example"
        return number % 100  # integer, percent

    def _edit_equipment(self) -> None:
        name, type_ = self._chance.pick(SPECS)
        self._edit("equipment", lambda: {name: self._spec(type_)})

    def _unlink(self) -> None:
        if len(self._links) > 3:
            link = self._chance.pick(list(self._links))
            del self._links[link]
            self._side.deleted("equipment_x_contacts", link)

    def _note(self) -> None:
        account = self._account()
        words = self._side.dialect.words
        changes = {
            "Note_Title": self._chance.pick(words["next_steps"]), "Parent_Id": account.id,
            "Note_Content": self._chance.pick(words["descriptions"]), "Owner": account.owner.id,
        }  # fmt: skip
        self._make("notes", account, changes)

    def _edit_note(self) -> None:
        self._edit("notes", lambda: {"Note_Content": f"补充{self._chance.below(1000)}"})

    def _drop_visit(self) -> None:
        self._drop("site_visits")

    def _drop_note(self) -> None:
        self._drop("notes")

    def _drop_equipment(self) -> None:
        """Its links go with it."""
        gone = self._drop("equipment")
        for link in [link for link, equipment in self._links.items() if equipment == gone]:
            del self._links[link]
            self._side.deleted("equipment_x_contacts", link)

    def _make(self, entity: str, account: Account, changes: dict[str, Any]) -> str:
        id = self._mint()
        self._side.created(entity, id, account.owner.id, changes)
        self._kept[entity][id] = account
        return id

    def _edit(self, entity: str, changes: Callable[[], dict[str, Any]]) -> None:
        if self._kept[entity]:
            id = self._chance.pick(list(self._kept[entity]))
            self._side.updated(entity, id, self._side.admin, changes())

    def _drop(self, entity: str) -> str | None:
        if len(self._kept[entity]) <= 3:
            return None
        id = self._chance.pick(list(self._kept[entity]))
        del self._kept[entity][id]
        self._side.deleted(entity, id)
        return id
