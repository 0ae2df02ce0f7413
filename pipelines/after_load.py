"""What is judged once a source's streams are loaded, and what is noted of how each of them stands.

A package is judged before it is loaded, by itself. Only the tables can tell whether what it refers to is there,
whether two rows speak of the same time, whether anything came at all, and whether the CRM counts what is held here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import duckdb

from connectors.core.contract import CursorKind, Source, Stream
from connectors.core.errors import Actor, Problem
from pipelines.faults import noted
from pipelines.landing.standing import Aside, Standing, read_standing, stand, standings, write_standing
from pipelines.landing.zone import StreamZone, Zone
from pipelines.outcome import Status, StreamOutcome, SyncReport
from pipelines.quality.cross import judge_cross
from pipelines.quality.docs import keep, loaded_tables
from pipelines.quality.model import Rule, RuleSet, Scope, Severity
from pipelines.quality.rules import load_rules
from pipelines.quality.verdict import RuleResult
from pipelines.settings import EXPECTATIONS, Settings
from pipelines.warehouse.hygiene import waiting_rows

_SERVED = (Status.LOADED, Status.UNCHANGED)


@dataclass(frozen=True, slots=True)
class Loaded:
    """What one source's streams look like after they were loaded. con: the warehouse; None where there is no reason to
    open it. changed: streams into which this run loaded something. aside: stream → what waits in quarantine; None where
    nobody looked."""

    settings: Settings
    report: SyncReport
    source: Source
    con: duckdb.DuckDBPyConnection | None
    changed: frozenset[str]
    aside: Mapping[str, Aside] | None

    @staticmethod
    def look(
        settings: Settings,
        report: SyncReport,
        source: Source,
        con: duckdb.DuckDBPyConnection | None,
        changed: frozenset[str],
    ) -> Loaded:
        """The same, with what waits in quarantine, where the warehouse is open."""
        found = waiting_rows(con, source.name, source.org) if con is not None else None
        aside = None if found is None else {stream: Aside(*facts) for stream, facts in found.items()}
        return Loaded(settings, report, source, con, changed, aside)

    def aside_of(self, stream: str) -> Aside | None:
        """None where nobody looked."""
        return None if self.aside is None else self.aside.get(stream, Aside())


def judge_loaded(loaded: Loaded, stream: Stream, outcome: StreamOutcome, rules: RuleSet | None) -> None:
    """Judge the rules of scope cross of one stream, and write its standing. rules: None where they could not be read.

    What fails with severity block makes the stream blocked: what was loaded is not published.
    """
    zone = Zone(loaded.settings.landing).stream(loaded.source.name, outcome.org, stream.name)
    before = read_standing(zone)
    with noted(outcome.fail):
        if loaded.con is not None and rules is not None:
            judged = _judge(loaded, loaded.con, zone, stream, outcome, rules, before)
            outcome.checks += [asdict(result) for result in judged]
    for result in outcome.checks:
        if (
            result.get("scope") == Scope.CROSS
            and result["severity"] == Severity.BLOCK
            and not result["passed"]
        ):
            outcome.fail(_held_back(result), Status.BLOCKED)
    _note(loaded.report, zone, outcome, rules, before, Aside(*zone.waiting()))


def _judge(
    loaded: Loaded,
    con: duckdb.DuckDBPyConnection,
    zone: StreamZone,
    stream: Stream,
    outcome: StreamOutcome,
    rules: RuleSet,
    before: Standing | None,
) -> Iterator[RuleResult]:
    """Results of what may have changed: every rule where something was loaded or the rules are others, else ages."""
    same = before is not None and before.rules_hash == rules.hash
    of_tables = [rule for rule in rules.of(Scope.CROSS) if rule.totals is None]
    if asked := [rule for rule in of_tables if not (same and _stands(rule, stream, loaded.changed))]:
        verdict = judge_cross(
            con,
            rules.model_copy(update={"rules": tuple(asked)}),
            org=outcome.org,
            now=loaded.report.started_at,
            clock=loaded.source.clock(),
            read_at=_read_at(loaded, zone, stream, outcome, before),
            pii={field.name for field in stream.fields if field.pii},
            timezone=loaded.settings.timezone,
            package_id=loaded_tables(outcome.org),
            judged=_failing(before) if same else None,
        )
        if len(asked) == len(of_tables):
            keep(loaded.settings.docs, verdict)  # the page of a part would hide the rest
        yield from verdict.results


def _stands(rule: Rule, stream: Stream, changed: frozenset[str]) -> bool:
    """What a rule said last must still be so: it is about tables that did not change."""
    if rule.freshness is not None:
        return False
    others = {rule.references.stream} if rule.references else set()
    return not changed & {stream.name, *others}


def _failing(before: Standing | None) -> dict[str, int]:
    rules = before.rules.items() if before else ()
    return {name: int(of.result.get("failing") or 0) for name, of in rules if of.since}


def _read_at(
    loaded: Loaded, zone: StreamZone, stream: Stream, outcome: StreamOutcome, before: Standing | None
) -> datetime | None:
    """When the newest complete read began; of files, when the newest came: a look that finds none reads nothing."""
    if loaded.source.kinds(stream) == (CursorKind.FILE,):
        newest = zone.newest(CursorKind.FILE)
        return newest.landed_at if newest else None
    if outcome.status in _SERVED:
        return loaded.report.started_at
    return before.served_at if before else None


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
    aside: Aside | None = None,
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
        rules_hash=rules.hash if rules else before.rules_hash if before else "",
        aside=aside,
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
    """The streams whose loaded records break a blocking rule: nothing of them may be published. A rule that is not
    written any more, or blocks no more, holds nothing back, though its stream may never be read again."""
    found = []
    for (source, _, stream), of in standings(settings.landing).items():
        if names := sorted(name for name, rule in of.rules.items() if rule.blocks):
            rules = load_rules(EXPECTATIONS, source, stream, needed=False)
            blocking = {rule.name for rule in rules.of(Scope.CROSS) if rule.severity is Severity.BLOCK}
            if names := [name for name in names if name in blocking]:
                found.append(f"{source}.{stream} ({', '.join(names)})")
    return found
