"""What is left of an organisation's API credits, and the part of them that is never spent.

A vendor counts credits over a rolling day and for all programs together, so only the vendor knows what is left,
and often says it late (Zoho: once half is spent). Until it says so, nothing is held back.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from connectors.core.private import write_private
from connectors.core.verdicts import Verdict

_REMEMBERED = 30 * 86_400.0  # seconds: an organisation may buy or give back licences


@dataclass(frozen=True, slots=True)
class Reserve:
    """Credits never spent: a share of the daily allowance (0.1), and at least so many."""

    share: float = 0.0
    least: int = 0

    def of(self, daily: int) -> int:
        """Credits to keep of this allowance."""
        return max(self.least, math.ceil(self.share * daily))


class _Most(msgspec.Struct):
    """The most credits that any program here saw left. seen: seconds since 1970."""

    left: int = 0
    seen: float = 0.0


class Allowance:
    """One per organisation; thread-safe.

    header: of the reply that says what is left. daily: the allowance where it is known (0: not); else it is
    taken to be twice the most that was seen left in the last 30 days, which is right when the vendor says it from
    half on. memory: where the most is kept for the next run, which would take the little that this one leaves for
    the whole. stop: the Problem of a call that would touch the reserve.
    """

    def __init__(
        self,
        reserve: Reserve,
        *,
        header: str,
        stop: Verdict,
        daily: int = 0,
        memory: Path | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._reserve, self._header, self._stop, self._daily = reserve, header, stop, daily
        self._memory, self._now = memory, now
        self._lock = threading.Lock()
        self._left: int | None = None
        self._most = self._remembered()
        self._under_way = self._heard = 0

    @property
    def left(self) -> int | None:
        """Credits left when last heard of, less those of calls since; None while the vendor has said nothing."""
        return self._left

    @property
    def kept(self) -> int:
        """Credits that are never spent, as far as the allowance is known."""
        return self._reserve.of(self._daily or 2 * self._most.left)

    @contextmanager
    def spending(self, credits: int, where: str) -> Iterator[Callable[[Mapping[str, str]], None]]:
        """Around one attempt of a call; yields what takes in the headers of its reply. Raises Problem instead of
        touching the reserve."""
        with self._lock:
            if self._left is not None:
                if credits and self._left - credits < self.kept:
                    raise self._reached(where)
                self._left -= credits
            self._under_way += credits
            heard_before = self._heard
        try:
            yield lambda headers: self._hear(headers, credits, heard_before)
        finally:
            with self._lock:
                self._under_way -= credits

    def _hear(self, headers: Mapping[str, str], credits: int, heard_before: int) -> None:
        text = headers.get(self._header, "").strip()
        if not (text.isascii() and text.isdigit()):
            return
        with self._lock:
            self._remember(int(text))
            # The vendor may not have counted the other calls that are under way.
            left = max(0, int(text) - (self._under_way - credits))
            # Where others were heard since the call began, its own news may be the older.
            if self._left is not None and self._heard != heard_before:
                left = min(left, self._left)
            self._left = left
            self._heard += 1

    def _remember(self, left: int) -> None:
        if not self._outdone(self._most, left):
            return
        self._most = self._remembered()  # another process may have seen more
        if self._outdone(self._most, left):
            self._most = _Most(left, self._now())
            if self._memory:
                write_private(self._memory, self._most)

    def _outdone(self, most: _Most, left: int) -> bool:
        return most.left < left or self._now() - most.seen > _REMEMBERED

    def _remembered(self) -> _Most:
        try:
            return msgspec.json.decode(self._memory.read_bytes(), type=_Most) if self._memory else _Most()
        except (FileNotFoundError, msgspec.DecodeError):
            return _Most()  # never written, or by another version: learnt anew

    def _reached(self, where: str) -> Exception:
        detail = f"{self._left:,} are left of the last 24 hours, {self.kept:,} are never spent"
        return self._stop.problem(where, detail=detail)
