"""The vendor's rate: 100 calls in 20 seconds of each endpoint, whoever makes them. https://open.fxiaoke.com"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from connectors.core.limits import Limiter

CALLS, SECONDS = 100, 20.0
# Their window and ours begin at different moments: a call that took its time on the way counts later with them.
_SPARE, _MARGIN = 2, 0.25


class Pace(Limiter):
    """The limiter of one endpoint: bounds the calls at once, and the calls of each window. Thread-safe.

    each: done before each attempt of a call, repeated ones included; what it raises ends the call.
    """

    def __init__(
        self,
        concurrency: int = 3,
        *,
        calls: int = CALLS - _SPARE,
        seconds: float = SECONDS + _MARGIN,
        each: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(concurrency)
        self._calls, self._seconds, self._now, self._rest = calls, seconds, clock, sleep
        self._each = each
        self._starts: deque[float] = deque()
        self._turn = threading.Lock()

    @contextmanager
    def slot(self, *, sub: bool = False) -> Iterator[None]:
        """Hold one call, once the window has room for it."""
        with super().slot(sub=sub):
            self._each()
            if (wait := self._booked()) > 0:
                self._rest(wait)
            yield

    def _booked(self) -> float:
        """Seconds until the call may start; its start is taken."""
        with self._turn:
            now = self._now()
            start = now
            if len(self._starts) >= self._calls:
                start = max(now, self._starts[-self._calls] + self._seconds)
            self._starts.append(start)
            while len(self._starts) > self._calls:
                self._starts.popleft()
            return start - now
