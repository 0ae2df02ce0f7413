"""What of a stream is in the landing zone and not in the table: set aside, dropped by somebody, or in a package that is
not loaded."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from connectors.core.contract import RECORD_KINDS, CursorKind, FieldType, Shape, Stream
from pipelines.landing.archives import is_archived, opened
from pipelines.landing.pages import read_pages
from pipelines.landing.records import cut_records
from pipelines.landing.zone import Package, StreamZone
from pipelines.manifest import ACCEPTED, DROP, QUARANTINED, RELEASE
from pipelines.reconcile.held import MONEY
from pipelines.sql import columns_of, literal, quote
from pipelines.tally import Because
from pipelines.warehouse.schema import raw_table


@dataclass(frozen=True, slots=True)
class _Part:
    """Rows of a package that are not in the table. positions: only these; None for all of the file."""

    package: Package
    file: str
    because: Because
    positions: frozenset[int] | None = None


def lay_out(
    con: duckdb.DuckDBPyConnection,
    zone: StreamZone,
    stream: Stream,
    org: str,
    fields: Sequence[str],
    *,
    table: bool,
) -> None:
    """The temp table `waits` (id, stamp, because, v0 …): of each record that waits the newest version, if the warehouse
    knows none as new and nobody said since that it is gone. fields: whose values are wanted. table: the stream has
    one."""
    values = "".join(f", v{place} {MONEY}" for place in range(len(fields)))
    con.execute(
        "CREATE OR REPLACE TEMP TABLE all_waits "
        f"(id VARCHAR, stamp TIMESTAMPTZ, read_at TIMESTAMPTZ, because VARCHAR{values})"
    )
    for part in _parts(con, zone, stream, org):
        _add(con, part, fields)
    if not con.execute("SELECT 1 FROM all_waits LIMIT 1").fetchone():
        con.execute(
            "CREATE OR REPLACE TEMP TABLE waits AS SELECT * EXCLUDE (read_at, because), because FROM all_waits"
        )
        con.execute("DROP TABLE all_waits")
        return
    own = "".join(f", v{place}" for place in range(len(fields)))
    newest = "row_number() OVER (PARTITION BY id ORDER BY stamp DESC NULLS LAST, read_at DESC) = 1"
    known = (
        f"AND NOT EXISTS (SELECT 1 FROM {raw_table(stream.source, stream.name)} c WHERE {_AS_NEW})"
        if table
        else ""
    )
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE waits AS SELECT id, stamp{own}, because FROM (SELECT * FROM all_waits "
        f"WHERE id IS NOT NULL QUALIFY {newest}) w WHERE NOT EXISTS (SELECT 1 FROM ops.deletions d "
        "WHERE d.source = $source "
        f"AND d.org = $org AND d.stream = $stream AND d.record_id = w.id AND d.read_at > w.read_at) {known} "
        f"{_still_swept(zone)}",
        {"source": stream.source, "org": org, "stream": stream.name},
    )
    con.execute("DROP TABLE all_waits")


_AS_NEW = (
    "c._org = $org AND c._record_id = w.id AND "
    "((c._deleted_at IS NULL AND (w.stamp IS NULL OR c._modified_at >= w.stamp)) "
    "OR (c._deleted_at IS NOT NULL AND c._read_at > w.read_at))"
)


def pending_deletes(zone: StreamZone) -> set[str]:
    """Ids on deleted lists that wait behind a package that blocks."""
    found: set[str] = set()
    for package in zone.pending():
        if package.kind == CursorKind.DELETED:
            found.update(id for id, *_ in _raw(package, package.shape, ()))
    return found


def _parts(con: duckdb.DuckDBPyConnection, zone: StreamZone, stream: Stream, org: str) -> Iterator[_Part]:
    decisions = zone.decisions()
    whole = {d.origin: d for d in decisions if d.positions is None}
    dropped: dict[str, set[int]] = {}
    for decision in decisions:
        if decision.kind == DROP:
            dropped.setdefault(decision.origin, set()).update(decision.positions or ())
    pending = zone.pending()
    aside = {
        package
        for (package,) in con.execute(
            "SELECT DISTINCT q.package_id FROM ops.quarantine q JOIN ops.packages p USING (package_id) "
            "WHERE p.source = ? AND p.org = ? AND p.stream = ? AND q.set_aside > 0",
            [stream.source, org, stream.name],
        ).fetchall()
    }
    left_out = {origin for origin, decision in whole.items() if decision.kind == DROP}
    unloaded = {package.id for package in pending}
    for name in sorted(aside | left_out | unloaded):
        package = Package(zone.folder / name)
        if not package.is_landed() or package.landed.kind not in (*RECORD_KINDS, RELEASE):
            continue
        if name in left_out:
            yield from (_Part(package, file, Because.DROPPED) for file in (ACCEPTED, QUARANTINED))
            continue
        if name in unloaded:
            yield _Part(package, ACCEPTED, Because.WAITING)
        gone = frozenset(dropped.get(name, ()))
        yield _Part(package, QUARANTINED, Because.SET_ASIDE)
        if gone:
            yield _Part(package, QUARANTINED, Because.DROPPED, gone)


def _add(con: duckdb.DuckDBPyConnection, part: _Part, fields: Sequence[str]) -> None:
    package, checked = part.package, part.package.checked
    if checked is None:
        if part.file == ACCEPTED:  # it waits behind one that blocks, and nobody has decoded it
            _add_raw(con, package, part.because, fields)
        return
    path = package.rows(part.file)
    if path.exists():
        if part.positions is not None:  # those of them that somebody dropped
            con.execute(
                "DELETE FROM all_waits WHERE id IN (SELECT _record_id FROM "
                f"read_parquet({literal(str(path))}) WHERE list_contains(?, _position)) "
                "AND because = ? AND read_at = ?",
                [sorted(part.positions), Because.SET_ASIDE, package.landed.started_at],
            )
        _add_rows(con, part, path, fields)


def _add_rows(con: duckdb.DuckDBPyConnection, part: _Part, path: Path, fields: Sequence[str]) -> None:
    rows = f"read_parquet({literal(str(path))})"
    present = {name for name, *_ in con.execute(f"DESCRIBE SELECT * FROM {rows}").fetchall()}
    values = ""
    for field in fields:
        column = field if field in present else columns_of([field])[field]
        values += f", TRY_CAST({quote(column)} AS {MONEY})" if column in present else f", NULL::{MONEY}"
    only = f"WHERE _position IN ({', '.join(map(str, sorted(part.positions)))})" if part.positions else ""
    con.execute(
        f"INSERT INTO all_waits SELECT _record_id, _modified_at, $read_at::TIMESTAMPTZ, $because{values} "
        f"FROM {rows} {only}",
        {"read_at": part.package.landed.started_at, "because": part.because},
    )


def _add_raw(
    con: duckdb.DuckDBPyConnection, package: Package, because: Because, fields: Sequence[str]
) -> None:
    rows = list(_raw(package, package.shape, fields))
    if not rows:
        return
    columns = [list(column) for column in zip(*rows, strict=True)]
    values = f", TRY_CAST(unnest(?::VARCHAR[]) AS {MONEY})" * len(fields)
    con.execute(
        "INSERT INTO all_waits SELECT unnest(?::VARCHAR[]), unnest(?::TIMESTAMPTZ[]), "
        f"?::TIMESTAMPTZ, ?{values}",
        [*columns[:2], package.landed.started_at, because, *columns[2:]],
    )


def _raw(package: Package, shape: Shape, fields: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """(id, stamp, value texts …) of the records of a package that was not decoded."""
    milliseconds = any(f.name == shape.stamp and f.type is FieldType.EPOCH_MS for f in shape.fields)
    for record in _records(package, shape):
        values = (None if record.get(name) in (None, "") else str(record[name]) for name in fields)
        yield str(record.get(shape.key)), _moment(record.get(shape.stamp or ""), milliseconds), *values


def _records(package: Package, shape: Shape) -> Iterator[dict[str, Any]]:
    landed = package.landed
    if is_archived(landed):
        for entry in landed.files:
            with opened(package.folder / entry.name) as file:
                for row in csv.DictReader(file):
                    named = {name.casefold(): name for name in row}
                    yield {**row, shape.key: row.get(named.get(shape.key.casefold(), ""))}
        return
    for line in read_pages(package.folder / landed.files[0].name):
        if line.chunk == 0:
            for record in cut_records(line.body, shape):
                yield json.loads(bytes(record), parse_float=Decimal, parse_int=Decimal)


def _moment(value: Any, milliseconds: bool) -> datetime | None:
    try:
        if milliseconds:
            return datetime.fromtimestamp(int(value) / 1000, UTC)
        return datetime.fromisoformat(value)
    except (TypeError, ValueError, OverflowError, OSError):
        return None  # it will be set aside when it is decoded


def _still_swept(zone: StreamZone) -> str:
    """SQL: a record that the newest sweep did not list though it was read before the sweep began is gone."""
    for package in reversed(zone.packages(CursorKind.SWEEP)):
        landed = package.landed
        if landed.last and package.is_loaded() and (chain := zone.readable_chain(landed.read)):
            files = ", ".join(literal(str(part.rows(ACCEPTED))) for part in chain)
            began = literal(chain[0].landed.started_at.isoformat())
            listed = f"w.id IN (SELECT _record_id FROM read_parquet([{files}]))"
            return f"AND (w.read_at >= {began}::TIMESTAMPTZ OR {listed})"
    return ""
