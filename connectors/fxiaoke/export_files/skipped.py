"""Rows of a file that are no records."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import zip_longest


class Skipped(Collection[tuple[int, str]]):
    """Positions and reasons, in file order. Neighbours of one reason cost as much as one: a file may hold millions of
    blank lines."""

    def __init__(self) -> None:
        self._runs: list[tuple[range, str]] = []

    def add(self, positions: range, why: str) -> None:
        """Take over some that follow all others."""
        if self._runs and self._runs[-1][1] == why and self._runs[-1][0].stop == positions.start:
            positions = range(self._runs.pop()[0].start, positions.stop)
        self._runs.append((positions, why))

    def __iter__(self) -> Iterator[tuple[int, str]]:
        return ((position, why) for positions, why in self._runs for position in positions)

    def __len__(self) -> int:
        return sum(len(positions) for positions, _ in self._runs)

    def __contains__(self, one: object) -> bool:
        return any(one == own for own in self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Collection) and all(a == b for a, b in zip_longest(self, other))

    def __repr__(self) -> str:
        return repr(self._runs)
