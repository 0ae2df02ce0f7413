"""Rows set aside, judged again: by rules that were mended, as a reader reads them that was mended.

What passes now is released in the original's place, as it reads now; what a newer version in the same package has
replaced is settled. A rule that was made stricter takes nothing back: rows that were loaded stay.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import duckdb
import msgspec

from connectors.core.contract import RECORD_KINDS, Source, Stream
from pipelines.check import known_of, personal_fields, set_aside_unfit, write_findings
from pipelines.faults import step
from pipelines.landing.decisions import ReadAnew, release_anew, settle
from pipelines.landing.decode import Decoded, decode
from pipelines.landing.redaction.redact import RECORD
from pipelines.landing.tried import tried, write_tried
from pipelines.landing.zone import Aside, Package, StreamZone
from pipelines.manifest import QUARANTINED, RELEASE, REPLAYED
from pipelines.quality.judge import judge
from pipelines.quality.model import RuleSet, Scope, Severity
from pipelines.settings import Settings
from pipelines.sql import PARQUET, literal
from pipelines.version import reader
from pipelines.warehouse.connect import scratch_database


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of the rows of one package that nobody had decided about, in rows."""

    package: str
    stream: str
    released: int
    mended: int
    waiting: int


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
    replaced: list[int] = []
    of = _bytes_of(package)
    if open_rows and of.kind in RECORD_KINDS:
        scratch = Path(tempfile.mkdtemp(prefix="replay-", dir=settings.scratch()))
        try:
            with scratch_database(scratch, memory_limit=settings.memory_limit) as con:
                decoded = decode(of, source, stream, con, scratch)
                replaced = _replaced(con, open_rows)
                passed, anew = _judged(con, scratch, of, decoded, stream, rules, settings, open_rows)
            if passed:
                release_anew(zone, package, passed, anew, by=by, run=run)
            if replaced:
                settle(zone, package, replaced, run=run)
        finally:
            shutil.rmtree(scratch)
    write_tried(package, msgspec.structs.replace(tried(aside), rules_hash=rules.hash, reader=reader()))
    step("package replayed", package=package.id, released=len(passed), mended=len(replaced))
    left = aside.checked.quarantined - len(aside.settled) - len(passed) - len(replaced)
    return Replayed(package.id, f"{landed.source}.{landed.stream}", len(passed), len(replaced), left)


def _bytes_of(package: Package) -> Package:
    """The package that holds the bytes: one that was released whole has none of its own."""
    landed = package.landed
    return Package(package.folder.with_name(landed.origin)) if landed.kind == RELEASE else package


def _undecided(aside: Aside) -> list[int]:
    """Positions that wait. What is left of an erased person would pass most rules, and is nobody's record."""
    package, checked = aside.package, aside.checked
    gone = [r.name for r in (*package.landed.redactions, *checked.redactions) if r.what == RECORD]
    with duckdb.connect() as con:
        rows = con.execute(
            f"SELECT _position FROM read_parquet({literal(str(package.rows(QUARANTINED)))}) "
            "WHERE NOT coalesce(list_contains(?::VARCHAR[], _record_id), false) ORDER BY 1",
            [gone],
        ).fetchall()
    return [position for (position,) in rows if position not in aside.settled]


def _replaced(con: duckdb.DuckDBPyConnection, open_rows: list[int]) -> list[int]:
    """Rows that are read today and have a newer version in the same package."""
    rows = con.execute(
        "SELECT _position FROM losers WHERE list_contains(?::BIGINT[], _position) ORDER BY 1", [open_rows]
    ).fetchall()
    return [position for (position,) in rows]


def _judged(
    con: duckdb.DuckDBPyConnection,
    scratch: Path,
    package: Package,
    decoded: Decoded,
    stream: Stream,
    rules: RuleSet,
    settings: Settings,
    open_rows: list[int],
) -> tuple[list[int], ReadAnew]:
    """The positions that pass now, and their rows as files."""
    set_aside_unfit(con)
    con.execute("CREATE TABLE open_rows AS SELECT unnest(?::BIGINT[]) AS _position", [open_rows])
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
    )
    return [position for (position,) in found if position not in failing], anew
