"""Made-up deals of 30 columns as checked packages, by SQL: any number of them, the same every time.

24 columns are those of Zoho's Deals that the models need, six stand for a company's own fields. A record's
content is a function of (key, version); texts repeat about as much as a sales team's do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from connectors import discover
from connectors.core.contract import CursorKind, Stream
from pipelines.fold import columns
from pipelines.landing.types import row_hash
from pipelines.manifest import Checked, Landed
from pipelines.sql import literal, quote

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
CHAIN = 200_000  # rows of one package at most (DESIGN §2, law 2)
_REASONS = "['价格','竞品','取消']"
_NAMES = (
    "['华东','智能','明德','恒信','天合','博雅','金桥','远景',"
    "'中科','瑞丰','汇通','宏图','云起','新川','北辰','方正']"
)
_OWN_FIELDS: Mapping[str, str] = {
    "Region": "VARCHAR",
    "Discount": "DECIMAL(18,2)",
    "Contract_Number": "VARCHAR",
    "Signed_On": "DATE",
    "Is_Strategic": "BOOLEAN",
    "Partner": "STRUCT(id VARCHAR, name VARCHAR)",
}


def _draw(of: int, salt: int, *, version: bool = False) -> str:
    """An integer in [0, of), from the key alone or also from the version."""
    return f"CAST(hash(k{', version' if version else ''}, {salt}) % {of} AS BIGINT)"


def _pick(words: str, salt: int, *, version: bool = False) -> str:
    return f"({words})[1 + {_draw(len(words.split(',')), salt, version=version)}]"


def _lookup(of: int, salt: int, *, version: bool = False) -> str:
    number = _draw(of, salt, version=version)
    return (
        f"struct_pack(id := '57257670{salt:02d}' || lpad(CAST({number} AS VARCHAR), 8, '0'), "
        f"name := ({_NAMES})[1 + {number} % 16] || ({_NAMES})[1 + {number} // 16 % 16] || {number})"
    )


_VALUES: Mapping[str, str] = {
    "id": "_record_id",
    "Deal_Name": f"{_pick(_NAMES, 1)} || {_pick(_NAMES, 2)} || '-' || {_draw(90000, 3)} || ' 采购'",
    "Account_Name": _lookup(80_000, 11),
    "Contact_Name": _lookup(200_000, 12),
    "Owner": _lookup(400, 13),
    "Product": _lookup(300, 14),
    "Pipeline": _pick("['标准','渠道','续约']", 4),
    "Stage": _pick("['初步接洽','需求确认','方案报价','商务谈判','赢单','输单']", 5, version=True),
    "Amount": f"CAST({_draw(99_999_900, 6, version=True)} / 100 AS DECIMAL(18,2))",
    "Probability": f"10 * {_draw(11, 5, version=True)}",
    "Expected_Revenue": f"CAST({_draw(99_999_900, 7, version=True)} / 100 AS DECIMAL(18,2))",
    "Closing_Date": f"DATE '2026-01-01' + CAST({_draw(500, 8, version=True)} AS INTEGER)",
    "Type": _pick("['新客户','老客户',NULL]", 9),
    "Lead_Source": _pick("['展会','官网','转介绍','电话','微信',NULL]", 15),
    "Reason_For_Loss__s": f"CASE WHEN {_draw(6, 5, version=True)} = 5 THEN {_pick(_REASONS, 16)} END",
    "Next_Step": f"CASE WHEN {_draw(3, 17)} = 0 THEN '下周拜访 ' || {_draw(5000, 18, version=True)} END",
    "Description": f"CASE WHEN {_draw(2, 19)} = 0 THEN repeat('客户关注交付周期与售后响应,', 2) || "
    f"md5(CAST(k AS VARCHAR)) || {_draw(10_000, 20, version=True)} END",
    "Currency": "'CNY'",
    "Exchange_Rate": "1.0::DOUBLE",
    "Created_By": _lookup(400, 13),
    "Modified_By": _lookup(400, 21, version=True),
    "Created_Time": f"TIMESTAMPTZ '2024-01-01 00:00:00+00' + to_seconds({_draw(60_000_000, 22)})",
    "Modified_Time": "_modified_at",
    "Last_Activity_Time": f"_modified_at - to_seconds({_draw(86_400, 23, version=True)})",
    "Region": _pick("['华东','华南','华北','西南','海外']", 24),
    "Discount": f"CAST({_draw(3000, 25, version=True)} / 100 AS DECIMAL(18,2))",
    "Contract_Number": f"CASE WHEN {_draw(3, 26)} = 0 THEN 'HT-' || md5('c' || k)[:12] END",
    "Signed_On": f"CASE WHEN {_draw(3, 26)} = 0 THEN DATE '2025-01-01' + CAST({_draw(600, 27)} AS INTEGER) END",
    "Is_Strategic": f"{_draw(10, 28)} = 0",
    "Partner": f"CASE WHEN {_draw(5, 29)} = 0 THEN {_lookup(900, 30)} END",
}


@dataclass(frozen=True, slots=True)
class Made:
    """A checked package: what `load_package` asks for."""

    landed: Landed
    checked: Checked
    accepted: Path


def deals() -> tuple[Stream, dict[str, str]]:
    """The stream, and its 30 columns with their engine types."""
    stream = next(s for s in discover()["zoho"].streams() if s.name == "deals")
    found = columns(stream) | _OWN_FIELDS
    if found.keys() != _VALUES.keys():
        raise SystemExit(f"benchmarks/made_deals.py lacks {sorted(found.keys() ^ _VALUES.keys())}")
    return stream, found


def package(
    con: duckdb.DuckDBPyConnection,
    folder: Path,
    name: str,
    keys: str,
    day: int,
    *,
    kind: str = CursorKind.INCREMENTAL,
) -> Made:
    """Write a package of day `day`. keys: SQL that gives a column `k` of distinct numbers."""
    path = folder / f"{name}.parquet"
    stamp = f"TIMESTAMPTZ {literal((BEGIN + timedelta(days=day)).isoformat())}"
    keyed = (
        f"SELECT k, {day} AS version, '57257680' || lpad(CAST(k AS VARCHAR), 10, '0') AS _record_id, "
        f"{stamp} + to_seconds({_draw(86_400, 40, version=True)}) AS _modified_at, "
        f"row_number() OVER () AS _position FROM ({keys})"
    )
    meta = "_position, _record_id, _modified_at, CAST(NULL AS VARCHAR) AS _extra"
    if kind == CursorKind.DELETED:
        query = f"SELECT {meta}, '' AS _row_hash FROM ({keyed})"
    else:
        stream, _ = deals()
        values = ", ".join(f"{value} AS {quote(name)}" for name, value in _VALUES.items())
        query = f"SELECT *, {row_hash(list(stream.fields))} AS _row_hash FROM (SELECT {meta}, {values} FROM ({keyed}))"
    con.execute(f"COPY ({query}) TO {literal(str(path))} (FORMAT parquet, COMPRESSION zstd)")
    row = con.execute(f"SELECT count(*) FROM read_parquet({literal(str(path))})").fetchone()
    rows = int(row[0]) if row else 0
    return Made(_landed(name, kind, day, rows), _checked(rows), path)


def _landed(name: str, kind: str, day: int, rows: int) -> Landed:
    at = BEGIN + timedelta(days=day + 1)
    return Landed(
        package=name, source="zoho", org="default", stream="deals", api_name="Deals", kind=kind,
        started_at=at, landed_at=at, cursor_before=None, cursor_after=at, received=rows, pages=1, seconds=1.0,
        files=[], shape_hash="",
    )  # fmt: skip


def _checked(rows: int) -> Checked:
    return Checked(
        checked_at=BEGIN, rules_hash="", received=rows, accepted=rows, quarantined=0, repeated=0, superseded=0
    )
