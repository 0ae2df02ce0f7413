"""A public data set, faults included, through the real command line: the figures that the issue names.

The expected numbers come from the published data set itself (counted outside this project), not from our code.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pytest

from tests.e2e.commands import EXPORTS, Outcome, crm_warehouse, digests

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not EXPORTS.is_dir(), reason="the public data set lies outside this repository"),
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("real") / "home"
    inbox = home / "inbox" / "fxiaoke_export"
    inbox.mkdir(parents=True)
    for workbook in EXPORTS.glob("*.xlsx"):
        shutil.copy(workbook, inbox)
    return home


@pytest.fixture(scope="module")
def first(home: Path) -> Outcome:
    return crm_warehouse("run", "--source", "fxiaoke_export", home=home)


@pytest.fixture
def bi(home: Path, first: Outcome) -> Iterator[duckdb.DuckDBPyConnection]:
    assert first.code == 0, first.err
    with duckdb.connect(str(home / "published" / "bi.duckdb"), read_only=True) as con:
        yield con


def one(con: duckdb.DuckDBPyConnection, query: str) -> Any:
    row = con.execute(query).fetchone()
    assert row is not None
    return row if len(row) > 1 else row[0]


def test_every_opportunity_is_there_with_its_outcome(bi: duckdb.DuckDBPyConnection) -> None:
    counts = dict(bi.execute("SELECT status, count(*) FROM core.fct_opportunity GROUP BY status").fetchall())
    assert counts == {"won": 4238, "lost": 2473, "open": 2089}


def test_revenue_win_rate_and_cycle(bi: duckdb.DuckDBPyConnection) -> None:
    won, lost, revenue = one(
        bi,
        "SELECT sum(won_count), sum(lost_count), sum(won_amount) FROM mart.mart_team_kpi_quarter "
        "WHERE team_axis = 'company' AND org_view = 'as_was'",
    )
    assert (won, lost, revenue) == (4238, 2473, Decimal("10005534.00"))
    assert round(won / (won + lost), 6) == 0.631501
    assert one(bi, "SELECT median(cycle_days) FROM core.fct_opportunity WHERE status = 'won'") == 57


def test_the_first_quarter(bi: duckdb.DuckDBPyConnection) -> None:
    won, rate = one(
        bi,
        "SELECT won_count, round(win_rate, 6) FROM mart.mart_team_kpi_quarter "
        "WHERE team_axis = 'company' AND org_view = 'as_was' AND period_start = DATE '2017-01-01'",
    )
    assert (won, rate) == (531, 0.820711)


@pytest.mark.parametrize("mart", ["mart_team_kpi_month", "mart_team_kpi_quarter"])
def test_no_axis_loses_revenue(bi: duckdb.DuckDBPyConnection, mart: str) -> None:
    sums = bi.execute(
        f"SELECT org_view, team_axis, sum(won_amount), sum(won_count) FROM mart.{mart} GROUP BY ALL"
    ).fetchall()
    axes = ["company", "customer_type", "manager", "org", "product_line", "region"]
    assert sorted((view, axis) for view, axis, *_ in sums) == [
        (v, a) for v in ("as_is", "as_was") for a in axes
    ]
    assert {tuple(rest) for _, _, *rest in sums} == {(Decimal("10005534.00"), 4238)}


def test_a_product_spelled_without_its_blank_is_the_same_product(bi: duckdb.DuckDBPyConnection) -> None:
    """`GTXPro` in the opportunities is `GTX Pro` in the product list; counted in the workbook itself."""
    workbook = openpyxl.load_workbook(next(EXPORTS.glob("商机*.xlsx")), read_only=False)
    rows = list(workbook.worksheets[0].iter_rows(min_row=2, values_only=True))
    expected = sum(Decimal(str(r[7])) for r in rows if r[3] == "GTXPro" and r[6] == "赢单")
    got = one(
        bi,
        "SELECT sum(o.amount) FROM core.fct_opportunity o JOIN core.dim_product p USING (product_uid) "
        "WHERE p.product_name = 'GTX Pro' AND o.status = 'won'",
    )
    assert expected > 0 and got == expected


def test_opportunities_without_an_account_are_kept_apart(bi: duckdb.DuckDBPyConnection) -> None:
    workbook = openpyxl.load_workbook(next(EXPORTS.glob("商机*.xlsx")), read_only=False)
    rows = list(workbook.worksheets[0].iter_rows(min_row=2, values_only=True))
    expected = sum(1 for r in rows if not r[2])
    assert expected > 0
    assert one(bi, "SELECT count(*) FROM core.fct_opportunity WHERE account_key = 'unassigned'") == expected
    assert one(bi, "SELECT count(*) FROM mart.mart_customer_tier WHERE is_ranked") == 85


def test_six_managers_are_inferred(bi: duckdb.DuckDBPyConnection) -> None:
    assert one(bi, "SELECT count(*) FROM core.dim_user WHERE is_inferred") == 6
    assert (
        one(bi, "SELECT count(*) FROM core.dim_team WHERE team_axis = 'manager' AND NOT is_unassigned") == 6
    )


def test_the_funnel_holds_everything_as_of_the_files_date(bi: duckdb.DuckDBPyConnection) -> None:
    day, total = one(bi, "SELECT min(as_of_date)::VARCHAR, sum(opportunity_count) FROM mart.mart_funnel_asof")
    assert (day, total) == ("2017-12-31", 8800)
    assert (
        one(bi, "SELECT DISTINCT sum(cohort_size) OVER (PARTITION BY stage) FROM mart.mart_funnel_cohort")
        == 8800
    )


def test_nothing_was_set_aside_and_the_known_faults_are_warned_of(home: Path, first: Outcome) -> None:
    assert first.code == 0
    checked = [json.loads(p.read_bytes()) for p in home.glob("landing/*/*/*/*/checked.json")]
    assert len(checked) == 4
    assert {c["quarantined"] for c in checked} == {0}
    failing = {r["rule"] for c in checked for r in c["results"] if not r["passed"]}
    assert failing, "the faults of this data set must be visible"
    assert all(r["severity"] == "warn" for c in checked for r in c["results"] if not r["passed"])


def test_data_docs_load_nothing_from_outside(home: Path, first: Outcome) -> None:
    pages = list((home / "docs" / "data_docs").rglob("*.html"))
    of_tables = [page for page in pages if page.name == "loaded-default.html"]
    # a stream that no file brought has a page as well: its rules held over a table without rows
    assert len(pages) - len(of_tables) == 5 and len(of_tables) == 9, "packages with the index, and tables"
    for page in pages:
        text = page.read_text("utf-8")
        assert 'src="http' not in text and "url(http" not in text and "<link" not in text


def test_the_same_files_again_change_nothing(home: Path, first: Outcome) -> None:
    before = digests(home / "published")
    again = crm_warehouse("run", "--source", "fxiaoke_export", "--json", home=home)
    assert again.code == 0, again.err
    report = json.loads(again.out)
    assert {s["status"] for s in report["streams"]} == {"unchanged"}
    assert report["build"] is None and report["published"] is None
    assert digests(home / "published") == before
    assert len(list(home.glob("landing/*/*/*/*/landed.json"))) == 4


class TestBadInput:
    """One clear sentence, a non-zero exit, an untouched published file."""

    @pytest.fixture(autouse=True)
    def _published_stays(self, home: Path, first: Outcome) -> Iterator[None]:
        assert first.code == 0, first.err
        before = digests(home / "published")
        assert "bi.duckdb" in before
        yield
        assert digests(home / "published") == before

    def _dropped(self, home: Path, name: str, content: bytes) -> Outcome:
        bad = home / "inbox" / "fxiaoke_export" / name
        bad.write_bytes(content)
        try:
            return crm_warehouse("run", "--source", "fxiaoke_export", home=home)
        finally:
            bad.unlink()

    def test_an_unreadable_workbook(self, home: Path) -> None:
        whole = next(EXPORTS.glob("商机*.xlsx")).read_bytes()
        got = self._dropped(home, "商机对象导出结果_20180101000000.xlsx", whole[: len(whole) // 2])
        assert got.code == 1
        assert got.err.count("✗") == 1 and "商机对象导出结果_20180101000000.xlsx" in got.err
        assert "Next (" in got.err and "Traceback" not in got.err

    def test_a_workbook_with_unknown_headers(self, home: Path, tmp_path: Path) -> None:
        book = openpyxl.Workbook()
        book.active.append(["甲", "乙", "丙"])
        book.active.append([1, 2, 3])
        book.save(tmp_path / "x.xlsx")
        got = self._dropped(home, "库存盘点.xlsx", (tmp_path / "x.xlsx").read_bytes())
        assert got.code == 1
        assert got.err.count("✗") == 1 and "库存盘点.xlsx" in got.err and "甲" in got.err

    def test_a_missing_setting_of_a_selected_source(self, home: Path) -> None:
        got = crm_warehouse("run", "--source", "zoho", home=home, ZOHO_CLIENT_ID="x", ZOHO_REFRESH_TOKEN="y")
        assert got.code == 1
        assert "ZOHO_CLIENT_SECRET" in got.err and "ZOHO_CLIENT_ID" not in got.err

    def test_a_dead_crm(self, home: Path) -> None:
        dead = "http://127.0.0.1:9"
        got = crm_warehouse(
            "run", "--source", "zoho", home=home, ZOHO_CLIENT_ID="x", ZOHO_REFRESH_TOKEN="the-token",
            ZOHO_CLIENT_SECRET="the-secret", ZOHO_ACCOUNTS_URL=dead, ZOHO_API_URL=dead,
            CRM_WAREHOUSE_ALLOW_LOOPBACK="1",
        )  # fmt: skip
        assert got.code == 1
        assert got.err.count("✗") == 1 and "cannot be reached" in got.err
        assert "the-secret" not in got.err + got.out and "the-token" not in got.err + got.out

    def test_a_wrong_folder(self, home: Path, tmp_path: Path) -> None:
        got = crm_warehouse("run", "--source", "fxiaoke_export", home=tmp_path / "nowhere")
        assert got.code == 1
        assert got.err.count("✗") == 1 and "inbox" in got.err

    def test_a_home_that_is_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "home").write_text("")
        got = crm_warehouse("run", "--source", "fxiaoke_export", home=tmp_path / "home")
        assert got.code == 1 and "CRM_WAREHOUSE_HOME" in got.err

    def test_an_unknown_source_is_wrong_use(self, home: Path) -> None:
        got = crm_warehouse("run", "--source", "salesforce", home=home)
        assert got.code == 2 and "fxiaoke, fxiaoke_export, inputs, zoho" in got.err

    def test_a_program_gets_json_however_it_ends(self, home: Path) -> None:
        for arguments in (("run", "--source", "salesforce"), ("sync", "--source", "zoho")):
            got = crm_warehouse(*arguments, "--json", home=home)
            answer = json.loads(got.out)
            assert got.code != 0 and answer["ok"] is False
            assert "Next (" in answer["sentences"][0]

    def test_an_unknown_command_is_wrong_use(self, home: Path) -> None:
        assert crm_warehouse("frobnicate", home=home).code == 2


def test_status_tells_what_a_bad_file_did_until_it_is_gone(home: Path, first: Outcome) -> None:
    bad = home / "inbox" / "fxiaoke_export" / "坏.xlsx"
    bad.write_bytes(b"PK\x03\x04 not really")
    assert crm_warehouse("run", "--source", "fxiaoke_export", home=home).code == 1
    told = crm_warehouse("status", home=home)
    assert told.code == 1 and "坏.xlsx" in told.err
    bad.unlink()
    assert crm_warehouse("run", "--source", "fxiaoke_export", home=home).code == 0
    assert "坏.xlsx" not in crm_warehouse("status", home=home).err


def test_doctor_is_content(home: Path, first: Outcome) -> None:
    got = crm_warehouse("doctor", home=home)
    assert got.code == 0, got.out
    assert "纷享销客" in got.out
