"""A sheet of an input cut into the rows of a table, with everything that is wrong by cell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import msgspec

from connectors.core.contract import Field, FieldType, Shape, Table, TableRow
from connectors.core.errors import Problem
from connectors.core.files.cells import Cell, letters, text_of
from connectors.core.files.normal import match_label, match_name
from connectors.inputs.as_seen import rows_as_seen
from connectors.inputs.cells import Wrong, read
from connectors.inputs.recognise import Holding, Place
from connectors.inputs.schema import Column, Schema

RECORD_ID, CELLS = "_record_id", "_cells"
BLANK, EXAMPLE = "blank", "example"
WRONG = 10_000  # wrong rows: more of them are another table under the same header
NAMED = 5  # rows of one key that a sentence names
_MARKS = tuple(map(match_label, ("示例", "example")))
_encode = msgspec.json.Encoder().encode

Values = dict[str, str | None]


@dataclass(frozen=True, slots=True)
class Fault:
    """A wrong cell. cell: as a spreadsheet calls it; label: of its header."""

    sheet: str
    cell: str
    label: str
    why: str

    def __str__(self) -> str:
        sheet = f"sheet {self.sheet}, " if self.sheet else ""
        label = f" ({self.label})" if self.label else ""
        return f"{sheet}cell {self.cell}{label}: {self.why}"


@dataclass(slots=True)
class Row:
    """A row that is a record: its number in the sheet, canonical values, what is wrong, the cells as they were."""

    number: int
    values: Values
    faults: list[Fault]
    originals: dict[str, str]


@dataclass(slots=True)
class Sheet:
    """A sheet as read. skipped: rows that are no records, with the reason."""

    holding: Holding
    rows: list[Row] = field(default_factory=list)
    skipped: list[tuple[int, str]] = field(default_factory=list)

    @property
    def faults(self) -> list[Fault]:
        """Everything that is wrong, in the order of the sheet."""
        return [fault for row in self.rows for fault in row.faults]

    def table(self, timezone: str) -> tuple[Shape, Table]:
        """Shape and table. Columns that the input does not know stay texts under their own label."""
        schema, others = self.holding.schema, self._other_fields()
        columns = (RECORD_ID, *schema.columns, *(f.name for f in others.values()), CELLS)
        fields = (*schema.stream.fields, *others.values())
        rows = (self._table_row(row, others) for row in self.rows)
        return Shape("", RECORD_ID, None, fields, timezone), Table.of_rows(
            columns, rows, skipped=self.skipped
        )

    def _other_fields(self) -> dict[str, Field]:
        """Label → field; a label that is given twice, or is ours, is in `_cells` only."""
        ours = {RECORD_ID, CELLS, *self.holding.schema.columns}
        personal = any(column.pii for column in self.holding.schema.columns.values())
        return {
            label: Field(label, FieldType.TEXT, label=label, pii=personal)
            for label in self.holding.others.values()
            if label.casefold() not in ours
        }

    def _table_row(self, row: Row, others: Mapping[str, Field]) -> TableRow:
        values = [row.values[name] for name in self.holding.schema.columns]
        values += [row.originals.get(label) for label in others]
        misfit = "; ".join(map(str, row.faults)) or None
        key = record_id(self.holding.schema, row.values)
        return TableRow(row.number, [key, *values, _encode(row.originals).decode()], misfit)


def record_id(schema: Schema, values: Mapping[str, str | None]) -> str | None:
    """What makes a row the same record as one of another file: its filled key columns, `name=value|…`.

    Texts count without width, case and runs of spaces. Empty columns are left out, so that a column which joins
    the key later changes no key.
    """
    parts = []
    for name in schema.key:
        if value := values.get(name):
            text = (
                match_name(value)
                if schema.columns[name].type == "text" and not schema.columns[name].values
                else value
            )
            parts.append(f"{name}={text.replace(chr(92), chr(92) * 2).replace('|', chr(92) + '|')}")
    return "|".join(parts) or None


def read_sheet(file: Path, holding: Holding) -> Sheet:
    """All rows of a recognised sheet. Raises Problem when the file cannot be read to its end."""
    sheet = Sheet(holding)
    examples = [_canonical(holding.schema, example) for example in holding.schema.examples]
    wrong = 0
    for number, cells in _below_header(file, holding):
        if not any(text_of(cell).strip() for cell in cells):
            sheet.skipped.append((number, BLANK))
            continue
        row = _row(number, cells, holding)
        marked = match_label(row.values["remark"] or "").startswith(_MARKS)
        if marked and row.values in examples and not row.faults:
            sheet.skipped.append((number, EXAMPLE))
            continue
        if marked:
            row.faults.append(
                _fault(
                    holding,
                    "remark",
                    number,
                    "says that the row is an example, but it is not the template's: clear it",
                )
            )
        sheet.rows.append(row)
        wrong += bool(row.faults)
        if wrong > WRONG:
            raise _another_table(sheet)
    _note_doubles(sheet)
    return sheet


def _another_table(sheet: Sheet) -> Problem:
    return Problem(
        f"more than {WRONG:,} rows of {sheet.holding.schema.label.zh} are wrong, the first by {sheet.faults[0]}",
        do="Correct them; until then the sheet is not read",
    )


def _below_header(file: Path, holding: Holding) -> Iterator[tuple[int, Sequence[Cell]]]:
    return enumerate(islice(rows_as_seen(file, holding), holding.row, None), holding.row + 1)


def _row(number: int, cells: Sequence[Cell], holding: Holding) -> Row:
    values: Values = {}
    faults: list[Fault] = []
    for name, column in holding.schema.columns.items():
        place = holding.places.get(name)
        cell = cells[place.index] if place and place.index < len(cells) else ""
        found = read(column, cell, place.factor if place else 1)
        if isinstance(found, Wrong):
            faults.append(_fault(holding, name, number, found.why))
        elif why := _unit_misplaced(column, cell, place, found, values, holding):
            faults.append(_fault(holding, name, number, why))
            found = None
        values[name] = None if isinstance(found, Wrong) else found
    wrong = {fault.label for fault in faults}
    faults += [f for f in _rules(number, values, holding) if f.label not in wrong]
    faults += _overhang(number, cells, holding)
    return Row(number, values, faults, _originals(cells, holding))


def _unit_misplaced(
    column: Column, cell: Cell, place: Place | None, found: str | None, values: Values, holding: Holding
) -> str:
    """Why a number that the header's unit has multiplied should not be; "" where it should."""
    if place is None or place.factor == 1 or read(column, cell) == found:
        return ""
    for other, codes in column.unit_when.items():  # columns of a schema that stand before this one
        if (code := values[other]) is not None and code not in codes:
            is_called = holding.schema.columns[other].values[code].zh
            return (
                f"{place.label} does not fit {is_called}: put such rows into a file whose header has no unit"
            )
    return ""


def _rules(number: int, values: Values, holding: Holding) -> Iterator[Fault]:
    """What a row must hold besides what each cell says alone."""
    schema = holding.schema
    for name, column in schema.columns.items():
        value = values[name]
        if value is None and column.required:
            yield _fault(holding, name, number, "is empty, and it is required")
        for other, codes in column.required_when.items():
            if value is None and values[other] in codes:
                is_called = schema.columns[other].values[str(values[other])].zh
                yield _fault(
                    holding,
                    name,
                    number,
                    f"is empty, and it is required where {schema.columns[other].label.zh} is {is_called}",
                )
        first = values[column.not_before] if column.not_before else None
        if value and first and value < first:
            label = schema.columns[str(column.not_before)].label.zh
            yield _fault(holding, name, number, f"{value} is before {label} {first}")
    for group in schema.one_of:
        if not any(values[name] for name in group):
            labels = " and ".join(schema.columns[name].label.zh for name in group)
            yield _fault(holding, group[0], number, f"{labels} are both empty, and one of them is needed")


def _overhang(number: int, cells: Sequence[Cell], holding: Holding) -> Iterator[Fault]:
    """Cells beyond the header: a delimiter inside a text moves everything behind it one column on."""
    for index, cell in enumerate(cells[holding.width :], holding.width):
        if text_of(cell).strip():
            yield Fault(holding.sheet, f"{letters(index)}{number}", "", "stands under no header")
            return


def _note_doubles(sheet: Sheet) -> None:
    """Different rows of one key are all wrong; copies of one row are not. What stands in columns that the input does
    not know counts: one of them may be what tells the rows apart, under another name."""
    known = {place.label for place in sheet.holding.places.values()}

    def says(row: Row) -> tuple[Values, dict[str, str]]:
        return row.values, {label: text for label, text in row.originals.items() if label not in known}

    schema, by_key = sheet.holding.schema, dict[str, list[Row]]()
    for row in sheet.rows:
        if not row.faults and (key := record_id(schema, row.values)):
            by_key.setdefault(key, []).append(row)
    for rows in by_key.values():
        first = says(rows[0])
        if all(says(row) == first for row in rows):
            continue
        labels = "、".join(schema.columns[n].label.zh for n in schema.key if rows[0].values[n])
        why = f"rows {_numbers(rows)} say different things of one record (same {labels})"
        for row in rows:
            row.faults.append(_fault(sheet.holding, schema.key[0], row.number, why))


def _numbers(rows: Sequence[Row]) -> str:
    """Which rows, the first of them by name: each of many rows says it."""
    named = [str(row.number) for row in rows[:NAMED]]
    if len(rows) > NAMED:
        named[-1] += f" and {len(rows) - NAMED:,} more"
        return ", ".join(named)
    return " and ".join(named)


def _fault(holding: Holding, name: str, number: int, why: str) -> Fault:
    """A wrong cell of a column; a column that the sheet lacks is wrong in the first cell of the row."""
    place = holding.places.get(name)
    return Fault(
        holding.sheet,
        f"{letters(place.index if place else 0)}{number}",
        holding.schema.columns[name].label.zh,
        why,
    )


def _originals(cells: Sequence[Cell], holding: Holding) -> dict[str, str]:
    """Label → text as it was, of every cell that is not blank; one under no label has its column's letters."""
    labels = {place.index: place.label for place in holding.places.values()} | dict(holding.others)
    found: dict[str, str] = {}
    for index, cell in enumerate(cells):
        label = labels.get(index, f"{letters(index)}列")
        if (text := text_of(cell)).strip():
            found[label if label not in found else f"{label} {letters(index)}列"] = text
    return found


def _canonical(schema: Schema, example: Mapping[str, object]) -> Values:
    """An example of the schema as its row would be read."""
    found = {name: read(column, str(example.get(name, ""))) for name, column in schema.columns.items()}
    return {name: None if isinstance(value, Wrong) else value for name, value in found.items()}
