"""What came from where, when, and at what cost: the `ops` tables, declared in `ops.yml`, and two views.

`ops.conservation` must be empty: it lists loaded packages whose rows do not add up (law 3).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import yaml

from connectors.core.contract import CursorKind
from connectors.core.files.stamps import same_export_until
from pipelines.manifest import DROP, RELEASE, Checked, Landed, Receipt
from pipelines.sql import quote
from pipelines.tally import Measure
from pipelines.warehouse.hygiene import FATES, decision_of
from pipelines.warehouse.publish import PublishedColumn, PublishedTable

_AT_ONCE = 200  # rows of one statement
_COUNTS = ("inserted", "updated", "unchanged", "restamped", "stale", "deleted", "restored")


@dataclass(frozen=True, slots=True)
class OpsTable:
    """A table of `ops`: its grain in one sentence, its columns as name → (type, description), and which of
    them readers of the published copy see."""

    name: str
    description: str
    columns: Mapping[str, tuple[str, str]]
    published: frozenset[str]


@cache
def ops_tables() -> tuple[OpsTable, ...]:
    """The tables, as `ops.yml` declares them."""
    declared = yaml.safe_load((Path(__file__).parent / "ops.yml").read_text("utf-8"))
    return tuple(_declared(name, facts) for name, facts in declared.items())


def _declared(name: str, facts: Mapping[str, Any]) -> OpsTable:
    columns = facts["columns"]
    seen = (
        ()
        if facts.get("internal")
        else (c for c, (_, _, *marks) in columns.items() if "internal" not in marks)
    )
    return OpsTable(
        name, facts["description"], {c: (f[0], f[1]) for c, f in columns.items()}, frozenset(seen)
    )


# Views: name → (grain, column → description, query).
_VIEWS: Mapping[str, tuple[str, Mapping[str, str], str]] = {
    "conservation": (
        "One row per loaded package whose rows do not add up (行数守恒的例外); must be empty.",
        {
            "package_id": "Package (数据包).",
            "unaccounted": "Received rows without a fate (去向不明).",
            "unfolded": "Accepted rows that are neither new, changed, unchanged nor stale (未入库).",
        },
        "SELECT package_id, received - accepted - quarantined - repeated - superseded - skipped AS unaccounted, "
        "CASE WHEN kind IN ('deleted', 'sweep', 'drop') OR (kind = 'release' AND origin LIKE '%-sweep-%') THEN 0 "
        "ELSE accepted - inserted - updated - unchanged - stale END AS unfolded "
        "FROM ops.packages WHERE unaccounted <> 0 OR unfolded <> 0",
    ),
    "quarantine_summary": (
        "One row per stream and rule that ever set rows aside (隔离汇总).",
        {
            "source": "Source (来源).",
            "org": "Organisation (组织).",
            "stream": "Stream (数据流).",
            "rule": "Rule (规则).",
            "set_aside": "Rows set aside (隔离).",
            "released": "Of these, released by decision (放行).",
            "dropped": "Of these, dropped by decision (丢弃).",
            "mended": "Of these, settled by a newer version of the record (已由新版本修正).",
            "lapsed": "Of these, speaking for nothing any more: a newer version waits instead, or the record is gone "
            "(已失效).",
            "still_open": "Of these, waiting for somebody (待处理).",
            "packages": "Packages that held such rows (数据包数).",
            "first_at": "When the first was set aside (首次).",
            "last_at": "When the last was set aside (最近).",
        },
        "SELECT p.source, p.org, p.stream, q.rule, sum(q.set_aside) AS set_aside, sum(q.released) AS released, "
        "sum(q.dropped) AS dropped, sum(q.mended) AS mended, "
        "sum(q.lapsed) AS lapsed, "
        "sum(q.set_aside - q.released - q.dropped - q.mended - q.lapsed) AS still_open, "
        "count(DISTINCT q.package_id) FILTER (q.set_aside > 0) AS packages, "
        "min(p.landed_at) FILTER (q.set_aside > 0) AS first_at, max(p.landed_at) FILTER (q.set_aside > 0) AS last_at "
        "FROM ops.quarantine q JOIN ops.packages p USING (package_id) GROUP BY ALL",
    ),
}


def published_ops() -> Iterator[PublishedTable]:
    """What readers of the published copy see of all this."""
    for table in ops_tables():
        if table.published:
            columns = (
                PublishedColumn(c, text) for c, (_, text) in table.columns.items() if c in table.published
            )
            yield PublishedTable("ops", table.name, table.description, tuple(columns))
    for name, (description, described, _) in _VIEWS.items():
        columns = (PublishedColumn(c, text) for c, text in described.items())
        yield PublishedTable("ops", name, description, tuple(columns))


def ensure_ops(con: duckdb.DuckDBPyConnection) -> None:
    """Make the ops tables exist as this version declares them; a table of an older one grows."""
    con.execute("CREATE SCHEMA IF NOT EXISTS ops")
    for table in ops_tables():
        columns = ", ".join(f"{quote(name)} {kind}" for name, (kind, _) in table.columns.items())
        con.execute(f"CREATE TABLE IF NOT EXISTS ops.{table.name} ({columns})")
        present = {name for (name, *_) in con.execute(f"DESCRIBE ops.{table.name}").fetchall()}
        for name, (kind, _) in table.columns.items():
            if name not in present:
                default = " DEFAULT 0" if kind == "BIGINT" else ""
                con.execute(f"ALTER TABLE ops.{table.name} ADD COLUMN {quote(name)} {kind}{default}")
    for name, (_, _, query) in _VIEWS.items():
        con.execute(f"CREATE OR REPLACE VIEW ops.{name} AS {query}")


def unbalanced(con: duckdb.DuckDBPyConnection) -> list[tuple[str, int, int]]:
    """Loaded packages whose rows do not add up: (package, unaccounted, unfolded). Must be empty."""
    return con.execute("SELECT * FROM ops.conservation ORDER BY package_id").fetchall()


def folded(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """The packages that this warehouse holds, with their load order."""
    known = con.execute(
        "SELECT 1 FROM duckdb_tables() WHERE schema_name = 'ops' AND table_name = 'packages'"
    ).fetchone()
    return dict(con.execute("SELECT package_id, load_order FROM ops.packages").fetchall()) if known else {}


def next_order(con: duckdb.DuckDBPyConnection) -> int:
    """The place of the next package in the fold."""
    row = con.execute("SELECT coalesce(max(load_order), 0) + 1 FROM ops.packages").fetchone()
    assert row is not None
    return int(row[0])


def earlier(con: duckdb.DuckDBPyConnection, package: str) -> Receipt | None:
    """The receipt of a package that this warehouse holds already."""
    names = ", ".join(_COUNTS)
    row = con.execute(
        f"SELECT load_order, loaded_at, {names} FROM ops.packages WHERE package_id = ?", [package]
    ).fetchone()
    return Receipt(**dict(zip(("order", "loaded_at", *_COUNTS), row, strict=True))) if row else None


def files_since(con: duckdb.DuckDBPyConnection, landed: Landed, since: datetime) -> list[str]:
    """The packages of files of a stream folded so far that were exported with a list of `since`, or later, or
    nobody knows when."""
    rows = con.execute(f"{_OF_FILES} ORDER BY load_order", _stream(landed)).fetchall()
    return [
        package
        for package, name, stamp in rows
        if stamp is None or same_export_until(name or "", stamp) >= since
    ]


def full_list_after(con: duckdb.DuckDBPyConnection, landed: Landed, stamp: datetime) -> str | None:
    """The newest full list of a stream folded so far that was exported after `stamp` and whose word stands."""
    row = con.execute(
        "SELECT package_id FROM ops.packages WHERE source = $source AND org = $org AND stream = $stream "
        "AND full_list AND file_stamp > $stamp ORDER BY file_stamp DESC, load_order DESC LIMIT 1",
        {**_stream(landed), "stamp": stamp},
    ).fetchone()
    return row[0] if row else None


_OF_FILES = (
    "SELECT package_id, file_name, file_stamp FROM ops.packages "
    "WHERE source = $source AND org = $org AND stream = $stream "
    f"AND (kind = '{CursorKind.FILE}' OR (kind = '{RELEASE}' AND origin LIKE '%-{CursorKind.FILE}-%' "
    f"AND NOT EXISTS (SELECT 1 FROM ops.packages o WHERE o.package_id = origin)))"
)


def _stream(landed: Landed) -> dict[str, str]:
    return {"source": landed.source, "org": landed.org, "stream": landed.stream}


def note_package(con: duckdb.DuckDBPyConnection, landed: Landed, checked: Checked, receipt: Receipt) -> None:
    """The package's row, and what its rules set aside or its decision resolved."""
    facts: dict[str, Any] = {
        "package_id": landed.package,
        "source": landed.source,
        "org": landed.org,
        "stream": landed.stream,
        "kind": landed.kind,
        "load_order": receipt.order,
        "started_at": landed.started_at,
        "landed_at": landed.landed_at,
        "loaded_at": receipt.loaded_at,
        "cursor_before": landed.cursor_before,
        "newest_stamp": landed.cursor_after,
        "pages": landed.pages,
        "bytes": sum(file.bytes for file in landed.received_files),
        "seconds": landed.seconds,
        "calls": landed.calls,
        "credits": landed.credits,
        "skipped": sum(checked.skipped.values()),
        "file_name": landed.file_name,
        "file_stamp": landed.file_stamp,
        "full_list": landed.full
        and CursorKind.FILE in (landed.kind, landed.origin_kind)
        and landed.kind != DROP
        and not checked.stopped_list,
        "shape_hash": landed.shape_hash,
        "rules_hash": checked.rules_hash,
        "origin": landed.origin,
        "read_id": landed.read,
        "run_id": landed.run,
    }
    facts |= {
        n: getattr(checked, n) for n in ("received", "accepted", "quarantined", "repeated", "superseded")
    }
    facts |= {n: getattr(receipt, n) for n in _COUNTS}
    _insert(con, "packages", [facts])
    _insert(con, "quarantine", [*_set_aside(landed, checked), *_resolved(landed, checked)])


def _set_aside(landed: Landed, checked: Checked) -> Iterable[dict[str, Any]]:
    for rule, rows in checked.set_aside.items():
        yield {
            "package_id": landed.package, "origin": landed.package, "rule": rule,
            "set_aside": rows, **dict.fromkeys(FATES, 0),
        }  # fmt: skip


def _resolved(landed: Landed, checked: Checked) -> Iterable[dict[str, Any]]:
    fates = dict.fromkeys(("set_aside", *FATES), 0)
    for rule, rows in checked.resolved.items():
        fate = {decision_of(landed): rows}
        yield {"package_id": landed.package, "origin": landed.origin, "rule": rule, **fates, **fate}


def noted_runs(con: duckdb.DuckDBPyConnection) -> set[str]:
    """The runs of the diary that are noted already."""
    return {run for (run,) in con.execute("SELECT DISTINCT run_id FROM ops.sync_runs").fetchall()}


def note_runs(con: duckdb.DuckDBPyConnection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Rows of `ops.sync_runs`, of runs that are not noted yet."""
    _insert(con, "sync_runs", rows)


def note_reconciled(
    con: duckdb.DuckDBPyConnection, found: Iterable[tuple[Mapping[str, Any], Measure]]
) -> None:
    """What those runs found when they compared totals: (run, source, org and stream, measure)."""
    measures, items = [], []
    for facts, measure in found:
        named = {**facts, "rule": measure.rule, "measure": measure.measure}
        unexplained = sum(not item.explained for item in measure.items)
        measures.append(
            {
                **named,
                **{n: getattr(measure, n) for n in ("ours", "theirs", "difference", "set_aside", "verdict")},
                "differing": len(measure.items) + measure.more,
                "unexplained": unexplained,
                "why": measure.why,
                "calls": measure.calls,
            }
        )
        items += [
            {**named, "place": place, **{n: getattr(item, n) for n in item.__struct_fields__}}
            for place, item in enumerate(measure.items, 1)
        ]
    _insert(con, "reconciliation", measures)
    _insert(con, "reconciliation_items", items)


def note_state(con: duckdb.DuckDBPyConnection, rows: Sequence[Mapping[str, Any]]) -> None:
    """`ops.stream_state` anew: what the landing zone knows (rows), with what the tables hold."""
    con.execute("DELETE FROM ops.stream_state")
    loaded = {
        (source, org, stream): {"newest_package": package, "loaded_at": at, "packages": count}
        for source, org, stream, package, at, count in con.execute(
            "SELECT source, org, stream, max_by(package_id, load_order), max(loaded_at), count(*) "
            "FROM ops.packages GROUP BY ALL"
        ).fetchall()
    }
    none_yet = {"newest_package": None, "loaded_at": None, "packages": 0}
    _insert(
        con,
        "stream_state",
        [
            {
                **row,
                **loaded.get((row["source"], row["org"], row["stream"]), none_yet),
                **_held(con, row),
            }
            for row in rows
        ],
    )


def note_checks(con: duckdb.DuckDBPyConnection, rows: Sequence[Mapping[str, Any]]) -> None:
    """`ops.checks` anew: how every rule fared when it was judged last."""
    con.execute("DELETE FROM ops.checks")
    _insert(con, "checks", rows)


def _held(con: duckdb.DuckDBPyConnection, row: Mapping[str, Any]) -> dict[str, int]:
    schema, name = f"raw_{row['source']}", row["stream"]
    known = con.execute(
        "SELECT 1 FROM duckdb_tables() WHERE schema_name = ? AND table_name = ?", [schema, name]
    ).fetchone()
    if not known:
        return {"records": 0, "deleted_records": 0, "versions": 0}
    table, history = f"{quote(schema)}.{quote(name)}", f"{quote(schema)}.{quote(name + '__history')}"
    counts = con.execute(
        f"SELECT count(*) FILTER (_deleted_at IS NULL), count(_deleted_at), (SELECT count(*) FROM {history} "
        f"WHERE _org = $org) FROM {table} WHERE _org = $org",
        {"org": row["org"]},
    ).fetchone()
    assert counts is not None
    return dict(zip(("records", "deleted_records", "versions"), counts, strict=True))


def _insert(con: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Rows of plain values, all with the same names."""
    for start in range(0, len(rows), _AT_ONCE):
        some = rows[start : start + _AT_ONCE]
        names = ", ".join(quote(name) for name in some[0])
        marks = ", ".join(f"({', '.join('?' for _ in row)})" for row in some)
        values = [value for row in some for value in row.values()]
        con.execute(f"INSERT INTO ops.{table} ({names}) VALUES {marks}", values)
