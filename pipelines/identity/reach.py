"""Telephones, mails and sites: what two records of one company or person have in common."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from unicodedata import normalize
from urllib.parse import urlsplit

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType
from publicsuffixlist import PublicSuffixList

from pipelines.identity.text import is_filler, words

HOME = "CN"  # numbers without a country code are Chinese
MOBILE, FIXED, SERVICE, UNCLEAR = "mobile", "fixed", "service", "unclear"
_KINDS = {
    PhoneNumberType.MOBILE: MOBILE,
    PhoneNumberType.FIXED_LINE: FIXED,
    PhoneNumberType.TOLL_FREE: SERVICE,
    PhoneNumberType.SHARED_COST: SERVICE,
    PhoneNumberType.PREMIUM_RATE: SERVICE,
    PhoneNumberType.UAN: SERVICE,
}
_MAIL = re.compile(r"[^@\s,;<>]+@([^@\s,;<>]+\.[^@\s,;<>]+)")
_SEVERAL = re.compile(r"[,;/、，；]| 或 ")
_PLAIN_MOBILE = re.compile(r"(?:\+?86)?(1[3-9]\d{9})")
_TRAILING_EXTENSION = re.compile(r"(?<=\d{7})-(\d{1,5})$")


@dataclass(frozen=True, slots=True)
class Phone:
    """number: E.164 without the extension. kind: mobile, fixed, service (400, 800) or unclear (no such area, too old a
    list). extension: "" where none."""

    number: str
    kind: str
    extension: str = ""


@dataclass(frozen=True, slots=True)
class Mail:
    """address: lower case. domain: registrable, "" where it is a provider's."""

    address: str
    domain: str


@cache
def _extension() -> re.Pattern[str]:
    marks = "|".join(sorted(map(re.escape, words()["extensions"]), key=len, reverse=True))
    return re.compile(rf"[\s(（-]*(?:{marks})[\s.:-]*(\d{{1,6}})\)?$", re.IGNORECASE)


def _fills(digits: str) -> bool:
    """Whether a number stands there only because the field must not be empty."""
    return is_filler(digits) or digits in _placeholders("phones")


@cache
def _placeholders(kind: str) -> frozenset[str]:
    return frozenset(map(str, words()["placeholders"][kind]))


def phone(text: str) -> Phone | None:
    """A number as somebody typed it, the first of several; None if it cannot be one."""
    if found := _PLAIN_MOBILE.fullmatch(text):  # nine in ten; the library would take a hundred times as long
        return None if _fills(found[1]) else Phone(f"+86{found[1]}", MOBILE)
    first = _SEVERAL.split(normalize("NFKC", text).strip(), maxsplit=1)[0].strip()
    if not any(c.isdigit() for c in first):
        return None
    extension = ""
    for pattern in (_extension(), _TRAILING_EXTENSION):
        if found := pattern.search(first):
            first, extension = first[: found.start()].strip(), found[1]
            break
    if first.startswith("86") and len(re.sub(r"\D", "", first)) > 11:
        first = "+" + first
    try:
        number = phonenumbers.parse(first, HOME)
    except NumberParseException:
        return None
    digits = str(number.national_number)
    if not phonenumbers.is_possible_number(number) or _fills(digits):
        return None
    kind = _KINDS.get(phonenumbers.number_type(number), UNCLEAR)
    return Phone(
        phonenumbers.format_number(number, PhoneNumberFormat.E164), kind, extension or number.extension or ""
    )


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()  # the list that the package brings: no network


@cache
def _shared() -> frozenset[str]:
    return frozenset(words()["shared_domains"])


def registrable(host: str) -> str:
    """The domain that somebody registered; "" where it belongs to a provider or is none at all."""
    bare = host.strip().strip(".").lower()
    if "." not in bare or bare in _shared() or re.fullmatch(r"[\d.]+", bare):
        return ""
    domain = _suffixes().privatesuffix(bare) or ""
    return "" if domain in _shared() else domain


def domain(text: str) -> str:
    """The registrable domain of a site as somebody typed it; "" if there is none of its own."""
    bare = normalize("NFKC", text).strip().lower()
    try:
        host = urlsplit(bare if "//" in bare else f"//{bare}").hostname or ""
    except ValueError:
        return ""
    return registrable(host) if re.fullmatch(r"[\w.-]+", host) else ""


def mail(text: str) -> Mail | None:
    """A mail address as somebody typed it, the first of several; None if it is none, or nobody's (noemail@…)."""
    found = _MAIL.search(normalize("NFKC", text).strip().lower())
    if found is None:
        return None
    address = found[0].rstrip(".")
    name = re.sub(r"[._+-]|\d+$", "", address.partition("@")[0])
    if name in _placeholders("mailboxes") or address.partition("@")[2] in _placeholders("mail_domains"):
        return None
    return Mail(address, registrable(found[1]))
