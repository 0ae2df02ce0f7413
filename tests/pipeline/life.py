"""A home that follows a small served company through a plan: acts, steps of clocks, syncs that end well or not.

What every source has in common; a source's own acts, its truth and what it excuses are in `zoho_life` and
`fxiaoke_life`. A plan is a list of plain tuples, so that hypothesis can shrink it; whatever a step needs (a record that
is there, a field that was added) and does not find makes it do nothing.
"""

from __future__ import annotations

import shutil
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import duckdb
import pytest

from connectors.core.contract import Page, Source, Stream, Window
from pipelines import faults, flow
from pipelines import sync as sync_room
from pipelines.landing import land as land_room
from pipelines.landing.decisions import release
from pipelines.landing.zone import Zone
from pipelines.outcome import Status, SyncReport
from pipelines.settings import load_settings, selected
from pipelines.warehouse import load as load_room
from pipelines.warehouse.ops import unbalanced
from tests.conftest import Sandbox
from tests.pipeline.observer import Attempt, Content, Observer, Snapshot, Version, filled

NO_RULES = "grain: one record\nowner: sales operations\nrules: []\n"
_STEPS = ("package begun", "package landed", "package loading", "package folded", "package loaded")
Step = tuple[Any, ...]
# What no increment can see of any CRM.
RESTORED = "restored without a stamp"
RECOMPUTED = "a formula computed anew"
REMOVED = "the value of a field that was removed"


class Killed(BaseException):
    """The process ended here."""


class Once:
    """A sandbox of which nothing is asked twice."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.truth = cache(sandbox.truth)


class OurClock(datetime):
    """The clock of this machine, `shift` away from the true time."""

    shift = timedelta(0)

    @classmethod
    def now(cls, tz: Any = None) -> datetime:
        return datetime.now(tz) + cls.shift


@dataclass
class Difference:
    """Where the warehouse is not as the truth is now, and what excuses it."""

    stream: str
    id: str
    field: str
    expected: Any
    got: Any
    excuse: str


class Life(ABC):
    """One home and one company. `do` follows a plan and raises AssertionError where the warehouse is wrong.

    crm: as the sandbox calls it. entities: stream → what the sandbox calls its records. stamp: the field that moves
    when a record changes. reader: whose pages may be interrupted. heals: what makes an excuse void, `full` alone where
    it is not named.
    """

    crm: ClassVar[str]
    source: ClassVar[str]
    entities: ClassVar[Mapping[str, str]]
    stamp: ClassVar[str]
    reader: ClassVar[type[Source]]
    heals: ClassVar[Mapping[str, frozenset[str]]] = {RESTORED: frozenset({"full", "swept"})}

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self.sandbox, self.folder = sandbox, folder
        self.settings = load_settings()
        self.observers = {stream: Observer(self.settings.overlap) for stream in self.entities}
        self.report: SyncReport | None = None
        self.differences: list[Difference] = []
        self.synced_at = ""
        self._serial = 0
        self._fields: dict[str, list[str]] = defaultdict(list)

    def learn(self) -> None:
        """Take the home as it stands for granted: it is the copy of one that was just compared."""
        with duckdb.connect(str(self.settings.warehouse), read_only=True) as con:
            con.execute("SET TimeZone = 'UTC'")
            for stream, truth in self.snapshots().items():
                known = Attempt(truth, ok=True, full=True)
                assert self.observers[stream].observe(known, self._history(con, stream)) == []

    def do(self, step: Step) -> None:
        """One step of a plan."""
        getattr(self, f"_{step[0]}")(*step[1:])

    # What each source says of itself.

    @abstractmethod
    def snapshots(self) -> dict[str, Snapshot]:
        """The truth of each stream now, as far as the API's user may see it."""

    @abstractmethod
    def created(self, entity: str, number: int) -> dict[str, Any]:
        """The fields of a new record."""

    @abstractmethod
    def changed(self, entity: str, number: int) -> dict[str, Any]:
        """What an edit changes."""

    @abstractmethod
    def excuse(self, name: str, expected: Any, got: Any, truth: Snapshot) -> str:
        """What excuses a field that is not as the record says, though the stamps are the same; "" if nothing does."""

    @abstractmethod
    def plant(self, *where: int) -> None:
        """Let the CRM refuse from some call of a sync on."""

    def own_value(self, kind: str, number: int) -> Any:
        """A value for an administrator's own field."""
        values = {"boolean": bool(number % 2), "picklist": f"值 {number}", "date": "2026-11-02"}
        return f"{number} 台" if kind in ("text", "textarea") else values.get(kind, number)

    def own_name(self, kind: str, number: int) -> str:
        """How an administrator's own field is called."""
        return f"Own_{kind}_{number}"

    def late(self, stream: str, id: str, *, held: bool) -> str:
        """What excuses a record that is not there (held: or lags behind its stamp); "" if nothing does."""
        return RESTORED if not held and id in self.observers[stream].gone_at else ""

    def vanished(self, stream: str, id: str) -> str:
        """What excuses a row that stands as living though its record cannot be seen any more."""
        return ""

    def troubled(self, *, sweep: bool) -> set[str]:
        """Streams of which this sync need not end well."""
        return set()

    # What happens in the CRM.

    def _create(self, entity: str, number: int) -> None:
        self.act("create", entity, changes={**self.created(entity, number), **self._own(entity, number)})

    def _edit(self, entity: str, pick: int, number: int) -> None:
        if id := self.pick(entity, pick):
            self.act(
                "edit", entity, id=id, changes={**self.changed(entity, number), **self._own(entity, number)}
            )

    def _delete(self, entity: str, pick: int, permanent: bool) -> None:
        if id := self.pick(entity, pick):
            self.act("delete", entity, id=id, permanent=permanent)

    def _restore(self, entity: str, pick: int, stamp: bool) -> None:
        gone = self.sandbox.truth(self.crm, entity)["deleted"]
        binned = sorted((d["time"], id) for id, d in gone.items() if not d["permanent"])
        if binned:
            try:
                self.act("restore", entity, id=binned[-1 - pick % min(3, len(binned))][1], stamp=stamp)
            except ValueError as error:  # a loser of a merge stays away
                assert "not in the recycle bin" in str(error)

    def _recreate(self, entity: str, pick: int) -> None:
        if id := self.pick(entity, pick):
            self.act("recreate", entity, id=id)

    def _add_field(self, entity: str, kind: str) -> None:
        self._serial += 1
        name = self.own_name(kind, self._serial)
        self._fields[entity].append(self.act("add_field", entity, name=name, type=kind))

    def _rename_field(self, entity: str, pick: int, number: int) -> None:
        if name := self.own_field(entity, pick):
            self.act("rename_field", entity, name=name, label=f"字段 {number}")

    def _remove_field(self, entity: str, pick: int) -> None:
        if name := self.own_field(entity, pick):
            self._fields[entity].remove(self.act("remove_field", entity, name=name))

    def _step(self, seconds: int) -> None:
        """The company's clock goes on, and the company with it."""
        self.sandbox.step(seconds)
        if seconds >= 3600:  # its tokens are old then; how they are renewed has tests of its own
            shutil.rmtree(self.settings.home / "cache", ignore_errors=True)

    def _our_clock(self, minutes: int) -> None:
        OurClock.shift += timedelta(minutes=minutes)

    def act(self, act: str, entity: str, **more: Any) -> str:
        """Make something happen; gives the id."""
        return self.sandbox.act(act, entity, crm=self.crm, **more)

    def pick(self, entity: str, pick: int) -> str | None:
        """A record that is there: few are chosen among, so that much happens to the same ones."""
        ids = sorted(self.sandbox.truth(self.crm, entity)["records"])
        few = [*ids[:2], *ids[-3:]]
        return few[pick % len(few)] if few else None

    def own_field(self, entity: str, pick: int) -> str | None:
        """A field of the administrator's."""
        names = self._fields[entity]
        return names[pick % len(names)] if names else None

    def _own(self, entity: str, number: int) -> dict[str, Any]:
        """A value for the newest field of the administrator's."""
        if not (name := self.own_field(entity, -1)):
            return {}
        kind = self.sandbox.truth(self.crm, entity)["fields"][name]["type"]
        return {name: self.own_value(kind, number)}

    # What we do.

    def _sync(self, how: str, *more: Any) -> None:
        """A sync: plain, full, swept, whole (both), interrupted (by the CRM), stopped (a full one, by the CRM), faulty
        (in a passing way), killed (ours), or while something happens."""
        if self.sandbox.clock() == self.synced_at:
            self.sandbox.step(1)  # two syncs do not end within a second
        self.synced_at = self.sandbox.clock()
        before = self.snapshots()
        full, sweep = how in ("full", "whole", "stopped"), how in ("swept", "whole")
        with pytest.MonkeyPatch.context() as patch:
            if how in ("interrupted", "stopped"):
                self.plant(*more)
            elif how == "faulty":
                self.sandbox.fault(
                    more[0], path=more[1], skip=more[2], **({"code": more[3]} if more[3:] else {})
                )
            elif how == "killed":
                _kill(patch, _STEPS[more[0] % len(_STEPS)], more[1])
            elif how == "while":
                self._between_pages(patch, more[0], lambda: [self.do(step) for step in more[1]])
            ok, stopped = self._attempt(full=full, sweep=sweep)
        self.sandbox.clear_faults()
        troubled = self.troubled(sweep=sweep)
        if (
            sweep and stopped - troubled
        ):  # more was deleted than the brake lets pass: somebody looks, and agrees
            self._agree(stopped - troubled)
            also, stopped = self._attempt()
            assert not stopped - troubled, self.report and self.report.sentences()
            ok &= also
        well = how in ("interrupted", "stopped", "killed") or ok >= self.entities.keys() - troubled
        assert well, self.report and self.report.sentences()
        after = self.snapshots() if how == "while" else {}
        attempts = {
            stream: Attempt(
                truth, stream in ok, full, sweep and stream not in stopped,
                None if after.get(stream) == truth else after.get(stream),
            )
            for stream, truth in before.items()
        }  # fmt: skip
        self._check(attempts)

    def _attempt(self, *, full: bool = False, sweep: bool = False) -> tuple[set[str], set[str]]:
        """Sync, and give the streams of which all was read, and of these the ones whose sweep was stopped."""
        chosen = selected(self.settings, [self.source])
        try:
            with flow.lock(self.settings, "test"):
                self.report = flow.sync(
                    self.settings, chosen, streams=list(self.entities), full=full, sweep=sweep
                )
        except Killed:
            self.report = None
            return set(), set()
        status = {outcome.stream: outcome.status for outcome in self.report.outcomes}
        read = {stream for stream in self.entities if status.get(stream) not in (None, Status.FAILED)}
        return read, {stream for stream in read if status[stream] is Status.BLOCKED}

    def _agree(self, streams: set[str]) -> None:
        """Release the newest sweep of each stream if it was stopped; an older one gives way at the next sync."""
        zone = Zone(self.settings.landing)
        for stream in streams:
            own = zone.stream(self.source, "default", stream)
            newest = own.packages("sweep")[-1]
            if newest.checked and newest.checked.blocked:
                release(own, newest, None, by="test")

    def _between_pages(self, patch: pytest.MonkeyPatch, after: int, happen: Callable[[], object]) -> None:
        """Let something happen once, after so many pages of the sync."""
        read, left = self.reader.read, [after]

        def pages(source: Source, stream: Stream, window: Window) -> Iterator[Page]:
            for page in read(source, stream, window):
                yield page
                left[0] -= 1
                if left[0] == 0:
                    happen()

        patch.setattr(self.reader, "read", pages)

    # What must be so.

    def _check(self, attempts: Mapping[str, Attempt]) -> None:
        wrong: list[str] = []
        with duckdb.connect(str(self.settings.warehouse), read_only=True) as con:
            con.execute("SET TimeZone = 'UTC'")
            assert unbalanced(con) == []
            for stream, attempt in attempts.items():
                observer, truth = self.observers[stream], attempt.truth
                poll = {id: observer.polled(truth.stamp(id)) for id in truth.records}
                history = self._history(con, stream)
                wrong += [f"{stream} history: {text}" for text in observer.observe(attempt, history)]
                if attempt.ok and attempt.after is None:
                    wrong += self._current(con, stream, attempt, poll)
        assert wrong == [], "\n".join(wrong)

    def _current(
        self, con: duckdb.DuckDBPyConnection, stream: str, attempt: Attempt, poll: Mapping[str, bool]
    ) -> list[str]:
        """Sentences about current rows that are not as the CRM stamps or lists them."""
        wrong, rows, truth = [], self._rows(con, stream), attempt.truth
        done = {name for name, was in (("full", attempt.full), ("swept", attempt.sweep)) if was}

        def note(difference: Difference, *, read: bool) -> None:
            excuse = difference.excuse
            if not excuse or read or done & self.heals.get(excuse, frozenset({"full"})):
                wrong.append(f"{stream} {difference.id}: {difference}")
            self.differences.append(difference)

        for id, record in truth.records.items():
            for difference in self._differences(stream, id, record, rows.get(id), truth):
                note(difference, read=poll[id])
        for id in rows.keys() - truth.records.keys():
            known = rows[id]
            if not known["_deleted_at"]:
                note(
                    Difference(stream, id, "_deleted_at", ..., None, self.vanished(stream, id)),
                    read=truth.lists(id),
                )
            elif known["_deletion_evidence"] == "deleted_list" and truth.lists(id):
                times = self.observers[stream].gone_at[id]
                if known["_deleted_at"] not in times:
                    wrong.append(f"{stream} {id} was deleted at {times}, not at {known['_deleted_at']}")
        return wrong

    def _differences(
        self, stream: str, id: str, record: Content, row: Mapping[str, Any] | None, truth: Snapshot
    ) -> Iterator[Difference]:
        """Where a row is not as the record."""
        if row is None:
            yield Difference(stream, id, "_record_id", id, None, self.late(stream, id, held=False))
            return
        content = _content(row)
        stamped = record[self.stamp] == row["_modified_at"]
        late = self.late(stream, id, held=True)
        if row["_deleted_at"] is not None:
            yield Difference(
                stream, id, "_deleted_at", None, row["_deleted_at"], RESTORED if stamped else late
            )
        for name in sorted(record.keys() | content.keys()):
            expected, got = record.get(name), content.get(name)
            if expected != got:
                excuse = self.excuse(name, expected, got, truth) if stamped else late
                yield Difference(stream, id, name, expected, got, excuse)

    def _history(self, con: duckdb.DuckDBPyConnection, stream: str) -> dict[str, list[Version]]:
        found = defaultdict(list)
        read_at: dict[str, datetime] = {}
        for row in _dicts(con, f"SELECT * FROM raw_{self.source}.{stream}__history ORDER BY _read_at"):
            id = row["_record_id"]
            assert id not in read_at or row["_read_at"] > read_at[id], (
                f"{stream} {id}: two versions of one read"
            )
            read_at[id] = row["_read_at"]
            found[id].append(Version(_content(row), row["_deleted_at"] is None))
        return found

    def _rows(self, con: duckdb.DuckDBPyConnection, stream: str) -> dict[str, dict[str, Any]]:
        return {row["_record_id"]: row for row in _dicts(con, f"SELECT * FROM raw_{self.source}.{stream}")}


def _content(row: Mapping[str, Any]) -> Content:
    return filled({name: value for name, value in row.items() if name[0] != "_" or name == "_id"})


def _dicts(con: duckdb.DuckDBPyConnection, query: str) -> Iterator[dict[str, Any]]:
    cursor = con.execute(query)
    names = [name for name, *_ in cursor.description or ()]
    return (dict(zip(names, row, strict=True)) for row in cursor.fetchall())


def _kill(patch: pytest.MonkeyPatch, name: str, nth: int) -> None:
    """End at the nth time that this line would be written to the log."""
    left = [nth]

    def step(said: str, **facts: object) -> None:
        if said == name:
            left[0] -= 1
            if left[0] < 0:
                raise Killed
        faults.step(said, **facts)

    for room in (land_room, load_room, sync_room):
        patch.setattr(room, "step", step)


@contextmanager
def begun(
    kind: type[Life], sandbox: Sandbox, home: Path | None, folder: Path, settings: Mapping[str, str]
) -> Iterator[tuple[Life, pytest.MonkeyPatch]]:
    """A life in this company, and a home that has synced it once: a copy of `home`, if there is one, since the same
    seed, size and clock make the same company. Ends the sandbox."""
    rules = folder / "expectations" / kind.source
    rules.mkdir(parents=True)
    for stream in kind.entities:
        (rules / f"{stream}.yml").write_text(NO_RULES)
    if home:
        shutil.copytree(home, folder / "home")
    try:
        with pytest.MonkeyPatch.context() as patch:
            own = {
                **settings, "CRM_WAREHOUSE_HOME": str(folder / "home"), "CRM_WAREHOUSE_SWEEP_DAYS": "0",
                "CRM_WAREHOUSE_THREADS": "1",
            }  # fmt: skip
            for name, value in own.items():
                patch.setenv(name, value)
            patch.chdir(folder)
            patch.setattr(sync_room, "EXPECTATIONS", rules.parent)
            patch.setattr(OurClock, "shift", timedelta(0))
            for room in (land_room, load_room):
                patch.setattr(room, "datetime", OurClock)
            yield kind(sandbox, folder), patch
    finally:
        sandbox.close()
