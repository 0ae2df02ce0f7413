"""The warehouse against the sandbox's truth, which is folded from the company's event log by other code:
after a full sync, after weeks of incremental syncs, after faults, and after everything is read once more."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines import flow
from pipelines.landing import standing
from pipelines.outcome import Status, SyncReport
from pipelines.settings import Settings, load_settings, selected
from pipelines.sql import quote
from pipelines.warehouse.ops import unbalanced
from tests.conftest import Sandbox
from tests.contract.zoho_truth import ZohoTruth

STREAMS = ("users", "accounts", "contacts", "leads", "deals", "products", "deal_history")
# A visit's end is filled in later without a new stamp; the models derive it from the next visit instead.
UNSTAMPED = {"deal_history": {"Moved_To__s", "Stage_Duration_Calendar_Days"}}


class Synced:
    """A home that follows a served company."""

    def __init__(self, sandbox: Sandbox, settings: Settings) -> None:
        self.sandbox, self.settings = sandbox, settings

    def sync(self, **options: Any) -> SyncReport:
        with flow.lock(self.settings, "test"):
            return flow.sync(self.settings, selected(self.settings, ["zoho"]), **options)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.settings.warehouse), read_only=True) as con:
            con.execute("SET TimeZone = 'UTC'")
            return con.execute(sql).fetchall()

    def rows(self, stream: str) -> dict[str, dict[str, Any]]:
        """Living rows by id, CRM fields only."""
        with duckdb.connect(str(self.settings.warehouse), read_only=True) as con:
            con.execute("SET TimeZone = 'UTC'")
            cursor = con.execute(f"SELECT * FROM raw_zoho.{quote(stream)} WHERE _deleted_at IS NULL")
            names = [name for name, *_ in cursor.description or ()]
            rows = (dict(zip(names, row, strict=True)) for row in cursor.fetchall())
            return {row["_record_id"]: {n: v for n, v in row.items() if n[0] != "_"} for row in rows}

    def _silently_restored(self, stream: str) -> set[str]:
        """Buried, and alive again under the stamp we know: no increment can see that, only a full read."""
        table = f"raw_zoho.{quote(stream)}"
        buried = self.query(f"SELECT _record_id, _modified_at FROM {table} WHERE _deleted_at IS NOT NULL")
        records = ZohoTruth(self.sandbox).records(stream)
        return {key for key, stamp in buried if key in records and records[key]["Modified_Time"] == stamp}

    def assert_equals_truth(self, *, restores_seen: bool = False) -> None:
        truth, gone = ZohoTruth(self.sandbox), self._gone()
        for stream in STREAMS:
            expected, got = truth.records(stream), self.rows(stream)
            unseen = set() if restores_seen else self._silently_restored(stream)
            expected = {key: record for key, record in expected.items() if key not in unseen}
            assert got.keys() == expected.keys(), f"{stream}: lost or invented records"
            for key, record in expected.items():
                compared = record.keys() - UNSTAMPED.get(stream, set())
                assert _differences(record, got[key], compared, gone) == {}, f"{stream} {key}"
        with duckdb.connect(str(self.settings.warehouse), read_only=True) as con:
            assert unbalanced(con) == []

    def _gone(self) -> set[str]:
        entities = ("accounts", "contacts", "products", "deals")
        return {id for entity in entities for id in self.sandbox.truth("zoho", entity)["deleted"]}


def _differences(
    expected: Mapping[str, Any], got: Mapping[str, Any], names: set[str], gone: set[str]
) -> dict[str, tuple[Any, Any]]:
    found = {}
    for name in names:
        value = got.get(name)
        if isinstance(value, dict):  # Zoho empties a reference to a deleted record without a new stamp
            value = None if value["id"] in gone else value["id"]
        if not _same(expected[name], value):
            found[name] = (expected[name], value)
    return found


def _same(expected: Any, got: Any) -> bool:
    if expected is None or got is None or got == "":
        return expected is None and got in (None, "")
    match got:
        case bool():
            return expected is got
        case Decimal() | int() | float():
            return Decimal(str(expected)) == Decimal(str(got))
        case datetime() | date():
            return expected == got
    if isinstance(expected, list):
        return got.replace('", "', '","') == str(expected).replace("'", '"').replace(", ", ",")
    return str(expected) == got


@pytest.fixture
def synced(
    fresh_sandbox: Callable[..., Sandbox], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Synced]:
    sandbox = fresh_sandbox(seed=11, size=200)
    for name, value in {**sandbox.settings, "CRM_WAREHOUSE_HOME": str(tmp_path / "home")}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    yield Synced(sandbox, load_settings())


def test_full_then_weeks_of_increments_then_everything_again(synced: Synced) -> None:
    first = synced.sync()
    assert first.ok, first.sentences()
    status = {outcome.stream: outcome.status for outcome in first.outcomes}
    assert {stream: status.get(stream) for stream in STREAMS} == dict.fromkeys(STREAMS, Status.LOADED)
    synced.assert_equals_truth()

    for _ in range(3):
        synced.sandbox.advance(12)
        assert synced.sync().ok
        synced.assert_equals_truth()
    deleted = synced.query("SELECT count(*) FROM raw_zoho.deals WHERE _deleted_at IS NOT NULL")[0][0]
    assert deleted > 0, "the company must delete deals for this test to mean anything"

    versions = synced.query("SELECT count(*) FROM raw_zoho.deals__history")
    again = synced.sync(full=True)
    assert again.ok and sum(o.inserted for o in again.outcomes) == 0
    synced.assert_equals_truth(restores_seen=True)
    changed = sum(o.updated for o in again.outcomes if o.stream == "deals")
    assert synced.query("SELECT count(*) FROM raw_zoho.deals__history")[0][0] == versions[0][0] + changed


def test_a_sync_in_which_nothing_changed_writes_nothing(synced: Synced) -> None:
    synced.sync()
    before = {p: p.stat().st_mtime_ns for p in synced.settings.home.rglob("*") if p.is_file()}
    synced.sandbox.stats(reset=True)
    report = synced.sync()
    assert report.ok and not report.changed
    assert {o.status for o in report.outcomes} == {Status.UNCHANGED}
    after = {p: p.stat().st_mtime_ns for p in synced.settings.home.rglob("*") if p.is_file()}
    ours = {
        p
        for p in after
        if p.suffix in {".duckdb", ".json", ".parquet", ".zst"}
        and "cache" not in p.parts
        and p.name != standing.NAME
    }
    assert {p: after[p] for p in ours} == {p: t for p, t in before.items() if p in ours}
    settings = len(report.outcomes) - len(STREAMS)
    most = 1 + len(STREAMS) * 5 + settings  # one of them for the totals
    assert synced.sandbox.stats()["total"] <= most, (
        "an idle sync costs a handful of calls per stream, one a setting"
    )


def test_passing_faults_cost_no_record(synced: Synced) -> None:
    planted = [
        ("http_500", "/crm/v8/Deals"),
        ("429", "/crm/v8/Accounts"),
        ("truncated", "/crm/v8/DealHistory"),
        ("html", "/crm/v8/Contacts"),
        ("token_revoked", "/crm/v8/Leads"),
        ("count_lie", "/crm/v8/Products"),
    ]
    for kind, path in planted:
        synced.sandbox.fault(kind, times=1, path=path)
    report = synced.sync()
    assert report.ok, report.sentences()
    synced.assert_equals_truth()


def test_a_stream_that_stays_broken_stops_no_other(synced: Synced) -> None:
    synced.sandbox.fault("html", times=100, path="/crm/v8/Contacts")
    report = synced.sync()
    failed = {o.stream: o.messages for o in report.outcomes if o.status is Status.FAILED}
    assert failed.keys() == {"contacts"} and len(failed["contacts"]) == 1
    assert "zoho/contacts" in failed["contacts"][0] and "Next (" in failed["contacts"][0]
    synced.sandbox.clear_faults()
    assert synced.sync().ok
    synced.assert_equals_truth()
