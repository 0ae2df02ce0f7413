"""What will happen when: things to do, kept by day and worked off in order of time."""

from __future__ import annotations

from bisect import insort
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from sandbox.company.chance import Chance
from sandbox.company.clock import DAY, OFFSET, local_day

_Entry = tuple[int, int, Callable[..., None], tuple[Any, ...]]
_NINE = 9 * 3600 - OFFSET


class Agenda:
    """The company's future. `now` never passes the clock that `run` was given.

    Days to come are plain lists, sorted when they begin: a large company has hundreds of thousands of
    things ahead of it, and one heap of that size spends most of the time waiting for memory.
    """

    def __init__(self, chance: Chance, begins: int) -> None:
        self.now = begins
        self.today = local_day(begins)
        self._chance = chance
        self._due: list[_Entry] = []  # today's, in order; the first `_done` are done
        self._done = 0
        self._days: dict[int, list[_Entry]] = defaultdict(list)
        self._serial = 0

    def at(self, time: int, act: Callable[..., None], *args: Any) -> None:
        """Plan an act; acts of the same second happen in the order in which they were planned."""
        self._serial += 1
        day = (time + OFFSET) // DAY
        if day > self.today:
            self._days[day].append((time, self._serial, act, args))
        else:
            insort(self._due, (max(time, self.now), self._serial, act, args), self._done)

    def run(self, until: int) -> None:
        """Do everything that is due up to and including `until`."""
        last = local_day(until)
        while True:
            due = self._due
            while self._done < len(due) and due[self._done][0] <= until:
                self.now, _, act, args = due[self._done]
                self._done += 1
                act(*args)
            if self.today >= last:
                break
            self.today += 1
            self._due, self._done = sorted(self._days.pop(self.today, ())), 0
        self.now = until

    def later(self, days: int, act: Callable[..., None], *args: Any) -> None:
        """Plan an act between 09:00 and 19:00 so many days (one or more) from now, after most weekends."""
        roll = self._chance.roll
        day = self.today + days
        weekday = (day + 3) % 7  # 0 is Monday: 1970-01-01 was a Thursday
        if weekday > 4 and roll() < 0.85:
            day += 7 - weekday
        self._serial += 1
        self._days[day].append((day * DAY + _NINE + int(roll() * 36_000), self._serial, act, args))
