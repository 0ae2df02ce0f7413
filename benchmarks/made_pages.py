"""Made-up deals as Zoho would send them: pages of 200 records with 30 fields, in which nothing is wrong but what is
planted: of the records of a page the third has a negative amount and the 103rd no id."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import duckdb

from benchmarks.made_deals import deals, package
from connectors.core.contract import CursorKind, Field, FieldType, Page, Shape, Source, Stream, Usage, Window
from pipelines.sql import literal, quote

PER_PAGE = 200
NEGATIVE, KEYLESS = 3, 103  # places of the planted faults among the records of a page
STAGES = (
    "Qualification",
    "Needs Analysis",
    "Proposal/Price Quote",
    "Negotiation/Review",
    "Closed Won",
    "Closed Lost",
)
_LISTS = {
    "Stage": STAGES,
    "Pipeline": ("标准", "渠道", "续约"),
    "Type": ("新客户", "老客户"),
    "Lead_Source": ("展会", "官网", "转介绍", "电话", "微信"),
    "Reason_For_Loss__s": ("价格", "竞品", "取消"),
}
_OWN = {"Region": FieldType.TEXT, "Contract_Number": FieldType.TEXT, "Signed_On": FieldType.DATE,
        "Is_Strategic": FieldType.BOOLEAN, "Partner": FieldType.LOOKUP}  # fmt: skip


@cache
def stream() -> Stream:
    """Deals with the fields that a company added."""
    declared, _ = deals()
    own = (*(Field(name, kind) for name, kind in _OWN.items()), Field("Discount", FieldType.DECIMAL, 2))
    return replace(declared, fields=(*declared.fields, *own))


class MadePages(Source):
    """A source of `rows` such deals."""

    name, org = "zoho", "default"

    def __init__(self, rows: int) -> None:
        self.usage, self._rows = Usage(), rows

    def streams(self) -> Sequence[Stream]:
        """Only deals."""
        return (stream(),)

    def kinds(self, stream: Stream) -> Sequence[CursorKind]:
        """One read."""
        return (CursorKind.INCREMENTAL,)

    def shape(self, stream: Stream, kind: CursorKind) -> Shape:
        """With the lists that the records' values are from."""
        fields = tuple(field.offering(_LISTS.get(field.name, ())) for field in stream.fields)
        return Shape("data", "id", "Modified_Time", fields)

    def read(self, stream: Stream, window: Window) -> Iterator[Page]:
        """All of them."""
        left = self._rows
        for body in _bodies(self._rows):
            rows, left = min(PER_PAGE, left), left - PER_PAGE
            yield Page(body, rows, watermark=None if left > 0 else datetime(2026, 1, 2, tzinfo=UTC))


def faults(rows: int) -> dict[str, set[int]]:
    """Positions of the planted faults, by what they are."""
    places = range(1, rows + 1)
    at = {"negative": NEGATIVE, "keyless": KEYLESS}
    return {what: {_position(n) for n in places if n % PER_PAGE == place} for what, place in at.items()}


def _position(place: int) -> int:
    """Pages are counted from 1, records of a page too."""
    page, record = divmod(place - 1, PER_PAGE)
    return (page + 1) * 1_000_000 + record + 1


def _bodies(rows: int) -> Iterator[bytes]:
    packed = ", ".join(f"{name} := {name}" for name in (quote(field.name) for field in stream().fields))
    negative, keyless = (f"_position % {PER_PAGE} = {place}" for place in (NEGATIVE, KEYLESS))
    chance = "CASE Stage WHEN 'Closed Won' THEN 100 WHEN 'Closed Lost' THEN 0 ELSE 50 END"
    lost = f"CASE WHEN Stage = 'Closed Lost' THEN {literal(_LISTS['Reason_For_Loss__s'][0])} END"
    stages = ", ".join(map(literal, STAGES))
    with tempfile.TemporaryDirectory(prefix="crm-warehouse-pages-") as folder, duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        made = package(con, Path(folder), "all", f"SELECT range AS k FROM range({rows})", 0)
        staged = (
            f"SELECT * REPLACE (([{stages}])[1 + _position % {len(STAGES)}] AS Stage, Amount + 1 AS Amount) "
            f"FROM read_parquet({literal(str(made.accepted))})"
        )
        sound = (
            f"SELECT * REPLACE ({chance} AS Probability, CAST(Amount * {chance} / 100 AS DECIMAL(18,2)) AS "
            f"Expected_Revenue, {lost} AS Reason_For_Loss__s) FROM ({staged})"
        )
        planted = (
            f"SELECT * REPLACE (CASE WHEN {negative} THEN -Amount ELSE Amount END AS Amount, CASE WHEN NOT {keyless} "
            f"THEN id END AS id, CASE WHEN NOT {negative} THEN Expected_Revenue END AS Expected_Revenue) FROM ({sound})"
        )
        con.execute(
            f"SELECT string_agg(CAST(to_json(record) AS VARCHAR), ',' ORDER BY _position) FROM "
            f"(SELECT _position, struct_pack({packed}) AS record FROM ({planted})) "
            f"GROUP BY (_position - 1) // {PER_PAGE} ORDER BY (_position - 1) // {PER_PAGE}"
        )
        while found := con.fetchmany(50):
            yield from (b'{"data": [%b], "info": {}}' % records.encode() for (records,) in found)
