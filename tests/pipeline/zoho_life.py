"""A home that follows a small served company through a plan: acts, steps of clocks, syncs that end well or not.

A plan is a list of plain tuples, so that hypothesis can shrink it; whatever a step needs (a record that is there, a
field that was added) and does not find makes it do nothing.
"""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pytest

from connectors.core.contract import Page, Stream, Window
from connectors.zoho import records as records_room
from connectors.zoho.source import ZohoSource
from pipelines import faults, flow
from pipelines import sync as sync_room
from pipelines.landing import land as land_room
from pipelines.outcome import Status, SyncReport
from pipelines.settings import load_settings, selected
from pipelines.warehouse import load as load_room
from pipelines.warehouse.ops import unbalanced
from tests.conftest import Sandbox
from tests.contract.zoho_truth import ZohoTruth
from tests.pipeline.observer import Attempt, Content, Observer, Snapshot, Version, filled

MODULES = {"accounts": "Accounts", "contacts": "Contacts", "deals": "Deals", "leads": "Leads"}
SEED, SIZE = 11, 50
CLOCK = "2026-11-01T13:30:00+08:00"  # half an hour before New York puts its clocks back
PAGE = 15  # records: several pages of each module
NO_RULES = "grain: one record\nowner: sales operations\nrules: []\n"
KINDS_OF_FIELDS = ("integer", "boolean", "picklist", "date")
_STEPS = ("package begun", "package landed", "package loading", "package folded", "package loaded")
_PATHS = ("{}", "{}/deleted", "settings/fields")
Step = tuple[Any, ...]


class Killed(BaseException):
    """The process ended here."""


class _Once:
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
    """Where the warehouse is not as the truth is now, after a sync without a sweep, and what excuses it."""

    stream: str
    id: str
    field: str
    expected: Any
    got: Any
    excuse: str


class Life:
    """One home and one company. `play` follows a plan and raises AssertionError where the warehouse is wrong."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self.sandbox, self.folder = sandbox, folder
        self.settings = load_settings()
        self.observers = {stream: Observer(self.settings.overlap) for stream in MODULES}
        self.report: SyncReport | None = None
        self.differences: list[Difference] = []
        self.synced_at = ""
        self._serial = 0
        self._fields: dict[str, list[str]] = defaultdict(list)

    def learn(self) -> None:
        """Take the home as it stands for granted: it is the copy of one that was just compared."""
        with duckdb.connect(str(self.settings.warehouse), read_only=True) as con:
            con.execute("SET TimeZone = 'UTC'")
            for stream, truth in self._snapshots().items():
                known = Attempt(truth, ok=True, full=True)
                assert self.observers[stream].observe(known, self._history(con, stream)) == []

    # What happens in the CRM.

    def do(self, step: Step) -> None:
        """One step of a plan."""
        getattr(self, f"_{step[0]}")(*step[1:])

    def _create(self, entity: str, number: int) -> None:
        made = {
            "accounts": {"Account_Name": f"新客户 {number}", "Employees": number},
            "contacts": {"Full_Name": f"张 {number}", "Account_Name": self._pick("accounts", number)},
            "leads": {"Last_Name": "李", "Company": f"线索 {number}", "Lead_Status": "Contacted"},
            "deals": self._deal(number),
        }  # fmt: skip
        self._act("create", entity, changes={**made[entity], **self._own(entity, number)})

    def _edit(self, entity: str, pick: int, number: int) -> None:
        changed = {
            "accounts": {"Employees": number, "Rating": "Active" if number % 2 else None},
            "contacts": {"Title": f"经理 {number}", "Account_Name": self._pick("accounts", number)},
            "leads": {"Company": f"线索 {number}"},
            "deals": {
                "Amount": number + 0.25,
                "Contact_Name": self._pick("contacts", number) if number % 3 else None,
            },
        }
        if id := self._pick(entity, pick):
            self._act("edit", entity, id=id, changes={**changed[entity], **self._own(entity, number)})

    def _recompute(self, pick: int, number: int) -> None:
        if id := self._pick("deals", pick):
            self._act("recompute", "deals", id=id, changes={"Expected_Revenue": number + 0.5})

    def _delete(self, entity: str, pick: int, permanent: bool) -> None:
        if id := self._pick(entity, pick):
            self._act("delete", entity, id=id, permanent=permanent)

    def _restore(self, entity: str, pick: int, stamp: bool) -> None:
        gone = self.sandbox.truth("zoho", entity)["deleted"]
        binned = sorted((d["time"], id) for id, d in gone.items() if not d["permanent"])
        if binned:
            try:
                self._act("restore", entity, id=binned[-1 - pick % min(3, len(binned))][1], stamp=stamp)
            except ValueError as error:  # a loser of a merge stays away
                assert "not in the recycle bin" in str(error)

    def _recreate(self, entity: str, pick: int) -> None:
        if id := self._pick(entity, pick):
            self._act("recreate", entity, id=id)

    def _merge(self, entity: str, pick: int, other: int, stamp: bool) -> None:
        winner, loser = self._pick(entity, pick), self._pick(entity, other)
        if winner and loser and winner != loser:
            self._act("merge", entity, id=winner, loser=loser, stamp=stamp)

    def _convert(self, pick: int, number: int | None) -> None:
        leads = self.sandbox.truth("zoho", "leads")["records"]
        if unconverted := sorted(id for id, lead in leads.items() if not lead.get("Converted__s")):
            deal = None if number is None else self._deal(number)
            self._act("convert", "leads", id=unconverted[pick % len(unconverted)], deal=deal)

    def _add_field(self, entity: str, kind: str) -> None:
        self._serial += 1
        self._fields[entity].append(
            self._act("add_field", entity, name=f"Own_{kind}_{self._serial}", type=kind)
        )

    def _rename_field(self, entity: str, pick: int, number: int) -> None:
        if name := self._own_field(entity, pick):
            self._act("rename_field", entity, name=name, label=f"字段 {number}")

    def _turn_field(self, entity: str, pick: int, kind: str) -> None:
        types = self.sandbox.truth("zoho", entity)["fields"]
        if (name := self._own_field(entity, pick)) and types[name]["type"] in ("integer", "picklist"):
            self._act(
                "turn_field", entity, name=name, type=kind if types[name]["type"] == "integer" else "text"
            )

    def _remove_field(self, entity: str, pick: int) -> None:
        if name := self._own_field(entity, pick):
            self._fields[entity].remove(self._act("remove_field", entity, name=name))

    def _step(self, seconds: int) -> None:
        """The company's clock goes on, and the company with it."""
        self.sandbox.step(seconds)
        if seconds >= 3600:  # its tokens are old then; how they are renewed has tests of its own
            shutil.rmtree(self.settings.home / "cache", ignore_errors=True)

    def _our_clock(self, minutes: int) -> None:
        OurClock.shift += timedelta(minutes=minutes)

    def _act(self, act: str, entity: str, **more: Any) -> str:
        return self.sandbox.act(act, entity, **more)

    def _deal(self, number: int) -> dict[str, Any]:
        return {
            "Deal_Name": f"商机 {number}", "Stage": "Qualification", "Probability": 10, "Amount": number + 0.5,
            "Closing_Date": "2026-12-01", "Account_Name": self._pick("accounts", number),
        }  # fmt: skip

    def _pick(self, entity: str, pick: int) -> str | None:
        """A record that is there: few are chosen among, so that much happens to the same ones."""
        ids = sorted(self.sandbox.truth("zoho", entity)["records"])
        few = [*ids[:2], *ids[-3:]]
        return few[pick % len(few)] if few else None

    def _own_field(self, entity: str, pick: int) -> str | None:
        names = self._fields[entity]
        return names[pick % len(names)] if names else None

    def _own(self, entity: str, number: int) -> dict[str, Any]:
        """A value for the newest field of the administrator's."""
        if not (name := self._own_field(entity, -1)):
            return {}
        values = {
            "integer": number,
            "boolean": bool(number % 2),
            "picklist": f"值 {number}",
            "date": "2026-11-02",
        }
        kind = self.sandbox.truth("zoho", entity)["fields"][name]["type"]
        if kind in ("text", "textarea"):
            return {name: f"{number} 台"}
        return {name: values.get(kind, number)}

    # What we do.

    def _sync(self, how: str, *more: Any) -> None:
        """A sync: plain, full, swept, whole (both), interrupted (by the CRM), killed (ours), or while something
        happens."""
        if self.sandbox.clock() == self.synced_at:
            self.sandbox.step(1)  # two syncs do not end within a second
        self.synced_at = self.sandbox.clock()
        before = self._snapshots()
        full, sweep = how in ("full", "whole"), how in ("swept", "whole")
        with pytest.MonkeyPatch.context() as patch:
            if how == "interrupted":
                self._plant(*more)
            elif how == "killed":
                _kill(patch, _STEPS[more[0] % len(_STEPS)], more[1])
            elif how == "while":
                _between_pages(patch, more[0], lambda: [self.do(step) for step in more[1]])
            ok = self._attempt(full=full, sweep=sweep)
        self.sandbox.clear_faults()
        assert how in ("interrupted", "killed") or ok == set(MODULES), self.report and self.report.sentences()
        after = self._snapshots() if how == "while" else {}
        self._check(before, after, ok, full=full, sweep=sweep)

    def _plant(self, path: int, module: int, skip: int) -> None:
        name = list(MODULES.values())[module % len(MODULES)]
        self.sandbox.fault(
            "no_permission", times=1000, skip=skip, path="/crm/v8/" + _PATHS[path % len(_PATHS)].format(name)
        )

    def _attempt(self, *, full: bool = False, sweep: bool = False) -> set[str]:
        """Sync, and give the modules of which all went well."""
        chosen = selected(self.settings, ["zoho"])
        try:
            with flow.lock(self.settings, "test"):
                self.report = flow.sync(self.settings, chosen, streams=list(MODULES), full=full, sweep=sweep)
        except Killed:
            self.report = None
            return set()
        status = {outcome.stream: outcome.status for outcome in self.report.outcomes}
        assert Status.BLOCKED not in status.values(), self.report.sentences()
        return {stream for stream in MODULES if status.get(stream) not in (None, Status.FAILED)}

    # What must be so.

    def _check(
        self,
        before: Mapping[str, Snapshot],
        after: Mapping[str, Snapshot],
        ok: set[str],
        *,
        full: bool,
        sweep: bool,
    ) -> None:
        wrong: list[str] = []
        with duckdb.connect(str(self.settings.warehouse), read_only=True) as con:
            con.execute("SET TimeZone = 'UTC'")
            assert unbalanced(con) == []
            for stream, truth in before.items():
                observer, end = self.observers[stream], after.get(stream)
                attempt = Attempt(truth, stream in ok, full, sweep, None if end == truth else end)
                poll = {id: observer.polled(truth.stamp(id)) for id in truth.records}
                history = self._history(con, stream)
                wrong += [f"{stream} history: {text}" for text in observer.observe(attempt, history)]
                if attempt.ok and attempt.after is None:
                    wrong += self._current(con, stream, truth, poll, exact=full, there=full or sweep)
        assert wrong == [], "\n".join(wrong)

    def _current(
        self,
        con: duckdb.DuckDBPyConnection,
        stream: str,
        truth: Snapshot,
        poll: Mapping[str, bool],
        *,
        exact: bool,
        there: bool,
    ) -> list[str]:
        """Sentences about current rows that are not as the CRM stamps or lists them. exact: nothing is excused;
        there: nor is a restore."""
        wrong, rows = [], self._rows(con, stream)
        for id, record in truth.records.items():
            found = list(_differences(stream, id, record, rows.get(id), truth))
            if id not in rows and id in self.observers[stream].gone_at:
                found = [replace(difference, excuse=RESTORED) for difference in found]
            for difference in found:
                healed = exact or (there and difference.excuse == RESTORED)
                if healed or poll[id] or not difference.excuse:
                    wrong.append(f"{stream} {id}: {difference}")
                self.differences.append(difference)
        for id, known in rows.items():
            if id not in truth.records and not known["_deleted_at"]:
                wrong.append(f"{stream} {id} is gone and stands as living")
            elif id not in truth.records and known["_deletion_evidence"] == "deleted_list":
                times = self.observers[stream].gone_at[id]
                if known["_deleted_at"] not in times:
                    wrong.append(f"{stream} {id} was deleted at {times}, not at {known['_deleted_at']}")
        return wrong

    def _snapshots(self) -> dict[str, Snapshot]:
        asked = _Once(self.sandbox)
        truth = ZohoTruth(asked)
        found = {}
        for stream in MODULES:
            fields = truth.fields(stream)
            ticks = [name for name, field in fields.items() if field.type == "boolean"]
            records = {id: filled(record, ticks) for id, record in truth.records(stream).items()}
            gone = {
                id: datetime.fromisoformat(delete["time"])
                for id, delete in asked.truth("zoho", stream)["deleted"].items()
            }
            found[stream] = Snapshot(records, gone, {name: field.type for name, field in fields.items()})
        return found

    def _history(self, con: duckdb.DuckDBPyConnection, stream: str) -> dict[str, list[Version]]:
        found = defaultdict(list)
        read_at: dict[str, datetime] = {}
        for row in _dicts(con, f"SELECT * FROM raw_zoho.{stream}__history ORDER BY _read_at"):
            id = row["_record_id"]
            assert id not in read_at or row["_read_at"] > read_at[id], (
                f"{stream} {id}: two versions of one read"
            )
            read_at[id] = row["_read_at"]
            found[id].append(Version(_content(row), row["_deleted_at"] is None))
        return found

    def _rows(self, con: duckdb.DuckDBPyConnection, stream: str) -> dict[str, dict[str, Any]]:
        return {row["_record_id"]: row for row in _dicts(con, f"SELECT * FROM raw_zoho.{stream}")}


# What the CRM neither stamps nor lists, so that no increment can see it. Each is known by what the truth says.
RESTORED = "restored without a stamp"
EMPTIED = "a reference to a record that is gone, emptied without a stamp"
RETURNED = "a reference whose record came back, filled without a stamp"
MERGED = "a reference moved by a merge without a stamp"
RECOMPUTED = "a formula computed anew"
TICKED = "a checkbox that was added, unticked in every record"
REMOVED = "the value of a field that was removed"
FORMULAS = {"Expected_Revenue"}


def _differences(
    stream: str, id: str, record: Content, row: Mapping[str, Any] | None, truth: Snapshot
) -> Iterator[Difference]:
    """Where a row is not as the record. A row that lags behind the record's stamp is excused by nothing."""
    if row is None:
        yield Difference(stream, id, "_record_id", id, None, "")
        return
    content = _content(row)
    stamped = record["Modified_Time"] == row["_modified_at"]
    if row["_deleted_at"] is not None:
        yield Difference(stream, id, "_deleted_at", None, row["_deleted_at"], RESTORED if stamped else "")
    for name in sorted(record.keys() | content.keys()):
        expected, got = record.get(name), content.get(name)
        if expected != got:
            excuse = _excuse(name, expected, got, truth) if stamped else ""
            yield Difference(stream, id, name, expected, got, excuse)


def _excuse(name: str, expected: Any, got: Any, truth: Snapshot) -> str:
    kind = truth.types.get(name)
    if kind is None:
        return REMOVED
    if kind == "lookup" and expected is None:
        return EMPTIED
    if kind == "lookup":
        return RETURNED if got is None else MERGED
    if name in FORMULAS:
        return RECOMPUTED
    if kind == "boolean" and name.startswith("Own_") and got is None and expected is False:
        return TICKED
    return ""


def _content(row: Mapping[str, Any]) -> Content:
    return filled({name: value for name, value in row.items() if name[0] != "_"})


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


def _between_pages(patch: pytest.MonkeyPatch, after: int, happen: Callable[[], object]) -> None:
    """Let something happen once, after so many pages of the sync."""
    read, left = ZohoSource.read, [after]

    def pages(self: ZohoSource, stream: Stream, window: Window) -> Iterator[Page]:
        for page in read(self, stream, window):
            yield page
            left[0] -= 1
            if left[0] == 0:
                happen()

    patch.setattr(ZohoSource, "read", pages)


@contextmanager
def life(home: Path | None, folder: Path, zone: str) -> Iterator[Life]:
    """A company of its own and a home that has synced it once: a copy of `home`, if there is one, since the same
    seed, size and clock make the same company."""
    sandbox = Sandbox(seed=SEED, size=SIZE, clock=CLOCK)
    rules = folder / "expectations" / "zoho"
    rules.mkdir(parents=True)
    for stream in MODULES:
        (rules / f"{stream}.yml").write_text(NO_RULES)
    if home:
        shutil.copytree(home, folder / "home")
    try:
        with pytest.MonkeyPatch.context() as patch:
            own = {
                **sandbox.settings, "CRM_WAREHOUSE_HOME": str(folder / "home"), "CRM_WAREHOUSE_SWEEP_DAYS": "0",
                "CRM_WAREHOUSE_THREADS": "1",
            }  # fmt: skip
            for name, value in own.items():
                patch.setenv(name, value)
            patch.chdir(folder)
            patch.setattr(sync_room, "EXPECTATIONS", rules.parent)
            patch.setattr(records_room, "PER_PAGE", str(PAGE))
            patch.setattr(OurClock, "shift", timedelta(0))
            for room in (land_room, load_room):
                patch.setattr(room, "datetime", OurClock)
            sandbox.set(time_zone=zone)
            yield Life(sandbox, folder)
    finally:
        sandbox.close()
