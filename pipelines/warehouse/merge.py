"""What records say: the accepted rows of a package against the current ones.

Content is ordered by (source stamp, read start, position). Unchanged rows are not written and make no
history; an older version that arrives late is history only.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import duckdb

from connectors.core.contract import NAME, NUMBER, Stream
from connectors.core.files.stamps import same_export_until
from pipelines.manifest import Landed
from pipelines.sql import is_reference, literal, quote
from pipelines.warehouse.existence import FULL_LIST
from pipelines.warehouse.schema import META, converted, evolve, history_table, raw_table, table_columns

_ORDER = "(coalesce({0}._modified_at, '-infinity'::TIMESTAMPTZ), {0}._read_at, {0}._position)"


def merge(
    con: duckdb.DuckDBPyConnection,
    stream: Stream,
    landed: Landed,
    accepted: Path,
    loaded_at: datetime,
    absent: Collection[str] = (),
) -> dict[str, int]:
    """Fold rows into the current table and its history; returns how many met which fate.

    absent: declared columns that a file does not have. An absence is never a delete: of a record that is known they
    stay as they are.

    Leaves the temp table `plan` (_record_id, fate, revived, …): one row per row of the package.
    """
    current, history = raw_table(stream.source, stream.name), history_table(stream.source, stream.name)
    incoming = _incoming(con, stream, landed, accepted, loaded_at)
    counts = _plan(con, current, _again(landed))
    restamped = 0
    if counts.get("unchanged"):
        restamped = _restamp(con, current, landed.org) + _rename(con, current, landed.org, incoming)
    changed = counts.get("inserted", 0) + counts.get("updated", 0)
    if changed and changed == counts.get("inserted") and len(counts) == 1:
        for table in (current, history):
            con.execute(f"INSERT INTO {table} BY NAME SELECT * FROM incoming")
    elif changed:
        kept = _kept(con, stream, incoming, absent) if landed.file_name else []
        _write_versions(con, current, history, landed.org, incoming, kept)
    if counts.get("stale"):
        con.execute(
            f"INSERT INTO {history} BY NAME SELECT v.* FROM ({_versions(incoming)} WHERE p.fate = 'stale') v "
            f"ANTI JOIN {history} h ON h._org = v._org AND h._record_id = v._record_id AND h._row_hash = v._row_hash"
        )
    fates = {fate: counts.get(fate, 0) for fate in ("inserted", "updated", "unchanged", "stale")}
    return {**fates, "restamped": restamped}


def _incoming(
    con: duckdb.DuckDBPyConnection, stream: Stream, landed: Landed, accepted: Path, loaded_at: datetime
) -> Mapping[str, str]:
    """The view `incoming`: the package's rows as the tables hold them. Returns its CRM columns and types."""
    source = f"read_parquet({literal(str(accepted))})"
    brought = table_columns(con, source)
    places = evolve(con, stream, brought, landed.package, loaded_at)
    types = table_columns(con, raw_table(stream.source, stream.name))
    own = {
        "_org": literal(landed.org),
        "_read_at": _moment(landed.started_at),
        "_package_id": literal(landed.package),
        "_loaded_at": _moment(loaded_at),
    }
    columns = [
        f"{converted(quote(c), kind, types[places[c]])} AS {quote(places[c])}" for c, kind in brought.items()
    ]
    columns += [f"{value} AS {name}" for name, value in own.items()]
    # A view: comparing needs four of its columns, and most of a package is never written twice.
    con.execute(f"CREATE OR REPLACE TEMP VIEW incoming AS SELECT {', '.join(columns)} FROM {source}")
    return {place: types[place] for place in places.values()}


def _again(landed: Landed) -> str:
    """SQL: the row says that its record exists now. A later read does, unless it is a file and a full list that was
    exported after it lacks the record."""
    later = "i._read_at > c._read_at"
    if landed.file_stamp is None:
        return later
    newest = _moment(same_export_until(landed.file_name, landed.file_stamp))
    return f"({later} AND (c._deletion_evidence IS DISTINCT FROM '{FULL_LIST}' OR c._deleted_at <= {newest}))"


def _plan(con: duckdb.DuckDBPyConnection, current: str, again: str) -> dict[str, int]:
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE plan AS SELECT i._record_id, CASE "
        "WHEN c._record_id IS NULL THEN 'inserted' "
        f"WHEN c._deleted_at IS NOT NULL AND {again} THEN 'updated' "  # it exists again
        "WHEN c._row_hash = i._row_hash THEN 'unchanged' "
        f"WHEN {_ORDER.format('i')} > {_ORDER.format('c')} THEN 'updated' ELSE 'stale' END AS fate, "
        f"c._deleted_at IS NOT NULL AND {again} AS revived, "
        f"CASE WHEN NOT {again} THEN c._deleted_at END AS _deleted_at, "
        f"CASE WHEN NOT {again} THEN c._deletion_evidence END AS _deletion_evidence, "
        "greatest(i._read_at, c._read_at) AS _read_at, i._modified_at > c._modified_at AS newer, i._modified_at "
        f"FROM incoming i LEFT JOIN {current} c ON c._org = i._org AND c._record_id = i._record_id"
    )
    return dict(con.execute("SELECT fate, count(*) FROM plan GROUP BY fate").fetchall())


def _versions(incoming: Mapping[str, str], names_from: str = "", kept: Sequence[str] = ()) -> str:
    """Rows of the package as versions; with names that the read did not carry, and columns that a file does not have,
    taken from another relation."""
    told = [
        f"CASE WHEN i.{c}.name IS NULL AND i.{c}.id = k.{c}.id THEN k.{c} ELSE i.{c} END AS {c}"
        for c in (_references(incoming) if names_from else ())
        if c not in kept
    ]
    brought = {quote(c) for c in incoming}
    told += [f"k.{c} AS {c}" for c in kept if c in brought]
    if names_from:
        told += [f"coalesce(i.{c}, k.{c}) AS {c}" for c in (NUMBER, NAME) if c in incoming]
    further = "".join(f", k.{c}" for c in kept if c not in brought)
    known = f"LEFT JOIN {names_from} k USING (_record_id) " if names_from and (told or further) else ""
    return (
        f"SELECT i.* REPLACE ({', '.join(['p._read_at AS _read_at', *told])}){further}, p._deleted_at, "
        f"p._deletion_evidence FROM incoming i JOIN plan p USING (_record_id) {known}"
    )


def _kept(
    con: duckdb.DuckDBPyConnection, stream: Stream, incoming: Mapping[str, str], absent: Collection[str]
) -> list[str]:
    """Columns that a file does not have. When the record was changed is known of the file alone."""
    there = table_columns(con, raw_table(stream.source, stream.name))
    return [
        quote(c) for c in there if (c in absent or c not in incoming) and c not in META and c != stream.stamp
    ]


def _references(incoming: Mapping[str, str]) -> list[str]:
    return [quote(name) for name, kind in incoming.items() if is_reference(kind)]


def _write_versions(
    con: duckdb.DuckDBPyConnection,
    current: str,
    history: str,
    org: str,
    incoming: Mapping[str, str],
    kept: Sequence[str],
) -> None:
    """New and changed rows. A bulk read carries ids without names: a missing name never overwrites a name."""
    also = (c for c in (NUMBER, NAME) if c in incoming)
    names = ", ".join(f"c.{c}" for c in dict.fromkeys(("_record_id", *_references(incoming), *kept, *also)))
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE known AS SELECT {names} FROM {current} c JOIN plan p USING (_record_id) "
        "WHERE c._org = $org AND p.fate = 'updated'",
        {"org": org},
    )
    con.execute(
        "CREATE OR REPLACE TEMP TABLE versions AS "
        f"{_versions(incoming, 'known', kept)} WHERE p.fate IN ('inserted', 'updated')"
    )
    con.execute(
        f"DELETE FROM {current} WHERE _org = $org AND _record_id IN (SELECT _record_id FROM known)",
        {"org": org},
    )
    for table in (current, history):
        con.execute(f"INSERT INTO {table} BY NAME SELECT * FROM versions")


def _restamp(con: duckdb.DuckDBPyConnection, current: str, org: str) -> int:
    """Rows without a stamp of their own carry their file's: the same content in a newer file is as new as that
    file, so that an older file arriving later does not win over it. Rows with a stamp never come here."""
    restamped = con.execute(
        f"UPDATE {current} SET _modified_at = plan._modified_at FROM plan WHERE plan.fate = 'unchanged' "
        f"AND plan.newer AND {current}._org = $org AND {current}._record_id = plan._record_id",
        {"org": org},
    ).fetchone()
    return int(restamped[0]) if restamped else 0


def _rename(con: duckdb.DuckDBPyConnection, current: str, org: str, incoming: Mapping[str, str]) -> int:
    """What a record refers to is renamed without a change of the record: its copy of the name follows, history does
    not. A bulk read brings no names, so the first read of records fills them in."""
    references = _references(incoming)
    if not references:
        return 0
    newer = {
        c: f"(i.{c}.name IS NOT NULL AND i.{c}.id = {current}.{c}.id "
        f"AND i.{c}.name IS DISTINCT FROM {current}.{c}.name)"
        for c in references
    }
    names = "_read_at = i._read_at, " + ", ".join(
        f"{c} = CASE WHEN {is_newer} THEN i.{c} ELSE {current}.{c} END" for c, is_newer in newer.items()
    )
    renamed = con.execute(
        f"UPDATE {current} SET {names} FROM (SELECT _record_id, _read_at, {', '.join(references)} FROM incoming "
        f"SEMI JOIN (SELECT _record_id FROM plan WHERE fate = 'unchanged') USING (_record_id)) i "
        f"WHERE {current}._org = $org AND {current}._record_id = i._record_id "
        f"AND i._read_at >= {current}._read_at AND ({' OR '.join(newer.values())})",
        {"org": org},
    ).fetchone()
    return int(renamed[0]) if renamed else 0


def _moment(moment: datetime) -> str:
    return f"TIMESTAMPTZ {literal(moment.isoformat())}"
