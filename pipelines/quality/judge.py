"""Judges one package: the seam between a table of typed rows and the verdict on it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import duckdb

from connectors.core.errors import Problem
from pipelines.quality.evidence import validation_result
from pipelines.quality.facts import Fact, plan_facts
from pipelines.quality.model import RuleSet, Scope, Severity
from pipelines.quality.plan import Check, Plan, plan_rows
from pipelines.quality.privacy import Privacy
from pipelines.quality.results import Rejections, fact_result, row_result, unjudged
from pipelines.quality.verdict import RuleResult, Sample, Verdict
from pipelines.sql import quote

if TYPE_CHECKING:
    import pandas as pd

# DuckDB hands out whole vectors of 2,048 rows; twelve of them stay below the 25,000 rows of a chunk.
_VECTORS = 12
_SAMPLES = 5


def judge(
    con: duckdb.DuckDBPyConnection,
    relation: str,
    rules: RuleSet,
    *,
    package_id: str,
    pii: Collection[str] | None = None,
    timezone: str = "Asia/Shanghai",
) -> Verdict:
    """Judge the rows of `relation` by the rules of scope row and package.

    con: an in-memory database of this thread; relation: a table with typed columns, `_position BIGINT`
        (unique) and `_record_id VARCHAR`. It is only read.
    pii: fields whose values nobody may see; None = not known, then no value is shown.
    timezone: the business zone, in which days are cut.

    Nothing imports Great Expectations when there are no rows, except where a rule says `even_if_empty`.
    Raises Problem for a rule whose value does not fit its column and when Great Expectations fails: a fault
    of ours never looks like bad data.
    """
    columns = {name: str(kind) for name, kind, *_ in con.execute(f"DESCRIBE {quote(relation)}").fetchall()}
    rows = _one(con, f"SELECT count(*) FROM {quote(relation)}")[0]
    row_rules = rules.of(Scope.ROW) if rows else ()
    fact_rules = [r for r in rules.of(Scope.PACKAGE) if rows or r.even_if_empty]
    plan = plan_rows(rules, row_rules, columns, timezone)
    facts = plan_facts(rules, fact_rules, columns, timezone, rows)
    skipped = {**plan.skipped, **facts.skipped}
    privacy = Privacy(pii)
    try:
        failing, counts, values = _measure(con, relation, plan, facts.facts)
    except Problem as problem:
        raise problem.located(source=rules.source, stream=rules.stream) from problem
    rejections = Rejections()
    done: dict[str, RuleResult] = {}
    for check, count in zip(plan.checks, counts, strict=True):
        positions = failing.get(check.rule.name, [])
        seen = _look(con, relation, check, positions, privacy)
        if check.rule.severity is Severity.QUARANTINE:
            rejections.add(check, seen)
        done[check.rule.name] = row_result(rules, check, count, len(positions), seen[:_SAMPLES])
    for fact, value in zip(facts.facts, values, strict=True):
        done[fact.rule.name] = fact_result(rules, fact, value, passed=fact.rule.name not in failing)
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
    )


def _measure(
    con: duckdb.DuckDBPyConnection, relation: str, plan: Plan, facts: Sequence[Fact]
) -> tuple[dict[str, list[int]], Sequence[int], Sequence[Any]]:
    """Failing positions by rule (a failing fact has position 0), rows per check, and the facts' values."""
    if not plan.checks and not facts:
        return {}, (), ()
    from pipelines.quality.gx import Expectation, bench

    aggregates = [c.counted for c in plan.checks] + [f.sql for f in facts]
    found = _one(con, f"SELECT {', '.join(aggregates)} FROM {quote(relation)}")
    counts, values = found[: len(plan.checks)], found[len(plan.checks) :]
    failing: dict[str, list[int]] = {}
    with bench([Expectation(c.rule.name, c.rule.expect or "", c.kwargs) for c in plan.checks]) as judging:
        for frame in _frames(con, relation, plan):
            for rule, positions in judging.failing(frame).items():
                failing.setdefault(rule, []).extend(positions)
    if facts:
        with bench(
            [
                Expectation(f.rule.name, f.rule.expect or "", {"column": f"f{i}", **f.kwargs})
                for i, f in enumerate(facts)
            ]
        ) as judging:
            failing.update(judging.failing(_one_row(values)))
    return failing, counts, values


def _frames(con: duckdb.DuckDBPyConnection, relation: str, plan: Plan) -> Iterator[pd.DataFrame]:
    """The needed columns in chunks. The connection must not be used for anything else meanwhile."""
    if not plan.checks:
        return
    selects = "".join(f", {sql} AS {name}" for sql, name in plan.selects.items())
    con.execute(f"SELECT _position{selects} FROM {quote(relation)}")
    while len(frame := con.fetch_df_chunk(_VECTORS)):
        yield frame.set_index("_position")


def _one_row(values: Sequence[Any]) -> pd.DataFrame:
    import pandas as pd

    frame = pd.DataFrame({f"f{i}": [value] for i, value in enumerate(values)})
    frame.index.name = "_position"
    return frame


def _look(
    con: duckdb.DuckDBPyConnection, relation: str, check: Check, positions: list[int], privacy: Privacy
) -> list[Sample]:
    """The failing rows: all that must be set aside, else a few."""
    wanted = positions if check.rule.severity is Severity.QUARANTINE else sorted(positions)[:_SAMPLES]
    if not wanted:
        return []
    found = con.execute(
        f"SELECT _position, _record_id, {check.shown} FROM {quote(relation)} "
        "WHERE _position IN (SELECT unnest($1)) ORDER BY _position",
        [wanted],
    ).fetchall()
    return [Sample(p, privacy.record_id(i), privacy.value(check.bases, v)) for p, i, v in found]


def _one(con: duckdb.DuckDBPyConnection, query: str) -> Sequence[Any]:
    row = con.execute(query).fetchone()
    assert row is not None
    return row
