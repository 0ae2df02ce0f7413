"""Taking an erased person's cells out of a landed file.

The source writes the copy, since it knows the format; that nothing else changed is proven here, by cutting
both into rows and comparing them, before the copy takes the file's place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path

from connectors.core.contract import FieldType, Shape, Source, Stream, TableRow
from connectors.core.errors import Problem
from pipelines.landing.redaction.redact import RECORD, REFERENCE, Found

Who = Callable[[str | None], str | None]
"""Key of a row → the key under which it is kept if its person was erased, else None."""
KEY, CELLS = "_record_id", "_cells"


@dataclass(frozen=True, slots=True)
class Blanking:
    """What of one file has to go. cells: position → columns; rows: position → the key it is kept under."""

    found: Found = field(default_factory=set)
    cells: dict[int, frozenset[str]] = field(default_factory=dict)
    rows: dict[int, str] = field(default_factory=dict)


def find_cells(
    source: Source, stream: Stream, file: Path, who: Who, keep: frozenset[str], referred: frozenset[str]
) -> Blanking:
    """The cells of erased records that do not stay, and the names beside their ids in other rows."""
    shape, table = source.tabulate(file, stream)
    columns, blanking = list(table.columns), Blanking()
    personal = frozenset(c for c in columns if c != KEY and _field_of(c, shape) not in keep)
    lookups = [f.name for f in shape.fields if f.type is FieldType.LOOKUP and f"{f.name}.id" in columns]
    pairs = [(columns.index(f"{n}.id"), f"{n}.name") for n in lookups if f"{n}.name" in columns]
    for row in table.rows:
        gone = frozenset(name for place, name in pairs if row.values[place] in referred)
        blanking.found.update((REFERENCE, str(row.values[p])) for p, _ in pairs if row.values[p] in referred)
        if (kept_as := who(row.values[columns.index(KEY)])) is not None:
            gone |= personal
            blanking.found.add((RECORD, kept_as))
            blanking.rows[row.position] = kept_as
        if gone:
            blanking.cells[row.position] = gone
    return blanking


def blanked(
    source: Source,
    stream: Stream,
    file: Path,
    blanking: Blanking,
    aliases: Mapping[str, str],
    target: Path,
) -> Path:
    """A proven copy of the file without these cells. Raises Problem when it would not read the same.

    aliases: key under which a record stays → what stands in its cells for the name that was its key.
    """
    names = {row: aliases[key] for row, key in blanking.rows.items() if aliases.get(key)}
    copy = source.blank(file, stream, blanking.cells, names, target)
    for place in _differences(source, stream, file, copy, blanking, names):
        copy.unlink()
        raise Problem(
            f"a copy of {file.name} without the person's cells does not read as the file does ({place})",
            do="take the person's row out of the original with a spreadsheet program, put that file into the "
            "inbox, move this package's folder away, sync, and run the command again",
            source=source.name,
            stream=stream.name,
            where=str(file),
        )
    return copy


def cells_now(source: Source, stream: Stream, file: Path, rows: Mapping[int, object]) -> dict[int, str]:
    """Position → the `_cells` of these rows of a file."""
    _, table = source.tabulate(file, stream)
    if CELLS not in table.columns:
        return {}
    place = list(table.columns).index(CELLS)
    return {r.position: str(r.values[place]) for r in table.rows if r.position in rows}


def _field_of(column: str, shape: Shape) -> str:
    names = {f.name for f in shape.fields}
    return column if column in names else column.rpartition(".")[0] or column


def _differences(
    source: Source, stream: Stream, file: Path, copy: Path, blanking: Blanking, names: Mapping[int, str]
) -> Iterator[str]:
    """Where the copy says other things than the file, apart from what was to go."""
    (shape, table), (shape_now, table_now) = (source.tabulate(f, stream) for f in (file, copy))
    if shape != shape_now or list(table.columns) != list(table_now.columns):
        yield "its columns"
        return
    for row, now in zip_longest(table.rows, table_now.rows):
        if row is None or now is None or row.position != now.position:
            yield "its number of rows"
            return
        if not _same(row, now, table.columns, blanking, names.get(row.position)):
            yield f"row {row.position}"
    if any(row != now for row, now in zip_longest(table.skipped, table_now.skipped)):
        yield "its blank rows"


def _same(
    row: TableRow, now: TableRow, columns: Sequence[str], blanking: Blanking, alias: str | None
) -> bool:
    gone = blanking.cells.get(row.position)
    if gone is None:
        return list(row.values) == list(now.values) and row.misfit == now.misfit
    key = str(row.values[list(columns).index(KEY)])
    for name, before, after in zip(columns, row.values, now.values, strict=True):
        if name == KEY:
            fits = after == blanking.rows.get(row.position, before)
        elif name == CELLS or (alias and after == alias):
            fits = True
        elif name in gone:  # what gives the row its key stays
            fits = after is None or (after == before and key.endswith(str(before)))
        else:
            fits = after == before
        if not fits:
            return False
    return True
