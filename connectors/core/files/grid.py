"""Rows of a file before anyone knows what they mean."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from connectors.core.files.cells import Cell


@dataclass(frozen=True, slots=True)
class Peek:
    """sheet: name of the first visible sheet ("" for text). head: texts of its first rows, from row 1 and
    column A. last_row: 1-based number of the last row that holds anything; 0 for an empty sheet."""

    sheet: str
    head: tuple[tuple[str, ...], ...]
    last_row: int


@dataclass(frozen=True, slots=True)
class Grid:
    """rows: iterates over all rows, from row 1 and column A to `Peek.last_row`, as often as it is called.
    ragged: whether rows differ in length (text files). since_1904: bare numbers count days from 1904, not 1900.
    sheet: its name, "" for text."""

    rows: Callable[[], Iterator[list[Cell]]]
    ragged: bool
    since_1904: bool = False
    sheet: str = ""
