"""`python -m benchmarks`: the sync of many Deals beside its floor, interleaved, by records and by bulk; a sync with
nothing to do; and the calls and credits that one percent of changes, and the whole load, take.

Start-up and the import of Great Expectations are measured apart and taken off the sync, as they are paid once
per process and not per row. Prints medians, and the ratio pair by pair.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import requests

from benchmarks.measure import Against, Cost, cost_of
from benchmarks.served import PRODUCT, STARTUP, company, environment

WAYS = ("records", "bulk")


@dataclass(frozen=True, slots=True)
class Usage:
    """What one sync took of the CRM, as its diary tells."""

    rows: int
    calls: int
    credits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures(Against):
    """idle: runs in which nothing had changed. usage, delta: what a full read and the changes cost in the CRM."""

    way: str
    idle: list[Cost]
    usage: Usage
    delta: Usage


def measure(deals: str, runs: int, way: str) -> Figures:
    """Serve a company and measure; programs of one run follow each other within a minute."""
    work = Path(tempfile.mkdtemp(prefix="crm-warehouse-bench-"))
    try:
        with company(deals) as url:
            bench = _Bench(url, work, way)
            pairs = [bench.pair(run) for run in range(runs)]
            usage = bench.usage()
            idle = [bench.sync() for _ in range(runs)]
            bench.change_one_percent()
            bench.sync()
            delta = bench.usage()
    finally:
        shutil.rmtree(work)
    floors, syncs, startups = (list(costs) for costs in zip(*pairs, strict=True))
    return Figures(
        way=way, floors=floors, syncs=syncs, startups=startups, idle=idle, usage=usage, delta=delta
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deals", default="200000")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--way", choices=WAYS, nargs="+", default=list(WAYS))
    options = parser.parse_args()
    for way in options.way:
        _report(options.deals, measure(options.deals, options.runs, way))


@dataclass(frozen=True, slots=True)
class _Bench:
    """One company, one way to read it, one home that begins anew with each pair."""

    url: str
    work: Path
    way: str

    @property
    def home(self) -> Path:
        return self.work / "home"

    def pair(self, run: int) -> tuple[Cost, Cost, Cost]:
        """(floor, sync, start-up), one behind the other."""
        folder = self.work / f"floor{run}"
        folder.mkdir()
        floor = self._cost("-m", f"benchmarks.floor_{self.way}", self.url, str(folder))
        shutil.rmtree(folder)
        shutil.rmtree(self.home, ignore_errors=True)
        return floor, self.sync(), self._cost("-c", STARTUP)

    def sync(self) -> Cost:
        return self._cost("-c", PRODUCT, "sync", "--source", "zoho", "--stream", "deals")

    def usage(self) -> Usage:
        """Of the last sync."""
        (diary,) = (self.home / "landing" / "_runs").iterdir()
        (deals,) = json.loads(diary.read_text("utf-8").splitlines()[-1])["streams"]
        return Usage(deals["received"], deals["calls"], deals["credits"])

    def change_one_percent(self) -> None:
        """Edit every hundredth deal, a day after the last change."""
        with duckdb.connect(str(self.home / "warehouse" / "warehouse.duckdb"), read_only=True) as con:
            ids = con.execute(
                "SELECT _record_id FROM raw_zoho.deals WHERE _deleted_at IS NULL ORDER BY 1"
            ).fetchall()[::100]
        self._admin("advance", seconds=86_400)
        for (record,) in ids:
            self._admin("act", act="edit", entity="deals", id=record, changes={"Next_Step": "call"})

    def _admin(self, action: str, **body: Any) -> None:
        requests.post(f"{self.url}/__sandbox__/{action}", json=body, timeout=300).raise_for_status()

    def _cost(self, *arguments: str) -> Cost:
        log = self.work / "log"
        cost = cost_of(list(arguments), environment(self.home, _settings(self.url, self.way)), log)
        if cost.code:
            sys.exit(f"a measured program failed:\n{log.read_text()}")
        return cost


def _report(deals: str, figures: Figures) -> None:
    print(f"{deals} deals by {figures.way}, {len(figures.floors)} runs, medians:")
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
    print(f"  sync without start-up : floor = {statistics.median(figures.ratios):.2f}  ({each})")
    print(f"  memory above the imports: {statistics.median(figures.above):.0f} MB")
    for what, usage in (("whole load", figures.usage), ("1 % changed", figures.delta)):
        print(f"  {what}: {usage.rows:,} rows, {usage.calls} calls, {usage.credits} credits")


def _settings(url: str, way: str) -> dict[str, str]:
    return {
        "ZOHO_FULL_READ": way,
        "ZOHO_CLIENT_ID": "sandbox-client",
        "ZOHO_CLIENT_SECRET": "sandbox-secret",
        "ZOHO_REFRESH_TOKEN": "sandbox-refresh-token-0123456789abcdef0123456789",
        "ZOHO_ACCOUNTS_URL": url,
        "ZOHO_API_URL": url,
    }


if __name__ == "__main__":
    main()
