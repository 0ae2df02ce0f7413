"""When a sweep is due, and what it heals without a full read: held against the sandbox's truth, and against a
scripted source where the sandbox has no such fault."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from connectors.core.contract import CursorKind, Field, FieldType, Page, Shape, Stream, Window
from connectors.zoho.source import ZohoSource
from pipelines import flow
from pipelines import sync as sync_room
from pipelines.landing.zone import StreamZone, Zone
from pipelines.manifest import LANDED
from pipelines.outcome import Status, SyncReport
from pipelines.settings import load_settings
from pipelines.sweeps import is_due
from tests.conftest import Sandbox
from tests.contract.zoho_truth import ZohoTruth
from tests.pipeline.conftest import Bench
from tests.pipeline.scripted import Scripted, deal
from tests.pipeline.test_sync_truth import Synced

LATER = "2026-03-05T10:00:00+08:00"


class Sweepable(Scripted):
    """Lists `living` in sweeps, with their stamps, and gives them by key."""

    def __init__(self) -> None:
        super().__init__()
        self.living: dict[str, dict[str, Any]] = {}

    def can_sweep(self, stream: Stream) -> bool:
        return True

    def shape(self, stream: Stream, kind: CursorKind) -> Shape:
        if kind is not CursorKind.SWEEP:
            return super().shape(stream, kind)
        fields = (Field("id", FieldType.TEXT), Field("Modified_Time", FieldType.DATETIME))
        return Shape("data", "id", None, fields)

    def read(self, stream: Stream, window: Window) -> Iterator[Page]:
        if not window.keys and window.kind is not CursorKind.SWEEP:
            yield from super().read(stream, window)
            return
        self.windows.append(window)
        if window.keys:
            records = [self.living[key] for key in window.keys if key in self.living]
        else:
            records = [{"id": r["id"], "Modified_Time": r["Modified_Time"]} for r in self.living.values()]
        if records:
            yield Page(json.dumps({"data": records}).encode(), len(records))


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setattr(sync_room, "EXPECTATIONS", tmp_path / "expectations")
    made = Bench(tmp_path, Sweepable())
    records = [deal(str(n), Amount=n) for n in range(1, 21)]
    made.source.living = {record["id"]: record for record in records}
    made.source.pages = [records]
    assert made.sync().ok
    made.source.pages = []
    made.source.windows.clear()
    return made


def swept(bench: Bench) -> SyncReport:
    with flow.lock(bench.settings, "test"):
        return flow.sync(bench.settings, [(bench.spec, "default")], sweep=True)


def kinds(bench: Bench) -> Sequence[CursorKind]:
    return [window.kind for window in bench.source.windows]


def test_records_that_came_without_a_stamp_are_read_by_key_in_the_same_sync(bench: Bench) -> None:
    old = "2025-01-01T10:00:00+08:00"
    bench.source.living["99"] = deal("99", old, Amount=99)  # shared with the API user just now
    bench.source.living["3"] = deal("3", LATER, Amount=33)  # its change slipped over a page border
    report = swept(bench)
    assert report.ok, report.sentences()
    assert dict(bench.raw())["99"] == 99 and dict(bench.raw())["3"] == 33
    assert kinds(bench) == [CursorKind.INCREMENTAL, CursorKind.DELETED, CursorKind.SWEEP, CursorKind.BACKFILL]
    assert set(bench.source.windows[-1].keys) == {"99", "3"}
    assert (report.outcomes[0].inserted, report.outcomes[0].updated) == (1, 1)
    newest = bench.zone.newest(CursorKind.INCREMENTAL)
    assert newest and newest.cursor_after == datetime(2026, 3, 1, 2, tzinfo=UTC), "the stream's cursor stays"

    bench.source.windows.clear()
    assert swept(bench).ok
    assert CursorKind.BACKFILL not in kinds(bench), "what is held is not read again"


def test_a_record_that_waits_in_quarantine_is_held_there(bench: Bench) -> None:
    bench.source.pages = [[deal("30", Amount=-5)]]
    bench.source.living["30"] = deal("30", Amount=-5)
    assert bench.sync().outcomes[0].quarantined == 1
    bench.source.pages = []
    assert swept(bench).ok
    assert CursorKind.BACKFILL not in kinds(bench)


def test_everything_is_read_again_when_the_last_full_read_is_old(bench: Bench) -> None:
    """What a CRM changes without a stamp is at most so many days late."""

    def full_reads() -> list[bool]:
        return [w.since is None for w in bench.source.windows if w.kind is CursorKind.INCREMENTAL]

    bench.source.pages = [[deal(str(n), Amount=n + (n == 3)) for n in range(1, 21)]]  # a formula, say
    age(bench, days=6)
    assert bench.sync().ok
    assert full_reads() == [False]
    age(bench, days=7)
    assert bench.sync().ok
    assert full_reads() == [False, True]
    assert dict(bench.raw())["3"] == 4
    bench.settings = bench.settings.model_copy(update={"refresh_days": 0})
    age(bench, days=600)
    assert bench.sync().ok
    assert full_reads() == [False, True, False], "0 days: only when asked for"


def test_a_sweep_is_made_when_the_last_one_is_old(bench: Bench) -> None:
    assert bench.sync().ok
    assert CursorKind.SWEEP not in kinds(bench), "everything was read a moment ago"
    age(bench, days=7)
    assert bench.sync().ok
    assert kinds(bench)[-1] is CursorKind.SWEEP
    bench.source.windows.clear()
    assert bench.sync().ok
    assert CursorKind.SWEEP not in kinds(bench), "the sweep was made a moment ago"
    age(bench, days=6)
    assert bench.sync().ok
    assert CursorKind.SWEEP not in kinds(bench)
    bench.settings = bench.settings.model_copy(update={"sweep_days": 0})
    age(bench, days=600)
    assert bench.sync().ok
    assert CursorKind.SWEEP not in kinds(bench), "0 days: only when asked for"


def age(bench: Bench, days: int) -> None:
    """Every package was landed so much earlier."""
    make_older(bench.zone, days)


def make_older(zone: StreamZone, days: int) -> None:
    for package in zone.packages():
        landed = package.landed
        landed = msgspec.structs.replace(landed, landed_at=datetime.now(UTC) - timedelta(days=days))
        (package.folder / LANDED).write_bytes(msgspec.json.encode(landed))


def test_half_a_sweep_is_none_and_is_tried_again_a_day_later(bench: Bench) -> None:
    assert swept(bench).ok
    (package,) = bench.zone.packages(CursorKind.SWEEP)
    halved = msgspec.structs.replace(package.landed, last=False)
    (package.folder / LANDED).write_bytes(msgspec.json.encode(halved))
    age(bench, days=30)
    for path in bench.zone.packages(CursorKind.SWEEP):
        recent = msgspec.structs.replace(path.landed, landed_at=datetime.now(UTC))
        (path.folder / LANDED).write_bytes(msgspec.json.encode(recent))
    week = timedelta(days=7)
    assert not is_due(bench.zone, week), "it was tried a moment ago"
    assert is_due(bench.zone, week, datetime.now(UTC) + timedelta(days=1)), "half a sweep is not a sweep"


def test_a_sweep_that_finds_nothing_at_all_stops_and_asks(bench: Bench) -> None:
    bench.source.living.clear()
    report = swept(bench)
    assert report.outcomes[0].status is Status.BLOCKED
    assert "a sweep found none of 20 records; nothing was marked as deleted" in report.sentences()[0]
    assert len(bench.raw()) == 20


@pytest.fixture
def company(fresh_sandbox: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Synced:
    sandbox: Sandbox = fresh_sandbox(seed=11, size=200)
    for name, value in {**sandbox.settings, "CRM_WAREHOUSE_HOME": str(tmp_path / "home")}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return Synced(sandbox, load_settings())


@pytest.mark.slow
def test_silent_restores_and_unlisted_deletes_are_healed_without_a_full_read(
    company: Synced, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert company.sync().ok
    for _ in range(2):  # deletes are seen, their restores are not
        company.sandbox.advance(12)
        assert company.sync().ok
    with monkeypatch.context() as forgetful:  # as after 120 days: the deleted list knows nothing of them
        forgetful.setattr(ZohoSource, "kinds", lambda self, stream: (CursorKind.INCREMENTAL,))
        company.sandbox.advance(12)
        assert company.sync().ok
        wrong = {name: differing(company, name) for name in ("deals", "accounts", "contacts", "leads")}
        assert any(gone for gone, _ in wrong.values()), "nothing was deleted"
        assert any(risen for _, risen in wrong.values()), "nothing was restored"
        report = company.sync(sweep=True)
        assert report.ok, report.sentences()
    company.assert_equals_truth(restores_seen=True)


def test_a_deleted_list_that_cannot_be_read_is_made_up_for_each_day(
    company: Synced, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Zoho ends every list somewhere, and which order this one has is not documented."""
    windows: list[Window] = []
    read = ZohoSource.read

    def noting(self: ZohoSource, stream: Stream, window: Window) -> Iterator[Page]:
        if stream.name == "deals":
            windows.append(window)
        return read(self, stream, window)

    def synced() -> list[CursorKind]:
        windows.clear()
        outcome = next(o for o in company.sync(streams=("deals",)).outcomes if o.stream == "deals")
        assert (outcome.status is Status.FAILED) is stuck, outcome.messages
        assert not stuck or "Zoho's lists end before" in outcome.messages[0]
        return [window.kind for window in windows]

    monkeypatch.setattr(ZohoSource, "read", noting)
    usual, zone = [CursorKind.INCREMENTAL, CursorKind.DELETED], Zone(company.settings.landing)
    stuck, deals = False, zone.stream("zoho", "default", "deals")
    assert synced() == usual
    stuck = True
    company.sandbox.set(deleted_rows=0)
    first, second, third = sorted(ZohoTruth(company.sandbox).records("deals"))[:3]
    company.sandbox.act("delete", "deals", id=first)
    assert synced() == usual, "the stream is new: there was no day without its list"
    assert first in company.rows("deals")
    make_older(deals, days=1)
    company.sandbox.step(3_600)
    began = company.sandbox.clock()
    assert synced() == [*usual, CursorKind.SWEEP]
    assert first not in company.rows("deals")
    company.sandbox.act("delete", "deals", id=second)
    assert synced() == usual, "not at every sync"
    stuck = False
    company.sandbox.set(deleted_rows=1_000_000)
    company.sandbox.act("delete", "deals", id=third)
    assert synced() == usual
    assert windows[1].since == datetime.fromisoformat(began) - company.settings.overlap, (
        "the sweep saw the rest"
    )
    assert not {first, second, third} & set(company.rows("deals"))


def differing(company: Synced, stream: str) -> tuple[set[str], set[str]]:
    """Ids that the warehouse holds as living and are gone, and the other way round."""
    true, held = set(ZohoTruth(company.sandbox).records(stream)), set(company.rows(stream))
    return held - true, true - held
