"""A copy of an export file with some cells empty: for people who were erased. Text stays text, in its
encoding; a workbook of any kind becomes an .xlsx with the one sheet that is read.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Collection, Iterator, Mapping
from datetime import date, datetime
from itertools import islice
from pathlib import Path

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.utils.exceptions import IllegalCharacterError

from connectors.core.contract import CELLS
from connectors.core.errors import Problem
from connectors.core.files.cells import Cell, text_of
from connectors.core.files.content import Kind, kind_of
from connectors.core.files.limits import HEADER_ROWS
from connectors.core.files.probe import open_grid
from connectors.core.files.text import delimiter_of, encoding_of
from connectors.core.files.workbook import sheet_name
from connectors.fxiaoke.export_files.columns import best_row
from connectors.fxiaoke.export_files.keys import deciding
from connectors.fxiaoke.export_files.labels import ObjectLabels, Vocabulary
from connectors.fxiaoke.export_files.layout import Layout, lay_out

_WRITABLE = (str, bool, int, float, datetime, date)


def blank(
    file: Path,
    cells: Mapping[int, Collection[str]],
    aliases: Mapping[int, str],
    target: Path,
    words: ObjectLabels,
    vocabulary: Vocabulary,
) -> Path:
    """See `Source.blank`."""
    head = [tuple(map(text_of, row)) for row in islice(open_grid(file).rows(), HEADER_ROWS)]
    fit = best_row(head, words, vocabulary)
    layout = lay_out(head[fit.row - 1], words, vocabulary, "UTC")
    rows = _blanked(file, layout, cells, aliases)
    kind = kind_of(file)
    if kind is Kind.TEXT:
        return _write_text(rows, file, target.with_suffix(file.suffix))
    return _write_workbook(rows, sheet_name(file, kind), target.with_suffix(".xlsx"))


def _blanked(
    file: Path, layout: Layout, cells: Mapping[int, Collection[str]], aliases: Mapping[int, str]
) -> Iterator[list[Cell]]:
    names = {column.index: column.name for column in layout.columns}
    for position, row in enumerate(open_grid(file).rows(), 1):
        gone = cells.get(position)
        if gone is None:
            yield row
            continue
        place, is_name = deciding(layout, [text_of(cell).strip() for cell in row])
        whole = CELLS in gone
        new: list[Cell] = ["" if names.get(i, CELLS) in gone else cell for i, cell in enumerate(row)]
        if place >= 0 and whole:
            new[place] = aliases[position] if is_name and position in aliases else row[place]
        yield new


def _write_text(rows: Iterator[list[Cell]], file: Path, target: Path) -> Path:
    encoding = encoding_of(file)
    with _private(target).open("w", encoding=encoding, newline="") as out:
        csv.writer(out, delimiter=delimiter_of(file, encoding)).writerows(rows)
    return target


def _write_workbook(rows: Iterator[list[Cell]], sheet: str, target: Path) -> Path:
    book = Workbook(write_only=True)
    page = book.create_sheet(sheet)
    try:
        for row in rows:
            page.append([_cell(page, value) for value in row])
        book.save(_private(target))
    except (IllegalCharacterError, ValueError) as error:
        raise Problem(
            f"the workbook cannot be written again ({type(error).__name__})",
            do="Take the person's row out of the file with a spreadsheet program",
            where=file_name(target),
        ) from error
    return target


def file_name(path: Path) -> str:
    """Package and file, for a sentence."""
    return f"{path.parent.name}/{path.name}"


def _cell(page: object, value: Cell) -> WriteOnlyCell | None:
    if value == "" and isinstance(value, str):
        return None
    cell = WriteOnlyCell(page, value if isinstance(value, _WRITABLE) else text_of(value))
    if isinstance(value, str):
        cell.data_type = "s"  # a text that begins with = is a text, not a formula
    return cell


def _private(path: Path) -> Path:
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    return path
