"""Files for an inbox: workbooks in the three formats of Excel, written without the reader under test."""

from __future__ import annotations

import re
import struct
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import openpyxl

from connectors import discover
from connectors.core.contract import CursorKind, Page, Shape, Source, SourceContext, Stream, Table, Window
from connectors.core.files.probe import look_here
from connectors.fxiaoke.export_files.source import FxiaokeExport

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
    """A BIFF8 workbook of texts and numbers in an OLE2 container ([MS-XLS], [MS-CFB])."""
    path.write_bytes(_ole2("Workbook", _biff8(sheet, rows)))
    return path


def locked(path: Path) -> Path:
    """What Office writes for a workbook with a password: the real one encrypted inside an OLE2 container."""
    path.write_bytes(_ole2("EncryptedPackage", b"\x01" * 5000))
    return path


def _biff8(sheet: str, rows: Rows) -> bytes:
    def record(kind: int, body: bytes) -> bytes:
        return struct.pack("<HH", kind, len(body)) + body

    def begin(kind: int) -> bytes:
        return record(0x0809, struct.pack("<HHHHII", 0x0600, kind, 0x0DBB, 0x07CC, 0, 6))

    end = record(0x000A, b"")
    cells = b"".join(
        record(0x0203, struct.pack("<HHHd", y, x, 0, value))
        if isinstance(value, int | float)
        else record(0x0204, struct.pack("<HHHHB", y, x, 0, len(value), 1) + value.encode("utf-16-le"))
        for y, row in enumerate(rows)
        for x, value in enumerate(row)
        if value != ""
    )
    name = struct.pack("<BB", len(sheet), 1) + sheet.encode("utf-16-le")
    start = len(begin(5)) + 4 + 4 + 2 + len(name) + len(end)
    bound = record(0x0085, struct.pack("<IBB", start, 0, 0) + name)
    return begin(5) + bound + end + begin(0x10) + cells + end


def _ole2(name: str, body: bytes) -> bytes:
    """Header, one FAT sector, one directory sector, then the stream (padded past the mini-stream limit)."""
    body = body.ljust(4096, b"\0")
    count = -(-len(body) // 512)
    body = body.ljust(count * 512, b"\0")
    free, last = 0xFFFFFFFF, 0xFFFFFFFE
    fat = [0xFFFFFFFD, last, *range(3, 2 + count), last]
    assert len(fat) <= 128
    header = struct.pack(
        "<8s16sHHHHH6xIIIIIIIII", bytes.fromhex("d0cf11e0a1b11ae1"), b"", 0x3E, 3, 0xFFFE, 9, 6,
        0, 1, 1, 0, 4096, last, 0, last, 0,
    )  # fmt: skip
    header += struct.pack("<109I", 0, *[free] * 108)

    def entry(label: str, kind: int, child: int, start: int, size: int) -> bytes:
        raw = label.encode("utf-16-le") + b"\0\0" if label else b""
        links = struct.pack("<III", free, free, child)
        return (
            raw.ljust(64, b"\0")
            + struct.pack("<HBB", len(raw), kind, 1)
            + links
            + bytes(36)
            + struct.pack("<IQ", start, size)
        )

    directory = entry("Root Entry", 5, 1, last, 0) + entry(name, 2, free, 2, len(body))
    directory += (bytes(68) + struct.pack("<III", free, free, free) + bytes(48)) * 2
    return header + struct.pack("<128I", *fat, *[free] * (128 - len(fat))) + directory + body


def xlsb(path: Path, sheet: str, rows: Rows) -> Path:
    """A binary workbook of inline texts ([MS-XLSB])."""

    def record(kind: int, body: bytes = b"") -> bytes:
        head = bytes([kind]) if kind < 128 else bytes([kind & 0x7F | 0x80, kind >> 7])
        size = len(body)
        length = b""
        while True:
            length += bytes([size & 0x7F | (0x80 if size > 127 else 0)])
            size >>= 7
            if not size:
                return head + length + body

    def text(value: str) -> bytes:
        return struct.pack("<I", len(value)) + value.encode("utf-16-le")

    rows = [list(row) for row in rows]
    book = record(131) + record(143) + record(156, struct.pack("<II", 0, 1) + text("rId1") + text(sheet))
    book += record(144) + record(132)
    width, height = max(map(len, rows)), len(rows)
    body = record(129) + record(148, struct.pack("<IIII", 0, height - 1, 0, width - 1)) + record(145)
    for y, row in enumerate(rows):
        body += record(0, struct.pack("<I", y) + bytes(13))
        body += b"".join(
            record(6, struct.pack("<II", x, 0) + text(value)) for x, value in enumerate(row) if value
        )
    body += record(146) + record(130)
    types = (
        '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="bin" ContentType="application/vnd.ms-excel.sheet.binary.macroEnabled.main"/></Types>'
    )
    relation = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" '
        'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/{}" Target="{}"/></Relationships>'
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", types)
        archive.writestr("_rels/.rels", relation.format("officeDocument", "xl/workbook.bin"))
        archive.writestr("xl/workbook.bin", book)
        archive.writestr("xl/_rels/workbook.bin.rels", relation.format("worksheet", "worksheets/sheet1.bin"))
        archive.writestr("xl/worksheets/sheet1.bin", body)
    return path
