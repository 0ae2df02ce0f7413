"""One cell of an input: its canonical text, or what is wrong with it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import time
from decimal import Decimal

from connectors.core.files.cells import Cell, loses_digits, text_of
from connectors.core.files.dates import moment
from connectors.core.files.normal import match_label, narrow
from connectors.core.files.numbers import number, plain
from connectors.core.files.parse import FALSE, NOTHING, TRUE
from connectors.inputs.schema import Column

_BLANK_TEXTS = frozenset({"", "--"})
_SHOWN = 40
_LONGEST = 2_000
ERRORS = frozenset(
    {"#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#SPILL!", "#CALC!", "#GETTING_DATA"}
)
# What `as_seen` puts into cells that hold nothing of their own and are not empty for a person either.
UNCALCULATED, MERGED = "#UNCALCULATED!", "#MERGED!"
_BROKEN = {error: f"holds the error {error}" for error in ERRORS} | {
    UNCALCULATED: "holds a formula without its result: open the file in a spreadsheet program and save it",
    MERGED: "is merged with another cell, and holds nothing of its own: split the cells, and fill in each",
}
_CUT_SHORT = re.compile(r"[0-9](\.[0-9]+)?E\+[0-9]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Wrong:
    """Why a cell cannot be used, in words that follow the cell's place."""

    why: str


def read(column: Column, cell: Cell, factor: int = 1) -> str | Wrong | None:
    """The canonical text of a cell: a code, 2026-01-31, 1200000, 0.4, true; None for an empty one, after defaults.

    factor: of the unit in the header. A cell that names its own unit (1.2万) is not multiplied again.
    """
    text = text_of(cell).strip()
    if _is_blank(column, text):
        return column.default
    if text in _BROKEN:
        return Wrong(_BROKEN[text])
    if len(text) > _LONGEST:
        return Wrong(f"holds {len(text):,} characters, more than {_LONGEST:,}")
    if loses_digits(cell):
        return Wrong(
            "holds a number of more than 15 digits as a number, and a spreadsheet keeps only 15: format it as text"
        )
    if column.values:
        return _code(column, text)
    match column.type:
        case "text":
            return _text(column, text)
        case "date":
            return _day(text)
        case "boolean":
            return _boolean(text)
        case _:
            return _number(column, text, factor)


def _is_blank(column: Column, text: str) -> bool:
    if column.type == "text":
        return text in _BLANK_TEXTS
    return narrow(text).strip().casefold() in NOTHING


def _code(column: Column, text: str) -> str | Wrong:
    code = column.codes.get(match_label(text))
    if code is not None:
        return code
    return Wrong(f"{_shown(text)} is none of {'、'.join(value.zh for value in column.values.values())}")


def _text(column: Column, text: str) -> str | Wrong:
    if _CUT_SHORT.fullmatch(text):
        return Wrong(
            f"{_shown(text)} is a number that a spreadsheet has cut short: format the column as text"
        )
    if column.pattern is not None and not re.fullmatch(column.pattern, text):
        return Wrong(f"{_shown(text)} does not have the form {column.pattern}")
    return text


def _day(text: str) -> str | Wrong:
    found = moment(text)
    if found is None:
        return Wrong(f"{_shown(text)} is no date such as 2026-01-31")
    if found.time() != time(0):
        return Wrong(f"{_shown(text)} is a time of day where a date belongs")
    return found.date().isoformat()


def _boolean(text: str) -> str | Wrong:
    folded = narrow(text).strip().casefold()
    if folded in TRUE:
        return "true"
    return "false" if folded in FALSE else Wrong(f"{_shown(text)} is neither 是 nor 否")


def _number(column: Column, text: str, factor: int) -> str | Wrong:
    found = number(text.removesuffix(column.unit) if column.unit else text)
    if found is None:
        return Wrong(f"{_shown(text)} is no number")
    value, own_unit = found
    if narrow(text).rstrip().endswith("%"):
        value /= 100
    elif not own_unit:
        value *= factor
    scale = column.field("").scale
    if abs(value) >= Decimal(10) ** (18 - scale):  # before rounding, which fails beyond 28 digits
        return Wrong(f"{_shown(text)} is too large a number")
    if value != round(value, scale):
        return Wrong(
            f"{_shown(text)} has more than {scale} digits after the point"
            if scale
            else f"{_shown(text)} is no whole number"
        )
    return _in_range(column, value, text)


def _in_range(column: Column, value: Decimal, text: str) -> str | Wrong:
    if column.min is not None and value < column.min:
        return Wrong(f"{_shown(text)} is less than {plain(column.min)}")
    if column.max is not None and value > column.max:
        return Wrong(f"{_shown(text)} is more than {plain(column.max)}")
    return plain(value)


def _shown(text: str) -> str:
    """The cell's text in quotes, cut where it is long."""
    flat = " ".join(text.split())
    return f'"{flat[:_SHOWN]}…"' if len(flat) > _SHOWN else f'"{flat}"'
