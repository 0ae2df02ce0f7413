"""The tables against what their packages added up to. Read-only.

Every record has one current row, put there by the package that counted it as inserted; every state of it is
a row of history. A stale version is history only once, so its count is a bound.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import duckdb

from connectors.core.errors import Problem
from pipelines.sql import quote
from pipelines.warehouse.ops import unbalanced
from pipelines.warehouse.schema import history_table, raw_table

_REBUILD = "run `crm-warehouse rebuild`, which makes the warehouse anew from the landing zone"


@dataclass(frozen=True, slots=True)
class Held:
    """A package as `ops.packages` knows it. counts: what its fold did, by name of the receipt's fields."""

    source: str
    stream: str
    order: int
    counts: Mapping[str, int]


_COUNTS = ("inserted", "updated", "unchanged", "restamped", "stale", "deleted", "restored")


def held_packages(con: duckdb.DuckDBPyConnection) -> dict[str, Held]:
    """Package id → what this warehouse holds of it; empty for a warehouse without `ops`."""
    present = {name for (name,) in _rows(con, "SELECT column_name FROM duckdb_columns() WHERE schema_name = 'ops' "
                                         "AND table_name = 'packages'")}  # fmt: skip
    if not present:
        return {}
    names = [n for n in _COUNTS if n in present]
    rows = _rows(con, f"SELECT package_id, source, stream, load_order, {', '.join(names)} FROM ops.packages")
    return {
        id: Held(source, stream, order, dict(zip(names, counts, strict=True)))
        for id, source, stream, order, *counts in rows
    }


def named_packages(con: duckdb.DuckDBPyConnection) -> set[str]:
    """Packages that the fold needs although no row of theirs may have changed anything: they changed columns,
    or say that records are gone."""
    tables = {
        name for (name,) in _rows(con, "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'ops'")
    }
    return {
        id
        for table in ("schema_changes", "deletions")
        if table in tables
        for (id,) in _rows(con, f"SELECT DISTINCT package_id FROM ops.{table}")
    }


def verify_tables(
    con: duckdb.DuckDBPyConnection, held: Mapping[str, Held], *, whole: bool = True
) -> Iterator[Problem]:
    """The raw tables of the streams that `held` names. whole: `ops.conservation` is asked too."""
    if whole:
        for package, unaccounted, unfolded in unbalanced(con):
            yield Problem(
                f"{unaccounted:,} rows of package {package} are without a fate and {unfolded:,} not folded in",
                do=_REBUILD + "; if it says so again, report it with the manifests of the package",
                where="ops.conservation",
            )
    sums: dict[tuple[str, str], dict[str, int]] = {}
    for one in held.values():
        of_stream = sums.setdefault((one.source, one.stream), dict.fromkeys(_COUNTS, 0))
        for name, count in one.counts.items():
            of_stream[name] += count
    for (source, stream), counts in sorted(sums.items()):
        yield from _stream(con, source, stream, counts)


def _stream(
    con: duckdb.DuckDBPyConnection, source: str, stream: str, counts: Mapping[str, int]
) -> Iterator[Problem]:
    current, history = raw_table(source, stream), history_table(source, stream)
    rows, records, versions, unknown = _rows(
        con,
        f"SELECT (SELECT count(*) FROM {current}), (SELECT count(*) FROM (SELECT DISTINCT _org, _record_id FROM "
        f"{current})), (SELECT count(*) FROM {history}), (SELECT count(*) FROM {current} c WHERE NOT EXISTS "
        "(SELECT 1 FROM ops.packages p WHERE p.package_id = c._package_id))",
    )[0]
    least = counts["inserted"] + counts["updated"] + counts["deleted"] + counts["restored"]
    wrong = {
        f"holds {rows:,} rows of {records:,} records: some are doubled": rows != records,
        f"holds {rows:,} rows, its packages inserted {counts['inserted']:,}": rows != counts["inserted"],
        f"holds {unknown:,} rows of packages that were never loaded": unknown > 0,
        f"has {versions:,} versions in its history, its packages made {least:,} and up to {counts['stale']:,} late "
        "ones": not least <= versions <= least + counts["stale"],
    }  # fmt: skip
    for what, is_wrong in wrong.items():
        if is_wrong:
            yield Problem(
                f"the table {quote(stream)} {what}", do=_REBUILD, source=source, stream=stream, where=current
            )


def _rows(con: duckdb.DuckDBPyConnection, query: str) -> list[tuple[object, ...]]:
    return con.execute(query).fetchall()
