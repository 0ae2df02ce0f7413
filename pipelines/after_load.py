"""What is judged once a source's streams are loaded, and what is noted of how each of them stands.

A package is judged before it is loaded, by itself. Only the tables can tell whether what it refers to is there,
whether two rows speak of the same time, whether anything came at all, and whether the CRM counts what is held here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import duckdb

from connectors.core.contract import CursorKind, Stream
from connectors.core.errors import Actor, Problem
from pipelines.check import BEFORE_RULES, personal_of
from pipelines.faults import noted
from pipelines.landing.standing import (
    Aside,
    Broken,
    Standing,
    read_standing,
    retire,
    stand,
    standings,
    write_standing,
)
from pipelines.landing.zone import StreamZone, Zone
from pipelines.outcome import Status, StreamOutcome, SyncReport
from pipelines.quality.cross import judge_cross
from pipelines.quality.docs import keep, loaded_tables
from pipelines.quality.model import Rule, RuleSet, Scope, Severity
from pipelines.quality.rules import load_rules
from pipelines.quality.verdict import RuleResult
from pipelines.settings import EXPECTATIONS, Settings
from pipelines.warehouse.hygiene import living_warnings, load_orders, waiting_rows

_SERVED = (Status.LOADED, Status.UNCHANGED)


@dataclass(frozen=True, slots=True)
class Loaded:
    """One organisation of a source after its streams were loaded. con: the warehouse; None where there is no reason to
    open it. clock: the source's own time. orders: how far each stream was loaded. waits: what waits in quarantine."""

    settings: Settings
    report: SyncReport
    source: str
    org: str
    con: duckdb.DuckDBPyConnection | None
    clock: datetime | None = None
    orders: Mapping[str, int] = field(default_factory=dict)
    waits: Mapping[str, Mapping[str, tuple[int, datetime]]] = field(default_factory=dict)

    @staticmethod
    def look(
        settings: Settings,
        report: SyncReport,
        source: str,
        org: str,
        con: duckdb.DuckDBPyConnection | None,
        clock: datetime | None = None,
    ) -> Loaded:
        """With what the warehouse knows, where it is open."""
        if con is None:
            return Loaded(settings, report, source, org, con, clock)
        orders, waits = load_orders(con, source, org), waiting_rows(con, source, org)
        return Loaded(settings, report, source, org, con, clock, orders, waits)

    def zone(self, stream: str) -> StreamZone:
        """Where the packages of a stream are."""
        return Zone(self.settings.landing).stream(self.source, self.org, stream)


def judge_loaded(loaded: Loaded, stream: Stream, outcome: StreamOutcome, rules: RuleSet | None) -> None:
    """Judge the rules of scope cross of one stream, and write its standing. rules: None where they could not be read.

    What fails with severity block makes the stream blocked: what was loaded is not published.
    """
    before = read_standing(loaded.zone(stream.name))
    warned: dict[str, Broken] | None = None
    if loaded.con is not None and rules is not None:
        with noted(outcome.fail):
            warned = _warned(loaded, loaded.con, stream, rules)
            judged = _judge(loaded, loaded.con, stream, outcome, rules, before)
            outcome.checks += [asdict(result) for result in judged]
    standing = _standing(loaded, stream, outcome, rules, before, warned)
    blocking = [rule.result for rule in standing.rules.values() if rule.blocks]
    for result in blocking:
        outcome.fail(_held_back(result), Status.BLOCKED)
    if blocking:
        standing = _standing(loaded, stream, outcome, rules, before, warned)
    write_standing(loaded.zone(stream.name), standing)


def note_unserved(
    loaded: Loaded,
    streams: Mapping[str, Stream],
    problem: Problem,
    rules_of: Callable[[Stream, StreamOutcome], RuleSet | None],
) -> None:
    """A source that could not be read as a whole: none of its streams was served. streams: those that are declared."""
    told = {o.stream for o in loaded.report.outcomes if (o.source, o.org) == (loaded.source, loaded.org)}
    zones = Zone(loaded.settings.landing).streams(loaded.source)
    for name in sorted((streams.keys() | {name for _, of, name, _ in zones if of == loaded.org}) - told):
        stream, outcome = streams.get(name), StreamOutcome(loaded.source, loaded.org, name)
        outcome.fail(problem)
        rules = rules_of(stream, outcome) if stream else None
        if stream is not None:
            judge_loaded(loaded, stream, outcome, rules)
        else:
            zone = loaded.zone(name)
            write_standing(zone, _standing(loaded, None, outcome, None, read_standing(zone), None))


def note_gone(settings: Settings, source: str, org: str, offered: Collection[str]) -> None:
    """Streams that a source which was read does not have any more, and that nobody declared: they stand no more."""
    for _, of, name, zone in Zone(settings.landing).streams(source):
        if of == org and name not in offered:
            retire(zone)


def _judge(
    loaded: Loaded,
    con: duckdb.DuckDBPyConnection,
    stream: Stream,
    outcome: StreamOutcome,
    rules: RuleSet,
    before: Standing | None,
) -> Iterator[RuleResult]:
    """Results of what may have changed: rules that are others, or about tables into which something was loaded since
    they were judged last, in this run or in one that was killed; and every age."""
    known = before.rules if before else {}
    of_tables = [rule for rule in rules.of(Scope.CROSS) if rule.totals is None]
    same = {r.name for r in of_tables if r.name in known and known[r.name].digest == rules.digests[r.name]}
    asked = [
        rule
        for rule in of_tables
        if rule.name not in same or rule.freshness or known[rule.name].on != _on(loaded, stream, rule)
    ]
    if not asked:
        return
    verdict = judge_cross(
        con,
        rules.model_copy(update={"rules": tuple(asked)}),
        org=loaded.org,
        now=loaded.report.started_at,
        clock=loaded.clock,
        read_at=_read_at(loaded, stream, outcome, before),
        pii=personal_of(loaded.zone(stream.name), stream),
        timezone=loaded.settings.timezone,
        package_id=loaded_tables(loaded.org),
        judged={name: int(known[name].result.get("failing") or 0) for name in same if known[name].since},
    )
    news = any(not rule.freshness for rule in asked) or any(
        r.rule not in known or known[r.rule].result.get("passed") != r.passed for r in verdict.results
    )
    if news and len(asked) == len(of_tables):  # the page of a part would hide the rest
        keep(loaded.settings.docs, verdict)
    yield from verdict.results


def _on(loaded: Loaded, stream: Stream, rule: Rule) -> str:
    """How far the tables were loaded that a rule is about."""
    names = [stream.name, *([rule.references.stream] if rule.references else [])]
    return "/".join(str(loaded.orders.get(name, 0)) for name in names)


def _warned(
    loaded: Loaded, con: duckdb.DuckDBPyConnection, stream: Stream, rules: RuleSet
) -> dict[str, Broken] | None:
    """Loaded records that break a rule of severity warn now."""
    if stream.name not in loaded.orders:
        return {}
    return _broken(living_warnings(con, stream, loaded.org, rules.digests), rules)


def _broken(found: Mapping[str, tuple[int, datetime]], rules: RuleSet | None) -> dict[str, Broken]:
    """Rows and their date by rule, with who must act and why."""
    told = {rule.name: rule for rule in rules.rules} if rules else {}
    owner = rules.owner if rules else ""
    return {
        name: Broken(
            rows=rows,
            since=since,
            owner=(told[name].owner if name in told else "") or owner,
            reason=told[name].reason
            if name in told
            else BEFORE_RULES.get(name, "its rule is no longer written"),
        )
        for name, (rows, since) in found.items()
    }


def _aside(loaded: Loaded, stream: str, rules: RuleSet | None, before: Standing | None) -> Aside:
    """What waits in quarantine. What was decided and is not folded yet waits for nobody any more."""
    known = before.aside if before else Aside()
    waits = loaded.waits.get(stream, {})
    rows, since = loaded.zone(stream).waiting() if waits or (loaded.con is None and known.rows) else (0, None)
    if not rows or loaded.con is None:
        return Aside(rows, since, known.rules if rows else {})
    return Aside(rows, since, _broken(waits, rules))


def _read_at(
    loaded: Loaded, stream: Stream, outcome: StreamOutcome, before: Standing | None
) -> datetime | None:
    """When the newest complete read began; of files, when the newest came: a look that finds none reads nothing."""
    zone = loaded.zone(stream.name)
    if (newest := zone.newest(CursorKind.FILE)) is not None:
        return newest.landed_at
    if outcome.status in _SERVED:
        return loaded.report.started_at
    return before.served_at if before else None


def _standing(
    loaded: Loaded,
    stream: Stream | None,
    outcome: StreamOutcome,
    rules: RuleSet | None,
    before: Standing | None,
    warned: Mapping[str, Broken] | None,
) -> Standing:
    """rules: None where they could not be read; what is known of them stays."""
    zone = loaded.zone(outcome.stream)
    digests = (
        rules.digests if rules else {name: of.digest for name, of in (before.rules if before else {}).items()}
    )
    crossing = rules.of(Scope.CROSS) if rules and stream else ()
    return stand(
        before,
        status=outcome.status,
        good=outcome.status in _SERVED,
        messages=outcome.messages,
        results=outcome.checks,
        rules=digests,
        package=next((p.id for p in reversed(zone.folders()) if p.checked and p.checked.results), ""),
        on={rule.name: _on(loaded, stream, rule) for rule in crossing if stream},
        decided={d.origin for d in zone.decisions() if d.positions is None},
        aside=_aside(loaded, outcome.stream, rules, before),
        warned=warned,
        began=loaded.report.started_at,
        now=loaded.report.started_at,
    )


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
