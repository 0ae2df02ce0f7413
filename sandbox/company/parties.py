"""Companies out there: names that differ between the two CRMs, and valid 统一社会信用代码."""

from __future__ import annotations

from operator import mul

from sandbox.company.chance import Chance
from sandbox.company.records import Party, Region

_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # GB 32100-2015: no I O S V Z
_VALUES = {digit: value for value, digit in enumerate(_ALPHABET)}
_WEIGHTS = [3**i % 31 for i in range(17)]
_SUFFIXES = ("有限公司", "有限责任公司", "股份有限公司", "（集团）有限公司")


def credit_code(party: Party) -> str:
    """A well-formed 统一社会信用代码 of the party's place, with its check digit (GB 32100-2015)."""
    return code_of(party.place[3], party.number)


def code_of(area: str, number: int) -> str:
    """The code of the so-and-so-manieth company of an area of six digits."""
    digits, rest = "", 100_000 + number * 7
    for _ in range(7):
        rest, digit = divmod(rest, 31)
        digits = _ALPHABET[digit] + digits
    body = f"91{area}MA{digits}"
    total = sum(map(mul, map(_VALUES.__getitem__, body), _WEIGHTS))
    return body + _ALPHABET[-total % 31]


class Market:
    """Makes companies; no two have the same short name."""

    def __init__(self, chance: Chance, regions: list[Region], words: dict) -> None:
        self._chance, self._regions, self._words = chance, regions, words
        self._taken: set[str] = set()
        self.parties: list[Party] = []

    def found(self) -> Party:
        """A new company somewhere in the four regions."""
        chance, words = self._chance, self._words
        region = chance.favour(self._regions)
        place = chance.pick(region.cities)
        trade = chance.pick(words["trades"])
        short = self._short(place[2])
        number = len(self.parties) + 1
        staff = chance.pick((20, 45, 80, 150, 300, 500, 900, 2400)) + chance.below(20)
        party = Party(
            number, short, trade["word"], trade["industry"], trade["zoho"], region, place,
            staff, staff * (30_000_000 + chance.below(400) * 100_000),
        )  # fmt: skip
        self.parties.append(party)
        return party

    def _short(self, city: str) -> str:
        chance, words = self._chance, self._words
        short = city + chance.pick(words["brand_first"]) + chance.pick(words["brand_second"])
        while short in self._taken:  # grows by a syllable until it is new
            short += chance.pick(words["brand_second"])
        self._taken.add(short)
        return short


def spelling(party: Party, crm: str) -> str:
    """How a CRM spells the company: Zoho the registered name, Fxiaoke one of the usual variants of it."""
    suffix = _SUFFIXES[party.number % 4]
    registered = party.short + party.trade + suffix
    if crm == "zoho":
        return registered
    city, brand = party.place[2], party.short.removeprefix(party.place[2])
    return (
        registered,
        f"{party.short}{party.trade}",
        f"{brand}{party.trade}({city}){suffix}".replace("（集团）", ""),
        f"{party.short}{party.trade}{suffix.replace('（', '(').replace('）', ')')}",
        f"{party.short}{party.trade} {suffix}",
    )[party.number % 5]
