"""A value of each kind → the columns of its dictionary, texts "" where it says nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pipelines.identity.codes import credit_code
from pipelines.identity.companies import company
from pipelines.identity.people import person
from pipelines.identity.places import place_of
from pipelines.identity.reach import domain, mail, phone
from pipelines.identity.text import spelling

Row = tuple[Any, ...]
Hash = Callable[[str], str]


def _company(text: str, _: Hash) -> Row:
    of = company(text)
    return of.norm, of.core, of.sound, of.place, of.brand, of.trade, of.branch, of.branch_place


def _code(text: str, _: Hash) -> Row:
    of = credit_code(text)
    return (of.code, of.is_checked) if of else ("", False)


def _domain(text: str, _: Hash) -> Row:
    return (domain(text),)


def _place(text: str, _: Hash) -> Row:
    of = place_of(text)
    return (of.province, of.city or "") if of else ("", "")


def _phone(text: str, hashed: Hash) -> Row:
    of = phone(text)
    return (hashed(of.number), of.kind, of.extension != "") if of else ("", "", False)


def _mail(text: str, hashed: Hash) -> Row:
    of = mail(text)
    return (hashed(of.address), of.domain) if of else ("", "")


def _spelling(text: str, _: Hash) -> Row:
    return (spelling(text),)


def _person(text: str, hashed: Hash) -> Row:
    name = person(text)
    return (hashed(name) if name else "",)


READINGS: Mapping[str, Callable[[str, Hash], Row]] = {
    "companies": _company,
    "credit_codes": _code,
    "domains": _domain,
    "places": _place,
    "spellings": _spelling,
    "phones": _phone,
    "emails": _mail,
    "people": _person,
}
