"""From a landed package to a checked one: decode, judge, split, and prove that every row is accounted for.

Which rows broke which rule stays with the package (`findings.parquet`): positions, and nothing that a row holds.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import msgspec

from connectors.core.contract import RECORD_KINDS, CursorKind, FieldType, Source, Stream
from connectors.core.errors import Actor, Problem
from pipelines.faults import step
from pipelines.files import sync_file
from pipelines.landing.decode import Decoded, decode
from pipelines.landing.volume import recent_reads, rows_of_read
from pipelines.landing.zone import Package
from pipelines.manifest import (
    ACCEPTED,
    CHECKED,
    FINDINGS,
    QUARANTINED,
    Checked,
    FileEntry,
    Landed,
    file_entry,
    write_manifest,
)
from pipelines.quality.judge import judge
from pipelines.quality.known import Known
from pipelines.quality.model import Rule, Scope, Severity
from pipelines.quality.rules import RuleSet
from pipelines.quality.verdict import Verdict
from pipelines.reconcile import Reconciled
from pipelines.reconcile.files import compare_file
from pipelines.settings import Settings
from pipelines.sql import PARQUET, literal
from pipelines.tally import Measure
from pipelines.version import reader
from pipelines.warehouse.connect import scratch_database

UNREADABLE = "readable"  # the rule of a file as a whole, as of a row
_UNFIT = "a value does not fit its field"
_NO_KEY = "the record has no key"
# Rules that every row meets before those of its stream: name → why it is set aside.
BEFORE_RULES = {"fits_type": _UNFIT, "has_key": _NO_KEY, UNREADABLE: "the row could not be read"}


def check(
    package: Package, source: Source, stream: Stream, rules: RuleSet, settings: Settings
) -> tuple[Checked, Verdict | None]:
    """Write `accepted.parquet`, `quarantined.parquet` and `checked.json`. Deleted lists and sweeps have no rules."""
    scratch = Path(tempfile.mkdtemp(prefix="check-", dir=settings.scratch()))
    try:
        with scratch_database(scratch, memory_limit=settings.memory_limit) as con:
            asked = next((rule for rule in rules.of(Scope.CROSS) if rule.totals), None)
            sums = asked.totals.sums if asked and asked.totals and package.kind == CursorKind.FILE else ()
            decoded = decode(package, source, stream, con, scratch, sums)
            set_aside_unfit(con)
            verdict = None
            if package.kind in RECORD_KINDS:
                verdict = judge(
                    con,
                    "fit",
                    rules,
                    package_id=package.id,
                    pii=personal_fields(package, stream) | {f.name for f in decoded.fields if f.pii},
                    timezone=settings.timezone,
                    known=known_of(package, stream, decoded, rules),
                )
                _set_aside_rejected(con, verdict)
            files = _write_rows(con, package.folder, decoded.rows)
            (package.folder / FINDINGS).unlink(missing_ok=True)  # of an earlier judgement
            if verdict and verdict.findings:
                files.append(write_findings(con, package.folder / FINDINGS, verdict, rules))
            checked = _account(con, package.landed, decoded, verdict, rules, files)
            if asked and package.kind == CursorKind.FILE:
                checked = _reconciled(
                    checked, compare_file(con, package, source, stream, decoded, asked), asked, rules
                )
    finally:
        shutil.rmtree(scratch)
    step("package split", package=package.id)
    write_manifest(package.folder, CHECKED, checked)
    step("package checked", package=package.id, accepted=checked.accepted, quarantined=checked.quarantined)
    return checked, verdict


def known_of(package: Package, stream: Stream, decoded: Decoded, rules: RuleSet) -> Known:
    """What the rules may ask of a package beside its rows."""
    fields = decoded.fields
    looks_back = any(rule.measure and rule.measure.kind == "volume" for rule in rules.rules)
    rows = rows_of_read(package, decoded.received) if looks_back else None
    return Known(
        options={field.name: field.options for field in (*stream.fields, *fields) if field.options},
        lists=frozenset(field.name for field in fields if field.type is FieldType.JSON),
        declared={field.name: field.type for field in stream.fields},
        arrived={field.name: field.type for field in fields},
        misfits=decoded.misfits,
        rows=rows,
        recent=recent_reads(package) if rows is not None else (),
    )


def _reconciled(checked: Checked, measures: list[Measure], rule: Rule, rules: RuleSet) -> Checked:
    """With what a file's own cells add up to, and the result of the rule that asks for it."""
    result = Reconciled(measures).result(rule, rules.owner)
    return msgspec.structs.replace(
        checked,
        reconciled=measures,
        results=[
            *checked.results,
            asdict(result) | {"scope": Scope.PACKAGE.value},
        ],  # judged on the file alone
        blocked=checked.blocked or (not result.passed and rule.severity is Severity.BLOCK),
    )


def unreadable(package: Package, problem: Problem) -> Checked:
    """Write `checked.json` of a landed file that cannot be decoded: it blocks until somebody drops it, and is tried
    again at every sync, since a newer version may read it."""
    landed = package.landed
    for name in (ACCEPTED, QUARANTINED, FINDINGS):  # of an attempt that got so far
        (package.folder / name).unlink(missing_ok=True)
    checked = Checked(
        checked_at=datetime.now(UTC), rules_hash="", received=landed.received, accepted=0, quarantined=0, repeated=0,
        superseded=0, skipped={UNREADABLE: landed.received}, blocked=True,
        results=[{
            "rule": UNREADABLE, "scope": "package", "severity": "block", "passed": False, "reason": problem.what,
            "owner": problem.actor.value, "observed": "not read", "checked": 1, "failing": 1,
        }],
    )  # fmt: skip
    write_manifest(package.folder, CHECKED, checked)
    return checked


def personal_fields(package: Package, stream: Stream) -> set[str]:
    """Fields of a package whose values are shown to nobody who did not ask for them."""
    fields = stream.fields if package.kind == CursorKind.FILE else package.shape.fields
    return {field.name for field in (*stream.fields, *fields) if field.pii}


def set_aside_unfit(con: duckdb.DuckDBPyConnection) -> None:
    """`aside`: (_position, rule, field, value, reason) of rows that no rule need look at; `fit`: the others."""
    con.execute(
        "CREATE TABLE aside (_position BIGINT, rule VARCHAR, field VARCHAR, value VARCHAR, reason VARCHAR)"
    )
    con.execute(
        "INSERT INTO aside SELECT _position, 'fits_type', field, text, $reason FROM misfits "
        "WHERE strict AND _position IN (SELECT _position FROM winners)",
        {"reason": _UNFIT},
    )
    con.execute(
        "INSERT INTO aside SELECT _position, $rule, NULL, NULL, _misfit FROM winners WHERE _misfit <> ''",
        {"rule": UNREADABLE},
    )
    con.execute(
        "INSERT INTO aside SELECT _position, 'has_key', NULL, NULL, $reason FROM winners "
        "WHERE _record_id IS NULL AND _misfit IS NULL",
        {"reason": _NO_KEY},
    )
    con.execute("CREATE VIEW fit AS SELECT w.* FROM winners w ANTI JOIN aside USING (_position)")
    con.execute("CREATE VIEW set_aside AS SELECT w.* FROM winners w SEMI JOIN aside USING (_position)")


def _set_aside_rejected(con: duckdb.DuckDBPyConnection, verdict: Verdict) -> None:
    rows = [
        [rejection.position, fault.rule, fault.column, fault.value, fault.reason]
        for rejection in verdict.rejections
        for fault in rejection.faults
    ]
    if not rows:
        return
    columns = [list(column) for column in zip(*rows, strict=True)]
    con.execute(  # whole columns at a time: a row at a time costs a millisecond each
        "INSERT INTO aside SELECT unnest(?::BIGINT[]), unnest(?::VARCHAR[]), unnest(?::VARCHAR[]), "
        "unnest(?::VARCHAR[]), unnest(?::VARCHAR[])",
        columns,
    )


def write_findings(con: duckdb.DuckDBPyConnection, path: Path, verdict: Verdict, rules: RuleSet) -> FileEntry:
    """(_position, rule, severity, digest of the rule) of every row that breaks a rule over rows, whatever its fate."""
    import numpy  # a failing rule has loaded it already; binding a list instead costs a microsecond an element

    severities = {result.rule: result.severity for result in verdict.results}
    con.execute("CREATE TABLE findings (_position BIGINT, rule VARCHAR, severity VARCHAR, digest VARCHAR)")
    for rule, positions in verdict.findings.items():
        con.register("failing", {"_position": numpy.array(positions, dtype="int64")})
        facts = [rule, severities[rule], rules.digests.get(rule, "")]
        con.execute("INSERT INTO findings SELECT _position, ?, ?, ? FROM failing", facts)
        con.unregister("failing")
    con.execute(f"COPY findings TO {literal(str(path))} ({PARQUET})")
    path.chmod(0o600)
    sync_file(path)
    return file_entry(path)


def _write_rows(con: duckdb.DuckDBPyConnection, folder: Path, typed: Path | None) -> list[FileEntry]:
    """typed: all rows as accepted rows look; where every one of them is accepted, they are not written twice."""
    if typed and _count(con, "fit") != _count(con, "rows"):
        typed = None
    queries = {
        ACCEPTED: "SELECT * EXCLUDE (_misfit) FROM fit",
        QUARANTINED: "SELECT s.* EXCLUDE (_misfit), a._faults FROM set_aside s JOIN (SELECT _position, "
        "list(struct_pack(rule, field, value, reason)) AS _faults FROM aside GROUP BY _position) a "
        "USING (_position) ORDER BY _position",
    }
    entries = []
    for name, query in queries.items():
        path = folder / name
        if typed and name == ACCEPTED:
            fresh = path.with_suffix(".new")
            shutil.copyfile(typed, fresh)
            fresh.replace(path)  # a blocked package may hold an older one
        else:
            con.execute(f"COPY ({query}) TO {literal(str(path))} ({PARQUET})")
        path.chmod(0o600)
        sync_file(path)
        entries.append(file_entry(path))
    return entries


def _account(
    con: duckdb.DuckDBPyConnection,
    landed: Landed,
    decoded: Decoded,
    verdict: Verdict | None,
    rules: RuleSet,
    files: list[FileEntry],
) -> Checked:
    fates = dict(con.execute("SELECT fate, count(*) FROM losers GROUP BY fate").fetchall())
    checked = Checked(
        checked_at=datetime.now(UTC),
        rules_hash=rules.hash,
        received=decoded.received if landed.kind == CursorKind.FILE else landed.received,
        accepted=_count(con, "fit"),
        quarantined=_count(con, "set_aside"),
        repeated=fates.get("repeated", 0),
        superseded=fates.get("superseded", 0),
        skipped=decoded.skipped,
        misfits=decoded.misfits,
        columns=decoded.columns,
        absent=list(decoded.absent),
        sheet=decoded.sheet,
        headers=decoded.headers,
        reader=reader(),
        blocked=bool(verdict and verdict.blocked),
        files=files,
        results=[asdict(result) for result in verdict.results] if verdict else [],
        set_aside=dict(
            con.execute(
                "SELECT rule, count(DISTINCT _position) FROM aside GROUP BY rule ORDER BY rule"
            ).fetchall()
        ),
    )
    if difference := checked.balance():
        raise Problem(
            f"of {checked.received} rows received in package {landed.package}, {difference} are unaccounted for",
            do="report this with the package folder; nothing of it was loaded",
            actor=Actor.DEVELOPER,
            source=landed.source,
            stream=landed.stream,
        )
    return checked


def _count(con: duckdb.DuckDBPyConnection, table: str) -> int:
    row = con.execute(f"SELECT count(*) FROM {table}").fetchone()
    assert row is not None
    return int(row[0])
