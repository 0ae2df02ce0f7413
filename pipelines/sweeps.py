"""When a full read or a sweep of all ids is due, and what a sweep shows to be missing.

A full read renews what a CRM changes without a new stamp: formulas, rollups, names of what is referred to.

A sweep finds what no increment can: records that vanished without a word, and records that came without a
stamp of their own (restored, shared with the API user, slipped over a page border). The first are buried by
the fold; the others are named here and read by key in the same sync.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from connectors.core.contract import RECORD_KINDS, CursorKind, Source, Stream
from connectors.core.errors import Actor, Problem
from pipelines.landing.zone import Package, StreamZone
from pipelines.manifest import ACCEPTED, LAPSED, QUARANTINED
from pipelines.sql import columns_of, literal, quote
from pipelines.warehouse.schema import raw_table

_DAY = timedelta(days=1)


def is_due(zone: StreamZone, every: timedelta | None, now: datetime | None = None) -> bool:
    """Whether the newest complete sweep, else the stream's first package, is older than `every` (None: never due).

    A stream without any package has nothing that a sweep could miss. One that failed is tried again a day later.
    """
    if every is None:
        return False
    now = now or datetime.now(UTC)
    sweeps = (package.landed for package in reversed(zone.packages(CursorKind.SWEEP)))
    newest = next(sweeps, None)
    if newest and not newest.last and now - newest.landed_at < min(every, _DAY):
        return False  # it failed a while ago; each attempt costs its calls
    whole = (
        newest if newest is None or newest.last else next((landed for landed in sweeps if landed.last), None)
    )
    first = whole or next((package.landed for package in zone.packages()), None)
    return first is not None and now - first.landed_at >= every


def stands_in_is_due(zone: StreamZone, every: timedelta | None, now: datetime | None = None) -> bool:
    """Whether a sweep is to do what a deleted list did not: each day, since the list may stay unreadable."""
    return every is not None and is_due(zone, min(every, _DAY), now)


def refresh_is_due(
    zone: StreamZone, stream: Stream, every: timedelta | None, now: datetime | None = None
) -> bool:
    """Whether the newest full read, complete or not, is older than `every` (None: never due).

    A stopped read is ended first. Streams that are read whole need no refresh; nor do files, which carry what
    was so when they were written.
    """
    if every is None or stream.whole:
        return False
    newest = zone.newest(CursorKind.INCREMENTAL)
    if newest is None or (newest.resume and not newest.last):
        return False
    for package in reversed(zone.packages(CursorKind.INCREMENTAL)):
        old = (now or datetime.now(UTC)) - package.landed.landed_at >= every
        if old or package.landed.full:
            return old
    return False


def kinds_of(source: Source, stream: Stream, *, sweep: bool) -> list[CursorKind]:
    """The reads of this sync, in order: a sweep last, so that what is new is known before it is looked for."""
    kinds = list(source.kinds(stream))
    if sweep and CursorKind.SWEEP not in kinds and source.can_sweep(stream):
        kinds.append(CursorKind.SWEEP)
    return kinds


def unheld(con: duckdb.DuckDBPyConnection, zone: StreamZone, stream: Stream, sweep: Package) -> list[str]:
    """Ids that a loaded sweep lists and the warehouse lacks or holds in an older version.

    Rows that were set aside in that version are held there, but for those that speak for nothing any more: a
    record that was gone is back. Ids are in the order of the sweep.
    """
    landed = sweep.landed
    chain = [package.rows(ACCEPTED) for package in zone.chain(landed.read)]
    stamp = _stamp_column(sweep, stream)
    decided = zone.decided()
    waiting = ""
    for package in zone.packages():
        path = package.rows(QUARANTINED)
        if package.kind in RECORD_KINDS and path.exists() and (of := package.checked) and of.quarantined:
            gone = [
                p for d in decided.get(package.id, ()) if d.decided_by in LAPSED for p in d.positions or ()
            ]
            waiting += (
                f"UNION ALL SELECT _record_id, _modified_at FROM read_parquet({literal(str(path))}) "
                f"WHERE NOT list_contains({gone}::BIGINT[], _position) "
            )
    rows = con.execute(
        f"WITH listed AS (SELECT _record_id, max({stamp}) AS stamp, min(_position) AS place "
        f"FROM read_parquet({_files(chain)}) GROUP BY _record_id), "
        "held AS (SELECT _record_id, max(_modified_at) AS stamp FROM ("
        f"SELECT _record_id, _modified_at FROM {raw_table(stream.source, stream.name)} WHERE _org = $org "
        f"{waiting}) GROUP BY _record_id) "
        "SELECT l._record_id FROM listed l LEFT JOIN held h USING (_record_id) "
        "WHERE h._record_id IS NULL OR h.stamp < l.stamp ORDER BY l.place, l._record_id",
        {"org": landed.org},
    ).fetchall()
    return [key for (key,) in rows]


def none_left(con: duckdb.DuckDBPyConnection, stream: Stream, org: str) -> Problem | None:
    """What is wrong when the warehouse holds living records of a stream of which a sweep found none at all."""
    if not _is_loaded(con, stream):
        return None
    row = con.execute(
        f"SELECT count(*) FROM {raw_table(stream.source, stream.name)} WHERE _org = $org AND _deleted_at IS NULL",
        {"org": org},
    ).fetchone()
    if row is None or not row[0]:
        return None
    return Problem(
        f"a sweep found none of {row[0]:,} records; nothing was marked as deleted",
        do="see in the CRM whether the API user may still see them, and give the right back; records that "
        "were deleted are on the CRM's deleted list, which every sync reads",
        actor=Actor.CRM_ADMIN,
    )


def _is_loaded(con: duckdb.DuckDBPyConnection, stream: Stream) -> bool:
    """Whether the stream has a table; one that no model reads has none before its first record."""
    found = con.execute(
        "SELECT 1 FROM duckdb_tables() WHERE schema_name = ? AND table_name = ?",
        [f"raw_{stream.source}", stream.name],
    ).fetchone()
    return found is not None


def _stamp_column(sweep: Package, stream: Stream) -> str:
    """SQL of the stamp that the sweep carries; NULL where it carries none."""
    columns = columns_of(field.name for field in sweep.shape.fields)
    return quote(columns[stream.stamp]) if stream.stamp in columns else "NULL::TIMESTAMPTZ"


def _files(paths: list[Path]) -> str:
    return f"[{', '.join(literal(str(path)) for path in paths)}]"
