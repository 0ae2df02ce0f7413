"""What follows a won deal, from both CRMs and the managers' spreadsheets, against the company's truth: all of it once,
and again after days of edits and deletions. An organisation that has none of it is a quiet one. Each stream read once,
and fast: tests/contract/test_ledger_streams.py."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from connectors import discover
from pipelines import flow
from pipelines.outcome import SyncReport
from pipelines.settings import Settings, load_settings, selected
from pipelines.sql import quote
from pipelines.warehouse.ops import unbalanced
from tests.conftest import Sandbox
from tests.contract.fxiaoke_api_truth import LEDGER, FxiaokeApiTruth
from tests.contract.inputs_truth import InputsTruth
from tests.contract.zoho_truth import ZohoTruth
from tests.pipeline.test_fxiaoke_api import _same as same_in_fxiaoke
from tests.pipeline.test_sync_truth import _same as same_in_zoho

LINES = ("quoted_items", "ordered_items", "invoiced_items")
ZOHO = ("quotes", "sales_orders", "invoices", *LINES, "tasks", "events", "calls", "cases", "campaigns")
INPUTS = ("receipts", "contracts", "payment_plans", "survey_responses", "opportunity_splits")
UNSTAMPED = {"version", "Expected_Margin"}  # move without a stamp
pytestmark = pytest.mark.timeout(240)


class Home:
    """A home that follows a served company, of which it reads what follows a won deal."""

    def __init__(self, sandbox: Sandbox, settings: Settings) -> None:
        self.sandbox, self.settings = sandbox, settings

    def sync(self, **options: Any) -> SyncReport:
        self.sandbox.inputs(self.settings.inbox("inputs"))
        with flow.lock(self.settings, "test"):
            return flow.sync(self.settings, selected(self.settings, ["zoho", "fxiaoke", "inputs"]), **options)

    def rows(self, table: str) -> dict[str, dict[str, Any]]:
        """Living rows by id."""
        with duckdb.connect(str(self.settings.warehouse), read_only=True) as con:
            con.execute("SET TimeZone = 'UTC'")
            cursor = con.execute(f"SELECT * FROM {table} WHERE _deleted_at IS NULL")
            names = [name for name, *_ in cursor.description or ()]
            return {
                r["_record_id"]: r for r in (dict(zip(names, row, strict=True)) for row in cursor.fetchall())
            }

    def assert_equals_truth(self, *, lines: bool = True) -> None:
        """lines: also Zoho's lines, whose deletions no list tells: only a sweep sees them."""
        zoho, fxiaoke, inputs = (
            ZohoTruth(self.sandbox),
            FxiaokeApiTruth(self.sandbox),
            InputsTruth(self.sandbox),
        )
        for stream in ZOHO:
            if lines or stream not in LINES:
                self._assert_equal("zoho", stream, zoho.records(stream), same_in_zoho)
        for stream in LEDGER:
            self._assert_equal("fxiaoke", stream, fxiaoke.records(stream), same_in_fxiaoke)
        for stream in INPUTS:
            self._assert_equal("inputs", stream, inputs.records(stream), same_in_fxiaoke)
        with duckdb.connect(str(self.settings.warehouse), read_only=True) as con:
            assert unbalanced(con) == []

    def _assert_equal(self, source: str, stream: str, expected: Any, same: Any) -> None:
        got = self.rows(f"raw_{source}.{quote(stream)}")
        assert expected, stream
        assert got.keys() == expected.keys(), f"{source}/{stream}"
        for key, record in expected.items():
            found = {name: _id(got[key].get(name)) for name in record}
            wrong = {
                n: (v, found[n]) for n, v in record.items() if n not in UNSTAMPED and not same(v, found[n])
            }
            assert wrong == {}, f"{source}/{stream} {key}"


def _id(value: Any) -> Any:
    return value["id"] if isinstance(value, dict) else value


def begun(sandbox: Sandbox, folder: Path, patch: pytest.MonkeyPatch, **settings: str) -> Home:
    declared = {name: [s.api_name for s in discover()[name].streams()] for name in ("zoho", "fxiaoke")}
    core = {"users", "Accounts", "Contacts", "Leads", "Deals", "Products", "DealHistory"}
    own = {
        **sandbox.settings, **sandbox.fxiaoke, **settings, "CRM_WAREHOUSE_HOME": str(folder / "home"),
        "ZOHO_MODULES": ",".join(name for name in declared["zoho"] if name not in core | {"org/currencies"}),
        "FXIAOKE_OBJECTS": ",".join(LEDGER.values()),
    }  # fmt: skip
    for name, value in own.items():
        patch.setenv(name, value)
    patch.chdir(folder)
    return Home(sandbox, load_settings())


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """Read once, and again after two weeks."""
    sandbox = Sandbox(seed=11, size=150)
    sandbox.set(ledger=True, tokens=1000, fxiaoke={"tokens": 1000, "calls": 100_000, "invalid_stamps": True})
    with pytest.MonkeyPatch.context() as patch:
        found = begun(sandbox, tmp_path_factory.mktemp("ledger"), patch)
        yield found
    sandbox.close()


@pytest.mark.slow
def test_everything_arrives_and_what_changes_follows(home: Home) -> None:
    first = home.sync()
    assert first.ok, first.sentences()
    home.assert_equals_truth()
    home.sandbox.advance(4)
    second = home.sync()
    assert second.ok, second.sentences()
    home.assert_equals_truth(lines=False)
    gone = {outcome.stream for outcome in second.outcomes if outcome.deleted}
    assert {"tasks", "calls", "checkins_obj", "active_record_obj"} & gone, (
        "nothing was deleted: this proves little"
    )
    third = home.sync(sweep=True, streams=LINES)
    assert third.ok, third.sentences()
    home.assert_equals_truth()


@pytest.mark.slow
def test_an_organisation_without_any_of_it_has_empty_tables_and_is_quiet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    home = begun(sandbox, tmp_path, monkeypatch)
    with flow.lock(home.settings, "test"):
        report = flow.sync(home.settings, selected(home.settings, ["zoho", "fxiaoke"]))
    assert (report.ok, report.sentences()) == (True, [])
    absent = [("raw_zoho", stream) for stream in ZOHO] + [("raw_fxiaoke", stream) for stream in LEDGER]
    assert [home.rows(f"{schema}.{stream}") for schema, stream in absent] == [{}] * len(absent)
    read = {outcome.stream for outcome in report.outcomes}
    assert read.isdisjoint(stream for _, stream in absent)
    assert [
        r.getMessage() for r in caplog.records if r.levelname == "WARNING" and "sees no" in r.getMessage()
    ] == []
    assert {row["iso_code"]: row["exchange_rate"] for row in home.rows("raw_zoho.currencies").values()} == {
        "CNY": 1, "USD": Decimal("0.1385"),
    }  # fmt: skip
