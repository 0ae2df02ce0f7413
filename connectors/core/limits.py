"""How much a source may ask at once, and what it has cost so far. One of each per organisation."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar

from connectors.core.contract import Usage


class Limiter:
    """Bounds the calls in flight of one organisation.

    concurrency: calls at once. sub_concurrency: of these, calls of the vendor's expensive kind. spacing:
    seconds between the starts of two calls. Waiting is fair enough: each call waits on a semaphore.
    """

    def __init__(
        self,
        concurrency: int,
        *,
        sub_concurrency: int | None = None,
        spacing: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._all = threading.BoundedSemaphore(concurrency)
        self._sub = threading.BoundedSemaphore(sub_concurrency or concurrency)
        self._spacing, self._clock, self._sleep = spacing, clock, sleep
        self._lock = threading.Lock()
        self._next_start = 0.0

    @contextmanager
    def slot(self, *, sub: bool = False) -> Iterator[None]:
        """Hold one call; not to be held while backing off."""
        # The scarcer one first, so that a waiting expensive call keeps no cheap one out.
        with self._sub if sub else nullcontext(), self._all:
            self._space()
            yield

    def _space(self) -> None:
        if self._spacing <= 0:
            return
        with self._lock:
            now = self._clock()
            start = max(now, self._next_start)
            self._next_start = start + self._spacing
        if start > now:
            self._sleep(start - now)


_SPENT: ContextVar[tuple[Usage, ...]] = ContextVar("spent", default=())


@contextmanager
def spending() -> Iterator[Usage]:
    """What the calls made inside cost, beside the source's total; may be nested. Threads that help must be
    given a copy of the context."""
    usage = Usage()
    token = _SPENT.set((*_SPENT.get(), usage))
    try:
        yield usage
    finally:
        _SPENT.reset(token)


class Meter:
    """Adds to a `Usage` from many threads."""

    def __init__(self, usage: Usage) -> None:
        self.usage = usage
        self._lock = threading.Lock()

    def add(self, *, calls: int = 0, credits: int = 0, size: int = 0) -> None:
        """Count calls, API credits and decoded bytes."""
        with self._lock:
            for usage in (self.usage, *_SPENT.get()):
                usage.calls += calls
                usage.credits += credits
                usage.bytes += size
