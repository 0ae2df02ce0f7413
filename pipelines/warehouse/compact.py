"""Compaction: the warehouse written anew into a file without dead space, swapped in when it is complete.

Delete and insert leaves the old rows inside their row groups until the engine's checkpoint finds enough of them
side by side; rewriting those leaves free blocks, and dbt leaves more. Free blocks are used again, but the file does
not shrink by itself. Everything in the warehouse moves: raw and ops tables, dbt's, views, comments.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import duckdb

from connectors.core.errors import Actor, Problem
from pipelines.faults import step
from pipelines.sql import literal, quote
from pipelines.warehouse.connect import COMPACTING, STORAGE, open_warehouse, read_warehouse, swap_in

# A file is written anew when more than a third of it is dead, so that it stays below 1.8 × its net data with room
# for what a day adds; less than this is not worth a rewrite.
DEAD_SHARE = 0.35
DEAD_BYTES = 64 << 20
_FOLDED = ("raw_", "ops")  # schemas whose tables grow; all others are built anew beside the old ones


@dataclass(frozen=True, slots=True)
class Space:
    """Of a database file, in bytes. used: blocks in use; dead: deleted rows in these, and free blocks beyond those
    that the next build of the models fills, as the last one left them."""

    total: int
    used: int
    dead: int


@dataclass(frozen=True, slots=True)
class Compaction:
    """Size of the file before and after. warning: why nothing was done, a sentence; the warehouse is as it was."""

    before_bytes: int
    after_bytes: int
    warning: str = ""


def wants_compaction(path: Path, *, wait_seconds: float = 0) -> bool:
    """Whether a warehouse that nobody writes is dead enough to be compacted; False where there is none."""
    if not path.exists() or path.stat().st_size < DEAD_BYTES:
        return False
    with read_warehouse(path, wait_seconds=wait_seconds) as con:
        space = measure_space(con)
    return space.dead > max(DEAD_BYTES, DEAD_SHARE * space.total)


def measure_space(con: duckdb.DuckDBPyConnection) -> Space:
    """How much of a checkpointed database is dead; costs milliseconds.

    `PRAGMA database_size` knows free blocks but not deleted rows; `estimated_size` counts a table's rows with the
    deleted ones, `count(*)` without (both measured on 1.5.5). Rows are weighed by their number of columns.
    """
    sizes = con.execute(
        "SELECT block_size, total_blocks, used_blocks, free_blocks FROM pragma_database_size() "
        "WHERE database_name = current_database()"
    ).fetchone()
    assert sizes is not None
    block, total, used, free = sizes
    tables = con.execute(
        "SELECT schema_name, table_name, estimated_size, column_count FROM duckdb_tables() "
        "WHERE database_name = current_database()"
    ).fetchall()
    stored = dead = built = 0
    for schema, name, rows, columns in tables:
        stored += rows * columns
        dead += (rows - _count(con, f"{quote(schema)}.{quote(name)}")) * columns
        built += 0 if schema.startswith(_FOLDED) else rows * columns
    in_use = used * block
    in_rows, next_build = (in_use * cells // stored if stored else 0 for cells in (dead, built))
    return Space(total=total * block, used=in_use, dead=max(0, free * block - next_build) + in_rows)


def compact(path: Path, *, memory_limit: str, threads: int, wait_seconds: float = 0) -> Compaction | None:
    """Write the warehouse anew and swap it in; None when there is none. Call under the lock.

    Where it cannot be done (no room on disk, or the disk fails) the old file stays and the result has a warning.
    Raises Problem when the warehouse cannot be opened, or when the new file does not hold the same.
    """
    if not path.exists():
        return None
    before = path.stat().st_size
    try:
        with open_warehouse(
            path, memory_limit=memory_limit, threads=threads, wait_seconds=wait_seconds
        ) as con:
            con.execute("CHECKPOINT")
            if lack := _lack_of_room(con, path):
                return Compaction(before, before, lack)
            fresh = _copied(con, path)
            swap_in(fresh, path)  # while we still hold the old file: nobody gets in between
    except (duckdb.Error, OSError) as error:
        for leftover in (path.with_name(COMPACTING), path.with_name(COMPACTING + ".wal")):
            leftover.unlink(missing_ok=True)
        return Compaction(before, before, _failed(error))
    after = path.stat().st_size
    step("warehouse compacted", before=before, after=after)
    return Compaction(before, after)


def _copied(con: duckdb.DuckDBPyConnection, path: Path) -> Path:
    """A complete copy beside the warehouse, in the same order, checked and checkpointed."""
    fresh, catalog = path.with_name(COMPACTING), quote(path.stem)
    step("compaction begun")
    con.execute(f"ATTACH {literal(str(fresh))} AS compacting (STORAGE_VERSION {literal(STORAGE)})")
    con.execute(f"COPY FROM DATABASE {catalog} TO compacting")
    con.execute("CHECKPOINT compacting")
    if difference := _inventory(con, path.stem) ^ _inventory(con, "compacting"):
        raise Problem(
            f"the compacted warehouse differs from the old one in {', '.join(sorted({d[0] for d in difference}))}",
            do="report this; the old file stays in place",
            actor=Actor.DEVELOPER,
            where=str(path),
        )
    con.execute("DETACH compacting")
    step("copy written")
    return fresh


def _inventory(con: duckdb.DuckDBPyConnection, catalog: str) -> set[tuple[str, str, object]]:
    """What a database holds: (kind and name, comment, definition or rows)."""
    found: set[tuple[str, str, object]] = set()
    for schema, name, comment, definition in con.execute(
        "SELECT schema_name, table_name, comment, sql FROM duckdb_tables() WHERE database_name = $catalog "
        "UNION ALL SELECT schema_name, view_name, comment, sql FROM duckdb_views() "
        "WHERE database_name = $catalog AND NOT internal "
        "UNION ALL SELECT schema_name || '.' || table_name, column_name, comment, data_type FROM duckdb_columns() "
        "WHERE database_name = $catalog AND NOT internal "
        "UNION ALL SELECT schema_name, function_name, comment, macro_definition FROM duckdb_functions() "
        "WHERE database_name = $catalog AND NOT internal "
        "UNION ALL SELECT schema_name, sequence_name, comment, '' FROM duckdb_sequences() "
        "WHERE database_name = $catalog",
        {"catalog": catalog},
    ).fetchall():
        found.add((f"{schema}.{name}", comment, definition))
    for schema, name in con.execute(
        "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = ?", [catalog]
    ).fetchall():
        rows = _count(con, f"{quote(catalog)}.{quote(schema)}.{quote(name)}")
        found.add((f"{schema}.{name}", "rows", rows))
    return found


def _lack_of_room(con: duckdb.DuckDBPyConnection, path: Path) -> str:
    needed, free = measure_space(con).used, shutil.disk_usage(path.parent).free
    if free >= needed:
        return ""
    return (
        f"the warehouse was not compacted: that needs {needed >> 20:,} MB beside it and {free >> 20:,} MB are free; "
        f"make room on the disk of {path.parent}"
    )


def _failed(error: Exception) -> str:
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    return f"the warehouse was not compacted ({reason}); it is as it was, see that its disk is well"


def _count(con: duckdb.DuckDBPyConnection, table: str) -> int:
    row = con.execute(f"SELECT count(*) FROM {table}").fetchone()
    assert row is not None
    return int(row[0])
