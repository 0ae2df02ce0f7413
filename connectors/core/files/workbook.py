"""Spreadsheets through calamine: what their first rows hold, and all their rows."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
    sheet = _visible_sheet(path, kind)
    end = sheet.end
    if end is None:
        return Peek(sheet.name, (), 0)
    if (end[1] + 1) > limits.columns or (end[0] + 1) * (end[1] + 1) > limits.cells:
        raise _too_large(sheet)
    return Peek(sheet.name, _head(sheet), end[0] + 1)


def peek_sheets(path: Path, kind: Kind, limits: Limits) -> tuple[Peek, ...]:
    """Every visible sheet, in the order of the workbook; the limits are of all of them together.

    May end the process on a hostile file: to be called through `probe` only. Raises Problem.
    """
    if kind is not Kind.XLS:
        with zipfile.ZipFile(path) as archive:
            check_archive(archive, limits)
            if kind is Kind.XLSX:
                first_visible(archive, limits)  # refuses XML that declares its own entities
    found, cells = [], 0
    for sheet in _visible_sheets(path, kind):
        if sheet.end is not None:
            cells += (sheet.end[0] + 1) * (sheet.end[1] + 1)
            if sheet.end[1] + 1 > limits.columns or cells > limits.cells:
                raise _too_large(sheet)
        found.append(Peek(sheet.name, _head(sheet), 0 if sheet.end is None else sheet.end[0] + 1))
    return tuple(found)


def open_grid(path: Path, kind: Kind, name: str | None = None) -> Grid:
    """All rows of the visible sheet of this name, or of the first one. Raises Problem when it cannot be read."""
    sheet = _visible_sheet(path, kind, name)
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
    return _visible_sheet(path, kind).name


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


def _too_large(sheet: CalamineSheet) -> Problem:
    rows, columns = sheet.end[0] + 1, sheet.end[1] + 1
    return Problem(
        f"the sheet {sheet.name} spans {rows:,} rows and {columns:,} columns, which is too large",
        do="Delete empty rows and columns at its end, or export fewer records",
    )


def _visible_sheet(path: Path, kind: Kind, name: str | None = None) -> CalamineSheet:
    with _opened(path, kind) as book:
        names = _visible_names(book)
        if name is not None and name not in names:
            raise Problem(f"the workbook has no visible sheet {name}", do=EXPORT_AGAIN)
        return book.get_sheet_by_name(name or names[0])


def _visible_sheets(path: Path, kind: Kind) -> Iterator[CalamineSheet]:
    with _opened(path, kind) as book:
        for name in _visible_names(book):
            yield book.get_sheet_by_name(name)


@contextmanager
def _opened(path: Path, kind: Kind) -> Iterator[CalamineWorkbook]:
    # Given a path the reader believes the suffix; given a file it looks at the content.
    if path.suffix.lower() == f".{kind}":
        with _readable(), load_workbook(str(path)) as book:
            yield book
    else:
        with path.open("rb") as file, _readable(), load_workbook(file) as book:
            yield book


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
