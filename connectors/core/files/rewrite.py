"""Writing a table again in the format it came in: for copies of a file without some of its cells."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from pathlib import Path

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.utils.exceptions import IllegalCharacterError

from connectors.core.errors import Problem
from connectors.core.files.cells import Cell, text_of
from connectors.core.files.content import Kind, kind_of
from connectors.core.files.text import delimiter_of, encoding_of

_WRITABLE = (str, bool, int, float, datetime, date)


def rewrite(file: Path, sheet: str, rows: Iterable[Sequence[Cell]], target: Path) -> Path:
    """The rows as a file like this one: text stays text, in its encoding; a workbook of any kind becomes an .xlsx with
    one sheet of this name. Returns where it is (`target` with the suffix of the format). Raises Problem."""
    if kind_of(file) is Kind.TEXT:
        return _write_text(rows, file, target.with_suffix(file.suffix))
    return _write_workbook(rows, sheet, target.with_suffix(".xlsx"))


def _write_text(rows: Iterable[Sequence[Cell]], file: Path, target: Path) -> Path:
    encoding = encoding_of(file)
    with _private(target).open("w", encoding=encoding, newline="") as out:
        csv.writer(out, delimiter=delimiter_of(file, encoding)).writerows(rows)
    return target


def _write_workbook(rows: Iterable[Sequence[Cell]], sheet: str, target: Path) -> Path:
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
            where=f"{target.parent.name}/{target.name}",
        ) from error
    return target


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
