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
_list = msgspec.json.Decoder(list[msgspec.Raw])
_objects = msgspec.json.Decoder(list[_Members])


def without_personal(body: bytes, own: Collection[str]) -> tuple[bytes, frozenset[str]]:
    """The page as it may be kept, and the paths of what was taken out of its records. own: fields of the records
    themselves that must go. Raises BadBody when the page cannot be looked through."""
    if not _NEEDLES.search(body) and not any(f'"{name}"'.encode() in body for name in own):
        return body, frozenset()
    try:
        return _cleaned(body, own)
    except (msgspec.DecodeError, RecursionError):
        mended = without_lone_surrogates(body)  # half an emoji, which a strict parser refuses
    try:
        return _cleaned(mended, own)
    except (msgspec.DecodeError, RecursionError) as error:
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
            elif name.endswith(("__r", "__l")):
                record[name] = _without(value, name, found)
    if not found:
        return body, frozenset()
    data["dataList"] = msgspec.Raw(msgspec.json.encode(records))
    page["data"] = msgspec.Raw(msgspec.json.encode(data))
    return msgspec.json.encode(page), frozenset(found)


def _without(value: msgspec.Raw, path: str, found: set[str]) -> msgspec.Raw:
    """A person, or whatever holds persons at any depth, without what is personal."""
    first = bytes(value).lstrip()[:1]
    if first not in (b"{", b"[") or not _NEEDLES.search(value):
        return value
    kept: Any
    if first == b"[":
        kept = [_without(one, path, found) for one in _list.decode(value)]
    else:
        kept = {
            member: (_emptied if member in MEMBERS else _without)(inner, f"{path}.{member}", found)
            for member, inner in _object.decode(value).items()
        }
    return msgspec.Raw(msgspec.json.encode(kept))


def _emptied(value: msgspec.Raw, path: str, found: set[str]) -> msgspec.Raw:
    if bytes(value) in _NOTHING:
        return value
    found.add(path)
    return _NULL
