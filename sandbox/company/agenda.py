"""What will happen when: a queue of things to do, worked off in order of time."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any

from sandbox.company.chance import Chance
from sandbox.company.clock import DAY, OFFSET, day_starts, is_weekend, local_day


class Agenda:
    """The company's future. `now` never passes the clock that `run` was given."""

    def __init__(self, chance: Chance, begins: int) -> None:
        self.now = begins
        self._chance = chance
        self._queue: list[tuple[int, int, Callable[..., None], tuple[Any, ...]]] = []
        self._serial = 0

    def at(self, time: int, act: Callable[..., None], *args: Any) -> int:
        """Plan an act; returns its number, which also settles ties. The past becomes now."""
        self._serial += 1
        heappush(self._queue, (max(time, self.now), self._serial, act, args))
        return self._serial

    def run(self, until: int) -> None:
        """Do everything that is due up to and including `until`."""
        queue = self._queue
        while queue and queue[0][0] <= until:
            self.now, _, act, args = heappop(queue)
            act(*args)
        self.now = max(self.now, until)

    def working_time(self, day: int) -> int:
        """A second between 09:00 and 19:00 of an office day; of the next Monday for most weekends."""
        if is_weekend(day) and self._chance.percent(85):
            day += 2 if is_weekend(day + 1) else 1
        return day_starts(day) + 9 * 3600 + self._chance.below(36_000)

    def later(self, days: int) -> int:
        """A working time so many days from now, and in any case after now."""
        time = self.working_time((self.now + OFFSET) // DAY + days)
        return time if time > self.now else self.now + 60 + self._chance.below(3600)

    @property
    def today(self) -> int:
        """The office day of `now`."""
        return local_day(self.now)
