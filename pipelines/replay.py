"""Rows set aside, judged again: by rules that were mended, as a reader reads them that was mended.

What passes now is released in the original's place, as it reads now. Where today's reader finds another row of the
package to be the record's newest, the row that waits is settled if that one is loaded or waits, and else it is that one
which enters: nothing is settled by a version that never came in. What is no record today (a total, a blank row) is
settled. A rule that was made stricter takes nothing back: rows that were loaded stay.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from connectors.core.contract import RECORD_KINDS, Source, Stream
from connectors.core.errors import Problem
from pipelines.check import known_of, personal_fields, set_aside_unfit, write_findings
from pipelines.faults import noted, step
from pipelines.landing.decisions import ReadAnew, release_anew, settle
from pipelines.landing.decode import Decoded, decode
from pipelines.landing.tried import Tried, tried, write_tried
from pipelines.landing.zone import Aside, Package, StreamZone
from pipelines.manifest import ACCEPTED, MENDED, NO_RECORD, QUARANTINED, RELEASE, REPLACED, REPLAYED
from pipelines.quality.judge import judge
from pipelines.quality.model import RuleSet, Scope, Severity
from pipelines.settings import Settings
from pipelines.sql import PARQUET, literal
from pipelines.version import reader
from pipelines.warehouse.connect import scratch_database


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of the rows of one package that nobody had decided about, in rows. mended: replaced by newer ones;
    lapsed: no records, as they are read today."""

    package: str
    stream: str
    released: int
    mended: int
    waiting: int
    lapsed: int = 0


def replay_outdated(
    settings: Settings,
    zone: StreamZone,
    asides: Iterable[Aside],
    source: Source,
    stream: Stream,
    rules: RuleSet,
    *,
    run: str = "",
) -> Iterator[Problem]:
    """Judge those packages again that need it; yields what is wrong with those that cannot be. What is wrong with a
    package is told once per rules and reader, what befell this machine until it is mended."""
    for aside in asides:
        if not is_outdated(aside, rules):
            continue
        problems: list[Problem] = []
        with noted(problems.append):
            try:
                replay(settings, zone, aside, source, stream, rules, run=run)
            except Problem as problem:
                if not problem.transient:
                    write_tried(aside.package, Tried(rules_hash=rules.hash, reader=reader()))
                raise
        for problem in problems:
            yield _not_replayed(aside, problem)


def _not_replayed(aside: Aside, problem: Problem) -> Problem:
    package, landed = aside.package, aside.package.landed
    return Problem(
        f"the {aside.rows} rows that wait in package {package.id} could not be judged again: {problem.what}",
        do=f"{problem.do}; then `crm-warehouse quarantine replay {package.id}` judges them, or decide about them",
        actor=problem.actor,
        where=problem.where or f"{landed.request or landed.file_name or 'package'} in {package.folder}",
    )


def is_outdated(aside: Aside, rules: RuleSet) -> bool:
    """Whether the rows were last judged by other rules, or read by another reader, than today's."""
    last = tried(aside)
    return (last.rules_hash, last.reader) != (rules.hash, reader())


def replay(
    settings: Settings,
    zone: StreamZone,
    aside: Aside,
    source: Source | None,
    stream: Stream,
    rules: RuleSet,
    *,
    by: str = REPLAYED,
    run: str = "",
) -> Replayed:
    """Judge the undecided rows of a package again; the next sync folds what was decided. Call under the run lock.

    source: opened, for packages that are files. Killed anywhere it is done again, for what is undecided then. Raises
    Problem when the package cannot be read.
    """
    package, landed = aside.package, aside.package.landed
    open_rows = _undecided(aside)
    passed: list[int] = []
    settled: dict[str, list[int]] = {}
    of = _bytes_of(package)
    if open_rows and of.kind in RECORD_KINDS:
        scratch = Path(tempfile.mkdtemp(prefix="replay-", dir=settings.scratch()))
        try:
            with scratch_database(scratch, memory_limit=settings.memory_limit) as con:
                decoded = decode(of, source, stream, con, scratch)
                settled, instead = _overtaken(con, zone, aside, open_rows)
                if none := sorted(decoded.no_records & set(open_rows)):
                    settled[NO_RECORD] = none
                passes, anew = _judged(con, scratch, of, decoded, stream, rules, settings, open_rows, instead)
                passed = [p for p in open_rows if instead.get(p, p) in passes]
            if passed:
                release_anew(zone, package, passed, anew, by=by, run=run)
            for why, positions in settled.items():
                settle(zone, package, positions, by=why, run=run)
        finally:
            shutil.rmtree(scratch)
    write_tried(package, Tried(rules_hash=rules.hash, reader=reader()))
    lapsed = len(settled.get(NO_RECORD, ()))
    mended = sum(map(len, settled.values())) - lapsed
    step("package replayed", package=package.id, released=len(passed), mended=mended, lapsed=lapsed)
    left = aside.rows - len(passed) - mended - lapsed
    return Replayed(package.id, f"{landed.source}.{landed.stream}", len(passed), mended, left, lapsed)


def _bytes_of(package: Package) -> Package:
    """The package that holds the bytes: one that was released whole has none of its own."""
    landed = package.landed
    return Package(package.folder.with_name(landed.origin)) if landed.kind == RELEASE else package


def _undecided(aside: Aside) -> list[int]:
    """Positions that wait."""
    with duckdb.connect() as con:
        rows = con.execute(
            f"SELECT _position FROM read_parquet({literal(str(aside.package.rows(QUARANTINED)))}) ORDER BY 1"
        ).fetchall()
    return [position for (position,) in rows if position not in aside.settled]


def _overtaken(
    con: duckdb.DuckDBPyConnection, zone: StreamZone, aside: Aside, open_rows: list[int]
) -> tuple[dict[str, list[int]], dict[int, int]]:
    """Rows that are read today and are not the newest of their record in the package. Those whose newest came in or
    waits: what settles them → positions. Position → that of the newest, where it did neither. A row whose newest
    somebody dropped is in neither, and goes on waiting."""
    pairs = con.execute(
        "SELECT l._position, w._position FROM losers l JOIN rows r ON r._position = l._position "
        "JOIN winners w ON w._record_id = r._record_id AND w._misfit IS NULL "
        "WHERE list_contains(?::BIGINT[], l._position) ORDER BY 1",
        [open_rows],
    ).fetchall()
    settled: dict[str, list[int]] = {}
    instead: dict[int, int] = {}
    if pairs:
        came_in, was_aside = _came_in(zone, aside.package), _positions(aside.package.rows(QUARANTINED))
        for position, newest in pairs:
            if newest in came_in or newest in instead.values():
                settled.setdefault(MENDED, []).append(position)
            elif newest in open_rows:
                settled.setdefault(REPLACED, []).append(position)
            elif newest not in was_aside:
                instead[position] = newest
    return settled, instead


def _came_in(zone: StreamZone, package: Package) -> set[int]:
    """Positions of the package's rows that were let in, at once or by a decision."""
    released = (d for d in zone.decisions(package.id) if d.kind == RELEASE)
    parts = [package, *(Package(zone.folder / decision.package) for decision in released)]
    return set().union(*(_positions(part.rows(ACCEPTED)) for part in parts))


def _positions(rows: Path) -> set[int]:
    with duckdb.connect() as con:
        found = con.execute(f"SELECT _position FROM read_parquet({literal(str(rows))})").fetchall()
    return {position for (position,) in found}


def _judged(
    con: duckdb.DuckDBPyConnection,
    scratch: Path,
    package: Package,
    decoded: Decoded,
    stream: Stream,
    rules: RuleSet,
    settings: Settings,
    open_rows: list[int],
    instead: Mapping[int, int],
) -> tuple[set[int], ReadAnew]:
    """The positions that pass now, and their rows as files. instead: rows that are judged in the place of others."""
    set_aside_unfit(con)
    con.execute(
        "CREATE TABLE open_rows AS SELECT unnest(?::BIGINT[]) AS _position",
        [[*open_rows, *instead.values()]],
    )
    con.execute("CREATE VIEW again AS SELECT fit.* FROM fit SEMI JOIN open_rows USING (_position)")
    of_rows = rules.model_copy(update={"rules": rules.of(Scope.ROW)})
    verdict = judge(
        con,
        "again",
        of_rows,
        package_id=package.id,
        pii=personal_fields(package, stream) | {f.name for f in decoded.fields if f.pii},
        timezone=settings.timezone,
        known=known_of(package, stream, decoded, of_rows),
    )
    tells = {rule.name for rule in rules.rules if rule.severity is Severity.WARN}
    failing = {p for rule, positions in verdict.findings.items() if rule not in tells for p in positions}
    found = con.execute("SELECT _position FROM again ORDER BY 1").fetchall()
    accepted, findings = scratch / "accepted.parquet", scratch / "findings.parquet"
    con.execute(f"COPY (SELECT * EXCLUDE (_misfit) FROM again) TO {literal(str(accepted))} ({PARQUET})")
    if verdict.findings:
        write_findings(con, findings, verdict, rules)
    anew = ReadAnew(
        accepted,
        findings if verdict.findings else None,
        rules.hash,
        decoded.columns,
        decoded.absent,
        instead,
    )
    return {position for (position,) in found if position not in failing}, anew
