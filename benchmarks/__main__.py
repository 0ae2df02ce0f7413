"""`python -m benchmarks`: the sync of many Deals beside its floor, interleaved; and a sync with nothing to do.

Start-up and the import of Great Expectations are measured apart and taken off the sync, as they are paid once
per process and not per row. Prints medians, and the ratio pair by pair.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import Cost, cost_of

_STARTUP = "import pipelines.cli, pipelines.flow, great_expectations, duckdb"
_READY = re.compile(r"sandbox ready on (\S+)")


@dataclass(frozen=True, slots=True)
class Figures:
    """Costs run by run. ratios: (sync - start-up) : floor, in CPU seconds, pair by pair."""

    floors: list[Cost]
    syncs: list[Cost]
    startups: list[Cost]
    idle: list[Cost]

    @property
    def ratios(self) -> list[float]:
        return [
            (s.cpu - u.cpu) / f.cpu for f, s, u in zip(self.floors, self.syncs, self.startups, strict=True)
        ]


def measure(deals: str, runs: int) -> Figures:
    """Serve a company and measure; programs of one run follow each other within a minute."""
    work = Path(tempfile.mkdtemp(prefix="crm-warehouse-bench-"))
    try:
        with _sandbox(deals) as url:
            pairs = [_pair(url, work, run) for run in range(runs)]
            idle = [_sync(url, work / "home", work) for _ in range(runs)]
    finally:
        shutil.rmtree(work)
    floors, syncs, startups = (list(costs) for costs in zip(*pairs, strict=True))
    return Figures(floors, syncs, startups, idle)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deals", default="200000")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    _report(options.deals, measure(options.deals, options.runs))


def _pair(url: str, work: Path, run: int) -> tuple[Cost, Cost, Cost]:
    """(floor, sync, start-up), one behind the other."""
    folder = work / f"floor{run}"
    folder.mkdir()
    floor = cost_of(
        ["-m", "benchmarks.floor_records", url, str(folder)], _environment(url, work), work / "log"
    )
    shutil.rmtree(folder)
    home = work / "home"
    shutil.rmtree(home, ignore_errors=True)
    synced = _sync(url, home, work)
    startup = cost_of(["-c", _STARTUP], _environment(url, home), work / "log")
    if floor.code or synced.code or startup.code:
        sys.exit(f"a measured program failed:\n{(work / 'log').read_text()}")
    return floor, synced, startup


def _sync(url: str, home: Path, work: Path) -> Cost:
    command = "from pipelines.cli import main; main()"
    arguments = ["-c", command, "sync", "--source", "zoho", "--stream", "deals"]
    return cost_of(arguments, _environment(url, home), work / "log")


def _report(deals: str, figures: Figures) -> None:
    print(f"{deals} deals, {len(figures.floors)} runs, medians:")
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


def _environment(url: str, home: Path) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return kept | {
        "CRM_WAREHOUSE_HOME": str(home),
        "CRM_WAREHOUSE_ALLOW_LOOPBACK": "1",
        "ZOHO_CLIENT_ID": "sandbox-client",
        "ZOHO_CLIENT_SECRET": "sandbox-secret",
        "ZOHO_REFRESH_TOKEN": "sandbox-refresh-token-0123456789abcdef0123456789",
        "ZOHO_ACCOUNTS_URL": url,
        "ZOHO_API_URL": url,
        "GX_ANALYTICS_ENABLED": "false",
    }


@contextmanager
def _sandbox(deals: str) -> Iterator[str]:
    command = [sys.executable, "-m", "sandbox", "serve", "--port", "0", "--seed", "7", "--size", deals]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if match := _READY.search(line):
                    yield match[1]
                    return
            raise SystemExit("the sandbox did not start")
        finally:
            process.terminate()


if __name__ == "__main__":
    main()
