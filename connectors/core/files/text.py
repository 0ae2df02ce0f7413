"""Text files with separated values: encoding, delimiter, rows.

Encoding goes by certainty, not by a detector: a byte order mark, else strict UTF-8, else strict GB18030.
Detectors call short GBK files Korean.
"""

from __future__ import annotations

import codecs
import csv
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from connectors.core.errors import Problem
from connectors.core.files.cells import Cell
from connectors.core.files.content import SAVE_AGAIN
from connectors.core.files.grid import Grid, Peek
from connectors.core.files.limits import HEAD_ROWS, Limits
from connectors.core.files.uncollected import uncollected

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_GUESSES = ("utf-8", "gb18030")
_DELIMITERS = (",", "\t", ";")
# Characters; more are a quote that is never closed. csv's own limit is the process's: who reads bulk files raises it.
_LONGEST_CELL = 131_072


def peek(path: Path, limits: Limits) -> Peek:
    """First rows and last row of a text file. Raises Problem when it cannot be read to its end."""
    encoding = encoding_of(path)
    head: list[tuple[str, ...]] = []
    last = 0
    with _reader(path, encoding, delimiter_of(path, encoding)) as lines, uncollected():
        for number, row in enumerate(lines, 1):
            if (row and row[0]) or any(row):
                last = number
                if len(row) > limits.columns:
                    raise Problem(f"row {number} has more than {limits.columns} columns", do=SAVE_AGAIN)
                if max(map(len, row)) > _LONGEST_CELL:
                    raise csv.Error(f"field larger than {_LONGEST_CELL:,} characters")
            if number <= HEAD_ROWS:
                head.append(tuple(row))
            elif number > limits.lines:
                raise Problem(
                    f"the text file has more than {limits.lines:,} lines",
                    do="Delete empty lines at its end, or export fewer records",
                )
    return Peek("", tuple(head[:last]), last)


def open_grid(path: Path) -> Grid:
    """All rows of a text file, without the blank ones at its end. Raises Problem, also while iterating."""
    encoding = encoding_of(path)
    delimiter = delimiter_of(path, encoding)
    return Grid(lambda: _rows(path, encoding, delimiter), ragged=True)


def _rows(path: Path, encoding: str, delimiter: str) -> Iterator[list[Cell]]:
    blank = 0  # counted, not kept: there may be millions
    with _reader(path, encoding, delimiter) as lines:
        for row in lines:
            if (row and row[0]) or any(row):
                if blank:
                    yield from ([] for _ in range(blank))
                    blank = 0
                yield row  # type: ignore[misc]
            else:
                blank += 1


@contextmanager
def _reader(path: Path, encoding: str, delimiter: str) -> Iterator[Iterator[list[str]]]:
    with path.open(encoding=encoding, newline="") as file:
        reader = csv.reader(file, delimiter=delimiter)
        try:
            yield reader
        except csv.Error as error:
            raise Problem(
                f"line {reader.line_num} of the text file is not readable: {error}", do=SAVE_AGAIN
            ) from error


def encoding_of(path: Path) -> str:
    """The encoding in which the whole file decodes. Raises Problem when there is none."""
    with path.open("rb") as file:
        start = file.read(4)
    for mark, encoding in _MARKS:
        if start.startswith(mark):
            guesses: tuple[str, ...] = (encoding,)
            break
    else:
        guesses = _GUESSES
    for encoding in guesses:
        if _decodes(path, encoding):
            return encoding
    raise Problem("the text is neither UTF-8 nor GB18030", do=f"{SAVE_AGAIN} (as CSV UTF-8)")


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def delimiter_of(path: Path, encoding: str) -> str:
    """The one that cuts most of the first rows into the same number of columns, more than one of them.

    Texts with commas in them make many columns too, but not in every row alike.
    """

    def evenness(delimiter: str) -> tuple[float, int]:
        try:
            with _reader(path, encoding, delimiter) as lines:
                widths = Counter(len(row) for row in islice(lines, HEAD_ROWS) if any(row))
        except Problem:
            return 0, 0
        width, rows = max(widths.items(), key=lambda item: (item[1], item[0]), default=(0, 0))
        return (rows / widths.total(), width) if width > 1 else (0, 0)

    return max(_DELIMITERS, key=evenness)
