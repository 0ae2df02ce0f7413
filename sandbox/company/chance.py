"""Chance that falls the same way on every machine: one stream of numbers from an integer seed.

Only `Random.random()` is used, and only through integers: its sequence is fixed across Python versions,
while the algorithms behind `choice`, `sample` and friends are not promised to be.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")


class Chance:
    """Dice for the company."""

    def __init__(self, seed: int) -> None:
        self.roll = Random(seed).random

    def below(self, n: int) -> int:
        """0 … n-1, evenly."""
        return int(self.roll() * n)

    def pick(self, options: Sequence[T]) -> T:
        """One of the options, evenly. Raises IndexError when there are none."""
        return options[int(self.roll() * len(options))]

    def favour(self, options: Sequence[T]) -> T:
        """One of the options, the early ones far more often: the first tenth is met in half of all picks."""
        roll = self.roll()
        return options[int(roll * roll * roll * len(options))]

    def percent(self, p: int) -> bool:
        """True in p of 100 cases."""
        return self.roll() * 100 < p

    def permille(self, p: int) -> bool:
        """True in p of 1,000 cases."""
        return self.roll() * 1000 < p
