"""When an export was made."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from connectors.core.contract import SAME_EXPORT

# Fxiaoke ends the name in _YYYYMMDDHHMMSS; people and some versions stop earlier or go on after it.
_DIGITS = re.compile(r"_(20[0-9]{6})([0-9]*)")
_CLOCK_SKEW = 86_400  # seconds; nobody exports later than the file was written, so a later name is mistyped
_DAY = timedelta(days=1) - timedelta.resolution
_CLOCKS = (0, 4, 6)  # digits of a time of day: none, hours and minutes, seconds too


def file_stamp(name: str, modified: float, timezone: str) -> datetime:
    """The time in the file's name, read in `timezone` (a day alone: its start), else the file's own time,
    which no clock that went wrong puts into the future.

    modified: seconds since 1970. The result is in UTC.
    """
    for match in reversed(list(_DIGITS.finditer(name))):
        clock = match[2][:6]
        if len(clock) not in _CLOCKS:
            continue
        try:
            written = datetime.strptime(match[1] + clock.ljust(6, "0"), "%Y%m%d%H%M%S")
        except ValueError:
            continue
        moment = written.replace(tzinfo=ZoneInfo(timezone)).astimezone(UTC)
        if moment.timestamp() <= modified + _CLOCK_SKEW:
            return moment
    return datetime.fromtimestamp(min(modified, time.time()), UTC)


def same_export_until(name: str, stamp: datetime) -> datetime:
    """Up to when a full list may have been exported and not know this file: to the end of its day where the name tells
    the day alone."""
    clocks = [match[2] for match in _DIGITS.finditer(name)]
    return stamp + (_DAY if clocks and not clocks[-1] else SAME_EXPORT)
