"""Forgetting people: out of the landing zone, the warehouse, the published copy and what was kept beside them.

Order matters, so that a kill at any point loses nothing and running the command again finishes it: first the
erasure is noted (from then on whatever arrives is redacted), then package after package is rewritten, then
the salt is forgotten, the warehouse folded anew into a fresh file, built and published.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec

from connectors.core.contract import CursorKind, Source, SourceSpec, Stream
from connectors.core.errors import Problem
from pipelines import flow
from pipelines.faults import noted, step
from pipelines.fold import rebuild
from pipelines.landing.redaction.erased import Erasure, begun, read_list, write_list
from pipelines.landing.redaction.package import Change, Leavers, forget_in
from pipelines.landing.redaction.rows import Leaving
from pipelines.landing.standing import without_samples
from pipelines.landing.zone import Package, StreamZone, Zone
from pipelines.quality.docs import loaded_tables
from pipelines.quality.unlearn import unlearn
from pipelines.settings import WRONG_USE, Settings
from pipelines.upkeep.leftovers import files_with
from pipelines.warehouse.connect import scratch_database


@dataclass(frozen=True, slots=True)
class Record:
    """A record to forget: its stream and its key, as the CRM gives it."""

    stream: str
    key: str


@dataclass(slots=True)
class Forgotten:
    """What was done. packages, rows: rewritten; files: names of inbox files that held the person.

    texts: what was taken out, to look for it elsewhere; never shown. sentences: what is left to people.
    """

    packages: int = 0
    rows: int = 0
    rebuilt: int = 0
    files: list[str] = field(default_factory=list)
    texts: set[str] = field(default_factory=set, repr=False)
    run: flow.RunReport | None = None
    sentences: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Nothing of the person is left where we could reach."""
        return self.run is None or self.run.ok


def forget(
    settings: Settings, spec: SourceSpec, org: str, records: Sequence[Record], reason: str = ""
) -> Forgotten:
    """Forget these records of one organisation, everywhere. Call under the run lock. Raises Problem."""
    done = erase(settings, spec, org, records, reason)
    if done.rebuilt:
        _publish(settings, done)
    if done.ok:
        _close(settings, spec, org, records)
    done.sentences += _left(settings, spec, done)
    return done


def erase(
    settings: Settings, spec: SourceSpec, org: str, records: Sequence[Record], reason: str = ""
) -> Forgotten:
    """The landing zone and the warehouse only: nothing is built or published yet, nothing closed."""
    _check(spec, records, {name for name, _ in _zones(settings, spec, org)})
    with ExitStack() as stack:
        source = None if spec.settings else stack.enter_context(spec.open(settings.context(spec, org)))
        erasures, resumed = _note(settings, spec, org, records, reason, source)
        done = _rewrite(settings, spec, org, erasures, source)
    _forget_salts(settings, spec, org, records)
    step("salt forgotten", source=spec.name)
    zone = Zone(settings.landing)
    if (done.packages or resumed) and any(z.loaded() for *_, z in zone.streams()):
        done.rebuilt = rebuild(settings)
    return done


def _check(spec: SourceSpec, records: Sequence[Record], names: set[str]) -> None:
    """names: the streams that were landed, of which some may have been discovered."""
    names |= {stream.name for stream in spec.streams()}
    if unknown := sorted({r.stream for r in records} - names):
        raise Problem(
            f"{spec.name} has no stream named {', '.join(unknown)}",
            do=f"choose among {', '.join(sorted(names))}",
            code=WRONG_USE,
        )
    if not records or any(not r.key.strip() for r in records):
        raise Problem("no record was named", do="give its id with --record", code=WRONG_USE)


def _note(
    settings: Settings,
    spec: SourceSpec,
    org: str,
    records: Sequence[Record],
    reason: str,
    source: Source | None,
) -> tuple[dict[Record, Erasure], bool]:
    """Write the erasures down first. Also whether any of them was begun before and is not finished."""
    noted: dict[Record, Erasure] = {}
    resumed = False
    for record in records:
        list_ = read_list(settings.landing, spec.name, org, record.stream)
        earlier = list_.find(record.key)
        resumed |= earlier is not None and earlier.done_at is None
        is_name = source is not None and source.alias_key(record.key, "") is not None
        list_, noted[record] = begun(list_, record.key, datetime.now(UTC), reason, is_name=is_name)
        write_list(settings.landing, spec.name, org, record.stream, list_)
        step("erasure noted", source=spec.name, stream=record.stream)
    return noted, resumed


def _rewrite(
    settings: Settings,
    spec: SourceSpec,
    org: str,
    erasures: Mapping[Record, Erasure],
    source: Source | None,
) -> Forgotten:
    done = Forgotten()
    declared = {stream.name: stream for stream in spec.streams()}
    with scratch_database(settings.scratch(), memory_limit=settings.memory_limit) as con:
        for name, zone in _zones(settings, spec, org):
            stream = declared.get(name) or _bare(spec.name, name)
            leavers, aliases = _leavers(erasures, name, source)
            zone.sweep_unfinished()
            for package in zone.packages():
                change = forget_in(package, stream, leavers, con, source, aliases=aliases)
                _count(settings, done, stream, package, change)
            without_samples(zone)
            unlearn(settings.docs, spec.name, name, loaded_tables(org), {0})
    return done


def _leavers(
    erasures: Mapping[Record, Erasure], stream: str, source: Source | None
) -> tuple[Leavers, dict[str, str]]:
    """Who leaves a stream, and the aliases of those whose key was their name."""
    kept: dict[Record, str] = {}
    aliases: dict[str, str] = {}
    for record, erasure in erasures.items():
        alias = source.alias_key(record.key, erasure.alias) if source and erasure.alias else None
        kept[record] = alias or record.key
        if alias:
            aliases[alias] = erasure.alias
    own = {r.key: Leaving(kept[r], e.at, e.salt) for r, e in erasures.items() if r.stream == stream}
    when = {kept[r]: (e.at, e.reason) for r, e in erasures.items()}
    return Leavers(own, frozenset(r.key for r in erasures), when), aliases


def _count(settings: Settings, done: Forgotten, stream: Stream, package: Package, change: Change) -> None:
    if not change.found:
        return
    done.packages += 1
    done.rows += len(change.positions)
    done.texts |= change.texts
    if package.kind == CursorKind.FILE:
        done.files.append(package.landed.request or package.landed.file_name)
    unlearn(settings.docs, stream.source, stream.name, package.id, change.positions)


def _zones(settings: Settings, spec: SourceSpec, org: str) -> Iterator[tuple[str, StreamZone]]:
    for _, of, name, zone in Zone(settings.landing).streams(spec.name):
        if of == org:
            yield name, zone


def _bare(source: str, name: str) -> Stream:
    """A stream that was discovered, or its source has dropped: nothing says which of its fields are harmless."""
    return Stream(source=source, name=name, api_name=name, label="", docs="", fields=(), modelled=False)


def _forget_salts(settings: Settings, spec: SourceSpec, org: str, records: Sequence[Record]) -> None:
    _update(settings, spec, org, records, salt="")


def _close(settings: Settings, spec: SourceSpec, org: str, records: Sequence[Record]) -> None:
    _update(settings, spec, org, records, done_at=datetime.now(UTC))


def _update(
    settings: Settings, spec: SourceSpec, org: str, records: Sequence[Record], **changes: object
) -> None:
    for record in records:
        list_ = read_list(settings.landing, spec.name, org, record.stream)
        if erasure := list_.find(record.key):
            changed = list_.with_one(msgspec.structs.replace(erasure, **changes), record.key)
            write_list(settings.landing, spec.name, org, record.stream, changed)


def _publish(settings: Settings, done: Forgotten) -> None:
    """Build, publish, and take away every older version, which readers could open for what is gone."""
    done.run = flow.build_and_report(settings)
    if not done.run.ok:
        return
    with noted(done.run.note):
        done.run.publication = flow.publish_built(settings)
    publication = done.run.publication
    if publication is None:
        return
    flow.reported(settings, done.run)
    for path in settings.published.rglob("bi.*.duckdb"):  # past versions built again among them
        if path != publication.path:
            path.unlink()
    step("older versions removed", kept=publication.version)


def _left(settings: Settings, spec: SourceSpec, done: Forgotten) -> Iterator[str]:
    """What we do not reach, or found elsewhere."""
    if not done.packages:
        yield (
            "Nothing that was landed holds these records; should they arrive, they are redacted before they are "
            "kept. Check the source, the stream and the id if you expected otherwise."
        )
    if done.run and not done.run.ok:
        yield (
            "The landing zone and the warehouse are done, but the models could not be built or published, so "
            "published versions made before still hold what they held: mend that and run the command again."
        )
    if done.files:
        yield (
            f"The original files in {settings.inbox(spec.name)} stay as people put them there, and still hold "
            f"the person: {', '.join(sorted(set(done.files)))}. Remove them, or take the rows out."
        )
    for path in files_with(settings, done.texts):
        yield (
            f"{path} holds a text that the person's record held (a name may be somebody else's too): look, and "
            "remove what it says of the person."
        )
    yield (
        "Backups, exports and copies made before now, Dagster's run history and the CRM itself are not reached: "
        "a restored backup brings the person back until this command is run again."
    )
