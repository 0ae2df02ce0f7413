"""The company's time: whole seconds since 1970 UTC, read and written in the office's zone (+08:00, no DST).

Nothing in the sandbox reads the wall clock: the same seed, size and clock always give the same company.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

OFFICE = timezone(timedelta(hours=8))
OFFSET = 8 * 3600
OFFICE_ZONE = "Asia/Shanghai"
DAY = 86_400


def parse(text: str) -> int:
    """Seconds of an ISO 8601 time; without an offset it is office time. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=OFFICE)
    return int(moment.timestamp())


HISTORY_BEGINS = parse("2025-01-01T00:00:00")
OPENING = parse("2026-06-30T18:00:00")  # where the clock stands in a new sandbox


def local_day(seconds: int) -> int:
    """The office's calendar day, counted from 1970-01-01."""
    return (seconds + OFFSET) // DAY


def day_starts(day: int) -> int:
    """The second at which an office day begins."""
    return day * DAY - OFFSET


def is_weekend(day: int) -> bool:
    """Saturday or Sunday (1970-01-01 was a Thursday)."""
    return (day + 3) % 7 >= 5


@lru_cache(maxsize=8192)
def day_text(day: int) -> str:
    """`2026-06-30` for a day counted from 1970-01-01."""
    return (date(1970, 1, 1) + timedelta(days=day)).isoformat()


def office_iso(seconds: int) -> str:
    """`2026-06-30T18:00:00+08:00`."""
    day, rest = divmod(seconds + OFFSET, DAY)
    minutes, second = divmod(rest, 60)
    return f"{day_text(day)}T{minutes // 60:02d}:{minutes % 60:02d}:{second:02d}+08:00"


def zoned_iso(seconds: int, zone: str) -> str:
    """`2026-06-30T06:00:00-04:00`: the same in another zone (IANA name), with the offset that it has then."""
    return datetime.fromtimestamp(seconds, ZoneInfo(zone)).isoformat()


def utc_iso(seconds: int) -> str:
    """`2026-06-30T10:00:00Z`."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
