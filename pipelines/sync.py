"""Land, check and load: from the CRMs to the raw tables.

Streams of a source are read and checked in parallel threads; they touch only files. Loading is one writer,
one stream after the other, as each is ready.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from time import monotonic

import duckdb
import msgspec

from connectors.core.contract import RECORD_KINDS, CursorKind, Source, SourceSpec, Stream
from connectors.core.errors import Actor, Problem
from connectors.core.limits import spending
from pipelines.check import check
from pipelines.faults import noted, step
from pipelines.fold import load_checked, note_landing, prepared_warehouse, refold, seal_warehouse
from pipelines.landing.decisions import drop
from pipelines.landing.land import land
from pipelines.landing.runs import Run, StreamRun, append_run
from pipelines.landing.zone import Package, StreamZone, Zone
from pipelines.manifest import CHECKED, LOADED, Checked, write_manifest
from pipelines.outcome import Status, StreamOutcome, SyncReport
from pipelines.quality.docs import keep
from pipelines.quality.rules import RuleSet, load_rules
from pipelines.quality.verdict import Verdict
from pipelines.settings import EXPECTATIONS, WRONG_USE, Settings
from pipelines.version import VERSION
from pipelines.warehouse.compact import compact, wants_compaction
from pipelines.warehouse.existence import SWEEP_BRAKE

Progress = Callable[[StreamOutcome, str], None]


def sync(
    settings: Settings,
    chosen: Sequence[tuple[SourceSpec, str]],
    *,
    streams: Sequence[str] = (),
    full: bool = False,
    command: str = "sync",
    progress: Progress = lambda outcome, step: None,
) -> SyncReport:
    """Bring every chosen source's streams up to date. Call under the run lock.

    A stream that fails or is blocked is an outcome, not an exception: the others go on. Every sync leaves a
    line in the diary, idle ones included. command: what started it, for the diary.
    """
    _check_names(chosen, streams)
    report = SyncReport(sources=sorted({spec.name for spec, _ in chosen}))
    shutil.rmtree(settings.scratch())
    refold(settings)
    work = _Work(settings, report, tuple(streams), full, progress)
    with noted(report.add_own), ExitStack() as stack:
        writer = _LazyWriter(settings, stack)
        for spec, org in chosen:
            with noted(partial(report.add, spec.name)):
                _sync_source(work, spec, org, writer)
        append_run(settings.landing, _diary(report, command))
        if writer.opened or any(outcome.landed for outcome in report.outcomes):  # what waits is visible too
            note_landing(writer(), settings)
    if writer.opened:
        with noted(report.add_own):
            _tidy(settings, report)
    return report


def _tidy(settings: Settings, report: SyncReport) -> None:
    """Write the warehouse anew if much of it is dead space, and remember that it holds what is receipted."""
    if wants_compaction(settings.warehouse, wait_seconds=settings.lock_wait_seconds):
        compaction = compact(
            settings.warehouse,
            memory_limit=settings.memory_limit,
            threads=settings.threads,
            wait_seconds=settings.lock_wait_seconds,
        )
        if compaction and compaction.warning:
            report.warnings.append(compaction.warning)
    seal_warehouse(settings)


@dataclass(frozen=True, slots=True)
class _Work:
    """What every stream of a sync has in common. names: the chosen streams, all if empty."""

    settings: Settings
    report: SyncReport
    names: tuple[str, ...]
    full: bool
    progress: Progress


def _diary(report: SyncReport, command: str) -> Run:
    facts = {f for f in StreamRun.__struct_fields__ if f not in ("status", "message")}
    streams = [
        StreamRun(status=o.status, message="; ".join(o.messages), **{f: getattr(o, f) for f in facts})
        for o in report.outcomes
    ]
    whole = [
        StreamRun(source=source, org="", stream="", status=Status.FAILED, message=sentence)
        for source, sentence in report.problems
    ]
    return Run(
        run_id=report.run_id,
        command=command,
        started_at=report.started_at,
        ended_at=datetime.now(UTC),
        code_version=VERSION,
        streams=streams + whole,
    )


def _check_names(chosen: Sequence[tuple[SourceSpec, str]], streams: Sequence[str]) -> None:
    names = {stream.name for spec, _ in chosen for stream in spec.streams()}
    if unknown := sorted(set(streams) - names):
        raise Problem(
            f"no stream is named {', '.join(unknown)}",
            do=f"choose among {', '.join(sorted(names))}",
            code=WRONG_USE,
        )


class _LazyWriter:
    """The warehouse, opened when the first package is ready: an idle sync only looks into it."""

    def __init__(self, settings: Settings, stack: ExitStack) -> None:
        self._settings, self._stack = settings, stack
        self._con: duckdb.DuckDBPyConnection | None = None

    @property
    def opened(self) -> bool:
        return self._con is not None

    def __call__(self) -> duckdb.DuckDBPyConnection:
        if self._con is None:
            self._con = self._stack.enter_context(prepared_warehouse(self._settings))
        return self._con


def _sync_source(work: _Work, spec: SourceSpec, org: str, writer: _LazyWriter) -> None:
    settings, report = work.settings, work.report
    zone = Zone(settings.landing)
    known = {s.name: zone.stream(spec.name, org, s.name).known_files() for s in spec.streams()}
    with spec.open(settings.context(spec, org, known)) as source:
        streams = source.streams()
        chosen = [s for s in streams if not work.names or s.name in work.names]
        for problem in source.problems():
            report.add(spec.name, problem)
        with ThreadPoolExecutor(settings.threads, thread_name_prefix=spec.name) as pool:
            futures = {
                pool.submit(_land_and_check, work, source, s, zone.stream(spec.name, org, s.name)): s
                for s in chosen
            }
            for future in as_completed(futures):
                outcome, ready = future.result()
                _load(writer, futures[future], ready, outcome, work.progress)
                report.outcomes.append(outcome)
    reads_files = all(source.kinds(stream) == (CursorKind.FILE,) for stream in streams)
    if reads_files and not report.problems and not zone.has_source(spec.name, org):
        raise Problem(
            "there is nothing to read: the inbox holds no export file and none was ever read",
            do="put the CRM's export files there",
            where=str(settings.inbox(spec.name)),
        )
    report.outcomes.sort(key=lambda o: (o.source, o.org, o.stream))


def _land_and_check(
    work: _Work, source: Source, stream: Stream, zone: StreamZone
) -> tuple[StreamOutcome, list[Package]]:
    outcome, began = StreamOutcome(source.name, source.org, stream.name), monotonic()
    ready: list[Package] = []
    with noted(outcome.fail), spending() as outcome.usage:
        zone.sweep_unfinished()
        work.progress(outcome, "reading")
        for kind in source.kinds(stream):
            landing = land(
                source,
                stream,
                kind,
                zone,
                overlap=work.settings.overlap,
                full=work.full,
                run=work.report.run_id,
                code_version=VERSION,
                unwanted=work.settings.unwanted(stream.source, stream.name),
            )
            outcome.landed += len(landing.packages)
            outcome.known_again += landing.known_again
    with noted(outcome.fail):
        work.progress(outcome, "checking")
        for package in _checked(work.settings, source, stream, zone, outcome):
            ready.append(package)  # one by one: those before a fault are still loaded
    outcome.seconds = round(monotonic() - began, 3)
    return outcome, ready


def _checked(
    settings: Settings, source: Source, stream: Stream, zone: StreamZone, outcome: StreamOutcome
) -> Iterator[Package]:
    """Pending packages in order, up to the first that is blocked: what lies behind it waits."""
    pending = zone.pending()
    if not pending:
        return
    rules = load_rules(EXPECTATIONS, stream.source, stream.name)
    for package in pending:
        checked = package.checked
        if checked is None or (checked.blocked and checked.rules_hash != rules.hash):
            checked, verdict = _check(package, source, stream, rules, settings)
            if verdict is not None:
                keep(settings.docs, verdict)
        if package.kind in RECORD_KINDS:  # a line of the deleted list is not a record
            outcome.received += checked.received
        outcome.accepted += checked.accepted
        outcome.quarantined += checked.quarantined
        outcome.pages += package.landed.pages
        outcome.checks += checked.results
        if checked.blocked and package.kind == CursorKind.SWEEP:  # what lies behind it need not wait
            if any(p.id > package.id and p.is_loaded() for p in zone.packages(CursorKind.SWEEP)):
                drop(zone, package, None, by="a newer sweep")
            else:
                outcome.fail(_stopped(package, str(checked.results[-1]["reason"])), Status.BLOCKED)
            continue
        if checked.blocked:
            failed = [r for r in checked.results if r["severity"] == "block" and not r["passed"]]
            outcome.fail(
                Problem(
                    f"package {package.id} is blocked by {', '.join(str(r['rule']) for r in failed)}: "
                    + "; ".join(str(r["reason"]) for r in failed),
                    do="repair the source or change the rule in expectations/, then sync again",
                    where=str(package.folder),
                ),
                Status.BLOCKED,
            )
            return
        yield package


def _check(
    package: Package, source: Source, stream: Stream, rules: RuleSet, settings: Settings
) -> tuple[Checked, Verdict | None]:
    try:
        return check(package, source, stream, rules, settings)
    except Problem as problem:  # the person who must act needs to know which file or package it was
        problem.where = problem.where or f"{package.landed.file_name or 'package'} in {package.folder}"
        raise


def _stop_sweep(package: Package, problem: Problem) -> None:
    """The brake is judged once, at the sweep's place in the fold; then a person or a newer sweep decides."""
    checked = package.checked
    assert checked is not None
    reason = {"rule": SWEEP_BRAKE, "severity": "block", "passed": False, "reason": problem.what}
    stopped = msgspec.structs.replace(checked, blocked=True, results=[*checked.results, reason])
    write_manifest(package.folder, CHECKED, stopped)


def _stopped(package: Package, what: str) -> Problem:
    return Problem(
        what,
        do="see in the CRM whether they were deleted or whether the API user may no longer see them; give the "
        "right back and sweep again (a newer sweep takes this one's place), or release the package if they are gone",
        actor=Actor.CRM_ADMIN,
        where=str(package.folder),
    )


def _unjudged(package: Package, checked: Checked) -> Problem:
    return Problem(
        f"{checked.quarantined} of the ids that a sweep listed could not be read, so it was not judged",
        do="sweep again; if it stays so, report it with the package folder",
        actor=Actor.DEVELOPER,
        where=str(package.folder),
    )


def _load(
    writer: _LazyWriter,
    stream: Stream,
    ready: Sequence[Package],
    outcome: StreamOutcome,
    progress: Progress,
) -> None:
    progress(outcome, "loading")
    with noted(outcome.fail):
        for package in ready:
            try:
                receipt = load_checked(writer(), package, stream)
            except Problem as problem:
                if problem.code != SWEEP_BRAKE:
                    raise
                _stop_sweep(package, problem)
                outcome.fail(_stopped(package, problem.what), Status.BLOCKED)
                continue
            step("package loaded", package=package.id, order=receipt.order)
            write_manifest(package.folder, LOADED, receipt)
            step("receipt written", package=package.id)
            outcome.packages += 1
            outcome.inserted += receipt.inserted
            outcome.updated += receipt.updated
            outcome.unchanged += receipt.unchanged
            outcome.deleted += receipt.deleted
            if package.kind in RECORD_KINDS:
                outcome.cursor = package.landed.cursor_after or outcome.cursor
            if outcome.status is Status.UNCHANGED:
                outcome.status = Status.LOADED
            if package.kind == CursorKind.SWEEP and (unread := package.checked) and unread.quarantined:
                outcome.fail(_unjudged(package, unread))
    progress(outcome, "done")
