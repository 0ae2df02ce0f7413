"""`python -m benchmarks.exports`: the sync of an export file of 200,000 opportunities and 30 columns beside merely
reading it, as .xlsx and as .csv, in turn.

CPU seconds of whole processes; start-up and the import of Great Expectations are measured apart and taken off.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from benchmarks import made_export
from benchmarks.measure import Against, Cost, cost_of
from benchmarks.served import PRODUCT, STARTUP, environment

KINDS = ("xlsx", "csv")
_NAME = "商机对象导出结果_20261120"


def measure(rows: int, runs: int, kind: str) -> Against:
    """Make a file and read it; the three programs of a run follow each other within a minute."""
    work = Path(tempfile.mkdtemp(prefix="crm-warehouse-bench-"))
    try:
        file = work / f"{_NAME}.{kind}"
        made_export.write(rows, file)
        runs_of = [_run(work, file) for _ in range(runs)]
    finally:
        shutil.rmtree(work)
    floors, syncs, startups = (list(costs) for costs in zip(*runs_of, strict=True))
    return Against(floors=floors, syncs=syncs, startups=startups)


def _run(work: Path, file: Path) -> tuple[Cost, Cost, Cost]:
    home, floor = work / "home", work / "floor"
    for folder in (home, floor):
        shutil.rmtree(folder, ignore_errors=True)
    floor.mkdir()
    inbox = home / "inbox" / "fxiaoke_export"
    inbox.mkdir(parents=True)
    shutil.copy(file, inbox)
    programs = (
        ("-m", "benchmarks.floor_export", str(file), str(floor)),
        ("-c", PRODUCT, "sync", "--source", "fxiaoke_export", "--stream", "new_opportunity_obj"),
        ("-c", STARTUP),
    )
    costs = []
    for arguments in programs:
        cost = cost_of(
            list(arguments), environment(home, {"CRM_WAREHOUSE_SETTLE_SECONDS": "0"}), work / "log"
        )
        if cost.code:
            sys.exit(f"a measured program failed:\n{(work / 'log').read_text()}")
        costs.append(cost)
    return costs[0], costs[1], costs[2]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--kind", choices=KINDS, nargs="+", default=list(KINDS))
    options = parser.parse_args()
    for kind in options.kind:
        figures = measure(options.rows, options.runs, kind)
        print(f"{options.rows} rows of 30 columns as .{kind}, {options.runs} runs, medians:")
        for name in ("floors", "syncs", "startups"):
            costs = getattr(figures, name)
            cpu, wall, memory = (
                statistics.median(getattr(c, f) for c in costs) for f in ("cpu", "wall", "memory")
            )
            print(f"  {name:10} {cpu:7.2f} CPU s  {wall:7.2f} s  {memory:6.0f} MB")
        each = ", ".join(f"{ratio:.2f}" for ratio in figures.ratios)
        print(f"  sync without start-up : floor = {statistics.median(figures.ratios):.2f}  ({each})")
        print(f"  memory above the imports: {statistics.median(figures.above):.0f} MB")


if __name__ == "__main__":
    main()
