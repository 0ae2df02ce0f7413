"""Spreadsheets through calamine: what their first rows hold, and all their rows."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
    load_workbook,
)

from connectors.core.errors import Problem
from connectors.core.files.archive import check_archive
from connectors.core.files.cells import Cell, text_of
from connectors.core.files.content import EXPORT_AGAIN, UNLOCK, Kind
from connectors.core.files.first_rows_copy import small_copy
from connectors.core.files.grid import Grid, Peek
from connectors.core.files.limits import HEAD_ROWS, Limits
from connectors.core.files.sheet_list import first_visible
from connectors.core.files.sheet_scan import first_rows, scan
from connectors.core.files.zips import Archive

_SINCE_1904 = re.compile(rb"""<(?:\w+:)?workbookPr\s[^>]*date1904\s*=\s*["'](?:1|true)["']""")


def peek(path: Path, kind: Kind, limits: Limits) -> Peek:
    """Name, first rows and last row of the first visible sheet, within the limits.

    May end the process on a hostile file: to be called through `probe` only. Raises Problem.
    """
    if kind is not Kind.XLS:
        with Archive(path) as archive:
            check_archive(archive, limits)
            quick = _quick_peek(archive, limits) if kind is Kind.XLSX else None
        if quick is not None:
            return quick
    sheet = _first_visible_sheet(path, kind)
    end = sheet.end
    if end is None:
        return Peek(sheet.name, (), 0)
    if (end[1] + 1) > limits.columns or (end[0] + 1) * (end[1] + 1) > limits.cells:
        raise Problem(
            f"the sheet {sheet.name} spans {end[0] + 1:,} rows and {end[1] + 1:,} columns, which is too large",
            do="Delete empty rows and columns at its end, or export fewer records",
        )
    return Peek(sheet.name, _head(sheet), end[0] + 1)


def open_grid(path: Path, kind: Kind) -> Grid:
    """All rows of the first visible sheet. Raises Problem when the workbook cannot be read."""
    sheet = _first_visible_sheet(path, kind)
    left = sheet.start[1] if sheet.start else 0

    def rows() -> Iterator[list[Cell]]:
        if sheet.start is None:
            return
        # The reader counts rows from the first one of the sheet, but columns from the first one in use.
        for row in sheet.iter_rows():
            yield [""] * left + row if left else row

    return Grid(
        rows, ragged=False, since_1904=kind is Kind.XLSX and _counts_from_1904(path), sheet=sheet.name
    )


def _counts_from_1904(path: Path) -> bool:
    """Whether a workbook of old Macs: its dates come right from the reader, its bare serial numbers do not."""
    with Archive(path) as archive:
        return _SINCE_1904.search(archive.read("xl/workbook.xml")) is not None


def sheet_name(path: Path, kind: Kind) -> str:
    """Name of the sheet that is read: the first visible one. Raises Problem."""
    return _first_visible_sheet(path, kind).name


def _quick_peek(archive: zipfile.ZipFile, limits: Limits) -> Peek | None:
    part = first_visible(archive, limits)
    found = scan(archive, part, limits) if part else None
    xml = first_rows(found.head, HEAD_ROWS) if found else b""
    if part is None or found is None or not xml:
        return None
    with _readable(), load_workbook(small_copy(archive, part, xml, limits)) as book:
        if part.name != _visible_names(book)[0]:
            return None
        return Peek(part.name, _head(book.get_sheet_by_name(part.name)), found.last_row)


def _first_visible_sheet(path: Path, kind: Kind) -> CalamineSheet:
    # Given a path the reader believes the suffix; given a file it looks at the content.
    if path.suffix.lower() == f".{kind}":
        return _sheet(str(path))
    with path.open("rb") as file:
        return _sheet(file)


def _sheet(source: str | IO[bytes]) -> CalamineSheet:
    with _readable(), load_workbook(source) as book:
        return book.get_sheet_by_name(_visible_names(book)[0])


def _visible_names(book: CalamineWorkbook) -> list[str]:
    names = [
        sheet.name
        for sheet in book.sheets_metadata
        if sheet.visible == SheetVisibleEnum.Visible and sheet.typ == SheetTypeEnum.WorkSheet
    ]
    if not names:
        raise Problem("the workbook has no visible sheet", do=EXPORT_AGAIN)
    return names


def _head(sheet: CalamineSheet) -> tuple[tuple[str, ...], ...]:
    rows = sheet.to_python(skip_empty_area=False, nrows=HEAD_ROWS)
    return tuple(tuple(text_of(cell) for cell in row) for row in rows)


@contextmanager
def _readable() -> Iterator[None]:
    """Turns the reader's errors, its internal panics included, into a sentence."""
    try:
        yield
    except PasswordError as error:
        raise Problem("the workbook is protected by a password", do=UNLOCK) from error
    except (CalamineError, OSError, ValueError, OverflowError) as error:
        raise Problem("the workbook is damaged or incomplete", do=EXPORT_AGAIN) from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # a Rust panic: not an Exception, and not importable
            raise
        raise Problem("the workbook is damaged or incomplete", do=EXPORT_AGAIN) from error
