"""What is judged once a source's streams are loaded, and what is noted of how each of them stands.

A package is judged before it is loaded, by itself. Only the tables can tell whether what it refers to is there,
whether two rows speak of the same time, whether anything came at all, and whether the CRM counts what is held here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import duckdb

from connectors.core.contract import Source, Stream
from connectors.core.errors import Actor, Problem
from pipelines.faults import noted
from pipelines.landing.standing import Standing, read_standing, stand, standings, write_standing
from pipelines.landing.zone import StreamZone, Zone
from pipelines.outcome import Status, StreamOutcome, SyncReport
from pipelines.quality.cross import judge_cross
from pipelines.quality.docs import keep
from pipelines.quality.model import RuleSet, Severity
from pipelines.quality.verdict import RuleResult
from pipelines.reconcile import reconcile
from pipelines.settings import Settings

_SERVED = (Status.LOADED, Status.UNCHANGED)


def judge_loaded(
    settings: Settings,
    report: SyncReport,
    source: Source,
    stream: Stream,
    outcome: StreamOutcome,
    rules: RuleSet | None,
    con: duckdb.DuckDBPyConnection | None,
) -> None:
    """Judge the rules of scope cross of one stream, and write its standing. con: None where nothing was ever loaded;
    rules: None where they could not be read.

    What fails with severity block makes the stream blocked: what was loaded is not published.
    """
    zone = Zone(settings.landing).stream(source.name, outcome.org, stream.name)
    before = read_standing(zone)
    with noted(outcome.fail):
        if con is not None and rules is not None and rules.rules:
            outcome.checks += [
                asdict(r) for r in _judged(settings, report, source, stream, outcome, con, rules, before)
            ]
    for result in outcome.checks:
        if result.get("scope") == "cross" and result["severity"] == Severity.BLOCK and not result["passed"]:
            outcome.fail(_held_back(result), Status.BLOCKED)
    _note(report, zone, outcome, rules, before)


def _judged(
    settings: Settings,
    report: SyncReport,
    source: Source,
    stream: Stream,
    outcome: StreamOutcome,
    con: duckdb.DuckDBPyConnection,
    rules: RuleSet,
    before: Standing | None,
) -> Iterator[RuleResult]:
    read_at = report.started_at if outcome.status in _SERVED else before.served_at if before else None
    verdict = judge_cross(
        con,
        rules,
        org=outcome.org,
        now=report.started_at,
        read_at=read_at,
        pii={field.name for field in stream.fields if field.pii},
        timezone=settings.timezone,
    )
    keep(settings.docs, verdict)
    yield from verdict.results
    for rule in rules.rules:
        if rule.totals is not None:
            yield reconcile(con, source, stream, rules, rule, settings, outcome)


def note_unserved(settings: Settings, report: SyncReport, source: str, org: str, problem: Problem) -> None:
    """A source that could not be read as a whole: none of its streams was served."""
    told = {(o.source, o.org, o.stream) for o in report.outcomes}
    for of, name, zone in (s[1:] for s in Zone(settings.landing).streams(source)):
        if of == org and (source, of, name) not in told:
            outcome = StreamOutcome(source, org, name)
            outcome.fail(problem)
            _note(report, zone, outcome, None, read_standing(zone))


def _note(
    report: SyncReport,
    zone: StreamZone,
    outcome: StreamOutcome,
    rules: RuleSet | None,
    before: Standing | None,
) -> None:
    """rules: None where they could not be read; what is known of them stays."""
    names = {rule.name for rule in rules.rules} if rules else before.rules if before else ()
    newest = next((p.id for p in reversed(zone.folders()) if p.checked and p.checked.results), "")
    standing = stand(
        before,
        status=outcome.status,
        good=outcome.status in _SERVED,
        messages=outcome.messages,
        results=outcome.checks,
        rules=names,
        package=newest,
        began=report.started_at,
        now=report.started_at,
    )
    write_standing(zone, standing)


def _held_back(result: Mapping[str, Any]) -> Problem:
    told = result.get("observed") or f"{result['failing']} of {result['checked']} rows"
    return Problem(
        f"what was loaded breaks the rule {result['rule']} ({told}): {result['reason']}",
        do=f"{result['owner']}: repair it in the source, or change the rule in expectations/, then sync again; until "
        "then the last published version stays",
        actor=Actor.CRM_ADMIN,
    )


def held_back(settings: Settings) -> Sequence[str]:
    """The streams whose loaded records break a blocking rule: nothing of them may be published."""
    return [
        f"{source}.{stream} ({', '.join(sorted(name for name, rule in of.rules.items() if rule.blocks))})"
        for (source, _, stream), of in standings(settings.landing).items()
        if any(rule.blocks for rule in of.rules.values())
    ]
