"""Looks into a page only as far as paging needs: ids, stamps and `info`. Values are skipped, not built.

https://www.zoho.com/crm/developer/docs/api/v8/get-records.html (`info`)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import msgspec

from connectors.core.http import BadBody
from connectors.core.surrogates import decoded


@dataclass(frozen=True, slots=True)
class Cut:
    """One page. versions: each record's stamp as sent, by id; moments: those stamps read, in page order."""

    body: bytes
    rows: int
    versions: dict[str, str | None]
    moments: list[datetime]
    more: bool
    token: str | None


class _Info(msgspec.Struct):
    more_records: bool
    count: int | None = None
    next_page_token: str | None = None


@cache
def cutter(records: str, stamp: str | None) -> Callable[[bytes], Cut]:
    """A parser of pages whose records are at `records` and stamped by `stamp`; it raises BadBody."""
    decoder = msgspec.json.Decoder(_envelope(records, stamp))

    def cut(body: bytes) -> Cut:
        page = _decoded(decoder, body)
        rows, info = page.rows, page.info
        if info.count is not None and info.count != len(rows):
            raise BadBody(f"it announces {info.count} records and holds {len(rows)}")
        if info.more_records and not rows:
            raise BadBody("it announces more records and holds none")
        versions = {row.id: row.stamp for row in rows}
        return Cut(body, len(rows), versions, _moments(rows), info.more_records, info.next_page_token or None)

    return cut


def _decoded(decoder: msgspec.json.Decoder[Any], body: bytes) -> Any:
    try:
        return decoded(decoder.decode, body)
    except msgspec.DecodeError as error:
        raise BadBody("it is not a page of records") from error


def _envelope(records: str, stamp: str | None) -> type:
    row = msgspec.defstruct(
        "Row",
        [("id", str), ("stamp", str | None, None)],
        rename={"stamp": stamp or " "},  # no record has a field of that name
        gc=False,
    )
    return msgspec.defstruct("Envelope", [("rows", list[row]), ("info", _Info)], rename={"rows": records})


def _moments(rows: list[Any]) -> list[datetime]:
    try:
        moments = [datetime.fromisoformat(row.stamp) for row in rows if row.stamp]
    except ValueError as error:
        raise BadBody("a record's time of change is not a date and time") from error
    if any(moment.tzinfo is None for moment in moments):
        raise BadBody("a record's time of change has no offset from UTC")
    return moments
