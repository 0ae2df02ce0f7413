"""Workbooks of Excel's binary formats, written from their specifications ([MS-XLS], [MS-CFB], [MS-XLSB])."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_FREE, _LAST, _FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
_SECTOR = 512
_MOST_FAT = 109  # sectors of the allocation table that the header itself can name


@dataclass(frozen=True, slots=True)
class XlsSheet:
    """A sheet of texts and numbers. merged: (first row, last row, first column, last column), from 0."""

    name: str
    rows: Sequence[Sequence[Any]]
    merged: Sequence[tuple[int, int, int, int]] = ()


def write_xls(path: Path, sheets: Sequence[XlsSheet]) -> Path:
    """A BIFF8 workbook in an OLE2 container. Raises ValueError beyond 65,536 rows or some 7 MB."""
    path.write_bytes(ole2("Workbook", _biff8(sheets)))
    return path


def _biff8(sheets: Sequence[XlsSheet]) -> bytes:
    names = [struct.pack("<BB", len(s.name), 1) + s.name.encode("utf-16-le") for s in sheets]
    bodies = [_begin(0x10) + _cells(sheet) + _merged(sheet) + _END for sheet in sheets]
    start = len(_begin(5)) + sum(4 + 6 + len(name) for name in names) + len(_END)
    bound = b""
    for name, body in zip(names, bodies, strict=True):
        bound += _record(0x0085, struct.pack("<IBB", start, 0, 0) + name)
        start += len(body)
    return _begin(5) + bound + _END + b"".join(bodies)


def _record(kind: int, body: bytes) -> bytes:
    return struct.pack("<HH", kind, len(body)) + body


def _begin(kind: int) -> bytes:
    return _record(0x0809, struct.pack("<HHHHII", 0x0600, kind, 0x0DBB, 0x07CC, 0, 6))


_END = _record(0x000A, b"")


def _cells(sheet: XlsSheet) -> bytes:
    if len(sheet.rows) > 65_536:
        raise ValueError("a sheet of an .xls workbook has at most 65,536 rows")
    return b"".join(
        _record(0x0203, struct.pack("<HHHd", y, x, 0, value))
        if isinstance(value, int | float)
        else _record(0x0204, struct.pack("<HHHHB", y, x, 0, len(value), 1) + value.encode("utf-16-le"))
        for y, row in enumerate(sheet.rows)
        for x, value in enumerate(row)
        if value != ""
    )


def _merged(sheet: XlsSheet) -> bytes:
    if not sheet.merged:
        return b""
    ranges = b"".join(struct.pack("<HHHH", *one) for one in sheet.merged)
    return _record(0x00E5, struct.pack("<H", len(sheet.merged)) + ranges)


def ole2(name: str, body: bytes) -> bytes:
    """An OLE2 container of one stream: header, allocation table, a directory sector, the stream (padded beyond the
    size from which streams have sectors of their own)."""
    body = body.ljust(4096, b"\0")
    count = -(-len(body) // _SECTOR)
    tables = 1
    while tables * (_SECTOR // 4) < tables + 1 + count:
        tables += 1
    if tables > _MOST_FAT:
        raise ValueError("the workbook is too large for one that is written here")
    first = tables + 1
    fat = [*[_FAT] * tables, _LAST, *range(first + 1, first + count), _LAST]
    fat += [_FREE] * (tables * (_SECTOR // 4) - len(fat))
    header = struct.pack(
        "<8s16sHHHHH6xIIIIIIIII", bytes.fromhex("d0cf11e0a1b11ae1"), b"", 0x3E, 3, 0xFFFE, 9, 6,
        0, tables, tables, 0, 4096, _LAST, 0, _LAST, 0,
    )  # fmt: skip
    header += struct.pack("<109I", *range(tables), *[_FREE] * (_MOST_FAT - tables))
    directory = _entry("Root Entry", 5, 1, _LAST, 0) + _entry(name, 2, _FREE, first, len(body))
    directory += (bytes(68) + struct.pack("<III", _FREE, _FREE, _FREE) + bytes(48)) * 2
    return header + struct.pack(f"<{len(fat)}I", *fat) + directory + body.ljust(count * _SECTOR, b"\0")


def _entry(label: str, kind: int, child: int, start: int, size: int) -> bytes:
    raw = label.encode("utf-16-le") + b"\0\0" if label else b""
    return (
        raw.ljust(64, b"\0")
        + struct.pack("<HBB", len(raw), kind, 1)
        + struct.pack("<III", _FREE, _FREE, child)
        + bytes(36)
        + struct.pack("<IQ", start, size)
    )


def write_xlsb(path: Path, sheet: str, rows: Iterable[Sequence[str]]) -> Path:
    """A binary workbook of inline texts."""
    rows = [list(row) for row in rows]
    book = _bin(131) + _bin(143) + _bin(156, struct.pack("<II", 0, 1) + _wide("rId1") + _wide(sheet))
    book += _bin(144) + _bin(132)
    width, height = max(map(len, rows)), len(rows)
    body = [_bin(129), _bin(148, struct.pack("<IIII", 0, height - 1, 0, width - 1)), _bin(145)]
    for y, row in enumerate(rows):
        body.append(_bin(0, struct.pack("<I", y) + bytes(13)))
        body += [_bin(6, struct.pack("<II", x, 0) + _wide(value)) for x, value in enumerate(row) if value]
    body += [_bin(146), _bin(130)]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("[Content_Types].xml"), _TYPES)
        archive.writestr(
            zipfile.ZipInfo("_rels/.rels"), _RELATION.format("officeDocument", "xl/workbook.bin")
        )
        archive.writestr(zipfile.ZipInfo("xl/workbook.bin"), book)
        relation = _RELATION.format("worksheet", "worksheets/sheet1.bin")
        archive.writestr(zipfile.ZipInfo("xl/_rels/workbook.bin.rels"), relation)
        archive.writestr(zipfile.ZipInfo("xl/worksheets/sheet1.bin"), b"".join(body))
    return path


_TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="bin" ContentType="application/vnd.ms-excel.sheet.binary.macroEnabled.main"/></Types>'
)
_RELATION = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/{}" Target="{}"/></Relationships>'
)


def _bin(kind: int, body: bytes = b"") -> bytes:
    head = bytes([kind]) if kind < 128 else bytes([kind & 0x7F | 0x80, kind >> 7])
    size, length = len(body), b""
    while True:
        length += bytes([size & 0x7F | (0x80 if size > 127 else 0)])
        size >>= 7
        if not size:
            return head + length + body


def _wide(value: str) -> bytes:
    raw = value.encode("utf-16-le")
    return struct.pack("<I", len(raw) // 2) + raw
