"""The Dagster job on a sandbox's export files: everything is an asset or a check; a bad file fails the run after
everything else was served; a failed model test keeps the last published version."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal as D
from pathlib import Path
from typing import Any
from urllib.parse import urlparse
from urllib.request import url2pathname

import duckdb
import pytest
import yaml

from connectors.inputs.schema import load_schemas
from pipelines.health import read_health
from pipelines.quality.rules import load_rules
from pipelines.settings import DBT_PROJECT, EXPECTATIONS, load_settings
from tests.conftest import Sandbox
from tests.e2e.commands import digests
from tests.unit.inputs_files import CORRECTED_BOOK, workbook

pytestmark = pytest.mark.e2e
UNIT_TEST = "funnel_cohort_counts_skipped_stages_as_passed_and_losing_as_none"
SAVED = datetime(2026, 3, 2, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, sandbox: Sandbox) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("dagster")
    inbox = folder / "home" / "inbox" / "fxiaoke_export"
    inbox.mkdir(parents=True)
    sandbox.exports(inbox)
    kept = folder / "home" / "inbox" / "inputs"
    kept.mkdir()
    os.utime(workbook(kept / "台账.xlsx", CORRECTED_BOOK), (SAVED.timestamp(), SAVED.timestamp()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRM_WAREHOUSE_HOME", str(folder / "home"))
        patch.chdir(folder)
        yield folder / "home"


def run_job(*rooms: str) -> Any:
    """The job; of the assets of these rooms alone, if any are named."""
    import dagster as dg

    from pipelines.defs import JOB, definitions

    with dg.DagsterInstance.ephemeral() as instance:
        job = definitions().resolve_job_def(JOB)
        keys = definitions().resolve_asset_graph().executable_asset_keys
        chosen = [key for key in keys if key.path[0] in rooms] if rooms else None
        return job.execute_in_process(instance=instance, raise_on_error=False, asset_selection=chosen)


def materialized(result: Any) -> set[tuple[str, ...]]:
    return {
        tuple(e.asset_key.path) for e in result.all_events if e.event_type_value == "ASSET_MATERIALIZATION"
    }


def checks(result: Any) -> dict[tuple[str, ...], bool]:
    events = (e for e in result.all_events if e.event_type_value == "ASSET_CHECK_EVALUATION")
    found = (e.event_specific_data for e in events)
    return {(*c.asset_key.path, c.check_name): c.passed for c in found}


def check(result: Any, *path: str) -> Any:
    """What a check said."""
    events = (e for e in result.all_events if e.event_type_value == "ASSET_CHECK_EVALUATION")
    found = (e.event_specific_data for e in events)
    (one,) = (c for c in found if (*c.asset_key.path, c.check_name) == path)
    return one


def failed_steps(result: Any) -> set[str]:
    return {e.step_key for e in result.all_events if e.event_type_value == "STEP_FAILURE"}


def test_one_run_makes_everything(home: Path) -> None:
    result = run_job()
    assert result.success
    assets = materialized(result)
    assert {
        ("fxiaoke_export", "new_opportunity_obj"),
        ("zoho", "deals"),
        ("inputs", "targets"),
        ("staging", "stg_inputs__targets"),
        ("mart", "mart_team_kpi_month"),
        ("mart", "mart_customer_tier"),
        ("mart", "mart_funnel_asof"),
        ("published", "bi"),
        ("ops", "run_report"),
    } <= assets
    found = checks(result)
    assert found["fxiaoke_export", "new_opportunity_obj", "synced"] is True
    rules = {
        name
        for source, stream, name in found
        if (source, stream) == ("fxiaoke_export", "new_opportunity_obj")
    }
    written = load_rules(EXPECTATIONS, "fxiaoke_export", "new_opportunity_obj")
    assert rules == {"synced", *(rule.name for rule in written.rules)}, "every rule of the stream is a check"
    told = check(result, "fxiaoke_export", "new_opportunity_obj", "amount_is_not_negative").metadata
    assert told["checked"].value > 100 and told["failing"].value == 0
    assert Path(url2pathname(urlparse(told["data_docs"].value).path)).is_file()
    assert any(asset == "mart_team_kpi_month" for _, asset, _ in found), "dbt tests are checks"
    assert found["mart", "mart_team_kpi_month", "contract"] is True
    assert ("mart", "mart_funnel_cohort", UNIT_TEST) not in found, "unit tests have a job of their own"
    with duckdb.connect(str(home / "published" / "bi.duckdb"), read_only=True) as con:
        opportunities = con.execute("SELECT count(*) FROM core.fct_opportunity").fetchone()
    assert opportunities is not None and opportunities[0] > 300


def test_unit_tests_are_checks_of_their_model_and_leave_what_the_build_said(home: Path) -> None:
    import dagster as dg

    from pipelines.build import contracts
    from pipelines.defs import UNIT_TESTS, definitions

    job = definitions().resolve_job_def(UNIT_TESTS)
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(instance=instance, raise_on_error=False)
    assert result.success and materialized(result) == set()
    declared = [t["name"] for f in (DBT_PROJECT / "models").rglob("*unit_tests.yml") for t in yaml.safe_load(
        f.read_text("utf-8"))["unit_tests"]]  # fmt: skip
    assert {name for *_, name in checks(result)} == set(declared) and all(checks(result).values())
    assert all(one.kept for one in contracts(load_settings()))


def test_staging_says_what_the_managers_sheets_say(home: Path) -> None:
    """Hand-worked from the cells of `CORRECTED_BOOK`; inputs without a file are empty."""

    def rows(sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(home / "warehouse" / "warehouse.duckdb"), read_only=True) as con:
            con.execute("SET TimeZone = 'UTC'")
            return con.execute(sql).fetchall()

    assert rows(
        "SELECT version, status, metric, fiscal_year, period, level, axis, team, product_line, channel, target_value, "
        "currency_code, is_locked, remark, modified_at FROM staging.stg_inputs__targets ORDER BY period, team"
    ) == [
        ("V1", "approved", "won_amount", 2026, "FY", "company", None, None, None, None, D("12005000.5000"), "CNY", True,
         None, SAVED),
        ("V1", "approved", "won_amount", 2026, "Q1", "team", "region", "华东", "软件", "直销", D("350000.0000"), "CNY",
         True, "保底", SAVED),
        ("V1", "approved", "won_amount", 2026, "Q1", "team", "region", "华南", None, None, D("250000.0000"), "CNY",
         False, None, SAVED),
    ]  # fmt: skip
    assert rows(
        "SELECT person, person_id, axis, team, valid_from, valid_to, weight, is_primary "
        "FROM staging.stg_inputs__team_memberships ORDER BY valid_from"
    ) == [
        ("甲", "1001", "region", "华东", date(2026, 1, 1), date(2026, 3, 31), D("0.600000"), True),
        ("甲", "1001", "region", "华南", date(2026, 4, 1), None, D("1.000000"), True),
    ]
    empty = [s.name for s in load_schemas() if s.name not in ("targets", "team_memberships")]
    assert [rows(f"SELECT count(*) FROM staging.stg_inputs__{name}") for name in empty] == [[(0,)]] * 14


def test_raw_assets_are_upstream_of_their_models(home: Path) -> None:
    from pipelines.defs import definitions

    graph = definitions().resolve_asset_graph()
    import dagster as dg

    ancestors = graph.get_ancestor_asset_keys(dg.AssetKey(["published", "bi"]))
    assert dg.AssetKey(["fxiaoke_export", "new_opportunity_obj"]) in ancestors
    assert dg.AssetKey(["zoho", "deals"]) in ancestors


@pytest.mark.parametrize(
    "rooms",
    [
        pytest.param(("fxiaoke_export", "published", "ops"), id="models left as they are"),
        pytest.param((), id="everything", marks=pytest.mark.slow),
    ],
)
def test_a_bad_file_fails_the_run_after_everything_was_served(home: Path, rooms: tuple[str, ...]) -> None:
    bad = home / "inbox" / "fxiaoke_export" / "库存.xlsx"
    bad.write_bytes(b"not a workbook")
    try:
        result = run_job(*rooms)
    finally:
        bad.unlink()
    assert not result.success
    assert failed_steps(result) == {"ops__run_report"}
    assert ("published", "bi") in materialized(result)
    health = read_health(load_settings().published)
    assert health is not None and not health.ok and "库存.xlsx" in health.problems[0].sentence


@pytest.mark.slow
def test_a_run_with_fxiaokes_api_loads_it_and_says_which_object_could_not_be_read(
    home: Path, fresh_sandbox: Callable[..., Sandbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    served = fresh_sandbox(seed=11, size=60)
    served.set(fxiaoke={"denied": ["ProductObj"]})
    for name, value in served.fxiaoke.items():
        monkeypatch.setenv(name, value)
    result = run_job("fxiaoke", "ops")
    assert not result.success
    assert failed_steps(result) == {"ops__run_report"}
    assets, found = materialized(result), checks(result)
    assert {("fxiaoke", "new_opportunity_obj"), ("fxiaoke", "discovered")} <= assets
    assert found["fxiaoke", "new_opportunity_obj", "synced"] is True
    assert found["fxiaoke", "product_obj", "synced"] is False
    with duckdb.connect(str(home / "warehouse" / "warehouse.duckdb"), read_only=True) as con:
        loaded = con.execute("SELECT count(*) FROM raw_fxiaoke.new_opportunity_obj").fetchone()
        reports = con.execute("SELECT count(*) FROM raw_fxiaoke.visit_report_c").fetchone()
    assert loaded == (len(served.truth("fxiaoke", "deals")["records"]),)
    assert reports == (len(served.truth("fxiaoke", "visit_reports")["records"]),)
    health = read_health(load_settings().published)
    assert health is not None
    (product,) = (s for s in health.streams if (s.source, s.stream) == ("fxiaoke", "product_obj"))
    assert product.status == "failed" and "Next (CRM administrator)" in product.messages[0]


def test_a_failed_model_test_keeps_the_last_published_version(home: Path) -> None:
    before = digests(home / "published")
    with duckdb.connect(str(home / "warehouse" / "warehouse.duckdb")) as con:
        table = "raw_fxiaoke_export.new_opportunity_obj"
        con.execute(f"INSERT INTO {table} SELECT * FROM {table} LIMIT 1")  # a doubled record
    result = run_job()
    assert not result.success
    assert "models" in failed_steps(result)
    assert ("published", "bi") not in materialized(result)
    assert digests(home / "published") == before
    health = read_health(load_settings().published)
    assert health is not None and not health.ok and health.build_failures
