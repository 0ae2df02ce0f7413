"""Raw tables: created from declared streams, grown by what packages bring, never shrunk.

A new field adds a column; a vanished field stays and goes NULL; a changed type widens. Each change is a row
in `ops.schema_changes`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime

import duckdb

from connectors.core.contract import Stream
from pipelines.sql import quote

META: Mapping[str, str] = {
    "_org": "VARCHAR",
    "_record_id": "VARCHAR",
    "_modified_at": "TIMESTAMPTZ",  # the source's stamp of this version
    "_read_at": "TIMESTAMPTZ",  # start of the read that last changed content or existence
    "_package_id": "VARCHAR",
    "_position": "BIGINT",
    "_row_hash": "VARCHAR",
    "_extra": "VARCHAR",
    "_loaded_at": "TIMESTAMPTZ",
    "_deleted_at": "TIMESTAMPTZ",
    "_deletion_evidence": "VARCHAR",
}
_LADDER = ("BOOLEAN", "BIGINT", "DECIMAL", "VARCHAR")
_DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)")


def raw_table(source: str, stream: str) -> str:
    """The current rows of a stream; its versions are in the table named `history_table`."""
    return f"{quote('raw_' + source)}.{quote(stream)}"


def history_table(source: str, stream: str) -> str:
    """Every version of every row of a stream, append-only."""
    return f"{quote('raw_' + source)}.{quote(stream + '__history')}"


def ensure_stream(con: duckdb.DuckDBPyConnection, stream: Stream, columns: Mapping[str, str]) -> None:
    """Make both tables of a stream exist with at least these columns (name → DuckDB type)."""
    con.execute(f"CREATE SCHEMA IF NOT EXISTS {quote('raw_' + stream.source)}")
    definition = ", ".join(f"{quote(name)} {kind}" for name, kind in {**META, **columns}.items())
    for table in (raw_table(stream.source, stream.name), history_table(stream.source, stream.name)):
        con.execute(f"CREATE TABLE IF NOT EXISTS {table} ({definition})")


def evolve(
    con: duckdb.DuckDBPyConnection, stream: Stream, incoming: Mapping[str, str], package: str, at: datetime
) -> None:
    """Let the tables hold what a package brings; note every change."""
    present = table_columns(con, raw_table(stream.source, stream.name))
    for name, kind in incoming.items():
        old = present.get(name)
        new = kind if old is None else widened(old, kind)
        if new == old:
            continue
        for table in (raw_table(stream.source, stream.name), history_table(stream.source, stream.name)):
            if old is None:
                con.execute(f"ALTER TABLE {table} ADD COLUMN {quote(name)} {new}")
            else:
                value = converted(quote(name), old, new)
                con.execute(f"ALTER TABLE {table} ALTER {quote(name)} TYPE {new} USING {value}")
        con.execute(
            "INSERT INTO ops.schema_changes VALUES (?, ?, ?, ?, ?, ?, ?)",
            [stream.source, stream.name, name, old, new, package, at],
        )


def table_columns(con: duckdb.DuckDBPyConnection, relation: str) -> dict[str, str]:
    """Column name → DuckDB type."""
    return {name: kind for (name, kind, *_) in con.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()}


def widened(old: str, new: str) -> str:
    """The narrowest type that holds both: along bool → int → decimal → text, else text."""
    if old == new:
        return old
    scales = [int(d[2]) for kind in (old, new) if (d := _DECIMAL.fullmatch(kind))]
    steps = [_step(old), _step(new)]
    if None in steps or "VARCHAR" in (old, new):
        return "VARCHAR"
    if scales:
        return f"DECIMAL(38,{max(scales)})"
    return max((old, new), key=_LADDER.index)


def converted(column: str, old: str, new: str) -> str:
    """SQL of a value of type `old` as type `new`; a reference that became text keeps its parts as JSON."""
    if old == new:
        return column
    return f"CAST({f'to_json({column})' if old.startswith('STRUCT') else column} AS {new})"


def declare(con: duckdb.DuckDBPyConnection, streams: Iterable[tuple[Stream, Mapping[str, str]]]) -> None:
    """Empty raw tables for every declared stream, so that the models build with any one source."""
    for stream, columns in streams:
        ensure_stream(con, stream, columns)


def _step(kind: str) -> int | None:
    name = "DECIMAL" if kind.startswith("DECIMAL") else kind
    return _LADDER.index(name) if name in _LADDER else None
