"""`python -m benchmarks.fxiaoke`: the sync of many deals by Fxiaoke's API beside its floor, in turn, and a sync with
nothing to do.

The vendor's rate makes both wait, so here whole processes are compared by wall time, start-up included; what the
product takes of the processor and of memory is printed beside it.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import requests

from benchmarks.floor_fxiaoke import SECONDS
from benchmarks.measure import Cost, cost_of
from benchmarks.served import PRODUCT, STARTUP, company, environment

OBJECT, STREAM = "NewOpportunityObj", "new_opportunity_obj"
# A company has about two deals in Fxiaoke for three in Zoho, 100,000 at most when it opens.
_SHARE = 0.67


@dataclass(frozen=True, slots=True)
class Figures:
    """Costs run by run. ratios: sync : floor, in wall seconds, pair by pair. above: MB of memory beyond what the
    imports take."""

    rows: int
    calls: int
    floors: list[Cost]
    syncs: list[Cost]
    startups: list[Cost]
    idle: list[Cost]

    @property
    def ratios(self) -> list[float]:
        return [sync.wall / floor.wall for floor, sync in zip(self.floors, self.syncs, strict=True)]

    @property
    def above(self) -> list[float]:
        return [s.memory - u.memory for s, u in zip(self.syncs, self.startups, strict=True)]


def measure(rows: int, runs: int) -> Figures:
    """Serve a company of at least so many deals and measure; a run takes two times the vendor's waiting."""
    work = Path(tempfile.mkdtemp(prefix="crm-warehouse-bench-"))
    try:
        with company(str(round(rows / _SHARE))) as url:
            _admin(url, "settings", fxiaoke={"tokens": 1000, "daily": 10_000_000})
            bench = _Bench(url, work)
            pairs = [bench.pair() for _ in range(runs)]
            read, calls = bench.usage()
            idle = [bench.sync() for _ in range(runs)]
    finally:
        shutil.rmtree(work)
    floors, syncs, startups = (list(costs) for costs in zip(*pairs, strict=True))
    return Figures(read, calls, floors, syncs, startups, idle)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    _report(measure(options.rows, options.runs))


@dataclass(frozen=True, slots=True)
class _Bench:
    """One tenant, and one home that begins anew with each pair."""

    url: str
    work: Path

    @property
    def home(self) -> Path:
        return self.work / "home"

    def pair(self) -> tuple[Cost, Cost, Cost]:
        """(floor, sync, start-up), one behind the other; each finds the rate unused."""
        shutil.rmtree(self.home, ignore_errors=True)
        time.sleep(SECONDS)
        floor = self._cost("-m", "benchmarks.floor_fxiaoke", self.url, OBJECT)
        time.sleep(SECONDS)
        return floor, self.sync(), self._cost("-c", STARTUP)

    def sync(self) -> Cost:
        return self._cost("-c", PRODUCT, "sync", "--source", "fxiaoke", "--stream", STREAM)

    def usage(self) -> tuple[int, int]:
        """Rows and calls of the last sync, as its diary tells."""
        (diary,) = (self.home / "landing" / "_runs").iterdir()
        (deals,) = json.loads(diary.read_text("utf-8").splitlines()[-1])["streams"]
        return deals["received"], deals["calls"]

    def _cost(self, *arguments: str) -> Cost:
        log = self.work / "log"
        settings = {
            "FXIAOKE_BASE_URL": self.url,
            "FXIAOKE_APP_ID": "FSAID_sandbox",
            "FXIAOKE_APP_SECRET": "sandbox-app-secret",
            "FXIAOKE_PERMANENT_CODE": "sandbox-permanent-code",
            "FXIAOKE_USER_ID": "1000",
        }
        cost = cost_of(list(arguments), environment(self.home, settings), log)
        if cost.code:
            sys.exit(f"a measured program failed:\n{log.read_text()}")
        return cost


def _admin(url: str, action: str, **body: object) -> None:
    requests.post(f"{url}/__sandbox__/{action}", json=body, timeout=300).raise_for_status()


def _report(figures: Figures) -> None:
    print(f"{figures.rows:,} rows in {figures.calls:,} calls, {len(figures.floors)} runs, medians:")
    rows = {
        "floor": figures.floors,
        "sync": figures.syncs,
        "start-up and imports": figures.startups,
        "idle sync": figures.idle,
    }
    for name, costs in rows.items():
        cpu, wall, memory = (
            statistics.median(getattr(c, f) for c in costs) for f in ("cpu", "wall", "memory")
        )
        print(f"  {name:22} {cpu:7.2f} CPU s  {wall:7.2f} s  {memory:6.0f} MB")
    each = ", ".join(f"{ratio:.2f}" for ratio in figures.ratios)
    print(f"  sync : floor = {statistics.median(figures.ratios):.2f} of wall time  ({each})")
    print(f"  memory above the imports: {statistics.median(figures.above):.0f} MB")


if __name__ == "__main__":
    main()
