"""Rows counted again from the files, and the law that they are conserved (law 3)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb

from connectors.core.contract import CursorKind
from pipelines.landing.archives import archived_rows, is_archived
from pipelines.landing.pages import read_pages
from pipelines.landing.records import cut_records
from pipelines.landing.zone import Package
from pipelines.manifest import DROP, RELEASE, Checked, Landed, Receipt

_COUNTED_APART = (CursorKind.DELETED, CursorKind.SWEEP, DROP)  # their rows are no versions of records
_FILES_AT_A_TIME = 1_000


def page_counts(package: Package, landed: Landed) -> tuple[int, int]:
    """(pages, records) of the page files, without building the records. Further field chunks are of the same
    records and not counted. Raises Problem when a file is damaged."""
    shape, pages, records = package.shape, 0, 0
    if is_archived(landed):
        return len(landed.files), sum(archived_rows(package.folder / entry.name) for entry in landed.files)
    for entry in landed.files:
        for line in read_pages(package.folder / entry.name):
            if line.chunk == 0:
                pages += 1
                records += len(cut_records(line.body, shape))
    return pages, records


def parquet_rows(paths: Sequence[Path]) -> dict[Path, int]:
    """Rows of parquet files as their footers say; files that are intact, or the engine's error is raised."""
    rows: dict[Path, int] = {}
    with duckdb.connect(config={"threads": 1}) as con:
        for start in range(0, len(paths), _FILES_AT_A_TIME):
            names = [str(path) for path in paths[start : start + _FILES_AT_A_TIME]]
            found = con.execute(
                "SELECT file_name, num_rows FROM parquet_file_metadata(?::VARCHAR[])", [names]
            ).fetchall()
            rows |= {Path(name): count for name, count in found}
    return rows


def unbalanced(landed: Landed, checked: Checked | None, receipt: Receipt | None) -> Iterator[tuple[int, str]]:
    """(rows, what became of them) wherever a package's sums do not close."""
    if checked is None:
        return
    sums = {"received but without a fate": checked.balance()}
    if landed.kind != CursorKind.FILE:  # a file's rows are counted when it is decoded
        sums["landed but not checked"] = landed.received - checked.received
    kind = landed.origin_kind if landed.kind == RELEASE else landed.kind
    if receipt and kind not in _COUNTED_APART:
        folded = receipt.inserted + receipt.updated + receipt.unchanged + receipt.stale
        sums["accepted but not folded in"] = checked.accepted - folded
    yield from ((rows, what) for what, rows in sums.items() if rows)
