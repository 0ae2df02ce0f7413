"""The four steps as plain functions: what the command line and Dagster both call.

`run` is sync, build, publish and report; build and publish happen only when there is something new, and the
report tells afterwards what must be acted on. Every function raises Problem or returns its outcome.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from connectors.core.contract import SourceSpec
from connectors.core.errors import Problem
from pipelines.after_load import held_back
from pipelines.build import (
    Build,
    BuildStamp,
    begin_build,
    build_models,
    build_results,
    models_fingerprint,
    plan_build,
    project_variable,
    published_tables,
    read_stamp,
    run_unit_tests,
    stamp_build,
)
from pipelines.faults import in_words, log_to, noted, step
from pipelines.fold import fold_order, note_landing, prepared_warehouse, refold, seal_warehouse
from pipelines.health import (
    Health,
    PublishedHealth,
    merged_problems,
    merged_streams,
    read_health,
    sentences,
    with_standings,
    write_health,
)
from pipelines.hygiene import note_hygiene
from pipelines.identity.dictionary import note_identity, rule_version
from pipelines.landing.publications import append_publication, published_of
from pipelines.landing.standing import digest, standings, together
from pipelines.landing.zone import Zone
from pipelines.outcome import SyncReport
from pipelines.plan import Plan, remember
from pipelines.quality.docs import build_docs, loaded_tables, page_of
from pipelines.quality.rules import rules_fingerprint
from pipelines.settings import EXPECTATIONS, WRONG_USE, Settings
from pipelines.sync import Progress, sync
from pipelines.version import VERSION, folder
from pipelines.warehouse.connect import read_warehouse
from pipelines.warehouse.lock import run_lock
from pipelines.warehouse.ops import published_ops
from pipelines.warehouse.publish import Publication, publish, published_about, version_file


@dataclass(slots=True)
class RunReport:
    """A run's story. `sentences` is empty when nobody needs to act."""

    sync: SyncReport = field(default_factory=SyncReport)
    build: Build | None = None
    publication: Publication | None = None
    problems: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Everything was done and nothing is waiting for a person."""
        return not self.sentences()

    def sentences(self) -> list[str]:
        """What somebody must act on, in the order it happened."""
        failures = (
            [f"{failure}. The last published version stays." for failure in self.build.failures]
            if self.build
            else []
        )
        return self.sync.sentences() + failures + self.problems

    def note(self, problem: Problem) -> None:
        """Note what concerns the run and no stream of it. Wrong use is the caller's to hear, at once."""
        if problem.code == WRONG_USE:
            raise problem
        if str(problem) not in self.problems:
            self.problems.append(str(problem))


@contextmanager
def lock(settings: Settings, purpose: str) -> Iterator[None]:
    """One run at a time in this home. What befalls the machine under the lock is raised as its Problem."""
    settings.prepare_home()
    log_to(settings.home)
    with in_words(), run_lock(settings.home, purpose, wait_seconds=settings.lock_wait_seconds):
        yield


@dataclass(frozen=True, slots=True)
class Begun:
    """A build that may begin. source: what it will be built from; plan: what of it is to be made."""

    source: str
    plan: Plan


def begin(settings: Settings) -> Begun:
    """Make the warehouse fit for the models, forget the last build; returns what the new one is built from.

    Every receipted package is folded in, every declared raw table in place, empty where its source delivered
    nothing. Call under the lock.
    """
    refold(settings)
    with prepared_warehouse(settings) as con:
        begin_build(settings)
        note_landing(con, settings)
        note_hygiene(con)
        note_identity(con, {"zoho_credit_code_field": project_variable("zoho_credit_code_field")})
        plan = plan_build(con, settings)
    return Begun(built_from(settings), plan)


def finish(settings: Settings, built: Build, begun: Begun) -> None:
    """Note what was made, and a build of all models that succeeded as such; only that can be published."""
    day = as_of_date(settings) if built.ok else None
    with prepared_warehouse(settings) as con:
        remember(con, begun.plan, build_results(settings), day)
    if day is not None:
        stamp = BuildStamp(
            built_from=begun.source,
            as_of_date=day,
            load_order=fold_order(settings),
            models=models_fingerprint(),
            rules=rules_fingerprint(EXPECTATIONS),
            fold=folder(),
        )
        stamp_build(settings, stamp)
        seal_warehouse(settings)
        step("models built", nodes=built.nodes)


def build(settings: Settings) -> Build:
    """Build and test all models on what is loaded. Call under the lock."""
    begun = begin(settings)
    step("build begun", built_from=begun.source, nodes=len(begun.plan.names))
    built = build_models(settings, begun.plan)
    finish(settings, built, begun)
    return built


def prove_models(settings: Settings, names: Sequence[str]) -> dict[str, str]:
    """dbt's unit tests of these names on the built tables: name → what differs, "" where it passed. Call under the
    lock."""
    refold(settings)
    found = run_unit_tests(settings, names)
    seal_warehouse(settings)
    return found


def build_and_report(settings: Settings) -> RunReport:
    """`build`, with health.json replaced however it ends. Call under the lock."""
    result = RunReport()
    with noted(result.note):
        result.build = build(settings)
    return reported(settings, result)


def publish_built(settings: Settings) -> Publication:
    """Publish what was last built. Raises Problem when no build has been completed. Call under the lock."""
    if held := held_back(settings):
        raise Problem(
            f"what was loaded breaks a blocking rule: {', '.join(held)}",
            do="run `crm-warehouse status`, which says what to repair; the last published version stays",
        )
    stamp = read_stamp(settings)
    if stamp is None:
        raise Problem(
            "there is no complete build to publish: the last one failed, was interrupted, or never began",
            do="run `crm-warehouse build`, then publish again",
        )
    step("publish begun", built_from=stamp.built_from)
    about = {
        "as_of_date": stamp.as_of_date,
        "built_from": stamp.built_from,
        "load_order": str(stamp.load_order),
        "models": stamp.models,
        "rules": stamp.rules,
        "fold": stamp.fold,
        "code_version": VERSION,
        "business_timezone": settings.timezone,
        "stale": "; ".join(_stale(settings)),
    }
    publication = publish(
        settings.warehouse,
        settings.published,
        (*published_tables(settings), *published_ops()),
        about,
        memory_limit=settings.memory_limit,
        threads=settings.threads,
        keep=settings.keep_published,
        spare=published.path if (published := _published(settings)) else "",
        wait_seconds=settings.lock_wait_seconds,
    )
    if known := published_of(publication.about):
        append_publication(settings.landing, known)
    return publication


def _stale(settings: Settings) -> Iterator[str]:
    """What of a version is old, and since when."""
    for (source, org, stream), of in standings(settings.landing).items():
        if of.old:
            yield f"{source}.{stream} of {org} ({of.status} since {of.since:%Y-%m-%d %H:%M} UTC)"


def run(
    settings: Settings,
    chosen: Sequence[tuple[SourceSpec, str]],
    *,
    streams: Sequence[str] = (),
    full: bool = False,
    sweep: bool = False,
    progress: Progress = lambda outcome, step: None,
) -> RunReport:
    """Sync, then build and publish if anything is new, then report. Call under the lock."""
    result = _synced(
        settings, chosen, streams=streams, full=full, sweep=sweep, command="run", progress=progress
    )
    with noted(result.note):
        if not result.problems and not held_back(settings) and needs_build(settings):
            result.build = build(settings)
            if result.build.ok:
                result.publication = publish_built(settings)
    return reported(settings, result)


def sync_and_report(
    settings: Settings,
    chosen: Sequence[tuple[SourceSpec, str]],
    *,
    streams: Sequence[str] = (),
    full: bool = False,
    sweep: bool = False,
    progress: Progress = lambda outcome, step: None,
) -> RunReport:
    """`sync`, with health.json replaced however it ends. Call under the lock."""
    return reported(
        settings, _synced(settings, chosen, streams=streams, full=full, sweep=sweep, progress=progress)
    )


def _synced(settings: Settings, chosen: Sequence[tuple[SourceSpec, str]], **options: Any) -> RunReport:
    """What stops a whole sync (a damaged warehouse, a full disk) is a problem of the run."""
    result = RunReport()
    with noted(result.note):
        result.sync = sync(settings, chosen, **options)
    return result


def reported(settings: Settings, result: RunReport) -> RunReport:
    """The same result, after health.json and the data docs were replaced. Call under the lock."""
    before = read_health(settings.published)
    about = result.publication.about if result.publication else None
    built = result.build
    health = Health(
        at=datetime.now(UTC),
        ok=result.ok,
        published=_shown(about) if about else _published(settings),
        build_failures=list(built.failures) if built else before.build_failures if before else [],
        build_warnings=list(built.warnings) if built else before.build_warnings if before else [],
        problems=merged_problems(before, result.sync, result.problems),
        streams=with_standings(merged_streams(before, result.sync.outcomes), standings(settings.landing)),
    )
    health.ok = result.ok and not sentences(health)
    with noted(result.note):  # a disk too full even for this must not swallow what the run has to say
        write_health(settings.published, health)
        step("health written", ok=health.ok)
        if any(outcome.received for outcome in result.sync.outcomes):
            build_docs(settings.docs)
    return result


def _published(settings: Settings) -> PublishedHealth | None:
    """The version that readers were told of; where health.json is lost, the one that lies there."""
    if health := read_health(settings.published):
        return health.published
    about = published_about(settings.published)
    return _shown(about) if about else None


def _shown(about: Mapping[str, str]) -> PublishedHealth:
    return PublishedHealth(
        version=about["version"],
        path=version_file(about["version"]),
        at=datetime.fromisoformat(about["published_at"]),
        as_of_date=about.get("as_of_date", ""),
        built_from=about.get("built_from", ""),
        load_order=int(about.get("load_order") or 0),
        models=about.get("models", ""),
        rules=about.get("rules", ""),
        fold=about.get("fold", ""),
    )


def needs_build(settings: Settings) -> bool:
    """Something was loaded, or the models changed, since the last published version."""
    if not last_order(settings):
        return False
    health = read_health(settings.published)
    return health is None or health.published is None or health.published.built_from != built_from(settings)


def built_from(settings: Settings) -> str:
    """What a version depends on: the fold's last package, models, code, the rules of data and of names, and what
    it says of old streams, failing rules and rows that wait."""
    told = digest(standings(settings.landing))
    parts = (
        str(last_order(settings)), models_fingerprint(), VERSION, rules_fingerprint(EXPECTATIONS), rule_version(), told,
    )  # fmt: skip
    return "-".join(filter(None, parts))


def last_order(settings: Settings) -> int:
    """Load order of the newest package that changed something, from the receipts; 0 before the first."""
    return max((zone.last_order() for *_, zone in Zone(settings.landing).streams()), default=0)


def as_of_date(settings: Settings) -> str:
    """The day that the models built last are of; empty where nothing was loaded."""
    with read_warehouse(settings.warehouse, wait_seconds=settings.lock_wait_seconds) as con:
        row = con.execute("SELECT as_of_date FROM intermediate.int_crm__as_of").fetchone()
    return str(row[0]) if row and row[0] else ""


def latest_results(settings: Settings, source: str, stream: str) -> dict[str, dict[str, Any]]:
    """Rule → how it fared when it was judged last, over all organisations, with the page that shows it where there is
    one (`page`)."""
    found: dict[str, list[dict[str, Any]]] = {}
    pages: dict[str, str] = {}
    for (of, org, name), standing in standings(settings.landing).items():
        for rule, stands in standing.rules.items() if (of, name) == (source, stream) else ():
            found.setdefault(rule, []).append(stands.result)
            page = page_of(settings.docs, source, stream, stands.package or loaded_tables(org))
            if page.is_file():
                pages[rule] = page.as_uri()
    return {rule: together(results)[0] | {"page": pages.get(rule)} for rule, results in found.items()}
