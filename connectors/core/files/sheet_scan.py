"""A quick look through the XML of one .xlsx sheet without making cells of it.

The spreadsheet reader allocates rows × columns at once, so two cells in opposite corners of a tiny file
would end the process; and reading a large sheet only to know its header costs as much as reading it. This
pass (two fifths of a full read) bounds the sheet and counts its rows, and keeps the XML of its first rows.
"""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass

from connectors.core.errors import Problem
from connectors.core.files.archive import blocks
from connectors.core.files.limits import Limits
from connectors.core.files.sheet_list import SheetPart

_ROW = re.compile(rb'<row r="(\d{1,9})"')
_ROW_ANYHOW = re.compile(rb'<row\s(?:[^>]*?\s)?r="(\d{1,9})"')
_ROW_TAG = re.compile(rb"<row[\s/>]")
_CELL_TAG = re.compile(rb"<c[\s/>]")
_PREFIXED = re.compile(rb":(?:c[\s/>]|row)")
_VALUE = (b"<v", b"<is")  # what makes a cell count for the reader, even an empty text
_LONGEST_TAG = 8 << 20
_HEAD_BYTES = 1 << 20


@dataclass(slots=True)
class Scan:
    """last_row: 1-based number of the last row that holds a cell. columns: an upper bound. digits: of the
    longest row number that a cell names. head: the XML of the sheet's beginning."""

    last_row: int = 0
    highest_row: int = 0
    columns: int = 26
    digits: int = 1
    head: bytes = b""
    latest_row: int = 0  # the row that a block may begin in the middle of

    def add(self, block: bytes) -> bool:
        """Take in some XML that ends after a tag; False when it is written in an unusual way."""
        if len(self.head) < _HEAD_BYTES:
            self.head += block
        if _PREFIXED.search(block) or not _every_cell_placed(block):
            return False
        rows = _row_numbers(block)
        if rows is None:
            return False
        self._take_references(block)
        value = max(block.rfind(mark) for mark in _VALUE)
        if value >= 0:
            self.last_row = _row_at(block, value) or self.latest_row
        if rows:
            self.latest_row, self.highest_row = rows[-1], max(self.highest_row, *rows)
        return True

    def _take_references(self, block: bytes) -> None:
        # Only references that can widen the bounds: beyond column Z, or with more digits than known.
        wider = re.compile(rb'<c r="([A-Za-z]{2,}\d*|[A-Za-z]\d{%d,})' % (self.digits + 1))
        for reference in set(wider.findall(block)):
            letters = reference.rstrip(b"0123456789")
            self.digits = max(self.digits, len(reference) - len(letters))
            self.columns = max(self.columns, _column(letters))

    def bounded(self, limits: Limits) -> bool:
        """Whether the sheet as the reader would hold it is known to fit."""
        fits = (10**self.digits - 1) * self.columns <= limits.cells
        return fits and self.highest_row > 0 and self.digits <= len(str(self.highest_row))


def scan(archive: zipfile.ZipFile, sheet: SheetPart, limits: Limits) -> Scan | None:
    """Bounds of the sheet, or None when only the reader itself can tell them.

    That is so for legal but unusual XML (prefixed names, single quotes, cells that do not say where they
    are) and for sheets near the limits. Raises Problem when the sheet is damaged, too wide or a lie.
    """
    found, pending = Scan(), b""
    for block in blocks(archive, sheet.part):
        block = pending + block
        cut = block.rfind(b">") + 1
        pending = block[cut:]
        if len(pending) > _LONGEST_TAG or not found.add(block[:cut]):
            return None
        if found.columns > limits.columns:
            raise Problem(
                f"the sheet has more than {limits.columns} columns", do="Delete the columns nobody needs"
            )
    return found if found.bounded(limits) else None


def first_rows(head: bytes, rows: int) -> bytes:
    """A sheet's XML cut after its first `rows` rows and closed again; b"" when they do not fit the head."""
    end = -1
    for _ in range(rows):
        following = head.find(b"</row>", end + 1)
        if following < 0:
            break
        end = following
    if b"</sheetData>" in head and head.find(b"</row>", end + 1) < 0:
        return head
    return head[: end + len(b"</row>")] + b"</sheetData></worksheet>" if end >= 0 else b""


def _every_cell_placed(block: bytes) -> bool:
    placed = block.count(b'<c r="')
    return placed == block.count(b"<c") or placed == len(_CELL_TAG.findall(block))


def _row_numbers(block: bytes) -> list[int] | None:
    tags = block.count(b"<row")
    found = _ROW.findall(block)
    if len(found) != tags:  # other attributes first, or other tags such as <rowBreaks>
        found = _ROW_ANYHOW.findall(block)
        if len(found) != len(_ROW_TAG.findall(block)):
            return None
    return list(map(int, found))


def _row_at(block: bytes, position: int) -> int | None:
    """Number of the row that begins last before a position, if it begins in this block."""
    start = block.rfind(b"<row ", 0, position)
    match = _ROW_ANYHOW.match(block, start) if start >= 0 else None
    return int(match[1]) if match else None


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - ord("A") + 1
    return number
