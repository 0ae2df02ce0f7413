"""From the bytes of a package to `cells`: one text per field, `_position`, `_record_id`, `_misfit`.

Everything is VARCHAR until `decode` types it, except that a file's lookups are STRUCT(id, name) already.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import duckdb

from connectors.core.contract import Field, FieldType, Shape, Source, Stream
from pipelines.landing.pages import read_pages
from pipelines.landing.records import cut_records
from pipelines.landing.types import typed
from pipelines.landing.zone import Package
from pipelines.sql import literal, quote

PAGE_STRIDE = 1_000_000  # position = page number × stride + place in the page
_MAX_RECORD = 64 << 20
_NULL = "\\N"
_POSITION = "_crm_warehouse_position"


def cells_from_pages(package: Package, shape: Shape, con: duckdb.DuckDBPyConnection, scratch: Path) -> Path:
    """The view `cells` over the records of all pages; further field chunks are merged by key.

    Returns the file of cut records (chunk 0). Malformed records are missing from the view: see `unreadable`.
    """
    chunks = _cut(package, shape, scratch)
    relations = {chunk: _records(path, shape) for chunk, path in chunks.items()}
    key, further = quote(shape.key), sorted(set(relations) - {0})
    columns = []
    for name in (quote(f.name) for f in shape.fields):
        parts = ", ".join([f"base.{name}", *(f"c{c}.{name}" for c in further)])
        columns.append(f"coalesce({parts}) AS {name}" if further else f"{parts} AS {name}")
    newest = f"row_number() OVER (PARTITION BY {key} ORDER BY {quote(_POSITION)} DESC) = 1"
    joins = " ".join(
        f"LEFT JOIN (SELECT * FROM {relations[c]} QUALIFY {newest}) c{c} ON c{c}.{key} = base.{key}"
        for c in further
    )
    con.execute(
        f"CREATE {'TABLE' if further else 'VIEW'} cells AS SELECT base.{quote(_POSITION)} AS _position, "
        f"base.{key} AS _record_id, CAST(NULL AS VARCHAR) AS _misfit, {', '.join(columns)} "
        f"FROM {relations[0]} base {joins}"
    )
    return chunks[0]


def unreadable(records: Path, present: set[int]) -> list[int]:
    """Positions of records that are no valid JSON text (a lone surrogate, bad UTF-8)."""
    with records.open("rb") as lines:
        start = len(_POSITION) + 4
        return [p for p in (int(line[start : line.index(b",")]) for line in lines) if p not in present]


def cells_from_file(
    package: Package, source: Source, stream: Stream, con: duckdb.DuckDBPyConnection, scratch: Path
) -> tuple[Shape, dict[str, int]]:
    """The table `cells` from a spreadsheet or text file cut by its source.

    Returns the file's shape and its skipped rows by reason. Cells that do not cast as they stand have been
    through the source's own reader.
    """
    shape, table = source.tabulate(package.folder / package.landed.files[0].name, stream)
    path = scratch / "cells.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(
            [row.position, *(_NULL if v is None else v for v in (row.misfit, *row.values))]
            for row in table.rows
        )
    names = ["_position", "_misfit", *table.columns]
    columns = ", ".join(f"{literal(n)}: '{'BIGINT' if n == '_position' else 'VARCHAR'}'" for n in names)
    con.execute(
        f"CREATE TABLE texts AS SELECT * FROM read_csv({literal(str(path))}, columns={{{columns}}}, "
        f"header=false, auto_detect=false, delim=',', quote='\"', escape='\"', nullstr={literal(_NULL)}, "
        f"max_line_size={_MAX_RECORD})"
    )
    present = set(table.columns)
    for field in shape.fields:
        if field.name in present and field.type not in (FieldType.TEXT, FieldType.JSON, FieldType.LOOKUP):
            _parse_odd_cells(con, field, source.parse)
    carried = ["_position", "_record_id", "_misfit", *(["_cells"] if "_cells" in present else [])]
    cells = [f"{_file_cell(field, present)} AS {quote(field.name)}" for field in shape.fields]
    con.execute(f"CREATE TABLE cells AS SELECT {', '.join(carried + cells)} FROM texts")
    con.execute("DROP TABLE texts")
    skipped: dict[str, int] = {}
    for _, reason in table.skipped:
        skipped[reason] = skipped.get(reason, 0) + 1
    return shape, skipped


def _cut(package: Package, shape: Shape, scratch: Path) -> dict[int, Path]:
    """One file of records per field chunk, a line each, with the position put before the record's fields."""
    paths: dict[int, Path] = {}
    sinks = {}
    head = b'{"' + _POSITION.encode() + b'":%d,%b\n'
    try:
        for line in read_pages(package.folder / package.landed.files[0].name):
            if line.chunk not in sinks:
                paths[line.chunk] = scratch / f"chunk{line.chunk}.jsonl"
                sinks[line.chunk] = paths[line.chunk].open("wb")
            base = line.page * PAGE_STRIDE
            records = enumerate(cut_records(line.body, shape), 1)
            # A record is an object: its opening brace makes room for the position.
            sinks[line.chunk].write(b"".join(head % (base + i, memoryview(r)[1:]) for i, r in records))
    finally:
        for sink in sinks.values():
            sink.close()
    return paths


def _records(path: Path, shape: Shape) -> str:
    columns = ", ".join(f"{literal(f.name)}: 'VARCHAR'" for f in shape.fields)
    # ignore_errors gives a row of NULLs for a malformed line instead of failing the package; the fixed
    # schema of texts leaves it nothing else to ignore.
    return (
        f"(SELECT * FROM read_json({literal(str(path))}, format='newline_delimited', ignore_errors=true, "
        f"maximum_object_size={_MAX_RECORD}, columns={{{literal(_POSITION)}: 'BIGINT', {columns}}}) "
        f"WHERE {quote(_POSITION)} IS NOT NULL)"
    )


def _parse_odd_cells(
    con: duckdb.DuckDBPyConnection, field: Field, parse: Callable[[Field, str], str | None]
) -> None:
    """Give every distinct text that does not cast to the source's own reader, once."""
    column = quote(field.name)
    failing = con.execute(
        f"SELECT DISTINCT {column} FROM texts WHERE nullif({column}, '') IS NOT NULL "
        f"AND ({typed(field, column, from_json=False)}) IS NULL"
    ).fetchall()
    parsed = [(text, canonical) for (text,) in failing if (canonical := parse(field, text)) is not None]
    if parsed:
        con.execute(
            "CREATE OR REPLACE TABLE parsed AS SELECT unnest(?::VARCHAR[]) AS text, unnest(?::VARCHAR[]) AS canonical",
            [list(column) for column in zip(*parsed, strict=True)],
        )
        con.execute(f"UPDATE texts SET {column} = canonical FROM parsed WHERE texts.{column} = parsed.text")


def _file_cell(field: Field, present: set[str]) -> str:
    if field.type is not FieldType.LOOKUP:
        return quote(field.name) if field.name in present else "CAST(NULL AS VARCHAR)"
    parts = {
        part: f"nullif({quote(name)}, '')" if (name := f"{field.name}.{part}") in present else "NULL::VARCHAR"
        for part in ("id", "name")
    }
    filled = f"coalesce({parts['id']}, {parts['name']}) IS NOT NULL"
    return f"CASE WHEN {filled} THEN struct_pack(id := {parts['id']}, name := {parts['name']}) END"
