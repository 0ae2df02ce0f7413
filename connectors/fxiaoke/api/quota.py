"""How many calls of a day are ours: the vendor sells them to the tenant, and says only when all are gone.

Counted over all processes that share the private folder; a day ends at 00:00 in Beijing.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import msgspec
from filelock import FileLock

from connectors.core.errors import Problem
from connectors.fxiaoke.api.errors import QUOTA_REACHED

SETTING = "FXIAOKE_DAILY_CALLS"
_BEIJING = timezone(timedelta(hours=8))


class _Day(msgspec.Struct):
    day: str = ""
    calls: int = 0


class Quota:
    """Thread-safe. most: calls of a day; 0: nothing is counted."""

    def __init__(self, most: int, file: Path, *, now: Callable[[], float] = time.time) -> None:
        self.most, self._file, self._now = most, file, now
        self._lock = threading.Lock()

    @staticmethod
    def of(values: Mapping[str, str], file: Path) -> Quota:
        """As the setting says. Raises Problem naming it when it is wrong."""
        text = values.get(SETTING, "").strip() or "0"
        if not (text.isascii() and text.isdigit()):
            raise Problem(f"the setting {SETTING} is wrong", do="Set it to a number of calls such as 20000")
        return Quota(int(text), file)

    def spend(self, where: str) -> None:
        """Count one call. Raises Problem instead of touching what is left to others."""
        if not self.most:
            return
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._lock, FileLock(self._file.with_suffix(".lock"), mode=0o600):
            spent = self._spent()
            if spent.calls >= self.most:
                raise QUOTA_REACHED.problem(where, detail=f"{self.most:,} of this day")
            spent.calls += 1
            self._write(spent)

    def left(self) -> int | None:
        """Calls of this day that may still be made; None where nothing is counted."""
        return self.most - self._spent().calls if self.most else None

    def _spent(self) -> _Day:
        today = f"{datetime.fromtimestamp(self._now(), UTC).astimezone(_BEIJING):%Y-%m-%d}"
        try:
            kept = msgspec.json.decode(self._file.read_bytes(), type=_Day)
        except (FileNotFoundError, msgspec.DecodeError):
            return _Day(today)
        return kept if kept.day == today else _Day(today)

    def _write(self, spent: _Day) -> None:
        fresh = self._file.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            out.write(msgspec.json.encode(spent))
        fresh.replace(self._file)
