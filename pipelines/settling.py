"""Rows set aside that need nobody any more are settled by themselves, so that what waits is what somebody must see.

The landing zone knows what waits and what was decided, the warehouse what was said since (`warehouse.needless`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import duckdb

from connectors.core.contract import RECORD_KINDS, CursorKind, Stream
from connectors.core.files.stamps import same_export_until
from pipelines.landing.decisions import settle
from pipelines.landing.tried import looked_to
from pipelines.landing.zone import Aside, Package, StreamZone
from pipelines.manifest import ACCEPTED, DROP, DROPPED_BEFORE, LAPSED, MENDED, QUARANTINED, Landed
from pipelines.warehouse.needless import Waiting, Words, needless
from pipelines.warehouse.ops import full_list_after

_BY_ITSELF = {MENDED, DROPPED_BEFORE, *LAPSED}


def settle_needless(
    con: duckdb.DuckDBPyConnection, zone: StreamZone, stream: Stream, org: str, *, run: str = ""
) -> list[Package]:
    """Decide about rows that something loaded since speaks for; the decisions are to be loaded. Call under the lock."""
    asides = {aside.package.id: aside for aside in zone.undecided()}
    if not asides:
        return []
    waiting = [_waiting(con, aside) for aside in asides.values()]
    found = needless(con, stream, org, waiting, _words(zone))
    return [
        settle(zone, asides[package].package, positions, by=why, run=run)
        for (package, why), positions in found.items()
    ]


def _waiting(con: duckdb.DuckDBPyConnection, aside: Aside) -> Waiting:
    package, landed = aside.package, aside.package.landed
    return Waiting(
        package.id,
        package.rows(QUARANTINED),
        landed.started_at,
        aside.settled,
        of_records=(landed.origin_kind or landed.kind) in RECORD_KINDS,
        listed=_is_listed(con, landed),
    )


def _is_listed(con: duckdb.DuckDBPyConnection, landed: Landed) -> bool:
    """Whether a full list that stands was exported after this file: every record of that time is in it, or gone."""
    if landed.file_stamp is None or CursorKind.FILE not in (landed.kind, landed.origin_kind):
        return False
    return bool(full_list_after(con, landed, same_export_until(landed.file_name, landed.file_stamp)))


def _words(zone: StreamZone) -> Words:
    since = looked_to(zone)
    packages = [(package, receipt) for package in zone.loaded() if (receipt := package.receipt)]
    read = [
        (path, package.landed.started_at)
        for package, receipt in packages
        if receipt.order > since and receipt.unchanged and package.kind in RECORD_KINDS
        if (path := package.rows(ACCEPTED)).exists()
    ]
    return Words(read, _swept(zone), list(_dropped(zone)))


def _swept(zone: StreamZone) -> tuple[list[Path], datetime] | None:
    """The newest whole sweep that is loaded and could be read."""
    for package in reversed(zone.packages(CursorKind.SWEEP)):
        landed = package.landed
        if landed.last and package.is_loaded() and (chain := zone.readable_chain(landed.read)):
            return [part.rows(ACCEPTED) for part in chain], chain[0].landed.started_at
    return None


def _dropped(zone: StreamZone) -> Iterator[tuple[str, Path, list[int]]]:
    """Rows that people dropped: the same row again stays dropped."""
    for decision in zone.decisions():
        if decision.kind == DROP and decision.positions and decision.decided_by not in _BY_ITSELF:
            path = Package(zone.folder / decision.origin).rows(QUARANTINED)
            if path.exists():
                yield decision.origin, path, decision.positions
