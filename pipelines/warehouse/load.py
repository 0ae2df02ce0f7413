"""The fold: one checked package into the raw tables, in one transaction, once.

Content is ordered by (source stamp, read start, position); existence by read start alone: a deleted record
comes back only from a read that began after the one that found it gone.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from connectors.core.contract import CursorKind, Stream
from pipelines.manifest import Checked, Landed, Receipt
from pipelines.sql import literal, quote
from pipelines.warehouse.schema import (
    converted,
    ensure_stream,
    evolve,
    history_table,
    raw_table,
    table_columns,
)

_ORDER = "(coalesce({0}._modified_at, '-infinity'::TIMESTAMPTZ), {0}._read_at, {0}._position)"


def load_package(
    con: duckdb.DuckDBPyConnection,
    stream: Stream,
    declared: Mapping[str, str],
    landed: Landed,
    checked: Checked,
    accepted: Path,
    *,
    loaded_at: datetime | None = None,
    receipt: Receipt | None = None,
) -> Receipt:
    """Fold `accepted` into the stream's tables and note it in `ops.packages`; a package counts once.

    declared: column → type of the stream's declared fields. receipt: of an earlier fold, whose order and time
    are kept. Returns the receipt to write into the package, the old one if this warehouse holds it already.
    """
    if earlier := _earlier(con, landed.package):
        return earlier
    loaded_at = receipt.loaded_at if receipt else loaded_at or datetime.now(UTC)
    con.begin()
    try:
        ensure_stream(con, stream, declared)
        if landed.kind == CursorKind.DELETED:
            counts = _bury(con, stream, landed, accepted, loaded_at)
        else:
            counts = _merge(con, stream, landed, accepted, loaded_at)
        order = receipt.order if receipt else _next_order(con)
        receipt = Receipt(order=order, loaded_at=loaded_at, **counts)
        _note(con, landed, checked, receipt)
        con.commit()
    except BaseException:
        con.rollback()
        raise
    return receipt


def _merge(
    con: duckdb.DuckDBPyConnection, stream: Stream, landed: Landed, accepted: Path, loaded_at: datetime
) -> dict[str, int]:
    current, history = raw_table(stream.source, stream.name), history_table(stream.source, stream.name)
    source = f"read_parquet({literal(str(accepted))})"
    incoming = table_columns(con, source)
    evolve(con, stream, incoming, landed.package, loaded_at)
    types = table_columns(con, current)
    own = {
        "_org": literal(landed.org),
        "_read_at": _moment(landed.started_at),
        "_package_id": literal(landed.package),
        "_loaded_at": _moment(loaded_at),
    }
    columns = [f"{converted(quote(c), kind, types[c])} AS {quote(c)}" for c, kind in incoming.items()]
    columns += [f"{value} AS {name}" for name, value in own.items()]
    # A view: comparing needs four of its columns, and most of a package is never written twice.
    con.execute(f"CREATE OR REPLACE TEMP VIEW incoming AS SELECT {', '.join(columns)} FROM {source}")
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE plan AS SELECT i._record_id, CASE "
        "WHEN c._record_id IS NULL THEN 'inserted' "
        "WHEN c._deleted_at IS NOT NULL AND i._read_at > c._read_at THEN 'updated' "  # it exists again
        "WHEN c._row_hash = i._row_hash THEN 'unchanged' "
        f"WHEN {_ORDER.format('i')} > {_ORDER.format('c')} THEN 'updated' ELSE 'stale' END AS fate, "
        "CASE WHEN i._read_at <= c._read_at THEN c._deleted_at END AS _deleted_at, "
        "CASE WHEN i._read_at <= c._read_at THEN c._deletion_evidence END AS _deletion_evidence, "
        "greatest(i._read_at, c._read_at) AS _read_at, i._modified_at > c._modified_at AS newer, i._modified_at "
        f"FROM incoming i LEFT JOIN {current} c ON c._org = i._org AND c._record_id = i._record_id"
    )
    counts = dict(con.execute("SELECT fate, count(*) FROM plan GROUP BY fate").fetchall())
    restamped = _restamp(con, current, landed.org) if counts.get("unchanged") else 0
    if counts.get("updated"):
        con.execute(
            f"DELETE FROM {current} WHERE _org = $org AND _record_id IN "
            "(SELECT _record_id FROM plan WHERE fate = 'updated')",
            {"org": landed.org},
        )
    versions = (
        "SELECT i.* REPLACE (p._read_at AS _read_at), p._deleted_at, p._deletion_evidence "
        "FROM incoming i JOIN plan p USING (_record_id) WHERE p.fate "
    )
    if counts.keys() == {"inserted"}:
        for table in (current, history):
            con.execute(f"INSERT INTO {table} BY NAME SELECT * FROM incoming")
    elif counts.get("inserted") or counts.get("updated"):
        for table in (current, history):
            con.execute(f"INSERT INTO {table} BY NAME {versions} IN ('inserted', 'updated')")
    if counts.get("stale"):  # an older version that arrives late is history, once
        con.execute(
            f"INSERT INTO {history} BY NAME SELECT v.* FROM ({versions} = 'stale') v ANTI JOIN {history} h "
            "ON h._org = v._org AND h._record_id = v._record_id AND h._row_hash = v._row_hash"
        )
    fates = {fate: counts.get(fate, 0) for fate in ("inserted", "updated", "unchanged", "stale")}
    return {**fates, "restamped": restamped}


def _restamp(con: duckdb.DuckDBPyConnection, current: str, org: str) -> int:
    """Rows without a stamp of their own carry their file's: the same content in a newer file is as new as that
    file, so that an older file arriving later does not win over it. Rows with a stamp never come here."""
    restamped = con.execute(
        f"UPDATE {current} SET _modified_at = plan._modified_at FROM plan WHERE plan.fate = 'unchanged' "
        f"AND plan.newer AND {current}._org = $org AND {current}._record_id = plan._record_id",
        {"org": org},
    ).fetchone()
    return int(restamped[0]) if restamped else 0


def _moment(moment: datetime) -> str:
    return f"TIMESTAMPTZ {literal(moment.isoformat())}"


def _bury(
    con: duckdb.DuckDBPyConnection, stream: Stream, landed: Landed, accepted: Path, loaded_at: datetime
) -> dict[str, int]:
    """Tombstones for records on the CRM's deleted list that no later read has seen."""
    current, history = raw_table(stream.source, stream.name), history_table(stream.source, stream.name)
    con.execute(
        "CREATE OR REPLACE TEMP TABLE graves AS SELECT c.* REPLACE ($read_at::TIMESTAMPTZ AS _read_at, "
        "$package AS _package_id, $loaded_at::TIMESTAMPTZ AS _loaded_at, "
        "coalesce(d._modified_at, $read_at::TIMESTAMPTZ) AS _deleted_at, "
        f"'deleted_list' AS _deletion_evidence) FROM {current} c "
        f"JOIN read_parquet({literal(str(accepted))}) d ON d._record_id = c._record_id "
        "WHERE c._org = $org AND c._deleted_at IS NULL AND c._read_at < $read_at::TIMESTAMPTZ",
        {"org": landed.org, "read_at": landed.started_at, "package": landed.package, "loaded_at": loaded_at},
    )
    row = con.execute("SELECT count(*) FROM graves").fetchone()
    count = int(row[0]) if row else 0
    if count:
        con.execute(
            f"DELETE FROM {current} WHERE _org = $org AND _record_id IN (SELECT _record_id FROM graves)",
            {"org": landed.org},
        )
        con.execute(f"INSERT INTO {current} BY NAME SELECT * FROM graves")
        con.execute(f"INSERT INTO {history} BY NAME SELECT * FROM graves")
    return {"deleted": count}


def _earlier(con: duckdb.DuckDBPyConnection, package: str) -> Receipt | None:
    row = con.execute(
        "SELECT load_order, loaded_at, inserted, updated, unchanged, restamped, stale, deleted FROM ops.packages "
        "WHERE package_id = ?",
        [package],
    ).fetchone()
    names = ("order", "loaded_at", "inserted", "updated", "unchanged", "restamped", "stale", "deleted")
    return Receipt(**dict(zip(names, row, strict=True))) if row else None


def _next_order(con: duckdb.DuckDBPyConnection) -> int:
    row = con.execute("SELECT coalesce(max(load_order), 0) + 1 FROM ops.packages").fetchone()
    assert row is not None
    return int(row[0])


def _note(con: duckdb.DuckDBPyConnection, landed: Landed, checked: Checked, receipt: Receipt) -> None:
    facts = {
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
        "bytes": sum(file.bytes for file in landed.files),
        "seconds": landed.seconds,
        "received": checked.received,
        "accepted": checked.accepted,
        "quarantined": checked.quarantined,
        "repeated": checked.repeated,
        "superseded": checked.superseded,
        "skipped": sum(checked.skipped.values()),
        "inserted": receipt.inserted,
        "updated": receipt.updated,
        "unchanged": receipt.unchanged,
        "restamped": receipt.restamped,
        "stale": receipt.stale,
        "deleted": receipt.deleted,
        "file_name": landed.file_name,
        "shape_hash": landed.shape_hash,
        "rules_hash": checked.rules_hash,
    }
    marks = ", ".join("?" for _ in facts)
    con.execute(f"INSERT INTO ops.packages ({', '.join(facts)}) VALUES ({marks})", list(facts.values()))
