"""How many records Zoho says that a module has, against how many came: a list that ends early is no list.

https://www.zoho.com/crm/developer/docs/api/v8/COQL-Overview.html, aggregate functions; their column's name is shown
there in two ways, so the row is read by kind.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from connectors.core.contract import Stream
from connectors.core.errors import Actor, Problem
from connectors.zoho.api import Api
from connectors.zoho.coql import PATH

TOO_FEW = "TOO_FEW"  # the code of a Problem
_FEW = 20  # records that two counts may hide, made and deleted in between


@dataclass(frozen=True, slots=True)
class Size:
    """newest: the latest stamp, where it was asked for and there is one."""

    rows: int
    newest: datetime | None = None


def size_of(api: Api, stream: Stream, stamp: str | None = None) -> Size | None:
    """None where Zoho's answer is no count. Raises Problem."""
    asked = f"COUNT(id), MAX({stamp})" if stamp else "COUNT(id)"
    query = f"select {asked} from {stream.api_name} where id is not null limit 0, 1"
    return api.post(PATH, {"select_query": query}, _parse, sub=True)


def count_of(api: Api, stream: Stream) -> int | None:
    """Records of a module; None where COQL does not tell. Raises Problem for what may pass."""
    try:
        size = size_of(api, stream)
    except Problem as problem:
        if problem.transient:
            raise
        return None
    return size.rows if size else None


def require(api: Api, stream: Stream, got: int, counted: int | None, share: float) -> None:
    """Raises Problem where more than this share of the counted records did not come.

    What seems to lack may have been deleted meanwhile, so it is counted again.
    """
    if counted is None or _enough(got, counted, share):
        return
    again = count_of(api, stream)
    left = counted if again is None else min(counted, again)
    if _enough(got, left, share):
        return
    raise Problem(
        f"Zoho counts {left:,} records of {stream.api_name} and gave {got:,}; none of them is taken for deleted",
        do="Run the sync again, which reads them anew; if it stays so, tell the vendor's support both numbers",
        actor=Actor.OPERATOR,
        code=TOO_FEW,
        transient=True,
    )


def _enough(got: int, counted: int, share: float) -> bool:
    return counted - got <= max(_FEW, counted * share)


def _parse(body: bytes) -> Size | None:
    try:
        (row,) = msgspec.json.decode(body)["data"]
        (rows,) = (v for v in row.values() if isinstance(v, int) and not isinstance(v, bool))
        newest = [datetime.fromisoformat(v) for v in row.values() if isinstance(v, str) and "T" in v]
    except (msgspec.DecodeError, KeyError, TypeError, ValueError, AttributeError):
        return None
    stamped = newest and newest[0].tzinfo is not None
    return Size(rows, newest[0].astimezone(UTC) if stamped else None)
