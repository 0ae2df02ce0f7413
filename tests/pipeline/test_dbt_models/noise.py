# ruff: noqa: E501 (tables of words: wide characters count twice)
"""A second pretend market, written without a look at the sandbox's: other words, other ways to go wrong.

So that the rules of identity are not fitted to one generator. Nobody here is real.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from tests.pipeline.test_dbt_models.identities import Record

PLACES = (  # province, city, spoken, dialling code, English
    ("福建省", "泉州市", "泉州", "0595", "Quanzhou"), ("河南省", "郑州市", "郑州", "0371", "Zhengzhou"),
    ("安徽省", "合肥市", "合肥", "0551", "Hefei"), ("天津市", "天津市", "天津", "022", "Tianjin"),
    ("辽宁省", "大连市", "大连", "0411", "Dalian"), ("江西省", "南昌市", "南昌", "0791", "Nanchang"),
    ("贵州省", "贵阳市", "贵阳", "0851", "Guiyang"),
)  # fmt: skip
SYLLABLES = (("润", "潤", "run"), ("晟", "晟", "sheng"), ("麒", "麒", "qi"), ("骏", "駿", "jun"), ("岭", "嶺", "ling"),
             ("泽", "澤", "ze"), ("曜", "曜", "yao"), ("颂", "頌", "song"), ("宁", "寧", "ning"), ("铭", "銘", "ming"),
             ("昊", "昊", "hao"), ("绮", "綺", "qi"), ("衡", "衡", "heng"), ("桥", "橋", "qiao"), ("梧", "梧", "wu"))  # fmt: skip
TRADES = (("自动化", "自動化", "Automation", "制造业", "Manufacturing"), ("新材料", "新材料", "New Materials", "制造业", "Manufacturing"),
          ("供应链", "供應鏈", "Supply Chain", "交通运输", "Transportation"), ("软件", "軟件", "Software", "信息技术", "Technology"),
          ("生物科技", "生物科技", "Biotech", "医疗健康", "Healthcare"), ("装饰", "裝飾", "Decoration", "建筑业", "Construction"))  # fmt: skip
FORMS = ("有限公司", "有限责任公司", "股份有限公司")
_DIGITS = "0123456789ABCDEFGHJKLMNPQRTUWXY"


@dataclass(slots=True)
class Body:
    """A legal body as it is."""

    number: int
    brand: tuple[str, str, str]
    trade: tuple[str, ...]
    place: tuple[str, ...]
    form: str
    code: str
    host: str
    switchboard: str
    outlet: str = ""  # 大连分公司 …; "" is the company itself


def checked_code(number: int) -> str:
    """18 places with their check digit (GB 32100-2015): 31 minus the weighted sum modulo 31."""
    body = f"91{350500 + number % 400:06d}{number * 7919 % 10**9:09d}"
    total = sum(_DIGITS.index(c) * pow(3, i, 31) for i, c in enumerate(body))
    return body + _DIGITS[(31 - total % 31) % 31]


class Noise:
    """So many bodies, kept by two CRMs, and which records mean the same."""

    def __init__(self, seed: int, bodies: int) -> None:
        self._random = Random(seed)
        self._names: set[tuple[str, ...]] = set()
        self.records: dict[tuple[str, str], list[Record]] = {
            ("zoho", "accounts"): [],
            ("fxiaoke", "accounts"): [],
        }
        self.groups: list[list[tuple[str, str]]] = []
        made: list[Body] = []
        while len(made) < bodies:
            made += self._family(len(made))
        for body in made:
            self.groups.append(list(self._kept(body)))

    def _body(self, number: int) -> Body:
        r = self._random
        while True:
            parts = [r.choice(SYLLABLES) for _ in range(r.choice((2, 2, 3)))]
            brand = tuple("".join(p[n] for p in parts) for n in range(3))
            trade, place = r.choice(TRADES), r.choice(PLACES)
            if (brand[0], trade[0], place[2]) not in self._names:
                break
        self._names.add((brand[0], trade[0], place[2]))
        return Body(number, brand, trade, place, r.choice(FORMS), checked_code(number + 11), f"{brand[2]}{number}.com.cn",
                    f"{place[3]}-8{number * 31 % 10**7:07d}")  # fmt: skip

    def _family(self, number: int) -> Iterator[Body]:
        r, first = self._random, self._body(number)
        yield first
        kind = r.random()
        if kind < 0.08:  # a branch with a code of its own, or without
            other = r.choice([p for p in PLACES if p != first.place])
            code = checked_code(number + 500_000) if r.random() < 0.6 else ""
            yield Body(number + 1, first.brand, first.trade, first.place, first.form, code, first.host, first.switchboard,
                       other[2] + r.choice(("分公司", "办事处", "代表处")))  # fmt: skip
        elif kind < 0.2:  # the brand elsewhere or in another trade; half of them of one group
            second = self._body(number + 1)
            second.brand = first.brand
            if second.place == first.place and second.trade == first.trade:
                return
            if (second.brand[0], second.trade[0], second.place[2]) in self._names:
                return
            self._names.add((second.brand[0], second.trade[0], second.place[2]))
            if r.random() < 0.5:
                second.host, second.switchboard = first.host, first.switchboard
            yield second

    def _kept(self, body: Body) -> Iterator[tuple[str, str]]:
        r = self._random
        where = r.choices(
            (("zoho", "fxiaoke"), ("zoho",), ("fxiaoke",), ("zoho", "zoho", "fxiaoke")), (60, 12, 12, 10)
        )[0]
        for place, crm in enumerate(where):
            id = f"n{body.number}-{place}"
            told = self._told(body, crm)
            self.records[crm, "accounts"].append(
                {**told, "_record_id": id, "_born": f"2025-03-{1 + place:02d}T00:00:00+08:00"}
            )
            yield crm, id

    def _told(self, body: Body, crm: str) -> dict[str, str | None]:
        r = self._random
        name, town = self._name(body), body.place[1]
        if body.outlet:
            town = next(p[1] for p in PLACES if body.outlet.startswith(p[2]))
        province = next(p[0] for p in PLACES if p[1] == town)
        site = (
            None
            if r.random() < 0.25
            else r.choice(
                (body.host, f"http://www.{body.host}", f"{body.host}/cn/", f"WWW.{body.host.upper()}")
            )
        )
        phone = None if r.random() < 0.25 else r.choice((body.switchboard, body.switchboard.replace("-", ""), f"86-{body.switchboard[1:]}",
                                                       f"{body.switchboard}-{r.randrange(100, 999)}", "400-800-1234"))  # fmt: skip
        code = self._code(body.code)
        if crm == "zoho":
            return {"Account_Name": name, "Website": site, "Phone": phone, "Credit_Code": code, "Industry": body.trade[4],
                    "Billing_State": province, "Billing_City": r.choice((town, town.removesuffix("市")))}  # fmt: skip
        return {"name": name, "url": site, "tel": phone, "uniform_social_credit_code": code, "industry_level1": body.trade[3],
                "province": province, "city": town}  # fmt: skip

    def _name(self, body: Body) -> str:
        r = self._random
        short, trade, town = body.brand[0], body.trade[0], body.place[2]
        form = body.form if r.random() > 0.06 else r.choice(FORMS)
        whole = f"{town}{short}{trade}{form}"
        if r.random() < 0.12:
            english = f"{body.place[4]} {body.brand[2].capitalize()} {body.trade[2]} {r.choice(('Co Ltd', 'Co.,Ltd', 'Limited'))}"
            if not body.outlet:
                return r.choice((english, english.upper()))
        written = r.choice((
            whole, whole, whole, f"{town}市{short}{trade}{form}", f"{short}{trade}【{town}】{form}", f"{short}（{town}）{trade}{form}",
            f" {town} {short}{trade}{form} ", f"{town}{body.brand[1]}{body.trade[1]}{form}", f"{town}{short}{trade}", f"{whole}（老客户）",
            f"{town}{short}{trade}集团{form}" if not body.outlet else whole,
        ))  # fmt: skip
        return written.strip("　") + body.outlet

    def _code(self, code: str) -> str | None:
        roll = self._random.random()
        if not code or roll < 0.25:
            return None
        if roll < 0.3:  # one place wrong
            at = self._random.randrange(8, 17)
            return code[:at] + _DIGITS[(_DIGITS.index(code[at]) + 5) % 31] + code[at + 1 :]
        if roll < 0.34:  # a place lost
            return code[:9] + code[10:]
        return code.replace("0", "O") if roll < 0.36 else f"{code} " if roll < 0.4 else code
