"""`python -m benchmarks.fold`: loading a million deals against applying 1 % to them, and what that does to the file.

Every day changes 1 % of the records at random, adds some and deletes some, through the product's own
`load_package`, opening and checkpointing the warehouse as a run does. CPU seconds of this process, all
threads. The warehouse is compacted when it asks for it; a fresh file made from the rows that are left in the end is
the net data. With --untouched, a twin gets the same days and is never compacted.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from benchmarks.made_deals import CHAIN, Made, deals, package
from connectors.core.contract import CursorKind
from pipelines.sql import literal
from pipelines.warehouse.compact import compact, wants_compaction
from pipelines.warehouse.connect import open_warehouse
from pipelines.warehouse.load import Parts, load_package
from pipelines.warehouse.ops import ensure_ops

MEMORY, THREADS = "4GB", 2
_SHARE, _NEW, _GONE = 0.01, 0.001, 0.0005  # of the records, a day


@dataclass(slots=True)
class FoldFigures:
    """load: CPU seconds of loading all; days: of applying each day; sizes in bytes after the last day."""

    load: float = 0.0
    days: list[float] = field(default_factory=list)
    compactions: list[tuple[int, float]] = field(default_factory=list)  # day, CPU seconds
    compacted: int = 0  # the file after the last day, compacted when it asked for it
    untouched: int = 0
    net: int = 0

    @property
    def ratio(self) -> float:
        """A day's CPU to that of loading all; the median day."""
        return statistics.median(self.days) / self.load

    @property
    def bloat(self) -> float:
        """Size of the compacted file over the net data."""
        return self.compacted / self.net


def measure(rows: int, days: int, *, untouched: bool = False) -> FoldFigures:
    """Load `rows` deals, then apply `days` days; `untouched`: also to a twin that is never compacted."""
    work = Path(tempfile.mkdtemp(prefix="crm-warehouse-fold-"))
    figures = FoldFigures()
    kept, twin = work / "kept" / "warehouse.duckdb", work / "twin" / "warehouse.duckdb"
    try:
        figures.load = _apply(kept, _first_load(work, rows))
        if untouched:
            twin.parent.mkdir()
            shutil.copyfile(kept, twin)
        for day in range(1, days + 1):
            delta = _delta(work, rows, day)
            figures.days.append(_apply(kept, delta))
            if untouched:
                _apply(twin, delta)
            _compact(kept, day, figures)
            for made in delta:
                made.accepted.unlink()
        figures.compacted = kept.stat().st_size
        figures.untouched = twin.stat().st_size if untouched else 0
        figures.net = _net(kept, work / "net.duckdb")
    finally:
        shutil.rmtree(work)
    return figures


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--untouched", action="store_true")
    options = parser.parse_args()
    f = measure(options.rows, options.days, untouched=options.untouched)
    print(f"{options.rows:,} deals of {len(deals()[1])} columns, {options.days} days of 1 %:")
    print(f"  loading all      {f.load:7.2f} CPU s")
    mean = statistics.mean(f.days)
    print(f"  a day, median    {statistics.median(f.days):7.2f} CPU s   {f.ratio:.3f} of loading all")
    print(f"  a day, mean      {mean:7.2f} CPU s   {mean / f.load:.3f}   (worst {max(f.days):.2f})")
    for day, cpu in f.compactions:
        print(f"  compaction after day {day:2}: {cpu:.2f} CPU s")
    print(f"  net data {f.net / 1e6:.0f} MB; file {f.compacted / 1e6:.0f} MB = {f.bloat:.2f} of it")
    if f.untouched:
        print(f"  never compacted: {f.untouched / 1e6:.0f} MB = {f.untouched / f.net:.2f}")


def _first_load(work: Path, rows: int) -> list[Made]:
    with duckdb.connect(config={"threads": THREADS}) as con:
        return [
            package(con, work, f"all{start:09d}", _between(start, min(start + CHAIN, rows)), 0)
            for start in range(0, rows, CHAIN)
        ]  # fmt: skip


def _between(start: int, end: int) -> str:
    return f"SELECT range AS k FROM range({start}, {end})"


def _delta(work: Path, rows: int, day: int) -> list[Made]:
    """A day's changes (with the new records), and its deleted list."""
    new = int(rows * _NEW)
    known = rows + new * (day - 1)
    some = f"SELECT range AS k FROM range({known}) ORDER BY hash(range, {day}, 'changed') LIMIT {int(rows * _SHARE)}"
    added = _between(known, known + new)
    gone = (
        f"SELECT range AS k FROM range({known}) ORDER BY hash(range, {day}, 'gone') LIMIT {int(rows * _GONE)}"
    )
    with duckdb.connect(config={"threads": THREADS}) as con:
        return [
            package(con, work, f"day{day:03d}", f"(SELECT * FROM ({some})) UNION ALL {added}", day),
            package(con, work, f"gone{day:03d}", gone, day, kind=CursorKind.DELETED),
        ]


def _apply(path: Path, packages: Sequence[Made]) -> float:
    """CPU seconds of opening, loading and checkpointing."""
    stream, columns = deals()
    start = time.process_time()
    with open_warehouse(path, memory_limit=MEMORY, threads=THREADS) as con:
        ensure_ops(con)
        for made in packages:
            load_package(con, stream, columns, made.landed, made.checked, Parts(made.accepted))
    return time.process_time() - start


def _compact(path: Path, day: int, figures: FoldFigures) -> None:
    start = time.process_time()
    if wants_compaction(path) and compact(path, memory_limit=MEMORY, threads=THREADS):
        figures.compactions.append((day, time.process_time() - start))


def _net(path: Path, fresh: Path) -> int:
    """Size of a fresh file that holds the same rows, current and history."""
    with duckdb.connect(str(fresh), config={"threads": THREADS}) as con:
        con.execute(f"ATTACH {literal(str(path))} AS warehouse (READ_ONLY)")
        con.execute(f"COPY FROM DATABASE warehouse TO {fresh.stem}")
        con.execute("CHECKPOINT")
    return fresh.stat().st_size


if __name__ == "__main__":
    main()
