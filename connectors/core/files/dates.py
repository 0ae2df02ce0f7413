"""Dates and times as people write them, and Excel's serial numbers."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from connectors.core.files.normal import narrow

_WRITTEN = re.compile(
    r"""^(?P<year>[0-9]{4})\s*[-/.年]\s*(?P<month>[0-9]{1,2})\s*[-/.月]\s*(?P<day>[0-9]{1,2})\s*日?
    (?:[\sT]*(?P<hour>[0-9]{1,2})\s*[:时点]\s*(?P<minute>[0-9]{1,2})\s*分?
    (?::?\s*(?P<second>[0-9]{1,2})(?:\.[0-9]+)?\s*秒?)?)?$""",
    re.VERBOSE | re.IGNORECASE,
)
_DIGITS = re.compile(r"^([0-9]{4})([0-9]{2})([0-9]{2})(?:([0-9]{2})([0-9]{2})([0-9]{2})?)?$")
_SERIAL = re.compile(r"^[0-9]{5}(?:\.[0-9]+)?$")
BEHIND_1904 = 1462  # days by which a serial number of a workbook that counts from 1904 is smaller
_EPOCH = datetime(1899, 12, 30)  # day 0 of Excel's calendar, its false leap day of 1900 included


def moment(text: str) -> datetime | None:
    """Date and time of a text (naive: the file's own time zone), to the second; None if it names none.

    A date without a year or with two digits of it is none. Serials count from 18264 (1950) on: smaller
    five-digit numbers are no dates of business.
    """
    folded = " ".join(narrow(text).split())
    match = _WRITTEN.match(folded) or _DIGITS.match(folded)
    if match is not None:
        return _built([int(part) for part in match.groups() if part is not None])
    if _SERIAL.match(folded) and float(folded) >= 18264:
        return _EPOCH + timedelta(seconds=round(float(folded) * 86400))
    return None


def _built(parts: list[int]) -> datetime | None:
    try:
        return datetime(*parts)
    except ValueError:
        return None
