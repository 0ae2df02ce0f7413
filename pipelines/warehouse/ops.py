"""What came from where and when: the `ops` tables."""

from __future__ import annotations

import duckdb

_TABLES = {
    "packages": """
        package_id VARCHAR, source VARCHAR, org VARCHAR, stream VARCHAR, kind VARCHAR, load_order BIGINT,
        started_at TIMESTAMPTZ, landed_at TIMESTAMPTZ, loaded_at TIMESTAMPTZ, cursor_before TIMESTAMPTZ,
        newest_stamp TIMESTAMPTZ, pages BIGINT, bytes BIGINT, seconds DOUBLE,
        received BIGINT, accepted BIGINT, quarantined BIGINT, repeated BIGINT, superseded BIGINT,
        skipped BIGINT, inserted BIGINT, updated BIGINT, unchanged BIGINT, restamped BIGINT, stale BIGINT,
        deleted BIGINT,
        file_name VARCHAR, shape_hash VARCHAR, rules_hash VARCHAR
    """,
    "schema_changes": """
        source VARCHAR, stream VARCHAR, field VARCHAR, old_type VARCHAR, new_type VARCHAR, package_id VARCHAR,
        changed_at TIMESTAMPTZ
    """,
}


def ensure_ops(con: duckdb.DuckDBPyConnection) -> None:
    """Make the ops tables exist."""
    con.execute("CREATE SCHEMA IF NOT EXISTS ops")
    for name, columns in _TABLES.items():
        con.execute(f"CREATE TABLE IF NOT EXISTS ops.{name} ({columns})")


def unbalanced(con: duckdb.DuckDBPyConnection) -> list[tuple[str, int]]:
    """Loaded packages whose rows do not add up (law 3): (package, difference). Must be empty."""
    return con.execute(
        "SELECT package_id, received - accepted - quarantined - repeated - superseded - skipped AS missing "
        "FROM ops.packages WHERE missing <> 0 OR (kind <> 'deleted' AND "
        "accepted <> inserted + updated + unchanged + stale) ORDER BY package_id"
    ).fetchall()


def folded(con: duckdb.DuckDBPyConnection) -> set[str]:
    """Ids of the packages that this warehouse holds."""
    known = con.execute(
        "SELECT 1 FROM duckdb_tables() WHERE schema_name = 'ops' AND table_name = 'packages'"
    ).fetchone()
    return {id for (id,) in con.execute("SELECT package_id FROM ops.packages").fetchall()} if known else set()
