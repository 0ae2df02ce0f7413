"""Land, check and load: from the CRMs to the raw tables.

Streams of a source are read and checked in parallel threads; they touch only files. Loading is one writer,
one stream after the other, as each is ready.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from time import monotonic
from typing import Any

import duckdb
import msgspec

from connectors.core.contract import RECORD_KINDS, CursorKind, Source, SourceSpec, Stream
from connectors.core.errors import Actor, Problem
from connectors.core.limits import spending
from pipelines.after_load import Loaded, judge_loaded, note_gone, note_unserved
from pipelines.check import UNREADABLE, check, unreadable
from pipelines.faults import noted, step
from pipelines.fold import load_checked, note_landing, prepared_warehouse, refold, seal_warehouse
from pipelines.landing.decisions import drop
from pipelines.landing.intact import raw_damage
from pipelines.landing.land import Landing, land
from pipelines.landing.runs import Run, StreamRun, append_run, last_reconciled, unless_known
from pipelines.landing.tried import looked_to, write_looked
from pipelines.landing.zone import Package, StreamZone, Zone
from pipelines.listings import stop, stopped, waiting
from pipelines.manifest import CHECKED, LIST_BRAKE, LOADED, Checked, write_manifest
from pipelines.outcome import Status, StreamOutcome, SyncReport
from pipelines.quality.docs import keep
from pipelines.quality.model import Scope
from pipelines.quality.rules import RuleSet, load_rules
from pipelines.quality.verdict import Verdict
from pipelines.reconcile import reconcile
from pipelines.replay import replay_outdated
from pipelines.settings import EXPECTATIONS, WRONG_USE, Settings
from pipelines.settling import settle_needless
from pipelines.sweeps import is_due, kinds_of, none_left, refresh_is_due, stands_in_is_due, unheld
from pipelines.tally import BROUGHT_BY_KEY
from pipelines.version import VERSION
from pipelines.warehouse.compact import compact, wants_compaction
from pipelines.warehouse.connect import read_warehouse
from pipelines.warehouse.existence import SWEEP_BRAKE

Progress = Callable[[StreamOutcome, str], None]


def sync(
    settings: Settings,
    chosen: Sequence[tuple[SourceSpec, str]],
    *,
    streams: Sequence[str] = (),
    others: bool = False,
    full: bool = False,
    sweep: bool = False,
    command: str = "sync",
    progress: Progress = lambda outcome, step: None,
) -> SyncReport:
    """Bring every chosen source's streams up to date. Call under the run lock.

    A stream that fails or is blocked is an outcome, not an exception: the others go on. Every sync leaves a
    line in the diary, idle ones included. sweep: look for vanished and silently restored records now, due or
    not. streams: only these, and with `others` what a source discovers. command: what started it, for the
    diary.
    """
    _check_names(chosen, streams)
    report = SyncReport(sources=sorted({spec.name for spec, _ in chosen}))
    shutil.rmtree(settings.scratch())
    refold(settings)
    work = _Work(settings, report, tuple(streams), others, full, sweep, progress)
    with noted(report.add_own), ExitStack() as stack:
        writer = _LazyWriter(settings, stack)
        for spec, org in chosen:
            problems: list[Problem] = []
            with noted(problems.append):
                _sync_source(work, spec, org, writer)
            for problem in problems:
                report.add(spec.name, problem)
                with noted(report.add_own):
                    _note_unserved(work, spec, org, problem, writer)
        _note_strangers(work, chosen)
        append_run(settings.landing, _diary(settings, report, command))
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
    """What every stream of a sync has in common.

    names: the chosen streams, all if empty; others: and those that no model reads. offered: what each source
    that could be opened has. rules: of the streams that were asked about.
    """

    settings: Settings
    report: SyncReport
    names: tuple[str, ...]
    others: bool
    full: bool
    sweep: bool
    progress: Progress
    offered: dict[str, set[str]] = field(default_factory=dict)
    rules: dict[tuple[str, str], RuleSet] = field(default_factory=dict)

    def rules_of(self, stream: Stream) -> RuleSet:
        """The rules of a stream, read once in a sync. Raises Problem when they cannot be used."""
        key = (stream.source, stream.name)
        if key not in self.rules:
            self.rules[key] = load_rules(EXPECTATIONS, *key, needed=stream.modelled)
        return self.rules[key]

    def rules_for(self, stream: Stream, outcome: StreamOutcome) -> RuleSet | None:
        """The same; None where they cannot be used, which the outcome then says."""
        with noted(outcome.fail):
            return self.rules_of(stream)
        return None

    def wants(self, stream: Stream) -> bool:
        """Whether this sync is to read a stream."""
        if self.others and not stream.modelled:
            return True
        return stream.name in self.names or not (self.names or self.others)


def _diary(settings: Settings, report: SyncReport, command: str) -> Run:
    facts = {f for f in StreamRun.__struct_fields__ if f not in ("status", "message")}
    streams = [
        unless_known(
            settings.landing,
            StreamRun(status=o.status, message="; ".join(o.messages), **{f: getattr(o, f) for f in facts}),
        )
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
    if any(spec.discovers for spec, _ in chosen):
        return  # which streams there are is known when the sources are open
    if unknown := sorted(set(streams) - names):
        raise Problem(
            f"no stream is named {', '.join(unknown)}",
            do=f"choose among {', '.join(sorted(names))}",
            code=WRONG_USE,
        )


def _note_strangers(work: _Work, chosen: Sequence[tuple[SourceSpec, str]]) -> None:
    """Streams that the command or a setting names and no source has, which none of them could tell before."""
    specs = {spec.name: spec for spec, _ in chosen}
    if work.offered.keys() != specs.keys():
        return  # a source that could not be opened may have them
    declared = {name: {stream.name for stream in spec.streams()} for name, spec in specs.items()}
    known = set().union(*work.offered.values(), *declared.values())
    for name in sorted(set(work.names) - known):
        work.report.add_own(
            Problem(f"no stream is named {name}", do=f"choose among {', '.join(sorted(known))}")
        )
    for source in specs:
        strangers = work.settings.unwanted_streams(source) - work.offered[source] - declared[source]
        for name in sorted(strangers):
            work.report.add(
                source,
                Problem(
                    f"CRM_WAREHOUSE_UNWANTED_FIELDS names the stream {name}, which {source} does not deliver",
                    do="correct the name or take it out; until then nothing is kept out for it",
                ),
            )


class _LazyWriter:
    """The warehouse, opened when the first package is ready: an idle sync only looks into it."""

    def __init__(self, settings: Settings, stack: ExitStack) -> None:
        self._settings, self._stack = settings, stack
        self._con: duckdb.DuckDBPyConnection | None = None
        self._reader: duckdb.DuckDBPyConnection | None = None

    @property
    def opened(self) -> bool:
        return self._con is not None

    def look(self) -> duckdb.DuckDBPyConnection:
        """The warehouse to look into: for writing where that is open, else for reading alone, so that nothing of it is
        touched."""
        if self._con is not None or not self._settings.warehouse.exists():
            return self()
        if self._reader is None:
            self._readers = ExitStack()
            wait = self._settings.lock_wait_seconds
            self._reader = self._readers.enter_context(
                read_warehouse(self._settings.warehouse, wait_seconds=wait)
            )
            self._stack.callback(self._readers.close)
        return self._reader

    def __call__(self) -> duckdb.DuckDBPyConnection:
        if self._con is None:
            if self._reader is not None:  # one process opens a file in one way only
                self._readers.close()
                self._reader = None
            self._con = self._stack.enter_context(prepared_warehouse(self._settings))
        return self._con


def _sync_source(work: _Work, spec: SourceSpec, org: str, writer: _LazyWriter) -> None:
    settings, report = work.settings, work.report
    zone = Zone(settings.landing)
    known = {s.name: zone.stream(spec.name, org, s.name).known_files() for s in spec.streams()}
    named = zone.api_names(spec.name, org) if spec.discovers else {}
    with spec.open(settings.context(spec, org, known, named)) as source:
        streams = source.streams()
        work.offered.setdefault(spec.name, set()).update(s.name for s in streams)
        chosen = [s for s in streams if work.wants(s)]
        for problem in source.problems():
            report.add(spec.name, problem)
        with ThreadPoolExecutor(settings.threads, thread_name_prefix=spec.name) as pool:
            zones = {s.name: zone.stream(spec.name, org, s.name) for s in chosen}
            futures = {pool.submit(_land_and_check, work, source, s, zones[s.name]): s for s in chosen}
            missing: list[_Unheld] = []
            outcomes: dict[str, StreamOutcome] = {}
            for future in as_completed(futures):
                stream, read = futures[future], future.result()
                _load(writer, stream, read.ready, read.outcome, work.progress)
                _settle(writer, work, zones[stream.name], stream, read)
                unheld = list(_shown_by_sweeps(writer, zones[stream.name], stream, read))
                missing += unheld
                if not unheld:
                    _reconcile(work, writer, source, stream, zones[stream.name], read.outcome)
                    missing += _shown_by_totals(work, source, stream, read.outcome)
                outcomes[stream.name] = read.outcome
            healing = {pool.submit(_land_keys, work, source, u, zones[u.stream.name]): u for u in missing}
            for done in as_completed(healing):
                stream, read = healing[done].stream, done.result()
                _load(writer, stream, read.ready, read.outcome, work.progress)
                _settle(writer, work, zones[stream.name], stream, read)
                if read.ready or not read.outcome.reconciled:
                    _reconcile(work, writer, source, stream, zones[stream.name], read.outcome)
        report.outcomes += outcomes.values()
        rules = {stream.name: work.rules_for(stream, outcomes[stream.name]) for stream in chosen}
        asked = writer.opened or (
            settings.warehouse.exists() and any(of and of.of(Scope.CROSS) for of in rules.values())
        )
        con = writer.look() if asked else None
        loaded = Loaded.look(settings, report, spec.name, org, con, source.clock())
        for stream in chosen:
            judge_loaded(loaded, stream, outcomes[stream.name], rules[stream.name])
        note_gone(settings, spec.name, org, {s.name for s in (*streams, *spec.streams())})
    reads_files = bool(streams) and all(source.kinds(stream) == (CursorKind.FILE,) for stream in streams)
    if reads_files and not report.problems and not zone.has_source(spec.name, org):
        raise Problem(
            "there is nothing to read: the inbox holds no export file and none was ever read",
            do="put the CRM's export files there",
            where=str(settings.inbox(spec.name)),
        )
    report.outcomes.sort(key=lambda o: (o.source, o.org, o.stream))


@dataclass(slots=True)
class _Read:
    """What reading a stream brought. ready: checked packages to load. emptied: a sweep found no record.
    aside: rows of earlier packages wait for somebody."""

    outcome: StreamOutcome
    ready: list[Package] = field(default_factory=list)
    emptied: bool = False
    aside: bool = False


@dataclass(frozen=True, slots=True)
class _Unheld:
    """Records that the source has and the warehouse does not hold, or not as they are. shown_by: what says so."""

    stream: Stream
    outcome: StreamOutcome
    shown_by: str
    keys: list[str]


def _land_and_check(work: _Work, source: Source, stream: Stream, zone: StreamZone) -> _Read:
    outcome, began = StreamOutcome(source.name, source.org, stream.name), monotonic()
    read = _Read(outcome)
    with noted(outcome.fail), spending() as outcome.usage:
        zone.sweep_unfinished()
        work.progress(outcome, "reading")
        sweep = work.sweep or is_due(zone, work.settings.sweep_every)
        full = work.full or refresh_is_due(zone, stream, work.settings.refresh_every)
        kinds = kinds_of(source, stream, sweep=sweep)
        for kind in kinds:
            with noted(outcome.fail):
                landing = _land(work, source, stream, kind, zone, full=full and kind in RECORD_KINDS)
                outcome.landed += len(landing.packages)
                outcome.known_again += landing.known_again
                read.emptied |= kind is CursorKind.SWEEP and not landing.rows
                continue
            if kind is not CursorKind.DELETED:
                break
            if CursorKind.SWEEP not in kinds and stands_in_is_due(zone, work.settings.sweep_every):
                kinds += kinds_of(source, stream, sweep=True)[len(kinds) :]
    with noted(outcome.fail):
        read.aside = _replayed(work, source, stream, zone)
    return _check_landed(work, source, stream, zone, read, began)


def _replayed(work: _Work, source: Source, stream: Stream, zone: StreamZone) -> bool:
    """Judge rows set aside again where rules or reader are others than those that judged them last. Returns whether
    any rows wait. A package that cannot be read any more is a warning: what the source says now was read anyhow."""
    waiting = list(zone.undecided())
    if waiting:
        rules = work.rules_of(stream)
        run = work.report.run_id
        for problem in replay_outdated(work.settings, zone, waiting, source, stream, rules, run=run):
            work.report.warnings.append(str(problem.located(source=source.name, stream=stream.name)))
    return bool(waiting)


def _land_keys(work: _Work, source: Source, unheld: _Unheld, zone: StreamZone) -> _Read:
    """Read records by key that a sweep or a comparison of totals has shown to be missing."""
    began = monotonic()
    read = _Read(unheld.outcome)
    with noted(unheld.outcome.fail), spending() as usage:
        landing = _land(
            work, source, unheld.stream, CursorKind.BACKFILL, zone, backfill=unheld.shown_by, keys=unheld.keys
        )
        unheld.outcome.landed += len(landing.packages)
    unheld.outcome.usage.add(usage)
    return _check_landed(work, source, unheld.stream, zone, read, began)


def _land(
    work: _Work, source: Source, stream: Stream, kind: CursorKind, zone: StreamZone, **more: Any
) -> Landing:
    return land(
        source,
        stream,
        kind,
        zone,
        overlap=work.settings.overlap,
        run=work.report.run_id,
        code_version=VERSION,
        unwanted=work.settings.unwanted(stream.source, stream.name),
        **more,
    )


def _check_landed(
    work: _Work, source: Source, stream: Stream, zone: StreamZone, read: _Read, began: float
) -> _Read:
    outcome = read.outcome
    with noted(outcome.fail):
        work.progress(outcome, "checking")
        for package in _checked(work, source, stream, zone, outcome):
            read.ready.append(package)  # one by one: those before a fault are still loaded
    outcome.seconds = round(outcome.seconds + monotonic() - began, 3)
    return read


def _shown_by_sweeps(writer: _LazyWriter, zone: StreamZone, stream: Stream, read: _Read) -> Iterator[_Unheld]:
    """What the loaded sweeps of a stream show to be missing."""
    outcome = read.outcome
    with noted(outcome.fail):
        if read.emptied and (problem := none_left(writer(), stream, outcome.org)):
            outcome.fail(problem, Status.BLOCKED)
        for package in read.ready:
            whole = package.kind == CursorKind.SWEEP and package.is_loaded() and package.landed.last
            if whole and (keys := unheld(writer(), zone, stream, package)):
                yield _Unheld(stream, outcome, f"{CursorKind.SWEEP}:{package.id}", keys)


def _shown_by_totals(
    work: _Work, source: Source, stream: Stream, outcome: StreamOutcome
) -> Iterator[_Unheld]:
    """What totals that differ show to be missing or old here, where reading it by key brings it: not in a week, now."""
    items = (item for measure in outcome.reconciled for item in measure.items)
    keys = sorted({item.record for item in items if item.because in BROUGHT_BY_KEY})
    if keys and source.can_sweep(stream):
        yield _Unheld(stream, outcome, f"totals:{work.report.run_id}", keys)


def _checked(
    work: _Work, source: Source, stream: Stream, zone: StreamZone, outcome: StreamOutcome
) -> Iterator[Package]:
    """Pending packages in order, up to the first that is blocked: what lies behind it waits."""
    for problem in waiting(zone):
        outcome.fail(problem, Status.BLOCKED)
    pending = zone.pending()
    if not pending:
        return
    rules = work.rules_of(stream)
    for place, package in enumerate(pending, 1):
        checked = package.checked
        if checked is None or (checked.blocked and checked.rules_hash != rules.hash):
            checked, verdict = _check(package, source, stream, rules, work.settings)
            if verdict is not None:
                keep(work.settings.docs, verdict)
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
            outcome.fail(_blocked(package, checked, behind=len(pending) - place), Status.BLOCKED)
            return
        yield package


def _note_unserved(work: _Work, spec: SourceSpec, org: str, problem: Problem, writer: _LazyWriter) -> None:
    con = writer.look() if work.settings.warehouse.exists() else None
    loaded = Loaded.look(work.settings, work.report, spec.name, org, con)
    note_unserved(loaded, {s.name: s for s in spec.streams()}, problem, work.rules_for)


def _check(
    package: Package, source: Source, stream: Stream, rules: RuleSet, settings: Settings
) -> tuple[Checked, Verdict | None]:
    problems: list[Problem] = []
    with noted(problems.append):
        return check(package, source, stream, rules, settings)
    # The person who must act needs to know which file or package it was.
    problem = problems[0]
    problem.where = problem.where or _place(package)
    if package.kind != CursorKind.FILE or any(raw_damage(package, package.landed)):
        raise problem
    return unreadable(
        package, problem
    ), None  # a file is as it is: left alone it would stop its stream for good


def _place(package: Package) -> str:
    return f"{package.landed.file_name or 'package'} in {package.folder}"


def _blocked(package: Package, checked: Checked, *, behind: int) -> Problem:
    failed = [r for r in checked.results if r["severity"] == "block" and not r["passed"]]
    owners = ", ".join(dict.fromkeys(str(r["owner"]) for r in failed if r.get("owner")))
    drop_it, again = f"`crm-warehouse quarantine drop {package.id}`", "`crm-warehouse sync --full`"
    if package.kind == CursorKind.FILE:
        mend = f"export the file again and run {drop_it}, then sync again"
    else:  # what a package holds was read: a repaired record comes behind it, and what was dropped is not read again
        mend = f"repair the source and run {drop_it}, then {again}"
    do = (
        f"{owners or 'the rule has no owner'}: {mend}; or let it in as it is by `crm-warehouse quarantine release "
        f"{package.id}`; or change the rule in expectations/; then sync again"
    )
    if any(r["rule"] == UNREADABLE for r in failed):
        do = f"{mend}"
    return Problem(
        f"package {package.id} is blocked by {', '.join(str(r['rule']) for r in failed)}: "
        + "; ".join(str(r["reason"]).rstrip(".") for r in failed)
        + (f"; packages that wait behind it: {behind}" if behind else ""),
        do=do,
        where=_place(package),
    )


def _settle(writer: _LazyWriter, work: _Work, zone: StreamZone, stream: Stream, read: _Read) -> None:
    """Settle rows set aside that what is loaded by now speaks for. The look is noted last, so that a kill on the
    way is made good by the next sync; who waits for nothing new costs an idle sync no look into the warehouse."""
    if not read.aside and not any((checked := p.checked) and checked.quarantined for p in read.ready):
        return
    with noted(read.outcome.fail):
        last = zone.newest_word()
        if looked_to(zone) >= last:
            return
        settled = settle_needless(writer(), zone, stream, read.outcome.org, run=work.report.run_id)
        _load(writer, stream, settled, read.outcome, work.progress)
        write_looked(zone, last)


def _stop_sweep(package: Package, problem: Problem) -> None:
    """The brake is judged once, at the sweep's place in the fold; then a person or a newer sweep decides."""
    checked = package.checked
    assert checked is not None
    reason = {
        "rule": SWEEP_BRAKE, "scope": "package", "severity": "block", "passed": False, "reason": problem.what,
        "owner": Actor.CRM_ADMIN.value, "observed": "stopped", "checked": 1, "failing": 1,
    }  # fmt: skip
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


def _reconcile(
    work: _Work, writer: _LazyWriter, source: Source, stream: Stream, zone: StreamZone, outcome: StreamOutcome
) -> None:
    """Compare totals with the source's own, where a rule asks for it and it is due. Of a stream that could not be read
    nothing is asked: what it lacks is known."""
    every = work.settings.reconcile_every
    if every is None or outcome.status is Status.FAILED:
        return
    with noted(outcome.fail):
        rules = work.rules_of(stream)
        rule = next((rule for rule in rules.of(Scope.CROSS) if rule.totals), None)
        if rule is None:
            return
        last = last_reconciled(zone.root, stream.source, outcome.org, stream.name) if every else None
        if last and every and work.report.started_at - last[0].started_at < every:
            return
        found = reconcile(
            writer.look(),
            source,
            stream,
            rule,
            zone,
            org=outcome.org,
            overlap=work.settings.overlap,
            sweeps=work.settings.sweep_every is not None,
            refreshes=work.settings.refresh_every is not None,
        )
        outcome.reconciled = found.measures
        if tuple(source.kinds(stream)) != (CursorKind.FILE,):  # of a file it is known since it was checked
            outcome.checks = [check for check in outcome.checks if check["rule"] != rule.name]
            outcome.checks.append(asdict(found.result(rule, rules.owner)))
        outcome.usage.add(found.usage)


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
                if problem.code == SWEEP_BRAKE:
                    _stop_sweep(package, problem)
                    outcome.fail(_stopped(package, problem.what), Status.BLOCKED)
                    continue
                if problem.code != LIST_BRAKE:
                    raise
                stop(package, problem)
                outcome.fail(stopped(package, problem.what), Status.BLOCKED)
                receipt = load_checked(writer(), package, stream)
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
