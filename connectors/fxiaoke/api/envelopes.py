"""Replies to a query in forms that some pages and tenants show, as the form that everybody gives: `data.dataList`.

`dataList` beside `data` or without it, and one record in the place of `data`. Records stay byte for byte as they were
received; only what stands around them changes.
"""

from __future__ import annotations

import msgspec
from msgspec import UNSET, Raw, UnsetType

_HEAD = ("traceId", "errorCode", "errorMessage", "errorDescription")
_Members = dict[str, Raw]


class _Data(msgspec.Struct, rename={"id": "_id"}):
    dataList: Raw | UnsetType = UNSET
    id: Raw | UnsetType = UNSET


class _Reply(msgspec.Struct):
    data: _Data | None = None
    dataList: Raw | UnsetType = UNSET


_reply = msgspec.json.Decoder(_Reply)
_members = msgspec.json.Decoder(_Members)


def usual(body: bytes) -> bytes:
    """The same page with its records at `data.dataList`; as it is where they are, or where it is no page."""
    try:
        reply = _reply.decode(body)
        if reply.data is not None and reply.data.dataList is not UNSET:
            return body
        if reply.dataList is not UNSET:
            return _within(_members.decode(body))
        if reply.data is not None and reply.data.id is not UNSET:
            found = _members.decode(body)
            found["data"] = Raw(b'{"dataList":[' + bytes(found["data"]) + b"]}")
            return msgspec.json.encode(found)
    except msgspec.DecodeError:  # the caller says what is wrong with it
        return body
    return body


def _within(found: _Members) -> bytes:
    """What stood on top goes into `data`, but for the head."""
    head = {name: value for name, value in found.items() if name in _HEAD}
    return msgspec.json.encode(
        {**head, "data": {n: v for n, v in found.items() if n not in (*_HEAD, "data")}}
    )
