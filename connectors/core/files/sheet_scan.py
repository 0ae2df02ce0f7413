"""A quick look through the XML of one .xlsx sheet without making cells of it.

The spreadsheet reader allocates rows × columns at once, so two cells in opposite corners of a tiny file
would end the process; and reading a large sheet only to know its header costs as much as reading it. This
pass (a quarter of a full read) bounds the sheet and counts its rows, and keeps the XML of its first rows.
"""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass
from functools import cache

from connectors.core.errors import Problem
from connectors.core.files.archive import blocks
from connectors.core.files.limits import Limits
from connectors.core.files.sheet_list import SheetPart

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
    longest_row: int = 0  # digits of the longest row number that a row names
    columns: int = 26
    digits: int = 1
    head: bytes = b""
    latest_row: int = 0  # the row that a block may begin in the middle of

    def add(self, block: bytes) -> bool:
        """Take in some XML that ends after a tag; False when it is written in an unusual way."""
        if len(self.head) < _HEAD_BYTES:
            self.head += block
        if _PREFIXED.search(block) or not _every_cell_placed(block) or not _every_row_numbered(block):
            return False
        self._take_references(block)
        value = max(block.rfind(mark) for mark in _VALUE)
        if value >= 0:
            self.last_row = _row_at(block, value) or self.latest_row
        self.latest_row = _row_at(block, len(block)) or self.latest_row
        return True

    def _take_references(self, block: bytes) -> None:
        """Only what widens the bounds is looked at: columns beyond those known, numbers with more digits."""
        place = 0
        while match := _wider(self.columns, self.digits).search(block, place):
            reference = match[1]
            letters = reference.rstrip(b"0123456789")
            self.digits = max(self.digits, len(reference) - len(letters))
            self.columns = max(self.columns, _column(letters))
            place = match.end()
        place = 0
        while match := _longer(self.longest_row).search(block, place):
            self.longest_row = len(match[1])
            place = match.end()

    def bounded(self, limits: Limits) -> bool:
        """Whether the sheet as the reader would hold it is known to fit."""
        fits = (10**self.digits - 1) * self.columns <= limits.cells
        return fits and 0 < self.digits <= self.longest_row


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


def _every_row_numbered(block: bytes) -> bool:
    tags = block.count(b"<row")
    if block.count(b'<row r="') == tags:
        return True
    # other attributes first, or other tags such as <rowBreaks>
    return len(_ROW_ANYHOW.findall(block)) == len(_ROW_TAG.findall(block))


@cache
def _wider(columns: int, digits: int) -> re.Pattern[bytes]:
    """References to a column beyond the first `columns` (26 at least), or with more digits than `digits`."""
    if columns <= 26:
        beyond = [r"[A-Za-z]{2,}"]
    elif columns > 26 * 27:
        beyond = [r"[A-Za-z]{3,}"]
    else:
        first, second = divmod(columns - 27, 26)  # AA is column 27
        beyond = [r"[A-Za-z]{3,}"]
        if first < 25:
            beyond.append(f"{_letters(first + 1, 25)}[A-Za-z]")
        if second < 25:
            beyond.append(f"{_letters(first, first)}{_letters(second + 1, 25)}")
    return re.compile(rf'<c r="((?:{"|".join(beyond)})\d*|[A-Za-z]{{1,3}}\d{{{digits + 1},}})'.encode())


def _letters(first: int, last: int) -> str:
    """The class of the letters with these places in the alphabet, small or capital."""
    return f"[{chr(65 + first)}-{chr(65 + last)}{chr(97 + first)}-{chr(97 + last)}]"


@cache
def _longer(digits: int) -> re.Pattern[bytes]:
    """Row numbers with more digits than these."""
    return re.compile(rb'<row[^>]*?\sr="0*([1-9]\d{%d,})"' % digits)


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
