"""Which rows set aside need nobody any more, because something said since speaks for their record.

A row is let go only where another word about its record is held, or the record is known to be gone: a version that was
loaded, a newer version that waits itself, a newer full list, a deletion, or a person who dropped the very same row.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from connectors.core.contract import Stream
from pipelines.manifest import DROPPED_BEFORE, GONE, LISTED, MENDED, REPLACED
from pipelines.sql import literal
from pipelines.warehouse.existence import FULL_LIST
from pipelines.warehouse.schema import raw_table, table_columns


@dataclass(frozen=True, slots=True)
class Waiting:
    """Rows that wait. path: the package's rows set aside; settled: positions of those that do not wait.

    of_records: they are records, no lines of a deleted list or a sweep. listed: a full list that was exported after
    their file is loaded, and its word stands.
    """

    package: str
    path: Path
    started_at: datetime
    settled: Collection[int]
    of_records: bool
    listed: bool


@dataclass(frozen=True, slots=True)
class Words:
    """What was said beside the tables.

    read: accepted rows of packages that may have left no trace in the tables, with the start of their read. swept:
    the ids of the newest whole sweep; None where there was none, with when it began. dropped: rows that people dropped:
    package, its rows set aside, positions.
    """

    read: Sequence[tuple[Path, datetime]] = ()
    swept: tuple[Sequence[Path], datetime] | None = None
    dropped: Sequence[tuple[str, Path, Collection[int]]] = ()


def needless(
    con: duckdb.DuckDBPyConnection, stream: Stream, org: str, waiting: Iterable[Waiting], words: Words
) -> dict[tuple[str, str], list[int]]:
    """(Package, what settles them) → positions. Newer is what law 4 says: source stamp, start of the read, position."""
    _lay_out(con, waiting, words)
    rows = con.execute(
        f"SELECT package_id, why, position FROM (SELECT *, CASE WHEN {_DROPPED} THEN '{DROPPED_BEFORE}' "
        f"WHEN {_mended(stream)} THEN '{MENDED}' WHEN listed THEN '{LISTED}' WHEN {_gone(stream)} THEN '{GONE}' "
        f"WHEN {_REPLACED} THEN '{REPLACED}' END AS why FROM waiting w) WHERE why IS NOT NULL ORDER BY ALL",
        {"org": org, "source": stream.source, "stream": stream.name},
    ).fetchall()
    for table in ("waiting", "said", "swept", "dropped"):
        con.execute(f"DROP TABLE {table}")
    found: dict[tuple[str, str], list[int]] = {}
    for package, why, position in rows:
        found.setdefault((package, why), []).append(position)
    return found


def _lay_out(con: duckdb.DuckDBPyConnection, waiting: Iterable[Waiting], words: Words) -> None:
    con.execute(
        "CREATE OR REPLACE TEMP TABLE waiting (package_id VARCHAR, of_records BOOLEAN, listed BOOLEAN, "
        "started_at TIMESTAMPTZ, position BIGINT, record_id VARCHAR, modified_at TIMESTAMPTZ, content VARCHAR)"
    )
    con.execute(
        "CREATE OR REPLACE TEMP TABLE said (record_id VARCHAR, modified_at TIMESTAMPTZ, started_at TIMESTAMPTZ, "
        "position BIGINT)"
    )
    con.execute("CREATE OR REPLACE TEMP TABLE swept (record_id VARCHAR, began TIMESTAMPTZ)")
    con.execute(
        "CREATE OR REPLACE TEMP TABLE dropped (package_id VARCHAR, record_id VARCHAR, content VARCHAR)"
    )
    for one in waiting:
        rows = f"read_parquet({literal(str(one.path))})"
        con.execute(
            "INSERT INTO waiting SELECT $package, $of_records, $listed, $started_at::TIMESTAMPTZ, _position, "
            f"_record_id, _modified_at, {_content(con, rows)} FROM {rows} "
            "WHERE NOT list_contains($settled::BIGINT[], _position)",
            {
                "package": one.package, "of_records": one.of_records, "listed": one.listed,
                "started_at": one.started_at, "settled": list(one.settled),
            },
        )  # fmt: skip
    for path, started_at in words.read:
        con.execute(
            "INSERT INTO said SELECT _record_id, _modified_at, $started_at::TIMESTAMPTZ, _position "
            f"FROM read_parquet({literal(str(path))}) SEMI JOIN waiting ON record_id = _record_id",
            {"started_at": started_at},
        )
    if words.swept:
        paths, began = words.swept
        files = ", ".join(literal(str(path)) for path in paths)
        con.execute(  # a line without an id says when it began, where it lists nothing else of interest
            "INSERT INTO swept SELECT DISTINCT _record_id, $began::TIMESTAMPTZ "
            f"FROM read_parquet([{files}]) SEMI JOIN waiting ON record_id = _record_id "
            "UNION ALL SELECT NULL, $began::TIMESTAMPTZ",
            {"began": began},
        )
    for package, path, positions in words.dropped:
        rows = f"read_parquet({literal(str(path))})"
        con.execute(
            f"INSERT INTO dropped SELECT $package, _record_id, {_content(con, rows)} FROM {rows} "
            "WHERE list_contains($positions::BIGINT[], _position)",
            {"package": package, "positions": list(positions)},
        )


def _content(con: duckdb.DuckDBPyConnection, rows: str) -> str:
    """SQL of what a row holds wherever it stands: its hash, and beside it the cells that did not fit their
    fields, which no hash knows. NULL for a row that could not be read at all."""
    extra = "coalesce(_extra, '')" if "_extra" in table_columns(con, rows) else "''"
    unfit = "list_sort(list_filter(_faults, lambda f: f.rule = 'fits_type'))"
    return f"_row_hash || {extra} || CAST(to_json({unfit}) AS VARCHAR)"


_ORDER = "(coalesce({0}.{1}, '-infinity'::TIMESTAMPTZ), {2}.started_at, {0}.{3})"
_OURS = _ORDER.format("w", "modified_at", "w", "position")

_DROPPED = (
    "(w.of_records AND EXISTS (SELECT 1 FROM dropped d WHERE d.content = w.content "
    "AND d.record_id IS NOT DISTINCT FROM w.record_id AND d.package_id <> w.package_id))"
)

# Two rows of one package that look alike are two rows; what no key tells apart is told apart by its content.
_REPLACED = (
    "(w.of_records AND EXISTS (SELECT 1 FROM waiting o WHERE o.of_records AND "
    f"((o.record_id = w.record_id AND {_ORDER.format('o', 'modified_at', 'o', 'position')} > {_OURS}) "
    "OR (o.record_id IS NULL AND w.record_id IS NULL AND o.content = w.content AND o.package_id <> w.package_id "
    "AND o.started_at > w.started_at))))"
)


def _mended(stream: Stream) -> str:
    """SQL: a newer version is loaded, or was read and changed nothing. A tombstone, a restore or a rename moves
    `_read_at` without new content: the read of the row's own package counts."""
    newer = f"{_ORDER.format('c', '_modified_at', 'now', '_position')} > {_OURS}"
    return (
        f"(EXISTS (SELECT 1 FROM {raw_table(stream.source, stream.name)} c JOIN ops.packages now "
        "ON now.package_id = c._package_id WHERE c._org = $org AND c._record_id = w.record_id "
        "AND (c._modified_at > w.modified_at OR (c._deletion_evidence IS NULL "
        f"AND now.kind NOT IN ('deleted', 'sweep') AND {newer}))) "
        "OR EXISTS (SELECT 1 FROM said s WHERE s.record_id = w.record_id "
        f"AND {_ORDER.format('s', 'modified_at', 's', 'position')} > {_OURS}))"
    )


def _gone(stream: Stream) -> str:
    """SQL: the record was said to be gone by a read that began after the row's, and by none after that to exist. What
    files say of that is in `listed`: a full list knows of no order of reads."""
    seen = (
        f"EXISTS (SELECT 1 FROM {raw_table(stream.source, stream.name)} c WHERE c._org = $org "
        "AND c._record_id = w.record_id AND c._deleted_at IS NULL AND c._read_at > {0})"
    )
    listed = "EXISTS (SELECT 1 FROM swept s WHERE s.record_id = w.record_id AND s.began > {0})"
    return (
        "(w.of_records AND w.record_id IS NOT NULL AND ("
        "EXISTS (SELECT 1 FROM ops.deletions d WHERE d.source = $source AND d.org = $org AND d.stream = $stream "
        f"AND d.record_id = w.record_id AND d.evidence <> '{FULL_LIST}' AND d.read_at > w.started_at "
        f"AND NOT {seen.format('d.read_at')} AND NOT {listed.format('d.read_at')}) "
        "OR EXISTS (SELECT 1 FROM swept a WHERE a.record_id IS NULL AND a.began > w.started_at "
        f"AND NOT {listed.format('w.started_at')} AND NOT {seen.format('a.began')})))"
    )
