"""Files for an inbox: workbooks in the three formats of Excel, written without the reader under test."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import openpyxl

from connectors import discover
from connectors.core.contract import CursorKind, Page, Shape, Source, SourceContext, Stream, Table, Window
from connectors.core.files.probe import look_here
from connectors.fxiaoke.export_files.source import FxiaokeExport
from sandbox.fxiaoke.binary import XlsSheet, ole2, write_xls, write_xlsb

Rows = Iterable[Sequence[Any]]
SHEET = "xl/worksheets/sheet1.xml"


def open_inbox(inbox: Path, **context: Any) -> Source:
    """The source over a folder, as the house opens it."""
    return discover()["fxiaoke_export"].open(_context(inbox, context))


def open_tame(inbox: Path, **context: Any) -> Source:
    """The same, without the process of its own per file, which costs more than all the rest of a test."""
    streams = discover()["fxiaoke_export"].streams()
    return FxiaokeExport(_context(inbox, context), streams, look=look_here)


def _context(inbox: Path, facts: dict[str, Any]) -> SourceContext:
    return SourceContext(**{"org": "acme", "values": {}, "inbox": inbox, "cache": inbox / ".cache", **facts})


def stream(source: Source, name: str) -> Stream:
    return next(s for s in source.streams() if s.name == name)


def pages(source: Source, name: str) -> list[Page]:
    return list(source.read(stream(source, name), Window(CursorKind.FILE)))


def cut(source: Source, name: str, file: Path) -> tuple[Shape, Table, list[dict[str, Any]]]:
    """Shape, table and rows by column, with `position` and `misfit`, of one file."""
    shape, table = source.tabulate(file, stream(source, name))
    rows = [
        {**dict(zip(table.columns, row.values, strict=True)), "position": row.position, "misfit": row.misfit}
        for row in table.rows
    ]
    return shape, table, rows


def sentence(source: Source) -> str:
    """The one problem of an inbox, as people see it."""
    problems = source.problems()
    assert len(problems) == 1, [str(p) for p in problems]
    assert problems[0].source == "fxiaoke_export"
    assert problems[0].where
    return str(problems[0])


def xlsx(path: Path, rows: Rows, *, sheet: str = "Sheet1", before: Mapping[str, str] | None = None) -> Path:
    """A workbook with one sheet; `before`: sheets in front of it, name → state (visible, hidden)."""
    book = openpyxl.Workbook()
    page = book.active
    page.title = sheet
    for row in rows:
        page.append(list(row))
    for place, (name, state) in enumerate((before or {}).items()):
        book.create_sheet(name, place).sheet_state = state
    book.active = len(before or {})
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(path)
    book.close()
    return path


def rewrite(path: Path, part: str, change: Callable[[bytes], bytes]) -> Path:
    """The same archive with one part changed."""
    with zipfile.ZipFile(path) as archive:
        parts = [(name, archive.read(name)) for name in archive.namelist()]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in parts:
            archive.writestr(name, change(body) if name == part else body)
    return path


def with_cells(path: Path, cells: bytes) -> Path:
    """A workbook whose sheet holds exactly this XML as its rows."""
    xlsx(path, [["x"]])
    data = b"<sheetData>" + cells + b"</sheetData>"
    return rewrite(
        path, SHEET, lambda xml: re.sub(rb"<sheetData>.*</sheetData>", lambda _: data, xml, flags=re.DOTALL)
    )


def xls(path: Path, sheet: str, rows: Rows) -> Path:
    """A BIFF8 workbook of texts and numbers."""
    return write_xls(path, [XlsSheet(sheet, list(rows))])


xlsb = write_xlsb


def locked(path: Path) -> Path:
    """What Office writes for a workbook with a password: the real one encrypted inside an OLE2 container."""
    path.write_bytes(ole2("EncryptedPackage", b"\x01" * 5000))
    return path
