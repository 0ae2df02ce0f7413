"""What is left of an organisation's API credits, and the part of them that is never spent.

A vendor counts credits over a rolling day and for all programs together, so only the vendor knows what is left,
and often says it late (Zoho: once half is spent). Until it says so, nothing is held back.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from connectors.core.verdicts import Verdict


@dataclass(frozen=True, slots=True)
class Reserve:
    """Credits never spent: a share of the daily allowance (0.1), and at least so many."""

    share: float = 0.0
    least: int = 0

    def of(self, daily: int) -> int:
        """Credits to keep of this allowance."""
        return max(self.least, math.ceil(self.share * daily))


class Allowance:
    """One per organisation; thread-safe.

    header: of the reply that says what is left. daily: the allowance where it is known (0: not); else it is
    taken to be twice the most that was ever seen left, which is right when the vendor says it from half on.
    stop: the Problem of a call that would touch the reserve.
    """

    def __init__(self, reserve: Reserve, *, header: str, stop: Verdict, daily: int = 0) -> None:
        self._reserve, self._header, self._stop, self._daily = reserve, header, stop, daily
        self._lock = threading.Lock()
        self._left: int | None = None
        self._most_left = 0
        self._under_way = self._heard = 0

    @property
    def left(self) -> int | None:
        """Credits left when last heard of, less those of calls since; None while the vendor has said nothing."""
        return self._left

    @property
    def kept(self) -> int:
        """Credits that are never spent, as far as the allowance is known."""
        return self._reserve.of(self._daily or 2 * self._most_left)

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
            self._most_left = max(self._most_left, int(text))
            # The vendor may not have counted the other calls that are under way.
            left = max(0, int(text) - (self._under_way - credits))
            # Where others were heard since the call began, its own news may be the older.
            if self._left is not None and self._heard != heard_before:
                left = min(left, self._left)
            self._left = left
            self._heard += 1

    def _reached(self, where: str) -> Exception:
        detail = f"{self._left:,} are left of the last 24 hours, {self.kept:,} are never spent"
        return self._stop.problem(where, detail=detail)
