"""Cutting pages into records without building Python objects for them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, reduce
from typing import Any

import msgspec

from connectors.core.contract import Shape
from connectors.core.surrogates import decoded


@cache
def cutter(path: str) -> Callable[[bytes | msgspec.Raw], list[msgspec.Raw]]:
    """A function from a page's body to its raw records at a dotted path such as `data.dataList`."""
    parts = path.split(".")
    kind: type = list[msgspec.Raw]
    for depth, part in enumerate(reversed(parts)):
        kind = msgspec.defstruct(f"_Level{depth}", [("value", kind)], rename={"value": part})
    decoder = msgspec.json.Decoder(kind)

    def cut(body: bytes | msgspec.Raw) -> list[msgspec.Raw]:
        page = decoded(decoder.decode, body)
        return reduce(lambda level, _: level.value, parts, page)

    return cut


@cache
def key_reader(key: str, stamp: str | None) -> Callable[[msgspec.Raw], tuple[str, str]]:
    """A function from a raw record to its (key, stamp) texts; "" where missing."""
    names = {"key": key, "stamp": stamp} if stamp else {"key": key}
    kinds = {"key": str | int | None, "stamp": Any}  # what is no stamp is set aside when it is decoded
    fields = [(name, kinds[name], None) for name in names]
    decoder = msgspec.json.Decoder(msgspec.defstruct("_Keys", fields, rename=names))

    def read(record: msgspec.Raw) -> tuple[str, str]:
        keys = decoder.decode(record)
        values = (keys.key, keys.stamp if stamp else None)
        return ("" if values[0] is None else str(values[0]), "" if values[1] is None else str(values[1]))

    return read


def cut_records(body: bytes | msgspec.Raw, shape: Shape) -> list[msgspec.Raw]:
    """The raw records of a page's body."""
    return cutter(shape.records)(body)
