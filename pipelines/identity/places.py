"""Places in China as people write them: 苏州, 苏州市, 江苏省苏州市, Suzhou; by GB/T 2260 as python-stdnum keeps it."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from pipelines.identity.text import has_han, plain, read_aloud, words

_LINE = re.compile(r'^(?P<indent> *)(?P<code>\d+) \w+="(?P<names>[^"]+)"')
_NAME = re.compile(r"(?:\[(?P<years>[^\]]*)\])?(?P<name>[^,\[\]]+)$")
_KINDS = re.compile(
    r"(?:特别行政区|(?:壮族|回族|维吾尔)?自治区|(?:[\u4e00-\u9fff]{1,4}族)+自治[州县]|自治[州县]|地区|省|市|盟|州(?=市)|[县区])$"
)
_NOT_A_PLACE = {"市辖区", "县", "省直辖县级行政区划", "自治区直辖县级行政区划"}


@dataclass(frozen=True, slots=True)
class Place:
    """province and city without 省 and 市; city is None of a province. A municipality is its own city."""

    province: str
    city: str | None = None

    @property
    def name(self) -> str:
        """The finer of both."""
        return self.city or self.province


def short(name: str) -> str:
    """苏州市 → 苏州; what would leave one character stays whole."""
    bare = _KINDS.sub("", name)
    return bare if len(bare) > 1 else name


@cache
def _gazetteer() -> dict[str, Place]:
    """Every written form, long and short, in Chinese → its place. Counties only with their 县, 区 or 市."""
    known: dict[str, Place] = {}
    county: dict[str, set[Place]] = defaultdict(set)
    province, city, direct = "", None, False
    for line in (files("stdnum") / "cn" / "loc.dat").read_text("utf-8").splitlines():
        if not (found := _LINE.match(line)):
            continue
        bearing = _NAME.match(
            found["names"].split(",")[-1]
        )  # the last name is today's: [-1980]旅大市,[1981-]大连市
        if not bearing or (bearing["years"] and not bearing["years"].endswith("-")):
            continue  # no more
        name = plain(bearing["name"])
        if not found["indent"]:
            province, city = short(name), None
            direct = name.endswith(("市", "特别行政区"))
            here = Place(province, province if direct else None)
            known[name] = known[province] = here
            continue
        if found["code"].endswith("00"):
            city = None if name in _NOT_A_PLACE or short(name) == province else short(name)
            if city and not direct:
                known[name] = known[city] = Place(province, city)
        elif name not in _NOT_A_PLACE:
            county[name].add(Place(province, province if direct else city))
    for name, bearers in county.items():
        if len(bearers) == 1:
            (bearer,) = bearers
            known.setdefault(name, bearer)
            if name.endswith("市"):  # 昆山 and 义乌 stand in names as cities do
                known.setdefault(short(name), bearer)
    return known


@cache
def _by_sound() -> dict[str, Place]:
    """拼音 of provinces and cities that only one of them has, and what the words say of the others."""
    bearers: dict[str, set[Place]] = defaultdict(set)
    for name, place in _gazetteer().items():
        if name == place.name:
            bearers[read_aloud(name)].add(place)
    single = {spelt: places.copy().pop() for spelt, places in bearers.items() if len(places) == 1}
    said = words()["english"]["places"]
    return single | {spelt.replace(" ", ""): _gazetteer()[name] for spelt, name in said.items()}


@cache
def _longest() -> int:
    return max(map(len, _gazetteer()))


def leading(text: str) -> tuple[Place | None, str]:
    """The place with which a Chinese name begins, and the rest: 江苏省苏州市蓝海 → 苏州, 蓝海.

    What would leave less than two characters is no place but the name.
    """
    known, place = _gazetteer(), None
    while True:
        for length in range(min(_longest(), len(text) - 2), 1, -1):
            found = known.get(text[:length])
            # a second one only within the first: 北京上海菜馆 is a restaurant's name
            if found and (
                place is None or (place.city is None and found.province == place.province and found.city)
            ):
                rest = (
                    text[length:].removeprefix("市").removeprefix("省")
                    if text[length:][:1] in "市省"
                    else text[length:]
                )
                if len(rest) >= 2:
                    place, text = found, rest
                    break
        else:
            return place, text


def trailing(text: str) -> tuple[Place | None, str]:
    """The place with which a text ends, and what stands before it."""
    known = _gazetteer()
    for length in range(min(_longest(), len(text)), 1, -1):
        if found := known.get(text[-length:]):
            return found, text[:-length]
    return None, text


def place_of(text: str) -> Place | None:
    """The place that a whole text names, in Chinese or 拼音; None if it names none, or several."""
    spelt = plain(text).replace(" ", "")
    if has_han(spelt):
        if found := _gazetteer().get(spelt) or _gazetteer().get(short(spelt)):
            return found
        place, rest = leading(spelt + "——")  # 江苏省苏州市 as one text
        return place if rest == "——" else None
    return by_sound(spelt)


def by_sound(text: str) -> Place | None:
    """The place of an English name: Suzhou, Shi Jia Zhuang, jiangsu province."""
    bare = re.sub(r"(city|province|shi|sheng)$", "", "".join(c for c in text if c.isalnum()))
    return _by_sound().get("".join(c for c in text if c.isalnum())) or _by_sound().get(bare)
