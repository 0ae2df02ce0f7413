"""Who is kept twice: companies, people and products of both CRMs under other spellings, and those that only look alike.

Dice, vocabulary and ids of its own (`twins.yml`): the company lives as it does without them, they come on top, as many
as the world is asked for. What is true stands in the events: `_party` of accounts, `_person` of contacts and users,
`_product` of products are the same number wherever a record means the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from sandbox.company.chance import Chance
from sandbox.company.clock import DAY, HISTORY_BEGINS
from sandbox.company.parties import code_of
from sandbox.company.side import Side
from sandbox.company.words import read_yaml

_FIRST_NUMBER = 10_000_000  # of what stands for one thing, far from the parties of the market
_FIRST_SERIAL = 500_000  # of ids, far from those of daily life
_WIDE = str.maketrans({chr(n): chr(n + 0xFEE0) for n in range(0x21, 0x7F)})


@cache
def vocabulary() -> dict[str, Any]:
    """`twins.yml`."""
    found: dict[str, Any] = read_yaml(Path(__file__).with_name("twins.yml"))
    return found


@dataclass(frozen=True, slots=True)
class Firm:
    """A company as it is: what every record of it is a spelling of. branch: (city row, kind) of a branch."""

    number: int
    brand: tuple[tuple[str, str, str], tuple[str, str, str]]
    trade: tuple[str, str, str, str, str]
    city: tuple[str, ...]
    form: str
    code: str
    site: str
    board: str  # the switchboard, without its dialling code
    branch: tuple[tuple[str, ...], str] | None = None

    @property
    def name(self) -> tuple[str, str, str]:
        """What an office registers but once: brand, trade and place."""
        return self.brand[0][0] + self.brand[1][0], self.trade[0], self.city[2]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody as they are. traditional: how somebody from elsewhere writes the name."""

    number: int
    name: str
    traditional: str
    mobile: str
    mail: str


class Twins:
    """Brings them into both CRMs, all within the first weeks."""

    def __init__(self, zoho: Side, fxiaoke: Side, seed: int, firms: int) -> None:
        self._sides, self._chance, self._firms = (
            {"zoho": zoho, "fxiaoke": fxiaoke},
            Chance(seed + 271_828),
            firms,
        )
        self._number, self._serial, self._planned = _FIRST_NUMBER, _FIRST_SERIAL, 0
        self._taken: set[tuple[str, str]] = set()
        self._registered: set[tuple[str, str, str]] = set()

    def begin(self) -> None:
        """Plan every record."""
        self._products()
        self._sellers()
        made = 0
        while made < self._firms:
            firm = self._firm()
            kind = self._chance.below(100)
            family = [firm]
            if kind < 12:  # the same brand and trade elsewhere, or another trade here: nobody's relation
                family.append(self._homonym(firm))
            elif kind < 22:
                family.append(self._branch(firm))
            elif kind < 32:  # one group: site and switchboard in common
                family += [self._subsidiary(firm), self._subsidiary(firm)]
            for one in family:
                self._kept(one)
            made += len(family)

    # what there is

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _firm(self) -> Firm:
        chance, words = self._chance, vocabulary()
        while True:
            brand = (
                tuple(chance.pick(words["brands"]["first"])),
                tuple(chance.pick(words["brands"]["second"])),
            )
            trade, city = tuple(chance.pick(words["trades"])), tuple(chance.pick(words["cities"]))
            if (brand[0][0] + brand[1][0], city[2]) not in self._taken:
                break
            if len(self._taken) > 4_000:  # every brand is taken somewhere: a third syllable
                third = chance.pick(words["brands"]["second"])
                brand = (brand[0], tuple(a + b for a, b in zip(brand[1], third, strict=True)))
                break
        self._taken.add((brand[0][0] + brand[1][0], city[2]))
        number = self._next()
        firm = Firm(
            number, brand, trade, city, chance.pick(words["forms"][:3]), code_of(city[3], number),
            f"{brand[0][2]}{brand[1][2]}{number % 1000}.example", f"{6_000_0000 + number % 9_999_999 * 3:08d}"[:8],
        )  # fmt: skip
        self._registered.add(firm.name)
        return firm

    def _homonym(self, firm: Firm) -> Firm:
        other = replace(self._firm(), brand=firm.brand, trade=firm.trade, city=firm.city)
        while other.name in self._registered:  # an office gives a name once
            if self._chance.percent(60):
                other = replace(other, city=tuple(self._chance.pick(vocabulary()["cities"])))
            else:
                other = replace(other, trade=tuple(self._chance.pick(vocabulary()["trades"])))
        self._registered.add(other.name)
        return other

    def _branch(self, firm: Firm) -> Firm:
        city = self._chance.pick([tuple(c) for c in vocabulary()["cities"] if c[2] != firm.city[2]])
        number = self._next()
        kind = self._chance.pick(vocabulary()["branches"])
        code = code_of(city[3], number) if kind == "分公司" else ""
        return replace(firm, number=number, code=code, branch=(city, kind))

    def _subsidiary(self, firm: Firm) -> Firm:
        other = self._homonym(firm)
        return replace(other, site=firm.site, board=firm.board)

    def _person(self) -> Person:
        chance, words = self._chance, self._sides["zoho"].dialect.words
        surname, given, number = chance.pick(words["surnames"]), chance.pick(words["given"]), self._next()
        name = surname + given
        for simple, other in _TRADITIONAL:
            name_there = name.replace(simple, other)
            if name_there != name:
                break
        return Person(number, name, name_there, f"13{number % 1_000_000_000:09d}", f"p{number}@mail.example")

    # who keeps what

    def _kept(self, firm: Firm) -> None:
        """Where a company is kept: in both CRMs, in one, twice in one."""
        roll = self._chance.below(100)
        where = ["zoho", "fxiaoke"] if roll < 62 else [("zoho", "fxiaoke")[roll % 2]]
        if self._chance.percent(12):
            where.append(self._chance.pick(where))
        people = [self._person() for _ in range(1 + self._chance.below(2))]
        for crm in where:
            side = self._sides[crm]
            account = self._write(side, "accounts", self._account(side, firm))
            for person in people:
                if self._chance.percent(75):
                    self._write(side, "contacts", self._contact(side, person, account, firm))

    def _write(self, side: Side, entity: str, fields: Callable[[], dict[str, Any]]) -> str:
        self._serial += 1
        self._planned += 1
        time = HISTORY_BEGINS + 70 * DAY + self._planned * 61
        id = side.dialect.mint(self._serial, time)
        side.agenda.at(time, lambda: side.created(entity, id, side.admin, fields()))
        return id

    def _account(self, side: Side, firm: Firm) -> Callable[[], dict[str, Any]]:
        chance = self._chance
        name, code, phone, site = self._spelt(firm), self._code(firm), self._phone(firm), self._site(firm)
        province, city, short = firm.branch[0][:3] if firm.branch else firm.city[:3]
        state = chance.pick((province, province, province.removesuffix("省").removesuffix("市")))
        town = "" if chance.percent(6) else chance.pick((city, city, short))
        if side.crm == "zoho":
            return lambda: {
                "Account_Name": name, "Owner": side.admin, "Industry": firm.trade[4], "Phone": phone, "Website": site,
                "Billing_Country": "中国", "Billing_State": state, "Billing_City": town or None,
                "Credit_Code": code or None, "_party": firm.number,
            }  # fmt: skip
        return lambda: {
            "name": name, "owner": side.admin, "industry_level1": firm.trade[3], "tel": phone, "url": site,
            "country": "中国", "province": state, "city": town or None, "uniform_social_credit_code": code or None,
            "deal_status": "未成交", "life_status": "正常", "_party": firm.number,
        }  # fmt: skip

    def _spelt(self, firm: Firm) -> str:
        """One of the ways in which people write a company."""
        chance, way = self._chance, self._chance.below(100)
        brand, trade, city = firm.brand[0][0] + firm.brand[1][0], firm.trade[0], firm.city[2]
        tail = f"{firm.branch[0][2]}{firm.branch[1]}" if firm.branch else ""
        form = chance.pick(vocabulary()["forms"]) if chance.percent(8) else firm.form
        registered = city + brand + trade + form
        if way < 40:
            name = registered
        elif way < 50:
            name = f"{brand}{trade}（{city}）{form}"
        elif way < 58:
            name = city + brand + trade
        elif way < 66:
            name = city + firm.brand[0][1] + firm.brand[1][1] + firm.trade[1] + form.replace("责任", "責任")
        elif way < 72:
            name = (
                f"{firm.city[0]}{firm.city[1]}{brand}{trade}{form}"
                if firm.city[0] != firm.city[1]
                else registered
            )
        elif way < 80:
            name = f"{city}{brand} {trade}　{form}"
        elif way < 86:
            name = f"{city}{brand}{trade}({form})" if "（" not in form else registered
        elif way < 92:
            name = registered.replace("（", "(").replace("）", ")") + chance.pick(("", "。", " "))
        else:
            english = (firm.brand[0][2] + firm.brand[1][2]).title()
            name = f"{firm.city[5]} {english} {firm.trade[2]} Co., Ltd.".translate(
                _WIDE if chance.percent(10) else {}
            )
            tail = f" {firm.branch[0][5]} Branch" if firm.branch else ""
        if tail and chance.percent(30) and way < 92:
            return f"{name}（{tail}）"
        return name + tail

    def _code(self, firm: Firm) -> str:
        """Right, missing, or wrong as fingers go wrong; none of the wrong ones passes its check."""
        roll, code = self._chance.below(100), firm.code
        if roll < 22 or not code:
            return ""
        if roll < 27:
            at = 8 + self._chance.below(9)
            return code[:at] + ("3" if code[at] != "3" else "7") + code[at + 1 :]
        if roll < 31:
            at = next((n for n in range(16, 8, -1) if code[n] != code[n - 1]), 9)
            return code[: at - 1] + code[at] + code[at - 1] + code[at + 1 :]
        return code.lower() if roll < 34 else f"{code[:8]} {code[8:]}" if roll < 37 else code

    def _phone(self, firm: Firm) -> str | None:
        dial, board, roll = firm.city[4], firm.board, self._chance.below(100)
        if roll < 20:
            return None
        if roll < 35:  # somebody's own line
            return f"{dial}-5{self._chance.below(9_999_999):07d}"
        return self._chance.pick(
            (f"{dial}-{board}", f"({dial}){board}", f"+86 {dial[1:]} {board}",
             f"{dial}{board}转8{self._chance.below(99):02d}", f"{dial}-{board}".translate(_WIDE))
        )  # fmt: skip

    def _site(self, firm: Firm) -> str | None:
        roll = self._chance.below(100)
        if roll < 22:
            return None
        if roll < 28:
            return self._chance.pick(vocabulary()["free"]).format(n=self._chance.below(9_999))
        return self._chance.pick(
            (f"www.{firm.site}", firm.site, f"https://www.{firm.site}/index.html", f"HTTP://{firm.site}/")
        )

    def _contact(self, side: Side, person: Person, account: str, firm: Firm) -> Callable[[], dict[str, Any]]:
        chance = self._chance
        name = chance.pick(
            (person.name, person.name, person.traditional, person.name[0] + " " + person.name[1:])
        )
        mobile = chance.pick(
            (
                person.mobile,
                f"+86 {person.mobile}",
                f"{person.mobile[:3]}-{person.mobile[3:7]}-{person.mobile[7:]}",
                person.mobile,
                person.mobile,
                "",
            )
        )
        mail = chance.pick(
            (person.mail, person.mail.upper(), person.mail, person.mail, f"info@{firm.site}", "")
        )
        if side.crm == "zoho":
            return lambda: {
                "Full_Name": name, "Last_Name": name, "Account_Name": account, "Owner": side.admin,
                "Mobile": mobile or None, "Email": mail or None, "_person": person.number,
            }  # fmt: skip
        return lambda: {
            "name": name, "account_id": account, "owner": side.admin, "mobile1": mobile or None, "email": mail or None,
            "life_status": "正常", "_person": person.number,
        }  # fmt: skip

    def _products(self) -> None:
        """Both sell them; each spells them."""
        for name, other, code, line in vocabulary()["products"]:
            number = self._next()
            zoho, fxiaoke = self._sides.values()
            self._write(zoho, "products", _always({
                "Product_Name": name, "Product_Code": code or None, "Product_Category": line,
                "_product": number}))  # fmt: skip
            self._write(fxiaoke, "products", _always({
                "name": other, "product_code": code or None, "product_line": line, "life_status": "正常",
                "_product": number}))  # fmt: skip

    def _sellers(self) -> None:
        """A team that works in both CRMs, and homonyms of it in one, who report to others."""
        zoho, fxiaoke = self._sides.values()
        region = "华东"
        leader = self._person()
        leaders = {crm: self._user(side, leader, None, region) for crm, side in self._sides.items()}
        for count in range(max(4, self._firms // 60)):
            person = self._person()
            for crm, side in self._sides.items():
                self._user(side, person, leaders[crm], region)
            if count % 4 == 0:
                self._user(
                    zoho if count % 8 else fxiaoke, replace(self._person(), name=person.name), None, region
                )

    def _user(self, side: Side, person: Person, leader: str | None, region: str) -> str:
        if side.crm == "zoho":
            return self._write(side, "users", _always({
                "full_name": person.name, "last_name": person.name, "email": person.mail, "Reporting_To": leader,
                "status": "active", "state": region, "_person": person.number}))  # fmt: skip
        return self._write(side, "users", _always({
            "name": person.name, "full_name": person.name, "employee_number": f"T{person.number}", "leader": leader,
            "main_department": region, "status": "启用", "_person": person.number}))  # fmt: skip


_TRADITIONAL = tuple(zip("张刘陈杨赵黄吴孙马罗郑谢韩冯萧", "張劉陳楊趙黃吳孫馬羅鄭謝韓馮蕭", strict=True))


def _always(fields: dict[str, Any]) -> Callable[[], dict[str, Any]]:
    return lambda: fields
