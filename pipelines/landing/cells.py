"""From the bytes of a package to `cells`: one text per field, `_position`, `_record_id`, `_misfit`.

Everything is VARCHAR until `decode` types it, except that a file's lookups are STRUCT(id, name) already.
Fields may have any name; each is in the column that `pipelines.sql.columns_of` gives it. Of equal keys in one
record the first counts.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TextIO

import duckdb

from connectors.core.contract import CELLS, NAME, NUMBER, RECORD_ID, Block, Field, FieldType, Shape, Table
from connectors.core.files.uncollected import uncollected
from pipelines.landing.own_totals import OwnTotals
from pipelines.landing.pages import read_pages
from pipelines.landing.records import cut_records
from pipelines.landing.types import typed
from pipelines.landing.zone import Package
from pipelines.sql import columns_of, literal, quote, renamed

PAGE_STRIDE = 1_000_000  # position = page number × stride + place in the page
MAX_RECORD = 64 << 20
_LEAST_ROOM = 1 << 20
_DELIMITER, _QUOTE = "\x1f", "\x1e"  # nobody types these
_SPECIAL = (_QUOTE, "\r", "\0")
# What engine and people read alike; anything else is looked at once more.
_PLAIN = {
    kind: (re.compile(text), re.compile(rf"(?:(?:{text})?\n)*(?:{text})?"))
    for kind, text in {
        FieldType.INTEGER: r"-?[0-9]{1,15}",
        FieldType.DECIMAL: r"-?[0-9]{1,12}(?:\.[0-9]{1,2})?",
        FieldType.DATE: r"[0-9]{4}-[0-9]{2}-[0-9]{2}",
        FieldType.DATETIME: r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}(?::[0-9]{2})?",
    }.items()
}
CARRIED = (RECORD_ID, NUMBER, NAME, CELLS)  # what a file's table holds beside fields
_POSITION = "_crm_warehouse_position"  # put first, so that a record's own key of this name does not count


def cells_from_pages(
    package: Package, shape: Shape, columns: Mapping[str, str], con: duckdb.DuckDBPyConnection, scratch: Path
) -> Path:
    """The view `cells` over the records of all pages; further field chunks are merged by key.

    columns: field → column. Returns the file of cut records (chunk 0). Malformed records are missing from the
    view: see `unreadable`.
    """
    mark = next(name for n in range(len(columns) + 1) if (name := _POSITION + "_" * n) not in columns)
    chunks, longest = _cut(package, shape, mark, scratch)
    beside = _beside(shape, columns)
    wanted = {**columns, **beside}
    named = {columns[f.name]: f for f in shape.fields if f.label_in or f.labels}
    relations = {chunk: _records(path, mark, wanted, longest) for chunk, path in chunks.items()}
    if named:
        relations = {chunk: _with_labels(records, named, beside) for chunk, records in relations.items()}
    key, further = quote(columns[shape.key]), sorted(set(relations) - {0})
    cells = []
    for column in map(quote, columns.values()):
        parts = ", ".join([f"base.{column}", *(f"c{c}.{column}" for c in further)])
        cells.append(f"coalesce({parts}) AS {column}" if further else f"{parts} AS {column}")
    newest = f"row_number() OVER (PARTITION BY {key} ORDER BY _position DESC) = 1"
    joins = " ".join(
        f"LEFT JOIN (SELECT * FROM {relations[c]} QUALIFY {newest}) c{c} ON c{c}.{key} = base.{key}"
        for c in further
    )
    # Every chunk holds the same records, so one that is missing there could not be read.
    lacking = " OR ".join(f"c{c}.{key} IS NULL" for c in further)
    misfit = (
        f"CASE WHEN {lacking} THEN 'a part of it is not valid JSON text' END" if further else "NULL::VARCHAR"
    )
    con.execute(
        f"CREATE {'TABLE' if further else 'VIEW'} cells AS SELECT base._position, "
        f"base.{key} AS _record_id, {misfit} AS _misfit, {', '.join(cells)} "
        f"FROM {relations[0]} base {joins}"
    )
    return chunks[0]


def unreadable(records: Path, present: set[int]) -> list[int]:
    """Positions of records that are no valid JSON text (a lone surrogate, bad UTF-8)."""
    with records.open("rb") as lines:
        found = (int(line[line.index(b":") + 1 : line.index(b",")]) for line in lines)
        return [position for position in found if position not in present]


def cells_from_file(
    shape: Shape,
    table: Table,
    parse: Callable[[Field, str], str | None],
    columns: Mapping[str, str],
    con: duckdb.DuckDBPyConnection,
    scratch: Path,
    sums: Sequence[str] = (),
) -> OwnTotals:
    """The view `cells` over a spreadsheet or text file cut by its source; returns what its own cells add up to.

    columns: field → column. sums: fields to add up. Cells that do not cast as they stand go through `parse`, the
    source's own reader.
    """
    own, present = _places(table.columns)
    readable = {
        table.columns.index(field.name): field
        for field in shape.fields
        if field.name in present and field.type not in (FieldType.TEXT, FieldType.LOOKUP)
    }
    summed = {field.name: field for field in shape.fields if field.name in sums and field.name in present}
    own_totals = OwnTotals(summed, parse)
    odd: dict[int, set[str]] = {place: set() for place in readable}
    path = scratch / "cells.csv"
    with path.open("w", encoding="utf-8", newline="") as file, uncollected():
        for block in table.blocks:
            _write_block(file, block)
            own_totals.see(block, table.columns)
            for place, field in readable.items():
                odd[place].update(_not_plain(field, block.columns[place]))
    texts = ["_misfit", *(f"t{i}" for i in range(len(table.columns)))]
    types = ", ".join(f"{name}: 'VARCHAR'" for name in texts)
    source = (
        f"read_csv({literal(str(path))}, columns={{_position: 'BIGINT', {types}}}, header=false, auto_detect=false, "
        f"delim='{_DELIMITER}', quote='{_QUOTE}', escape='{_QUOTE}', nullstr='', new_line='\\n', "
        f"max_line_size={MAX_RECORD})"
    )
    joins = []
    for place, field in readable.items():
        if odd[place] and _read_odd(con, f"read{place}", field, odd[place], parse):
            text = present[field.name]
            joins.append(f"LEFT JOIN read{place} ON read{place}.given = texts.{text}")
            present[field.name] = f"coalesce(read{place}.canonical, texts.{text})"
    cells = [f"{_file_cell(field, present)} AS {quote(columns[field.name])}" for field in shape.fields]
    carried = [f"{text} AS {name}" for name, text in own.items()]
    # A view: typing looks at every cell once, and what is odd is rare.
    con.execute(
        f"CREATE VIEW cells AS SELECT {', '.join(['_position', '_misfit', *carried, *cells])} "
        f"FROM {source} texts {' '.join(joins)}"
    )
    own_totals.end(table)
    return own_totals


def _write_block(file: TextIO, block: Block) -> None:
    """One line per row: position, misfit, texts. A block with a text that could be taken for more than one is
    quoted, all of it; no quoting is five times as fast, and nobody types these separators."""
    misfits = [block.misfits.get(place, "") for place in range(len(block.positions))]
    rows = zip(map(str, block.positions), misfits, *block.columns, strict=True)
    lines = "\n".join(map(_DELIMITER.join, rows)) + "\n"
    count, width = len(block.positions), len(block.columns) + 2
    separated = (lines.count(_DELIMITER), lines.count("\n")) == (count * (width - 1), count)
    if separated and not any(mark in lines for mark in _SPECIAL):
        file.write(lines)
        return
    writer = csv.writer(
        file, delimiter=_DELIMITER, quotechar=_QUOTE, quoting=csv.QUOTE_ALL, lineterminator="\n"
    )
    writer.writerows(zip(block.positions, misfits, *block.columns, strict=True))


def _not_plain(field: Field, texts: Sequence[str]) -> Iterator[str]:
    """The texts of which it is not plain that the engine reads them as what they say."""
    plain = _PLAIN.get(field.type)
    if plain is None:
        return filter(None, set(texts))
    one, many = plain
    joined = "\n".join(texts)
    if joined.count("\n") == len(texts) - 1 and many.fullmatch(joined):  # no text has lines of its own
        return iter(())
    return (text for text in set(texts) if text and not one.fullmatch(text))


def _places(names: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Which text of a row is one of our own columns, and which is a field's; of equal names the first."""
    texts = {i: f"t{i}" for i in range(len(names))}
    own = {name: texts.pop(names.index(name)) for name in CARRIED if name in names}
    return own, {names[i]: text for i, text in reversed(texts.items())}


def _cut(package: Package, shape: Shape, mark: str, scratch: Path) -> tuple[dict[int, Path], int]:
    """One file of records per field chunk, a line each, with the position put before the record's fields; and the
    bytes of the longest line."""
    paths: dict[int, Path] = {}
    longest = 0
    sinks = {}
    head = b'{"' + mark.encode() + b'":%d,%b\n'
    try:
        for line in read_pages(package.folder / package.landed.files[0].name):
            if line.chunk not in sinks:
                paths[line.chunk] = scratch / f"chunk{line.chunk}.jsonl"
                sinks[line.chunk] = paths[line.chunk].open("wb")
            base = line.page * PAGE_STRIDE
            records = enumerate(cut_records(line.body, shape), 1)
            # A record is an object: its opening brace makes room for the position.
            lines = [head % (base + i, memoryview(r)[1:]) for i, r in records]
            longest = max(longest, *map(len, lines), 0)
            sinks[line.chunk].write(b"".join(lines))
    finally:
        for sink in sinks.values():
            sink.close()
    return paths, longest


def _records(path: Path, mark: str, columns: Mapping[str, str], longest: int) -> str:
    """SQL of the records in a file, `_position` and a text per field; a malformed line is left out."""
    # ignore_errors gives a row of NULLs for a malformed line instead of failing the package; where all is
    # text, it leaves nothing else to ignore.
    room = max(_LEAST_ROOM, longest + 1)  # the engine's buffers are as large as the longest record may be
    options = f"format='newline_delimited', ignore_errors=true, maximum_object_size={room}"
    if not renamed(columns):
        texts = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in columns)
        return (
            f"(SELECT {mark} AS _position, * EXCLUDE ({mark}) FROM read_json({literal(str(path))}, {options}, "
            f"columns={{{mark}: 'BIGINT', {texts}}}) WHERE {mark} IS NOT NULL)"
        )
    # The engine cannot be asked for such keys by name, but finds them by JSON pointer: twice the work.
    pointers = ", ".join(literal(_pointer(name)) for name in (mark, *columns))
    texts = ", ".join(f"texts[{i}] AS {quote(column)}" for i, column in enumerate(columns.values(), 2))
    return (
        f"(SELECT CAST(texts[1] AS BIGINT) AS _position, {texts} FROM (SELECT json_extract_string(json, "
        f"[{pointers}]) AS texts FROM read_json_objects({literal(str(path))}, {options}) "
        "WHERE json IS NOT NULL))"
    )


def _beside(shape: Shape, columns: Mapping[str, str]) -> dict[str, str]:
    """Member → column, of the members that say what a code is called and are no fields."""
    members = dict.fromkeys(f.label_in.partition(".")[0] for f in shape.fields if f.label_in)
    found = columns_of([*columns.values(), *members], set(columns.values()))
    return {member: found[member] for member in members if member not in columns}


def _with_labels(records: str, named: Mapping[str, Field], beside: Mapping[str, str]) -> str:
    """SQL of the records with their bare codes written as `{"id", "name"}`; what was beside them is left out.

    named: column → its field.
    """
    cells = ", ".join(f"{_labelled(quote(c), f, beside)} AS {quote(c)}" for c, f in named.items())
    left_out = f"EXCLUDE ({', '.join(map(quote, beside.values()))}) " if beside else ""
    return f"(SELECT * {left_out}REPLACE ({cells}) FROM {records})"


def _labelled(value: str, field: Field, beside: Mapping[str, str]) -> str:
    """A bare code, or a list of one, as the JSON text of `{"id", "name"}`. An object stays as it is."""
    if field.type is FieldType.JSON:
        return _labelled_list(value, field, beside)
    code = (
        f"CASE WHEN starts_with({value}, '[') THEN TRY(json_extract_string({value}, '$[0]')) ELSE {value} END"
    )
    said = ["NULL"]
    member, _, key = field.label_in.partition(".")
    if member:
        text = quote(beside.get(member, member))
        inner = f"TRY(json_extract_string({text}, {literal(_pointer(key))}))" if key else "NULL"
        said.append(f"CASE WHEN starts_with({text}, '{{') THEN {inner} ELSE nullif({text}, '') END")
    if field.labels:
        said.append(_label_of(code, field))
    name = f"coalesce({', '.join(said)})"
    return (
        f"CASE WHEN {value} IS NULL OR starts_with({value}, '{{') THEN {value} WHEN nullif({code}, '') IS NOT NULL "
        f"THEN CAST(json_object('id', {code}, 'name', {name}) AS VARCHAR) END"
    )


def _labelled_list(value: str, field: Field, beside: Mapping[str, str]) -> str:
    """A list of bare codes as the JSON text of a list of `{"id", "name"}`; anything else stays as it is."""
    name = _label_of("code", field) if field.labels else "NULL::VARCHAR"
    if field.label_in:
        member, _, key = field.label_in.partition(".")
        form = literal(f'[{{"id":"VARCHAR","{key}":"VARCHAR"}}]')
        told = f"TRY(json_transform({quote(beside.get(member, member))}, {form}))"
        name = f"list_filter({told}, lambda one: one.id = code)[1].{quote(key)}"
    codes = f"""TRY(json_transform({value}, '["VARCHAR"]'))"""
    listed = f"list_transform({codes}, lambda code: struct_pack(id := code, name := {name}))"
    bare = f"starts_with({value}, '[') AND NOT contains({value}, '{{') AND json_valid({value})"
    return f"CASE WHEN {bare} THEN coalesce(CAST(to_json({listed}) AS VARCHAR), {value}) ELSE {value} END"


def _label_of(code: str, field: Field) -> str:
    codes = ", ".join(literal(code) for code, _ in field.labels)
    names = ", ".join(literal(name) for _, name in field.labels)
    return f"map_extract(MAP([{codes}], [{names}]), {code})[1]"


def _pointer(key: str) -> str:
    """RFC 6901."""
    return "/" + key.replace("~", "~0").replace("/", "~1")


def _read_odd(
    con: duckdb.DuckDBPyConnection,
    table: str,
    field: Field,
    texts: Collection[str],
    parse: Callable[[Field, str], str | None],
) -> bool:
    """Give every text that does not cast to the source's own reader, once; what it reads is in a table (given,
    canonical). Returns whether there is anything in it."""
    value = typed(field, "given", from_json=False)
    if field.type is FieldType.JSON:
        value = "CASE WHEN json_valid(given) AND left(given, 1) IN ('[', '{') THEN given END"
    failing = con.execute(
        f"SELECT given FROM (SELECT unnest(?::VARCHAR[]) AS given) WHERE ({value}) IS NULL", [sorted(texts)]
    ).fetchall()
    read = [(given, canonical) for (given,) in failing if (canonical := parse(field, given)) is not None]
    if not read:
        return False
    con.execute(
        f"CREATE TABLE {table} AS SELECT unnest(?::VARCHAR[]) AS given, unnest(?::VARCHAR[]) AS canonical",
        [list(column) for column in zip(*read, strict=True)],
    )
    # What was read and still does not fit stays as it was written: a person must find it.
    if field.type is not FieldType.JSON:
        fits = f"({typed(field, 'canonical', from_json=False)}) IS NOT NULL"
        con.execute(f"DELETE FROM {table} WHERE canonical <> '' AND NOT ({fits})")
    return True


def _file_cell(field: Field, present: Mapping[str, str]) -> str:
    if field.type is not FieldType.LOOKUP:
        return present.get(field.name, "CAST(NULL AS VARCHAR)")
    parts = {
        part: f"nullif({text}, '')" if (text := present.get(f"{field.name}.{part}")) else "NULL::VARCHAR"
        for part in ("id", "name")
    }
    filled = f"coalesce({parts['id']}, {parts['name']}) IS NOT NULL"
    return f"CASE WHEN {filled} THEN struct_pack(id := {parts['id']}, name := {parts['name']}) END"
