"""CPU, wall and peak memory of whole processes, as the operating system accounts for them."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one finished process tree. cpu and wall in seconds, memory (largest process) in MB."""

    cpu: float
    wall: float
    memory: float
    code: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Against:
    """A program of ours against a floor, run by run; every start-up is measured apart."""

    floors: list[Cost]
    syncs: list[Cost]
    startups: list[Cost]

    @property
    def ratios(self) -> list[float]:
        """(sync - start-up) : floor, in CPU seconds, pair by pair."""
        return [
            (s.cpu - u.cpu) / f.cpu for f, s, u in zip(self.floors, self.syncs, self.startups, strict=True)
        ]

    @property
    def above(self) -> list[float]:
        """MB of memory beyond what the imports take."""
        return [s.memory - u.memory for s, u in zip(self.syncs, self.startups, strict=True)]


def cost_of(arguments: list[str], environment: Mapping[str, str], log: Path) -> Cost:
    """Run `python ARGUMENTS` and account for it; what it prints goes to `log`."""
    start = time.monotonic()
    with log.open("ab") as out:
        files = [(os.POSIX_SPAWN_DUP2, out.fileno(), 1), (os.POSIX_SPAWN_DUP2, out.fileno(), 2)]
        pid = os.posix_spawn(sys.executable, [sys.executable, *arguments], environment, file_actions=files)
        _, status, used = os.wait4(pid, 0)
    return Cost(
        cpu=used.ru_utime + used.ru_stime,
        wall=time.monotonic() - start,
        memory=used.ru_maxrss / 1024,
        code=os.waitstatus_to_exitcode(status),
    )
