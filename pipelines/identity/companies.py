"""Names of companies, taken apart: place, brand (字号), trade (行业), form (组织形式), branch (分支机构)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from unicodedata import normalize

from pipelines.identity.places import Place, by_sound, leading, place_of, trailing
from pipelines.identity.text import has_han, listed, plain, sound, words

_BRACKETED = re.compile(r"\(([^()]*)\)")
_NOISE = re.compile(r"[\s.,，。、·・'\"“”‘’`_/\\|:;!?*~—–-]+")
_WORD = re.compile(r"[^\W_]+")  # of any script: Latin, Cyrillic, Hangul, kana


@dataclass(frozen=True, slots=True)
class Company:
    """A name, read. core: brand and trade, what two spellings of one company share; sound: its 拼音. branch: the kind
    of branch that it is ("" = the company itself), branch_place: where, or which number. Texts, "" where the name says
    nothing."""

    norm: str
    core: str
    sound: str
    place: str = ""
    brand: str = ""
    trade: str = ""
    form: str = ""
    branch: str = ""
    branch_place: str = ""


@cache
def _english(key: str) -> tuple[tuple[str, ...], ...]:
    """Phrases of a list as tuples of words, the longest first."""
    phrases = (tuple(str(phrase).split()) for phrase in words()["english"][key])
    return tuple(sorted(phrases, key=lambda phrase: (-len(phrase), phrase)))


@cache
def _english_branches() -> tuple[tuple[tuple[str, ...], str], ...]:
    """(words, the Chinese kind of branch), the longest first."""
    pairs = [
        (tuple(p.split()), kind) for kind, phrases in words()["english"]["branches"].items() for p in phrases
    ]
    return tuple(sorted(pairs, key=lambda pair: (-len(pair[0]), pair)))


@cache
def _english_trades() -> tuple[tuple[tuple[str, ...], str], ...]:
    """(words, the Chinese trade), the longest first."""
    pairs = [(tuple(p.split()), trade) for trade, phrases in words()["trades"].items() for p in phrases]
    return tuple(sorted(pairs, key=lambda pair: (-len(pair[0]), pair)))


def company(text: str) -> Company:
    """A name as somebody typed it, taken apart."""
    name = plain(text)
    return _chinese(name) if has_han(name) else _latin(_unaccented(name))


def _unaccented(name: str) -> str:
    """Société → Societe; letters of other scripts stay whole."""
    return "".join(first if (first := normalize("NFKD", c)[0]).isascii() else c for c in name)


def _chinese(name: str) -> Company:
    name = _NOISE.sub("", name)
    said = _Brackets(place_of)
    rest = _BRACKETED.sub(said.read, name)
    branch = said.branch
    if not branch[1] and (cut := _cut_branch(rest)):
        rest, branch = cut
    rest, form = _cut(rest, listed("forms"))
    rest, group = _cut(rest, listed("groups"))
    place = said.place
    if place is None:
        found, after = leading(rest)
        if after not in words()["trades"]:  # 海林科技 is a brand and its trade
            place, rest = found, after
    brand, trade = _cut(rest, listed("trades"), least=1)
    return _read(name, place, brand, trade, form, branch, bool(group) or said.group)


class _Brackets:
    """What stands in brackets: a place, a group, a branch, a remark; whatever else is a part of the name itself."""

    def __init__(self, read_place: Callable[[str], Place | None]) -> None:
        self._read_place = read_place
        self.place: Place | None = None
        self.branch, self.group = ("", ""), False

    def read(self, match: re.Match[str]) -> str:
        """What of it stays in the name."""
        inside = match[1].strip()
        if inside in words()["remarks"] or inside in words()["english"]["fillers"]:
            return ""
        if found := self._read_place(inside):
            self.place = self.place or found
            return ""
        if inside in words()["groups"]:
            self.group = True
            return ""
        if marked := _branch(inside):
            self.branch = marked
            return ""
        return inside


def _cut_branch(text: str) -> tuple[str, tuple[str, str]] | None:
    """…有限公司杭州分公司 → …有限公司, (杭州, 分公司)."""
    for word in listed("branches"):
        if text.endswith(word) and len(text) > len(word) + 2:
            head = text.removesuffix(word)
            for form in listed("forms"):
                if (at := head.rfind(form)) > 1:
                    return head[: at + len(form)], (_which(head[at + len(form) :]), word)
            found, before = trailing(head)
            if found and len(before) > 1:
                return before, (found.name, word)
            numbered = re.search(r"(第?[一二三四五六七八九十0-9]+)$", head)
            if numbered and numbered.start() > 1:
                return head[: numbered.start()], (numbered[1], word)
            return head, ("", word)
    return None


def _branch(text: str) -> tuple[str, str] | None:
    """杭州分公司 in brackets → (杭州, 分公司); None if it is none."""
    for word in listed("branches"):
        if text.endswith(word):
            return _which(text.removesuffix(word)), word
    return None


def _which(text: str) -> str:
    place = place_of(text) if text else None
    return place.name if place else text


def _cut(text: str, endings: tuple[str, ...], least: int = 2) -> tuple[str, str]:
    """Without its ending, of which at least so many characters stay, and the ending."""
    for word in endings:
        if text.endswith(word) and len(text) >= len(word) + least:
            return text.removesuffix(word), word
    return text, ""


def _latin(name: str) -> Company:
    said = _Brackets(by_sound)
    rest = _BRACKETED.sub(said.read, name)
    branch = said.branch
    parts = _WORD.findall(rest.replace("&", " and ").replace("'", "").replace(".", ""))
    for phrase, chinese in _english_branches():
        if tuple(parts[-len(phrase) :]) == phrase and len(parts) > len(phrase):
            found, parts = _last_place(parts[: -len(phrase)])
            branch = (found.name if found else "", chinese)
            break
    place = said.place
    if place is None:  # …, Suzhou
        place, parts = _last_place(parts)
    parts, form = _cut_words(parts, _english("forms"))
    more = form
    while more:
        parts, more = _cut_words(parts, _english("forms"))
    parts, group = _cut_words(parts, _english("groups"))
    if place is None:
        place, parts = _first_place(parts)
    trade = ""
    for phrase, chinese in _english_trades():
        if tuple(parts[-len(phrase) :]) == phrase and len(parts) > len(phrase):
            parts, trade = parts[: -len(phrase)], chinese
            break
    brand = "".join(part for part in parts if part not in words()["english"]["fillers"]) or "".join(parts)
    if tuple(parts) in _english("forms"):
        brand = ""  # Co., Ltd. alone names nobody
    return _read(" ".join(_WORD.findall(name)), place, brand, trade, form, branch, bool(group) or said.group)


def _cut_words(parts: list[str], phrases: tuple[tuple[str, ...], ...]) -> tuple[list[str], str]:
    for phrase in phrases:
        if tuple(parts[-len(phrase) :]) == phrase and len(parts) > len(phrase):
            return parts[: -len(phrase)], " ".join(phrase)
    return parts, ""


def _first_place(parts: list[str]) -> tuple[Place | None, list[str]]:
    for length in (3, 2, 1):
        if len(parts) > length and (found := by_sound("".join(parts[:length]))):
            return found, parts[length:]
    return None, parts


def _last_place(parts: list[str]) -> tuple[Place | None, list[str]]:
    for length in (3, 2, 1):
        if len(parts) > length and (found := by_sound("".join(parts[-length:]))):
            return found, parts[:-length]
    return None, parts


def _read(
    norm: str, place: Place | None, brand: str, trade: str, form: str, branch: tuple[str, str], is_group: bool
) -> Company:
    """A group without a line of business has that for its own: 蓝海集团 is not 蓝海科技."""
    core = brand + trade
    trade = trade or ("集团" if is_group else "")
    return Company(
        norm, core, sound(core), place.name if place else "", brand, trade, form, branch[1], branch[0]
    )
