"""A read that the source stops: what was whole stays, and the next read goes on behind it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.core.contract import CursorKind, Shape, Stream
from connectors.core.errors import Problem
from pipelines.landing.land import land
from pipelines.landing.zone import StreamZone
from pipelines.outcome import Status
from pipelines.settings import load_settings
from tests.contract.zoho_truth import ZohoTruth
from tests.pipeline.scripted import STREAM, Scripted, deal
from tests.pipeline.test_sync_truth import Synced

SPENT = Problem("the credits are used up", do="wait", transient=True, code="NO_CREDITS")


def at(minute: int) -> str:
    return f"2026-03-01T10:{minute:02}:00+08:00"


def read(source: Scripted, zone: StreamZone, **more: Any) -> Any:
    return land(source, STREAM, CursorKind.INCREMENTAL, zone, overlap=timedelta(minutes=5), **more)


@pytest.fixture
def source() -> Scripted:
    scripted = Scripted()
    scripted.pages = [[deal(str(n), at(n))] for n in range(0, 40, 10)]
    scripted.error = SPENT
    return scripted


def test_what_a_watermark_stands_behind_stays(source: Scripted, tmp_path: Path) -> None:
    zone = StreamZone(tmp_path / "s")
    source.fail_after = 3
    with pytest.raises(Problem, match="used up"):
        read(source, zone)
    (package,) = zone.packages()
    assert (package.landed.received, package.landed.last) == (3, False)
    assert package.landed.cursor_after == datetime(2026, 3, 1, 2, 20, tzinfo=UTC)
    source.fail_after = None
    read(source, zone)
    assert source.windows[-1].since == datetime(2026, 3, 1, 2, 15, tzinfo=UTC)


def test_a_page_without_its_field_chunks_is_not_whole(source: Scripted, tmp_path: Path) -> None:
    zone = StreamZone(tmp_path / "s")
    source.pages.insert(2, (1, [{"id": "10", "Amount": 1}]))  # a chunk, which promises nothing
    source.fail_after = 3
    with pytest.raises(Problem):
        read(source, zone)
    assert zone.packages() == [] and list(zone.folder.iterdir()) == []


def test_what_is_known_already_is_not_landed_again(source: Scripted, tmp_path: Path) -> None:
    zone = StreamZone(tmp_path / "s")
    source.pages = [[deal("1", at(30))], [deal("2", at(31))]]
    read(source, zone)
    source.pages, source.fail_after = [[deal("1", at(30))], [deal("3", at(32))]], 1
    with pytest.raises(Problem):
        read(source, zone)
    assert len(zone.packages()) == 1


def test_metadata_that_cannot_be_asked_for_any_more_costs_nothing(source: Scripted, tmp_path: Path) -> None:
    zone, shape, asked = StreamZone(tmp_path / "s"), source.shape, []

    def once(stream: Stream, kind: CursorKind) -> Shape:
        asked.append(kind)
        if len(asked) > 1:
            raise SPENT
        return shape(stream, kind)

    source.shape, source.fail_after = once, 2  # type: ignore[method-assign]
    with pytest.raises(Problem, match="used up"):
        read(source, zone)
    assert [package.landed.received for package in zone.packages()] == [2]


@pytest.mark.parametrize("error", [RuntimeError("a bug of ours"), OSError("the disk is full")])
def test_faults_of_our_own_keep_nothing(source: Scripted, tmp_path: Path, error: Exception) -> None:
    zone = StreamZone(tmp_path / "s")
    source.fail_after, source.error = 3, error
    with pytest.raises(type(error)):
        read(source, zone)
    assert zone.packages() == []


def test_used_up_credits_stop_a_sync_and_the_next_goes_on(
    fresh_sandbox: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox = fresh_sandbox(seed=5, size=700)
    for name, value in {**sandbox.settings, "CRM_WAREHOUSE_HOME": str(tmp_path / "home")}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    company, streams = Synced(sandbox, load_settings()), ["deal_history"]
    truth = ZohoTruth(sandbox).records("deal_history")
    sandbox.set(credits=10)
    sandbox.stats(reset=True)
    first = company.sync(streams=streams)
    assert first.outcomes[0].status is Status.FAILED
    assert "1 are left of the last 24 hours, 1 are never spent" in first.sentences()[0]
    assert sandbox.stats(reset=True)["credits"]["spent"] == 9
    held = company.rows("deal_history")
    assert 0 < len(held) < len(truth) and len(held) % 200 == 0

    sandbox.set(credits=5_000_000)
    assert company.sync(streams=streams).ok
    assert company.rows("deal_history").keys() == truth.keys()
    path = "/crm/v8/DealHistory"
    assert sandbox.stats()["rows"][path] < len(truth) - len(held) + 200, "it went on from where it was"
