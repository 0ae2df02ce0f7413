"""Raw tables: created from declared streams, grown by what packages bring, never shrunk.

A new field adds a column; a vanished field stays and goes NULL; a changed type widens. Each change is a row
in `ops.schema_changes`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime

import duckdb

from connectors.core.contract import NAME, NUMBER, Stream
from pipelines.sql import columns_of, fitted, quote, same_name

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
_WEAK_KEYS: Mapping[str, str] = {NUMBER: "VARCHAR", NAME: "VARCHAR"}
_LADDER = ("BOOLEAN", "BIGINT", "DECIMAL", "VARCHAR")
_DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)")


def raw_table(source: str, stream: str) -> str:
    """The current rows of a stream; its versions are in the table named `history_table`."""
    return f"{quote('raw_' + source)}.{quote(stream)}"


def history_table(source: str, stream: str) -> str:
    """Every version of every row of a stream, append-only."""
    return f"{quote('raw_' + source)}.{quote(stream + '__history')}"


def _tables(stream: Stream) -> tuple[str, str]:
    return raw_table(stream.source, stream.name), history_table(stream.source, stream.name)


def ensure_stream(con: duckdb.DuckDBPyConnection, stream: Stream, columns: Mapping[str, str]) -> None:
    """Make both tables of a stream exist with at least our own and these declared columns (name → type)."""
    con.execute(f"CREATE SCHEMA IF NOT EXISTS {quote('raw_' + stream.source)}")
    wanted = _wanted(stream, columns)
    _create(con, stream, wanted)
    present = table_columns(con, raw_table(stream.source, stream.name))
    for name, kind in wanted.items():
        if name not in present:
            _claim(con, stream, name, kind, present)


def _wanted(stream: Stream, columns: Mapping[str, str]) -> dict[str, str]:
    """Our own columns and these declared ones, by the names that they have in the tables."""
    weak = _WEAK_KEYS if stream.weak_keys else {}
    named = {column: columns[field] for field, column in columns_of(columns, columns).items()}
    return {**META, **weak, **named}


def _create(con: duckdb.DuckDBPyConnection, stream: Stream, wanted: Mapping[str, str]) -> None:
    definition = ", ".join(f"{quote(name)} {kind}" for name, kind in wanted.items())
    for table in _tables(stream):
        con.execute(f"CREATE TABLE IF NOT EXISTS {table} ({definition})")


def _claim(
    con: duckdb.DuckDBPyConnection, stream: Stream, name: str, kind: str, present: Mapping[str, str]
) -> None:
    """A column declared since the tables were made: models name it, so another field's must give way."""
    rival = next((column for column in present if same_name(column) == same_name(name)), None)
    had = fitted([name], present)[name]
    for table in _tables(stream):
        if rival:
            con.execute(
                f"ALTER TABLE {table} RENAME {quote(rival)} TO {quote(fitted([rival], [name])[rival])}"
            )
        if had in present:
            con.execute(f"ALTER TABLE {table} RENAME {quote(had)} TO {quote(name)}")
        else:
            con.execute(f"ALTER TABLE {table} ADD COLUMN {quote(name)} {kind}")


def evolve(
    con: duckdb.DuckDBPyConnection, stream: Stream, incoming: Mapping[str, str], package: str, at: datetime
) -> dict[str, str]:
    """Let the tables hold what a package brings; note every change.

    incoming: the package's columns and types. Returns column of the package → column of the tables, which
    differ where a name is another field's there.
    """
    present = table_columns(con, raw_table(stream.source, stream.name))
    places = fitted(incoming, present)
    for column, kind in incoming.items():
        name = places[column]
        old = present.get(name)
        new = kind if old is None else widened(old, kind)
        if new == old:
            continue
        for table in _tables(stream):
            if old is None:
                con.execute(f"ALTER TABLE {table} ADD COLUMN {quote(name)} {new}")
            else:
                value = converted(quote(name), old, new)
                con.execute(f"ALTER TABLE {table} ALTER {quote(name)} TYPE {new} USING {value}")
        con.execute(
            "INSERT INTO ops.schema_changes VALUES (?, ?, ?, ?, ?, ?, ?)",
            [stream.source, stream.name, name, old, new, package, at],
        )
    return places


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
    """Empty raw tables for every declared stream, so that the models build with any one source.

    What is there is asked once for all, and what is missing made in one transaction: a statement for each of some
    hundred tables took longer than a small sync.
    """
    wanted = [(stream, columns, _wanted(stream, columns)) for stream, columns in streams]
    present = _raw_columns(con)
    missing = [
        (stream, names) for stream, _, names in wanted if not all(t in present for t in _tables(stream))
    ]
    con.begin()
    try:
        for source in {stream.source for stream, _ in missing}:
            con.execute(f"CREATE SCHEMA IF NOT EXISTS {quote('raw_' + source)}")
        for stream, names in missing:
            _create(con, stream, names)
        con.commit()
    except BaseException:
        con.rollback()
        raise
    for stream, columns, names in wanted:
        here = present.get(raw_table(stream.source, stream.name))
        if here is not None and not names.keys() <= here:
            ensure_stream(con, stream, columns)


def _raw_columns(con: duckdb.DuckDBPyConnection) -> dict[str, set[str]]:
    """Columns of each raw table, by its quoted name."""
    found: dict[str, set[str]] = {}
    for schema, table, column in con.execute(
        "SELECT schema_name, table_name, column_name FROM duckdb_columns() "
        "WHERE database_name = current_database() AND starts_with(schema_name, 'raw_')"
    ).fetchall():
        found.setdefault(f"{quote(schema)}.{quote(table)}", set()).add(column)
    return found


def _step(kind: str) -> int | None:
    name = "DECIMAL" if kind.startswith("DECIMAL") else kind
    return _LADDER.index(name) if name in _LADDER else None
