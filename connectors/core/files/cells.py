"""From a typed cell to its exact text."""

from __future__ import annotations

import math
from datetime import date, datetime, time, timedelta
from typing import TypeAlias

Cell: TypeAlias = str | float | int | bool | datetime | date | time | timedelta
"""What the spreadsheet reader gives. "" is an empty cell, and also a cell that holds an error such as #REF!."""

UNSAFE = 10**15  # a spreadsheet keeps 15 digits; of a longer number typed as one the last digits are lost


def text_of(cell: Cell) -> str:
    """The text that a person sees in the cell, in one spelling: 15 digits, ISO dates, true/false.

    Percent and currency formats are not visible to the reader: a cell shown as 12.66% gives 0.1266.
    """
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, int | float):
        return _number(cell)
    if isinstance(cell, datetime):
        return _moment(cell)
    return str(cell) if isinstance(cell, timedelta) else cell.isoformat()


def loses_digits(cell: Cell) -> bool:
    """Whether the cell is a number too long for a spreadsheet, or none (nan, inf), so that an id in it is not to be
    trusted."""
    return isinstance(cell, int | float) and not isinstance(cell, bool) and not abs(cell) < UNSAFE


def letters(index: int) -> str:
    """A spreadsheet's name of a column: 0 → A, 26 → AA."""
    name, index = "", index + 1
    while index:
        index, rest = divmod(index - 1, 26)
        name = chr(ord("A") + rest) + name
    return name


def _number(value: float) -> str:
    if not math.isfinite(value):  # no spreadsheet shows one, but a file may hold it
        return str(value)
    if value == int(value):
        return str(int(value))
    text = f"{value:.15g}"  # 0.1 + 0.2 is shown as 0.3
    return text if "e" not in text else f"{value:.20f}".rstrip("0")


def _moment(value: datetime) -> str:
    # A serial number has no exact seconds: 14:04:59.9995 was written as 14:05:00.
    half = min(
        timedelta(milliseconds=500), datetime.max - value.replace(tzinfo=None)
    )  # the year 10000 is none
    rounded = (value + half).replace(microsecond=0)
    return rounded.date().isoformat() if rounded.time() == time(0) else rounded.isoformat(" ")
