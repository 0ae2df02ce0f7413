"""Taking the telephones and e-mails of employees out of a page before anybody keeps it.

Every reference to a person carries them (`owner__r`, `owner__l`), and so do the records of 人员. What goes becomes
null; every other value stays byte for byte as it was received.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

import msgspec

from connectors.core.http import BadBody
from connectors.core.surrogates import without_lone_surrogates

MEMBERS = ("phone", "email", "mobile", "tel", "wechat", "weixin", "qq", "idCard")
_NEEDLES = re.compile(('"(?:' + "|".join(MEMBERS) + ')"').encode())
_NULL = msgspec.Raw(b"null")
_NOTHING = frozenset((b"null", b'""'))
_Members = dict[str, msgspec.Raw]
_object = msgspec.json.Decoder(_Members)
_objects = msgspec.json.Decoder(list[_Members])


def without_personal(body: bytes, own: Collection[str]) -> tuple[bytes, frozenset[str]]:
    """The page as it may be kept, and the paths of what was taken out of its records. own: fields of the records
    themselves that must go. Raises BadBody when the page cannot be looked through."""
    if not _NEEDLES.search(body) and not any(f'"{name}"'.encode() in body for name in own):
        return body, frozenset()
    try:
        return _cleaned(body, own)
    except msgspec.DecodeError:
        mended = without_lone_surrogates(body)  # half an emoji, which a strict parser refuses
    try:
        return _cleaned(mended, own)
    except msgspec.DecodeError as error:
        raise BadBody("it is not a page of records") from error


def _cleaned(body: bytes, own: Collection[str]) -> tuple[bytes, frozenset[str]]:
    page = _object.decode(body)
    data = _object.decode(page["data"]) if "data" in page else {}
    if "dataList" not in data:
        return body, frozenset()
    records = _objects.decode(data["dataList"])
    found: set[str] = set()
    for record in records:
        for name, value in record.items():
            if name in own:
                record[name] = _emptied(value, name, found)
            elif name.endswith(("__r", "__l")) and _NEEDLES.search(value):
                record[name] = _without(value, name, found)
    if not found:
        return body, frozenset()
    data["dataList"] = msgspec.Raw(msgspec.json.encode(records))
    page["data"] = msgspec.Raw(msgspec.json.encode(data))
    return msgspec.json.encode(page), frozenset(found)


def _without(value: msgspec.Raw, name: str, found: set[str]) -> msgspec.Raw:
    """A person, or a list of them, without what is personal."""
    first = bytes(value).lstrip()[:1]
    if first == b"{":
        kept: Any = _person(_object.decode(value), name, found)
    elif first == b"[":
        try:
            kept = [_person(person, name, found) for person in _objects.decode(value)]
        except msgspec.ValidationError:  # a list of something else
            return value
    else:
        return value
    return msgspec.Raw(msgspec.json.encode(kept))


def _person(person: _Members, name: str, found: set[str]) -> _Members:
    return {
        member: _emptied(value, f"{name}.{member}", found) if member in MEMBERS else value
        for member, value in person.items()
    }


def _emptied(value: msgspec.Raw, path: str, found: set[str]) -> msgspec.Raw:
    if bytes(value) in _NOTHING:
        return value
    found.add(path)
    return _NULL
