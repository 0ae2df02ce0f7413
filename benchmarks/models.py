"""`python -m benchmarks.models`: building the models of a made-up company, whole, then after a change.

Each build runs in a process of its own, as a scheduled run does; what is measured is that process from the parsed
project on: seconds, CPU seconds and the largest memory. Imports and the parse of the project are paid by every process
alike and told apart.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.made_company import change, make_company
from pipelines import flow
from pipelines.build import dbt_ready
from pipelines.fold import prepared_warehouse
from pipelines.settings import Settings


@dataclass(frozen=True, slots=True)
class BuildFigures:
    """One build: nodes that ran, wall and CPU seconds of building, seconds to get ready, largest resident bytes."""

    nodes: int
    seconds: float
    cpu: float
    ready: float
    peak: int


def built(home: Path) -> BuildFigures:
    """A build in a process of its own."""
    answer = subprocess.run(
        [sys.executable, "-m", "benchmarks.models", "--home", str(home)],
        check=True, stdout=subprocess.PIPE, text=True, env={**os.environ},
    )  # fmt: skip
    return BuildFigures(**json.loads(answer.stdout.splitlines()[-1]))


def measure(opportunities: int, home: Path) -> tuple[BuildFigures, BuildFigures]:
    """The whole build of that many opportunities, and the one after one of a hundred has changed."""
    settings = Settings(home=home, _env_file=None)
    settings.prepare_home()
    with prepared_warehouse(settings) as con:
        make_company(con, opportunities)
    whole = built(home)
    with prepared_warehouse(settings) as con:
        change(con, opportunities)
    return whole, built(home)


def _build(home: Path) -> BuildFigures:
    began = time.perf_counter()
    settings = Settings(home=home, _env_file=None)
    dbt_ready(settings)
    ready, cpu = time.perf_counter(), time.process_time()
    with flow.lock(settings, "benchmark"):
        outcome = flow.build(settings)
    if not outcome.ok:
        raise SystemExit("\n".join(outcome.failures))
    return BuildFigures(
        nodes=outcome.nodes,
        seconds=time.perf_counter() - ready,
        cpu=time.process_time() - cpu,
        ready=ready - began,
        peak=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    )


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--opportunities", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.home:
        figures = _build(options.home)
        print(json.dumps({name: getattr(figures, name) for name in figures.__slots__}))
        return
    for _ in range(options.runs):
        with tempfile.TemporaryDirectory(prefix="crm-warehouse-models-") as folder:
            whole, after = measure(options.opportunities, Path(folder))
        for name, figures in (("whole", whole), ("after 1 %", after)):
            print(
                f"{name}: {figures.seconds:.1f} s, {figures.cpu:.1f} CPU s, {figures.nodes} nodes, "
                f"{figures.peak / 1e9:.2f} GB (ready in {figures.ready:.1f} s)",
                flush=True,
            )
        print(f"after a change : whole {after.seconds / whole.seconds:.2f}", flush=True)


if __name__ == "__main__":
    main()
