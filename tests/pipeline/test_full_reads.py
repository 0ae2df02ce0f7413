"""Whole modules by COQL and by Bulk Read: the warehouse is the sandbox's truth, and a version of a record is the
same version whichever way it came."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from connectors.core.contract import CursorKind
from connectors.zoho import coql
from connectors.zoho.bulk import Bulk
from pipelines import flow
from pipelines.landing.zone import StreamZone, Zone
from pipelines.settings import load_settings
from pipelines.upkeep.verify import audit
from tests.conftest import Sandbox
from tests.contract.zoho_truth import ZohoTruth
from tests.pipeline.test_sync_truth import Synced

CORE = ("accounts", "contacts", "leads", "deals", "products", "deal_history")
Opener = Callable[..., Synced]


@pytest.fixture
def company(fresh_sandbox: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Opener:
    def start(way: str, **switches: Any) -> Synced:
        sandbox: Sandbox = fresh_sandbox(seed=3, size=150)
        sandbox.set(bulk_polls=0, **switches)
        read_by(way)
        for name, value in {**sandbox.settings, "CRM_WAREHOUSE_HOME": str(tmp_path / "home")}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(tmp_path)
        return Synced(sandbox, load_settings())

    def read_by(way: str) -> None:
        monkeypatch.setenv("ZOHO_FULL_READ", way)

    start.read_by = read_by  # type: ignore[attr-defined]
    monkeypatch.setattr(
        Bulk.__init__, "__kwdefaults__", {**Bulk.__init__.__kwdefaults__, "sleep": lambda _: None}
    )
    return start


def zone(company: Synced, stream: str) -> StreamZone:
    return Zone(company.settings.landing).stream("zoho", "default", stream)


@pytest.mark.parametrize(
    ("way", "switches"),
    [
        ("bulk", {"bulk_rows": 60}),
        pytest.param("bulk", {"bulk_id": "id"}, marks=pytest.mark.slow),
        pytest.param("coql", {"coql_names": True}, marks=pytest.mark.slow),
    ],
)
def test_a_first_sync_is_the_truth_and_other_ways_bring_the_same_versions(
    company: Opener, way: str, switches: dict[str, Any]
) -> None:
    synced = company(way, **switches)
    report = synced.sync(streams=(*CORE, "users"))
    assert report.ok, report.sentences()
    synced.assert_equals_truth()
    calls = synced.sandbox.stats(reset=True)["calls"]
    used = "/crm/bulk/v8/read" if way == "bulk" else "/crm/v8/coql"
    assert any(path.startswith(used) for path in calls)
    landed = zone(synced, "deals").packages()[0].landed
    assert f"rows by {way}: about" in landed.request and landed.cursor_after is not None

    for other in ("records", "coql"):
        company.read_by(other)  # type: ignore[attr-defined]
        again = synced.sync(streams=CORE, full=True)
        assert again.ok and sum(o.inserted + o.updated for o in again.outcomes) == 0, other
    synced.sandbox.advance(3)
    assert synced.sync(streams=["deals"], sweep=True).ok
    assert set(synced.rows("deals")) == set(synced.sandbox.truth("zoho", "deals")["records"])
    with flow.lock(synced.settings, "test"):
        assert audit(synced.settings).wrong == []


def test_names_that_records_brought_stay_when_bulk_brings_ids(company: Opener) -> None:
    synced = company("records")
    assert synced.sync(streams=["deals"]).ok
    names = "SELECT count(*) FROM raw_zoho.deals WHERE Owner.name IS NOT NULL"
    before = synced.query(names)
    company.read_by("bulk")  # type: ignore[attr-defined]
    assert synced.sync(streams=["deals"], full=True).ok
    assert synced.query(names) == before and before[0][0] > 0


def test_a_stopped_bulk_read_goes_on_behind_its_last_file(company: Opener) -> None:
    synced = company("bulk", bulk_rows=60)
    synced.sandbox.fault("no_permission", path="/crm/bulk/v8/read", skip=2, times=1)
    assert not synced.sync(streams=["deals"]).ok
    first = zone(synced, "deals").packages()
    assert [(p.landed.received, p.landed.last, p.landed.cursor_after) for p in first] == [(120, False, None)]
    synced.sandbox.stats(reset=True)
    assert synced.sync(streams=["deals"]).ok
    truth = ZohoTruth(synced.sandbox).records("deals")
    *bulk, behind = (p.landed.received for p in zone(synced, "deals").packages(CursorKind.INCREMENTAL))
    assert sum(bulk) == len(truth), "nothing was read twice"
    stamps = [deal["Modified_Time"] for deal in truth.values()]
    assert behind == sum(stamp >= max(stamps) - synced.settings.overlap for stamp in stamps), (
        "then what changed meanwhile"
    )
    assert zone(synced, "deals").newest(CursorKind.INCREMENTAL).cursor_after is not None


def test_ranges_of_ids_are_read_side_by_side_and_a_stopped_read_goes_on_with_what_is_left(
    company: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coql, "MOST_ROWS", 20)
    monkeypatch.setattr(coql, "_ROWS_PER_RANGE", 30)
    synced = company("coql")
    truth = synced.sandbox.truth("zoho", "deals")["records"]
    synced.sandbox.fault("no_permission", path="/crm/v8/coql", skip=9, times=1)
    assert not synced.sync(streams=["deals"]).ok
    (first,) = zone(synced, "deals").packages()
    left = msgspec.json.decode(first.landed.resume)["at"].split()
    assert len(left) > 1 and not first.landed.last and 20 <= first.landed.received < len(truth)
    assert synced.sync(streams=["deals"]).ok
    packages = zone(synced, "deals").packages(CursorKind.INCREMENTAL)
    received = sum(p.landed.received for p in packages)
    assert len(truth) <= received <= len(truth) + 10 * 20, "at most the calls in flight are made again"
    assert packages[1].landed.received < len(truth), "what was read is not read anew"
    assert synced.sync(streams=(*CORE, "users")).ok
    synced.assert_equals_truth()


def test_a_page_token_that_is_too_old_begins_anew(company: Opener) -> None:
    synced = company("bulk", bulk_rows=60)
    synced.sandbox.fault("no_permission", path="/crm/bulk/v8/read", skip=1, times=1)
    assert not synced.sync(streams=["deals"]).ok
    synced.sandbox.advance(2)
    assert synced.sync(streams=["deals"]).ok
    assert set(synced.rows("deals")) == set(synced.sandbox.truth("zoho", "deals")["records"])


def test_where_a_file_writes_lists_otherwise_the_next_way_is_taken(company: Opener) -> None:
    synced = company("bulk", bulk_separator="|")
    assert synced.sync(streams=(*CORE, "users")).ok
    synced.assert_equals_truth()
    ways = {name: zone(synced, name).packages()[0].landed.request for name in ("deals", "contacts")}
    assert "no bulk: refused (BULK_LISTS)" in ways["deals"] and "rows by records" in ways["deals"]
    assert "rows by bulk" in ways["contacts"], "which has no such field"
    several = "SELECT count(*) FROM raw_zoho.deals WHERE len(Competitors::JSON::VARCHAR[]) > 1"
    assert synced.query(several) > [(0,)]


def test_where_bulk_is_refused_the_next_way_is_taken(company: Opener) -> None:
    synced = company("bulk")
    synced.sandbox.fault("scope_mismatch", path="/crm/bulk/v8/read", times=100)
    report = synced.sync(streams=["deals"])
    assert report.ok, report.sentences()
    landed = zone(synced, "deals").packages()[0].landed
    assert "no bulk: refused (OAUTH_SCOPE_MISMATCH)" in landed.request
    assert set(synced.rows("deals")) == set(synced.sandbox.truth("zoho", "deals")["records"])


def test_records_that_change_while_bulk_is_read_are_read_by_the_next_sync(company: Opener) -> None:
    """The promise is the newest change there was before the first job, not what the file happens to hold."""
    synced = company("bulk")
    newest = max(r["Modified_Time"] for r in synced.sandbox.truth("zoho", "deals")["records"].values())
    assert synced.sync(streams=["deals"]).ok
    cursor = zone(synced, "deals").newest(CursorKind.INCREMENTAL).cursor_after
    assert cursor == datetime.fromisoformat(newest)


def test_a_wrong_way_is_named(company: Opener) -> None:
    synced = company("fast")
    assert "ZOHO_FULL_READ" in synced.sync(streams=["deals"]).sentences()[0]
