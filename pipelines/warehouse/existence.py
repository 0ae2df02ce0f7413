"""Which records exist: tombstones and their end (law 4).

Existence is ordered by read start alone. Four things speak of it: a row that was read (in `merge`), the
CRM's deleted list, a sweep of all ids, which says of every record known before it began whether it is
still there, and a file that was declared to be a full list, which says it of every record known before the file
was exported. Content never changes here. Every statement that a record is gone is kept in `ops.deletions`, so
that a row which is folded late (released from quarantine, say) does not rise from the dead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from connectors.core.contract import BY_NAME, BY_NUMBER, NAME, NUMBER, Stream
from connectors.core.errors import Actor, Problem
from pipelines.manifest import LIST_BRAKE, Landed
from pipelines.sql import literal
from pipelines.warehouse.schema import history_table, raw_table, table_columns

SWEEP_BRAKE = "sweep_brake"  # the code of the Problem that stops a sweep
_BRAKE = 0.10  # of the living records, gone at once: rather a lost permission than a clean-up (law 4)
_DELETED_LIST, _SWEEP, FULL_LIST = "deleted_list", "sweep", "full_list"


@dataclass(frozen=True, slots=True)
class Listing:
    """A full list as files of rows, each package's accepted and set aside: a row that could not be accepted exists.

    package: whose word it is. stamp: when it was exported. accepted, aside: of the list; further: of other files as
    new as the list or newer, whose records it cannot have known. whole: all of these files are still there.
    """

    package: str
    stamp: datetime
    accepted: Sequence[Path]
    aside: Sequence[Path]
    further: Sequence[Path]
    whole: bool = True


def bury_listed(
    con: duckdb.DuckDBPyConnection, stream: Stream, landed: Landed, accepted: Path, loaded_at: datetime
) -> dict[str, int]:
    """Tombstones for records on the CRM's deleted list that no later read has seen."""
    con.execute(
        "INSERT INTO ops.deletions BY NAME SELECT $source AS source, $org AS org, $stream AS stream, "
        "_record_id AS record_id, coalesce(_modified_at, $read_at) AS deleted_at, $read_at AS read_at, "
        f"$package AS package_id, '{_DELETED_LIST}' AS evidence FROM read_parquet({literal(str(accepted))}) "
        "ORDER BY _position",
        _facts(stream, landed),
    )
    return {"deleted": _bury(con, stream, landed.org, loaded_at, _said_by(landed))}


def sweep(
    con: duckdb.DuckDBPyConnection,
    stream: Stream,
    landed: Landed,
    chain: Sequence[Path],
    started_at: datetime,
    loaded_at: datetime,
    *,
    brake: bool,
) -> dict[str, int]:
    """Fold a whole chain of ids: what it lacks and was known before `started_at` is gone, what it lists exists.

    chain: the accepted files of all its packages. Raises Problem (code SWEEP_BRAKE) when more than 10 % of
    the living records would go and nobody has agreed to that.
    """
    current = raw_table(stream.source, stream.name)
    files = ", ".join(literal(str(path)) for path in chain)
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE swept AS SELECT DISTINCT _record_id FROM read_parquet([{files}])"
    )
    facts = {**_facts(stream, landed), "read_at": started_at}
    gone = (
        f"FROM {current} c WHERE c._org = $org AND c._deleted_at IS NULL AND c._read_at < $read_at "
        "AND NOT EXISTS (SELECT 1 FROM swept s WHERE s._record_id = c._record_id)"
    )
    only = {"org": landed.org, "read_at": started_at}
    missing = _count(con, f"SELECT count(*) {gone}", only)
    alive = _count(
        con, f"SELECT count(*) FROM {current} WHERE _org = $org AND _deleted_at IS NULL", {"org": landed.org}
    )
    if brake and missing > alive * _BRAKE:
        raise Problem(
            f"a sweep found {missing:,} of {alive:,} records gone; nothing was marked as deleted",
            do="sweep again, or release the package if they are gone",
            actor=Actor.CRM_ADMIN,
            source=stream.source,
            stream=stream.name,
            where=landed.package,
            code=SWEEP_BRAKE,
        )
    con.execute(
        "INSERT INTO ops.deletions BY NAME SELECT $source AS source, $org AS org, $stream AS stream, "
        "c._record_id AS record_id, $read_at AS deleted_at, $read_at AS read_at, $package AS package_id, "
        f"'{_SWEEP}' AS evidence {gone} ORDER BY c._record_id",
        facts,
    )
    deleted = _bury(con, stream, landed.org, loaded_at, _said_by(landed))
    restored = _append(
        con,
        stream,
        "c.* REPLACE ($read_at::TIMESTAMPTZ AS _read_at, $package AS _package_id, "
        "$loaded_at::TIMESTAMPTZ AS _loaded_at, NULL AS _deleted_at, NULL AS _deletion_evidence)",
        f"{current} c JOIN swept s USING (_record_id) "
        "WHERE c._org = $org AND c._deleted_at IS NOT NULL AND c._read_at < $read_at::TIMESTAMPTZ",
        {**only, "package": landed.package, "loaded_at": loaded_at},
    )
    return {"deleted": deleted, "restored": restored}


def note_unlisted(
    con: duckdb.DuckDBPyConnection, stream: Stream, landed: Landed, chain: Sequence[Path], began: datetime
) -> None:
    """Word that rows just inserted were gone before: a sweep that began after they were read does not list them."""
    files = ", ".join(literal(str(path)) for path in chain)
    con.execute(
        "INSERT INTO ops.deletions BY NAME SELECT $source AS source, $org AS org, $stream AS stream, "
        "_record_id AS record_id, $read_at AS deleted_at, $read_at AS read_at, $package AS package_id, "
        f"'{_SWEEP}' AS evidence FROM plan WHERE fate = 'inserted' AND _record_id NOT IN "
        f"(SELECT _record_id FROM read_parquet([{files}])) ORDER BY _record_id",
        {**_facts(stream, landed), "read_at": began},
    )


def bury_unlisted(
    con: duckdb.DuckDBPyConnection,
    stream: Stream,
    landed: Landed,
    listing: Listing,
    loaded_at: datetime,
    *,
    brake: bool,
    out_of_turn: bool = False,
) -> dict[str, int]:
    """Tombstones for what a full list does not hold and no file as new as it does.

    out_of_turn: it was released, so that older files may have been read after it; their records go as well.
    Raises Problem (code LIST_BRAKE), unless somebody has agreed, when more than 10 % of the living records would go
    or when a row of the list cannot be told from others, so that any record may be the one.
    """
    current = raw_table(stream.source, stream.name)
    _hold_listed(con, listing)
    only = {"org": landed.org, "read_at": landed.started_at}
    gone = (
        f"FROM {current} c WHERE c._org = $org AND c._deleted_at IS NULL AND c._read_at < $read_at "
        f"AND {_unlisted(con, 'c', current)}"
    )
    missing = _count(con, f"SELECT count(*) {gone}", only)
    if brake and missing:
        alive = f"SELECT count(*) FROM {current} WHERE _org = $org AND _deleted_at IS NULL"
        _brake_list(con, stream, landed, listing, missing, _count(con, alive, {"org": landed.org}))
    con.execute(
        "INSERT INTO ops.deletions BY NAME SELECT $source AS source, $org AS org, $stream AS stream, "
        "c._record_id AS record_id, $stamp::TIMESTAMPTZ AS deleted_at, $read_at AS read_at, $package AS package_id, "
        f"'{FULL_LIST}' AS evidence {gone} ORDER BY c._record_id",
        {**_facts(stream, landed), "stamp": listing.stamp},
    )
    deleted = _bury(con, stream, landed.org, loaded_at, _said_by(landed))
    if out_of_turn and listing.whole:  # what is left and not held by newer files is of older ones
        deleted += _bury_of_older(con, stream, landed, listing, loaded_at, f"{current} c WHERE true")
    return {"deleted": deleted}


def bury_unlisted_late(
    con: duckdb.DuckDBPyConnection, stream: Stream, landed: Landed, listing: Listing, loaded_at: datetime
) -> dict[str, int]:
    """Tombstones for records just inserted or revived by a file that is older than a full list which lacks them."""
    _hold_listed(con, listing)
    brought = (
        f"{raw_table(stream.source, stream.name)} c JOIN plan p USING (_record_id) "
        "WHERE (p.fate = 'inserted' OR p.revived)"
    )
    return {"deleted": _bury_of_older(con, stream, landed, listing, loaded_at, brought)}


def _bury_of_older(
    con: duckdb.DuckDBPyConnection,
    stream: Stream,
    landed: Landed,
    listing: Listing,
    loaded_at: datetime,
    rows: str,
) -> int:
    """Bury the living among these rows (SQL of a relation `c` and a condition) that are not in `listed`, whenever they
    were read: the files that hold them are older than the list."""
    unlisted = _unlisted(con, "c", raw_table(stream.source, stream.name))
    late = f"{rows} AND c._org = $org AND c._deleted_at IS NULL AND {unlisted}"
    said = {"stamp": listing.stamp, "package": listing.package}
    con.execute(
        "INSERT INTO ops.deletions BY NAME SELECT $source AS source, $org AS org, $stream AS stream, "
        "c._record_id AS record_id, $stamp::TIMESTAMPTZ AS deleted_at, $read_at AS read_at, $package AS package_id, "
        f"'{FULL_LIST}' AS evidence FROM {late} ORDER BY c._record_id",
        {**_facts(stream, landed), **said},
    )
    columns = (
        "c.* REPLACE ($package AS _package_id, $loaded_at::TIMESTAMPTZ AS _loaded_at, "
        f"$stamp::TIMESTAMPTZ AS _deleted_at, '{FULL_LIST}' AS _deletion_evidence)"
    )
    values = {"org": landed.org, "loaded_at": loaded_at, **said}
    return _append(con, stream, columns, late, values)


def _hold_listed(con: duckdb.DuckDBPyConnection, listing: Listing) -> None:
    """The temp table `listed`: key, number and name of every row that says of a record that it exists.

    strength: 1 for an id, 2 for a number, 3 for a name; 0 where the row was set aside, whatever its key is. aside:
    it is a row of the list itself and nothing tells whose.
    """
    con.execute(
        "CREATE OR REPLACE TEMP TABLE listed (key VARCHAR, number VARCHAR, name VARCHAR, strength INT, untold BOOLEAN)"
    )
    parts = ((listing.accepted, False, False), (listing.aside, True, True), (listing.further, False, False))
    for files, loose, own in parts:
        for path in files:  # one by one: files of one object differ in their columns
            rows = f"read_parquet({literal(str(path))})"
            strength = "0" if loose else _strength("_record_id")
            con.execute(
                f"INSERT INTO listed SELECT DISTINCT _record_id, {', '.join(_weak_keys(con, rows))}, {strength}, "
                f"{own} AND _record_id IS NULL FROM {rows}"
            )


def _weak_keys(con: duckdb.DuckDBPyConnection, relation: str, alias: str = "") -> tuple[str, str]:
    """SQL of number and name. A source may give neither, and an older version gave none but in the key."""
    present = table_columns(con, relation)
    key = f"{alias}_record_id"
    given = [f"{alias}{name}" if name in present else "NULL::VARCHAR" for name in (NUMBER, NAME)]
    number, name = (
        f"coalesce({value}, CASE WHEN starts_with({key}, {literal(mark)}) THEN substr({key}, {len(mark) + 1}) END)"
        for value, mark in zip(given, (BY_NUMBER, BY_NAME), strict=True)
    )
    return number, name


def _strength(key: str) -> str:
    return (
        f"CASE WHEN starts_with({key}, {literal(BY_NUMBER)}) THEN 2 "
        f"WHEN starts_with({key}, {literal(BY_NAME)}) THEN 3 ELSE 1 END"
    )


def _unlisted(con: duckdb.DuckDBPyConnection, row: str, table: str) -> str:
    """SQL: no row of `listed` is this record. Where one key is an id and the other a number or a name, an equal
    number or an equal name counts as well: a record that is keyed in another way now has not gone."""
    number, name = _weak_keys(con, table, f"{row}.")
    other = f"l.strength <> {_strength(f'{row}._record_id')}"
    same = [
        f"l.key = {row}._record_id",
        f"l.number = {number} AND {other}",
        f"l.name = {name} AND {other}",
    ]
    return " AND ".join(f"NOT EXISTS (SELECT 1 FROM listed l WHERE {condition})" for condition in same)


def _brake_list(
    con: duckdb.DuckDBPyConnection, stream: Stream, landed: Landed, listing: Listing, missing: int, alive: int
) -> None:
    file = landed.file_name
    doubt = ""
    if _count(con, "SELECT count(*) FROM listed WHERE untold", {}):
        doubt = ", but holds rows that could not be read and may be theirs"
    elif not listing.whole:
        doubt = ", but the rows of files as new as it were taken out by `prune`, so nobody can tell"
    elif missing <= alive * _BRAKE:
        return
    raise Problem(
        f"the full list {file} lacks {missing:,} of {alive:,} records{doubt}; its rows are loaded, nothing was "
        "marked as deleted",
        do="decide whether they are gone",
        source=stream.source,
        stream=stream.name,
        where=landed.package,
        code=LIST_BRAKE,
    )


def bury_late(
    con: duckdb.DuckDBPyConnection, stream: Stream, landed: Landed, loaded_at: datetime
) -> dict[str, int]:
    """Tombstones for records just inserted by a read that is older than the word that they are gone."""
    late = _count(
        con,
        "SELECT count(*) FROM ops.deletions WHERE source = $source AND org = $org AND stream = $stream "
        "AND read_at > $read_at",
        {name: value for name, value in _facts(stream, landed).items() if name != "package"},
    )
    if not late:
        return {}
    inserted = "record_id IN (SELECT _record_id FROM plan WHERE fate = 'inserted')"
    return {"deleted": _bury(con, stream, landed.org, loaded_at, inserted)}


def _bury(con: duckdb.DuckDBPyConnection, stream: Stream, org: str, loaded_at: datetime, which: str) -> int:
    """Bury the living among these deletions, unless a read as late as the deletion has seen them."""
    newest = (
        "(SELECT record_id, max(read_at) AS read_at, max_by(deleted_at, read_at) AS deleted_at, "
        "max_by(evidence, read_at) AS evidence, max_by(package_id, read_at) AS package_id FROM ops.deletions "
        f"WHERE source = $source AND org = $org AND stream = $stream AND {which} GROUP BY record_id)"
    )
    return _append(
        con,
        stream,
        "c.* REPLACE (d.read_at AS _read_at, d.package_id AS _package_id, $loaded_at::TIMESTAMPTZ AS _loaded_at, "
        "d.deleted_at AS _deleted_at, d.evidence AS _deletion_evidence)",
        f"{raw_table(stream.source, stream.name)} c JOIN {newest} d ON d.record_id = c._record_id "
        "WHERE c._org = $org AND c._deleted_at IS NULL AND c._read_at < d.read_at",
        {"source": stream.source, "org": org, "stream": stream.name, "loaded_at": loaded_at},
    )


def _append(
    con: duckdb.DuckDBPyConnection, stream: Stream, columns: str, rows: str, values: dict[str, object]
) -> int:
    """New states of records whose content stays: they replace the current rows and are added to history."""
    current, history = raw_table(stream.source, stream.name), history_table(stream.source, stream.name)
    con.execute(f"CREATE OR REPLACE TEMP TABLE states AS SELECT {columns} FROM {rows}", values)
    count = _count(con, "SELECT count(*) FROM states", {})
    if count:
        con.execute(
            f"DELETE FROM {current} WHERE _org = $org AND _record_id IN (SELECT _record_id FROM states)",
            {"org": values["org"]},
        )
        for table in (current, history):
            con.execute(f"INSERT INTO {table} BY NAME SELECT * FROM states")
    return count


def _said_by(landed: Landed) -> str:
    return f"package_id = {literal(landed.package)}"


def _facts(stream: Stream, landed: Landed) -> dict[str, object]:
    return {
        "source": stream.source, "org": landed.org, "stream": stream.name, "package": landed.package,
        "read_at": landed.started_at,
    }  # fmt: skip


def _count(con: duckdb.DuckDBPyConnection, query: str, values: dict[str, object]) -> int:
    row = con.execute(query, values).fetchone()
    assert row is not None
    return int(row[0])
