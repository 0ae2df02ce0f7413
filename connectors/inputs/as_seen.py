"""The rows of a sheet as a person sees them.

The reader gives "" for an error, for a formula that nobody calculated, and for all but the first of merged cells; and
an empty cell takes its column's default. Here these cells get a text, which `cells.read` refuses, or what the person
sees in them. Workbooks in .xlsx only: of the older formats the reader alone knows.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from connectors.core.errors import Problem
from connectors.core.files.archive import blocks
from connectors.core.files.cells import Cell
from connectors.core.files.content import SAVE_AGAIN, Kind, kind_of
from connectors.core.files.dates import BEHIND_1904
from connectors.core.files.probe import open_grid
from connectors.core.files.zips import Archive
from connectors.inputs.cells import ERRORS, MERGED, UNCALCULATED
from connectors.inputs.recognise import Holding

_BOOK, _RELATIONS = "xl/workbook.xml", "xl/_rels/workbook.xml.rels"
_PLACE = re.compile(r"^\$?([A-Za-z]{1,3})\$?([0-9]{1,7})$")
_MOST = 100_000  # errors, and merged ranges, of a sheet
_LONGEST_ERROR = 40
_SERIALS = 100_000  # what is more is no serial number: 20260131

Attributes = Mapping[str, str]


def rows_as_seen(file: Path, holding: Holding) -> Iterator[list[Cell]]:
    """All rows of a recognised sheet, from row 1. Raises Problem, also while iterating."""
    grid = open_grid(file, holding.sheet or None)
    rows: Iterator[list[Cell]] = grid.rows()
    if grid.since_1904:
        days = [p.index for name, p in holding.places.items() if holding.schema.columns[name].type == "date"]
        rows = (_since_1900(row, days) for row in rows)
    return _amended(rows, _marks(file, holding), holding) if kind_of(file) is Kind.XLSX else rows


def _since_1900(row: list[Cell], days: Collection[int]) -> list[Cell]:
    for index in days:
        cell = row[index] if index < len(row) else ""
        if type(cell) in (int, float) and cell < _SERIALS:  # a date that came as a bare number
            row[index] = cell + BEHIND_1904
    return row


@dataclass(frozen=True, slots=True)
class _Range:
    """Merged cells: columns from 0, both included, and the last row."""

    first: int
    last: int
    until: int


@dataclass(slots=True)
class _Marks:
    """errors: row → column → text. merged: first row → ranges. Rows from 1, columns from 0."""

    errors: dict[int, dict[int, str]] = field(default_factory=dict)
    merged: dict[int, list[_Range]] = field(default_factory=dict)


def _amended(rows: Iterable[list[Cell]], marks: _Marks, holding: Holding) -> Iterator[list[Cell]]:
    """Cells merged downwards all hold what the first does: the quarters of one version. An amount over several rows
    would count several times, and of a value over several columns nobody can tell what the others hold: wrong."""
    schema = holding.schema
    known = {place.index: name for name, place in holding.places.items()}
    amounts = {i for i, n in known.items() if schema.columns[n].is_number and n not in schema.key}
    spread: dict[int, tuple[int, Cell]] = {}  # column → down to which row it holds what
    for number, row in enumerate(rows, 1):
        for index, text in marks.errors.get(number, {}).items():
            if index < len(row) and row[index] == "":
                row[index] = text
        own = any(cell != "" for cell in row)
        for index, (until, cell) in list(spread.items()):
            if until < number:
                del spread[index]
            elif own and row[index] == "":  # a row with nothing of its own stays blank
                row[index] = cell
        for merged in marks.merged.get(number, ()) if number > holding.row else ():
            if merged.first < len(row) and (anchor := row[merged.first]) != "":
                below = MERGED if merged.first in amounts else anchor
                spread[merged.first] = (merged.until, below)
                for index in known.keys() & range(merged.first + 1, min(merged.last + 1, len(row))):
                    row[index], spread[index] = MERGED, (merged.until, MERGED)
        yield row


def _marks(file: Path, holding: Holding) -> _Marks:
    with Archive(file) as archive:
        part = _part(archive, holding.sheet)
        walk = _Walk({place.index for place in holding.places.values()} | set(holding.others))
        if part is not None:
            _parse(blocks(archive, part), walk.start, walk.end, walk.text)
    return walk.marks


def _part(archive: zipfile.ZipFile, sheet: str) -> str | None:
    """The part of the archive that holds a sheet."""
    targets: dict[str, str] = {}
    found: list[str] = []

    def on_relation(tag: str, attributes: Attributes) -> None:
        if tag == "Relationship":
            targets[attributes.get("Id", "")] = attributes.get("Target", "")

    def on_sheet(tag: str, attributes: Attributes) -> None:
        if tag == "sheet" and attributes.get("name") == sheet:
            found.extend(targets.get(value, "") for name, value in attributes.items() if _local(name) == "id")

    names = set(archive.namelist())
    if _RELATIONS in names:
        _parse(blocks(archive, _RELATIONS), on_relation)
        _parse(blocks(archive, _BOOK), on_sheet)
    parts = (posixpath.normpath(posixpath.join("xl", target)).lstrip("/") for target in found)
    return next((part for part in parts if part in names), None)


class _Walk:
    """Goes through the XML of a sheet and notes errors, in these columns, and merged cells. There are millions of
    cells, so only of those that matter it is worked out where they are."""

    def __init__(self, columns: Collection[int]) -> None:
        self.marks = _Marks()
        self._columns, self._left = columns, _MOST
        self._row, self._column, self._reference = 0, -1, ""
        self._type, self._formula, self._value, self._in_value = "", False, "", False

    def start(self, tag: str, attributes: Attributes) -> None:
        if tag == "c":
            reference = attributes.get("r", "")
            if not reference:  # the cell after the last one
                self._row, self._column = self._place_now()
                self._column += 1
            self._reference = reference
            self._type, self._formula, self._value = attributes.get("t", ""), False, ""
        elif tag == "v":
            self._in_value = self._formula or self._type == "e"
        elif tag == "f":
            self._formula = True
        elif tag == "row":
            self._row, self._column = int(attributes.get("r", self._row + 1)), -1
            self._reference = ""
        elif tag == "mergeCell":
            self._merge(attributes.get("ref", ""))

    def text(self, text: str) -> None:
        if self._in_value and len(self._value) < _LONGEST_ERROR:
            self._value += text

    def end(self, tag: str) -> None:
        if tag == "v":
            self._in_value = False
        elif tag == "c":
            if self._type == "e":
                self._note(self._value if self._value in ERRORS else "#VALUE!")
            elif self._formula and not self._value and self._type != "str":  # of type str: it gave no text
                self._note(UNCALCULATED)

    def _place_now(self) -> tuple[int, int]:
        place = _place(self._reference)
        return (place[1], place[0]) if place else (self._row, self._column)

    def _note(self, text: str) -> None:
        row, column = self._place_now()
        if column in self._columns:
            self._count()
            self.marks.errors.setdefault(row, {})[column] = text

    def _merge(self, reference: str) -> None:
        first, _, last = reference.partition(":")
        start, end = _place(first), _place(last)
        if start and end:
            self._count()
            self.marks.merged.setdefault(start[1], []).append(_Range(start[0], end[0], end[1]))

    def _count(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise Problem(
                f"the sheet holds more than {_MOST:,} errors, formulas without a result and merged cells",
                do=SAVE_AGAIN,
            )


def _place(reference: str) -> tuple[int, int] | None:
    """Column, from 0, and row, from 1, of B7."""
    match = _PLACE.match(reference)
    if match is None:
        return None
    column = 0
    for letter in match[1].upper():
        column = column * 26 + ord(letter) - ord("A") + 1
    return column - 1, int(match[2])


def _parse(
    xml: Iterable[bytes],
    start: Callable[[str, Attributes], None],
    end: Callable[[str], None] | None = None,
    text: Callable[[str], None] | None = None,
) -> None:
    """Raises Problem for damaged XML, and for a document type declaration, which every XML bomb needs."""

    def doctype(*_: object) -> None:
        raise Problem("the workbook declares its own XML entities, as attacks do", do="Delete the file")

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = doctype
    parser.StartElementHandler = lambda tag, found: start(_local(tag), found)
    if end is not None:
        parser.EndElementHandler = lambda tag: end(_local(tag))
    if text is not None:
        parser.CharacterDataHandler = text
    try:
        for block in xml:
            parser.Parse(block)
        parser.Parse(b"", True)
    except (expat.ExpatError, ValueError) as error:
        raise Problem("the workbook is damaged or incomplete", do=SAVE_AGAIN) from error


def _local(name: str) -> str:
    return name.rpartition(":")[2] if ":" in name else name
