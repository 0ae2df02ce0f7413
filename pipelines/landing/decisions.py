"""What is decided about rows or packages that were set aside: a small package of its own.

Most decisions are a person's. Where a newer version of a record was loaded (`MENDED`), where a row speaks for nothing
any more (`LAPSED`), or today's rules and reader let it pass (`REPLAYED`), nobody has to decide; the package is of the
same kind and says so.

A decision is as immutable as what it is about, and folds at the original's place: content and existence are
ordered by the original's read start and positions.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import msgspec

from connectors.core.errors import Problem
from pipelines.faults import step
from pipelines.files import sync_file
from pipelines.landing.zone import SHAPE, Package, StreamZone, aside_of
from pipelines.manifest import (
    ACCEPTED,
    CHECKED,
    DROP,
    FINDINGS,
    LANDED,
    LAPSED,
    MENDED,
    QUARANTINED,
    RELEASE,
    Checked,
    Landed,
    file_entry,
    write_manifest,
)
from pipelines.sql import PARQUET, literal

# Set aside before any rule looked: such a row has no key or lacks the value that did not fit.
_NOT_READ = ("fits_type", "readable", "has_key")
_WHY_SKIPPED = {MENDED: "mended by a newer version", **dict.fromkeys(LAPSED, "needed by nobody any more")}


@dataclass(frozen=True, slots=True)
class ReadAnew:
    """Rows as today's reader reads them. accepted, findings: files of which the rows at the released positions count;
    findings may be None. columns, absent: as in `Checked`. rules_hash: what they were judged by. instead: position →
    that of the row which enters in its place, where the row that waits is not the record's newest as it reads today."""

    accepted: Path
    findings: Path | None
    rules_hash: str
    columns: Mapping[str, str] = field(default_factory=dict)
    absent: Collection[str] = ()
    instead: Mapping[int, int] = field(default_factory=dict)


def release(
    zone: StreamZone, origin: Package, positions: Collection[int] | None, *, by: str = "", run: str = ""
) -> Package:
    """Let rows of a package into the warehouse although a rule set them aside, or (None) a blocked package, or agree
    that the records are gone which a stopped full list lacks.

    Raises Problem when there is nothing to release, or when a row cannot be released because a value of it
    could not be read.
    """
    if positions is None and _stopped_list(zone, origin):
        return _decide_list(zone, origin, RELEASE, by, run)
    if positions is None:
        _must_wait(zone, origin)
        return _decide_whole(zone, origin, RELEASE, by, run)
    return _decide_rows(zone, origin, RELEASE, positions, by, run)


def drop(
    zone: StreamZone, origin: Package, positions: Collection[int] | None, *, by: str = "", run: str = ""
) -> Package:
    """Decide that rows of a package, or (None) a blocked package, are never loaded, or that a stopped full list is
    none. The bytes stay."""
    if positions is None and _stopped_list(zone, origin):
        return _decide_list(zone, origin, DROP, by, run)
    if positions is None:
        _must_wait(zone, origin)
        return _decide_whole(zone, origin, DROP, by, run)
    return _decide_rows(zone, origin, DROP, positions, by, run)


def release_anew(
    zone: StreamZone, origin: Package, positions: Collection[int], anew: ReadAnew, *, by: str, run: str = ""
) -> Package:
    """Let rows of a package in as today's reader reads them, those included that could not be read before. Raises
    Problem when one of them does not wait."""
    return _decide_rows(zone, origin, RELEASE, positions, by, run, anew)


def settle(
    zone: StreamZone, origin: Package, positions: Collection[int], *, by: str = MENDED, run: str = ""
) -> Package:
    """Note that rows of a package need nobody any more. by: what has settled them, `MENDED`, `DROPPED_BEFORE` or one of
    `LAPSED`. Raises Problem when one of them does not wait."""
    return _decide_rows(zone, origin, DROP, positions, by, run)


def _must_wait(zone: StreamZone, origin: Package) -> None:
    decisions = zone.decisions(origin.id)
    if origin.is_loaded() and (aside := aside_of(origin, decisions)):
        raise Problem(
            f"package {origin.id} does not wait as a whole: {aside.rows} of its rows do",
            do="say which: `--row N`, `--rule RULE` for what one rule set aside, or `--all`",
            where=str(origin.folder),
        )
    if origin.is_loaded() or origin.checked is None or decisions:
        raise Problem(
            f"package {origin.id} does not wait for a decision",
            do="run `crm-warehouse status`, which names the packages that do",
            where=str(origin.folder),
        )


def _stopped_list(zone: StreamZone, origin: Package) -> bool:
    """Whether the rows of a full list are loaded and its word about the others waits for a decision."""
    checked = origin.checked
    waits = origin.is_loaded() and checked is not None and checked.stopped_list is not None
    return waits and not any(decision.positions == [] for decision in zone.decisions(origin.id))


def _decide_list(zone: StreamZone, origin: Package, kind: str, by: str, run: str) -> Package:
    """The rows of the list are loaded already: the decision has none."""
    package = _begin(zone, origin, kind)
    _copy_rows(origin.rows(ACCEPTED), package.folder / ACCEPTED, "SELECT * FROM {0} WHERE false")
    checked = Checked(
        checked_at=datetime.now(UTC), rules_hash="", received=0, accepted=0, quarantined=0, repeated=0, superseded=0
    )  # fmt: skip
    return _finish(package, origin, checked, [], by, run)


def _decide_whole(zone: StreamZone, origin: Package, kind: str, by: str, run: str) -> Package:
    was = origin.checked
    assert was is not None
    if kind == RELEASE and not was.files:
        raise Problem(
            f"nothing of package {origin.id} could be read, so there is nothing to release",
            do=f"run `crm-warehouse quarantine drop {origin.id}` and export the file again",
            where=str(origin.folder),
        )
    if kind == RELEASE:
        checked = msgspec.structs.replace(was, blocked=False, results=[])
    else:
        checked = Checked(
            checked_at=datetime.now(UTC), rules_hash=was.rules_hash, received=was.received, accepted=0,
            quarantined=0, repeated=0, superseded=0, skipped={"dropped by decision": was.received},
        )  # fmt: skip
    package = _begin(zone, origin, kind)
    if kind == RELEASE:
        for name in (ACCEPTED, QUARANTINED, FINDINGS):
            if origin.rows(name).exists():
                shutil.copy(origin.rows(name), package.folder / name)
    else:
        none = (
            "SELECT * FROM {0} WHERE false" if was.files else "SELECT NULL::VARCHAR AS _record_id WHERE false"
        )
        _copy_rows(origin.rows(ACCEPTED), package.folder / ACCEPTED, none)
    return _finish(package, origin, checked, None, by, run)


def _decide_rows(
    zone: StreamZone,
    origin: Package,
    kind: str,
    positions: Collection[int],
    by: str,
    run: str,
    anew: ReadAnew | None = None,
) -> Package:
    if not origin.is_loaded():
        raise Problem(
            f"package {origin.id} is not loaded: its rows wait with it",
            do="decide about the whole package first; if that was done, about the rows of the decision's package",
            where=str(origin.folder),
        )
    wanted = sorted(set(positions))
    aside = aside_of(origin, zone.decisions(origin.id))
    rules = _rules_of(origin, wanted)
    unknown = [p for p in wanted if p not in rules or aside is None or p in aside.settled]
    if unknown or not wanted:
        raise Problem(
            f"package {origin.id} has no undecided row at position {', '.join(map(str, unknown)) or '–'}",
            do="choose among the positions that the package's quarantine lists",
            where=str(origin.rows(QUARANTINED)),
        )
    if kind == RELEASE and anew is None and (unread := [p for p in wanted if set(rules[p]) & set(_NOT_READ)]):
        raise Problem(
            f"the rows at position {', '.join(map(str, unread))} hold values that could not be read",
            do="correct them in the CRM or the file and sync again; only rows that a rule set aside can be released",
            where=str(origin.rows(QUARANTINED)),
        )
    package = _begin(zone, origin, kind)
    instead = anew.instead if anew else {}
    chosen = ", ".join(str(instead.get(p, p)) for p in wanted) if kind == RELEASE else "NULL"
    among = f"FROM {{0}} WHERE _position IN ({chosen}) ORDER BY _position"
    rows = anew.accepted if anew else origin.rows(QUARANTINED)
    _copy_rows(rows, package.folder / ACCEPTED, f"SELECT * {'' if anew else 'EXCLUDE (_faults) '}{among}")
    findings = anew.findings if anew else origin.rows(FINDINGS)
    if kind == RELEASE and findings and findings.exists():
        _copy_rows(findings, package.folder / FINDINGS, f"SELECT * {among}, rule")
    by_rule: dict[str, int] = {}
    for rule in (rule for p in wanted for rule in rules[p]):
        by_rule[rule] = by_rule.get(rule, 0) + 1
    checked = Checked(
        checked_at=datetime.now(UTC),
        rules_hash=anew.rules_hash if anew else "",
        received=len(wanted),
        accepted=len(wanted) if kind == RELEASE else 0,
        quarantined=0,
        repeated=0,
        superseded=0,
        skipped={_WHY_SKIPPED.get(by, "dropped by decision"): len(wanted)} if kind == DROP else {},
        resolved=by_rule,
        columns=dict(anew.columns) if anew else origin.checked.columns if origin.checked else {},
        absent=list(anew.absent) if anew else origin.checked.absent if origin.checked else [],
    )
    return _finish(package, origin, checked, wanted, by, run)


def _begin(zone: StreamZone, origin: Package, kind: str) -> Package:
    package = zone.new_package(kind, datetime.now(UTC))
    shutil.copy(origin.folder / SHAPE, package.folder / SHAPE)
    return package


def _finish(
    package: Package, origin: Package, checked: Checked, positions: list[int] | None, by: str, run: str
) -> Package:
    """Checked first: a decision is complete the moment it is landed."""
    was = origin.landed
    names = [name for name in (ACCEPTED, QUARANTINED, FINDINGS) if (package.folder / name).exists()]
    for name in names:
        (package.folder / name).chmod(0o600)
    for path in package.folder.iterdir():
        sync_file(path)
    files = [file_entry(package.folder / name) for name in names]
    write_manifest(package.folder, CHECKED, msgspec.structs.replace(checked, files=files))
    landed = Landed(
        package=package.id, source=was.source, org=was.org, stream=was.stream, api_name=was.api_name,
        kind=package.kind, origin=origin.id, origin_kind=was.origin_kind or was.kind, positions=positions,
        decided_by=by, run=run,
        started_at=was.started_at, landed_at=datetime.now(UTC), cursor_before=None, cursor_after=None,
        received=checked.received, pages=0, seconds=0.0, files=[], shape_hash=was.shape_hash,
        file_name=was.file_name, file_stamp=was.file_stamp, full=was.full and not positions, read=was.read,
        last=was.last,
    )  # fmt: skip
    write_manifest(package.folder, LANDED, landed)
    step("decision landed", package=package.id, origin=origin.id, rows=checked.received)
    return package


def _rules_of(origin: Package, positions: list[int]) -> dict[int, list[str]]:
    """Position → the rules that set its row aside, in name order, each once."""
    path = origin.rows(QUARANTINED)
    if not path.exists():
        return {}
    with duckdb.connect() as con:
        rows = con.execute(
            "SELECT _position, list_sort(list_distinct(list_transform(_faults, f -> f.rule))) "
            f"FROM read_parquet({literal(str(path))}) WHERE list_contains(?::BIGINT[], _position)",
            [positions],
        ).fetchall()
    return dict(rows)


def _copy_rows(source: Path, target: Path, query: str) -> None:
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        rows = query.format(f"read_parquet({literal(str(source))})")
        con.execute(f"COPY ({rows}) TO {literal(str(target))} ({PARQUET})")
