"""Judges one package: the seam between a table of typed rows and the verdict on it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

import duckdb

from connectors.core.errors import Problem
from pipelines.quality.evidence import validation_result
from pipelines.quality.facts import plan_facts
from pipelines.quality.known import UNKNOWN, Known
from pipelines.quality.measure import measure
from pipelines.quality.model import RuleSet, Scope, Severity
from pipelines.quality.plan import Check, plan_rows
from pipelines.quality.privacy import Privacy
from pipelines.quality.results import SAMPLES, Rejections, fact_result, row_result, unjudged
from pipelines.quality.verdict import RuleResult, Sample, Verdict
from pipelines.sql import quote


def judge(
    con: duckdb.DuckDBPyConnection,
    relation: str,
    rules: RuleSet,
    *,
    package_id: str,
    pii: Collection[str] | None = None,
    timezone: str = "Asia/Shanghai",
    known: Known = UNKNOWN,
) -> Verdict:
    """Judge the rows of `relation` by the rules of scope row and package.

    con: an in-memory database of this thread; relation: a table with typed columns, `_position BIGINT`
        (unique) and `_record_id VARCHAR`. It is only read.
    pii: fields whose values nobody may see; None = not known, then no value is shown.
    timezone: the business zone, in which days are cut. known: what of the package its rows do not tell; rules that
    need it are not applicable without.

    Nothing imports Great Expectations when there are no rows, except where a rule says `even_if_empty`.
    Raises Problem for a rule whose value does not fit its column and when Great Expectations fails: a fault
    of ours never looks like bad data.
    """
    columns = {name: str(kind) for name, kind, *_ in con.execute(f"DESCRIBE {quote(relation)}").fetchall()}
    (rows,) = con.execute(f"SELECT count(*) FROM {quote(relation)}").fetchall()[0]
    row_rules = rules.of(Scope.ROW) if rows else ()
    fact_rules = [r for r in rules.of(Scope.PACKAGE) if rows or r.even_if_empty]
    plan = plan_rows(rules, row_rules, columns, timezone, known)
    facts = plan_facts(rules, fact_rules, columns, timezone, known)
    skipped = {**plan.skipped, **facts.skipped}
    privacy = Privacy(pii)
    try:
        found = measure(con, relation, rows, plan.checks, facts.facts)
    except Problem as problem:
        raise problem.located(source=rules.source, stream=rules.stream) from problem
    rejections = Rejections()
    done: dict[str, RuleResult] = {}
    for check, count in zip(plan.checks, found.counts, strict=True):
        positions = found.failing.get(check.rule.name, [])
        seen = _look(con, relation, check, positions, privacy)
        if check.rule.severity is Severity.QUARANTINE:
            rejections.add(check, seen)
        done[check.rule.name] = row_result(rules, check, count, len(positions), seen[:SAMPLES])
    for fact, value in zip(facts.facts, found.values, strict=True):
        done[fact.rule.name] = fact_result(rules, fact, value, passed=fact.rule.name not in found.failing)
    judged = [r for r in rules.rules if r.scope is not Scope.CROSS]
    results = tuple(done.get(r.name) or unjudged(rules, r, skipped.get(r.name)) for r in judged)
    now = datetime.now(UTC)
    evidence = validation_result(rules, results, package_id, now) if done else None
    return Verdict(
        rules.source,
        rules.stream,
        package_id,
        rules.hash,
        rows,
        now,
        results,
        rejections.in_order(),
        evidence,
        {
            check.rule.name: found.failing[check.rule.name]
            for check in plan.checks
            if check.rule.name in found.failing
        },
    )


def _look(
    con: duckdb.DuckDBPyConnection, relation: str, check: Check, positions: list[int], privacy: Privacy
) -> list[Sample]:
    """The failing rows: all that must be set aside, else a few."""
    wanted = positions if check.rule.severity is Severity.QUARANTINE else sorted(positions)[:SAMPLES]
    if not wanted:
        return []
    found = con.execute(
        f"SELECT _position, _record_id, {check.shown} FROM {quote(relation)} "
        "WHERE _position IN (SELECT unnest($1)) ORDER BY _position",
        [wanted],
    ).fetchall()
    return [Sample(p, privacy.record_id(i), privacy.value(check.bases, v)) for p, i, v in found]
