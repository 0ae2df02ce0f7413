"""One spelling of a text: width, traditional characters, case, blanks, brackets."""

from __future__ import annotations

import re
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any
from unicodedata import normalize

import yaml
from opencc import OpenCC
from pypinyin import Style, lazy_pinyin

_BRACKETS = str.maketrans("[{<〈《「『【〔〖]}>〉》」』】〕〗", "((((((((((" + "))))))))))")
_BLANKS = re.compile(r"[\s\u200b\u200c\u200d\ufeff]+")
_MARKS = re.compile(r"[\s().,，。、·・'\"/_-]+")
_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")


@cache
def words() -> dict[str, Any]:
    """`words.yml`, what names are made of."""
    found: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("words.yml").read_text("utf-8"))
    return found


@cache
def listed(key: str) -> tuple[str, ...]:
    """Words of a list, the longest first."""
    return tuple(sorted(words()[key], key=lambda word: (-len(word), word)))


@cache
def _simplifier() -> OpenCC:
    return OpenCC("t2s")


def plain(text: str) -> str:
    """NFKC, simplified characters, lower case, one kind of brackets, single blanks."""
    narrow = normalize("NFKC", text)
    if not narrow.isascii():
        narrow = _simplifier().convert(narrow).translate(_BRACKETS)
    return _BLANKS.sub(" ", narrow).strip().lower()


def spelling(text: str) -> str:
    """What two spellings of one name share: 边缘网关 G1, 邊緣網關-Ｇ１."""
    return _MARKS.sub("", plain(text))


def is_filler(digits: str) -> bool:
    """Whether somebody filled a field that must not be empty: 1111…, 1212…, 1234…, 9876…, or it ends like that."""
    if len(set(digits)) < 3:
        return True
    tail = digits[-8:]
    if not tail.isdigit() or len(tail) < 8:
        return False
    steps = {(int(after) - int(before)) % 10 for before, after in pairwise(tail)}
    return steps in ({0}, {1}, {9})


def has_han(text: str) -> bool:
    """Whether any Chinese character is in it."""
    return _HAN.search(text) is not None


def read_aloud(text: str) -> str:
    """拼音 of a whole word, as it is read: 长沙 is changsha. A hundred times as dear as `sound`."""
    return _ascii("".join(lazy_pinyin(text, style=Style.NORMAL)))


def sound(text: str) -> str:
    """Its 拼音 without tones or blanks, latin letters and digits as they are: ASCII, so that every engine measures the
    same distance. Character by character, each with the reading that it has in names of companies."""
    return "".join(map(_syllable, text))


@cache
def _syllable(character: str) -> str:
    if character.isascii():
        return character if character.isalnum() else ""
    said: str | None = words()["readings"].get(character)
    if (narrow := normalize("NFKC", character)).isascii():
        return "".join(c for c in narrow.lower() if c.isalnum())
    letter = f"{ord(character):x}" if character.isalnum() else ""  # of a script that has no 拼音
    return said or read_aloud(character) or letter


def _ascii(text: str) -> str:
    return "".join(c for c in text if c.isascii() and c.isalnum())
