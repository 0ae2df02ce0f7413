"""What follows a won deal, from both CRMs and the managers' spreadsheets, through everything, against the truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines import flow
from pipelines.settings import load_settings, selected
from tests.conftest import Sandbox

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
COUNTED = {None, "正常", "变更中"}
Told = dict[str, Any]


class Lived:
    """A company that lived for some time with its papers, and what was published of it."""

    def __init__(self, sandbox: Sandbox, published: Path) -> None:
        self._sandbox, self._published = sandbox, published
        self.inputs = sandbox.ledger()

    def records(self, crm: str, entity: str) -> list[Told]:
        """What the CRM holds of it and counts."""
        found = self._sandbox.truth(crm, entity)["records"].values()
        return [record for record in found if record.get("life_status") in COUNTED]

    def has(self, entity: str) -> bool:
        """Whether Fxiaoke has any of it: a small company may never have given money back."""
        try:
            return bool(self._sandbox.truth("fxiaoke", entity))
        except ValueError:
            return False

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self._published), read_only=True) as con:
            con.execute("SET TimeZone='UTC'")
            return con.execute(sql).fetchall()

    def shown(self, table: str, where: str, amount: str = "amount") -> tuple[int, Decimal]:
        [row] = self.rows(f"SELECT count(*), coalesce(sum({amount}), 0) FROM core.{table} WHERE {where}")
        return row


def total(records: list[Told], field: str) -> tuple[int, Decimal]:
    return len(records), sum((Decimal(str(r.get(field) or 0)) for r in records), Decimal(0))


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    folder = tmp_path_factory.mktemp("ledger")
    sandbox = Sandbox(seed=11, size=60, ledger=True)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            **sandbox.settings,
            **sandbox.fxiaoke,
            "CRM_WAREHOUSE_HOME": str(folder / "home"),
        }.items():
            patch.setenv(name, value)
        patch.chdir(folder)
        settings = load_settings()
        settings.prepare_home()
        sandbox.inputs(settings.inbox("inputs"))
        report = flow.run(settings, selected(settings, ["zoho", "fxiaoke", "inputs"]))
        assert report.ok, report.sentences()
        yield Lived(sandbox, settings.published / "bi.duckdb")
    sandbox.close()


@pytest.mark.parametrize(
    ("table", "crm", "entity", "field"),
    [
        ("fct_quote", "zoho", "quotes", "Grand_Total"),
        ("fct_quote", "fxiaoke", "quote_obj", "quote_amount"),
        ("fct_order", "zoho", "sales_orders", "Grand_Total"),
        ("fct_order", "fxiaoke", "sales_order_obj", "order_amount"),
        ("fct_invoice", "zoho", "invoices", "Grand_Total"),
        ("fct_invoice", "fxiaoke", "invoice_application_obj", "invoice_applied_amount"),
        ("fct_contract", "fxiaoke", "sale_contract_obj", "contract_amount"),
        ("fct_payment_plan", "fxiaoke", "payment_plan_obj", "plan_payment_amount"),
        ("fct_opportunity_competitor", "fxiaoke", "competitive_lines_obj", "quotation_amount"),
    ],
)
def test_documents_are_the_truths_in_number_and_money(
    lived: Lived, table: str, crm: str, entity: str, field: str
) -> None:
    expected = total(lived.records(crm, entity), field)
    assert expected[0] > 0
    assert lived.shown(table, f"source_system = '{crm}' AND source_way <> 'inputs'") == expected


def test_receipts_are_those_of_fxiaoke_and_of_the_managers_list_for_zoho(lived: Lived) -> None:
    by_list = {(row["kind"], row["receipt_no"]) for row in lived.inputs["receipts"]}
    money = sum(Decimal(r["amount"]) * (-1 if r["kind"] == "refund" else 1) for r in lived.inputs["receipts"])
    assert lived.shown("fct_payment", "source_way = 'inputs'") == (len(by_list), money)
    refunds = (
        total(lived.records("fxiaoke", "refund_obj"), "refunded_amount")
        if lived.has("refund_obj")
        else (0, 0)
    )
    receipts = total(lived.records("fxiaoke", "payment_obj"), "amount")
    assert lived.shown("fct_payment", "source_system = 'fxiaoke' AND payment_kind = 'receipt'") == receipts
    assert (
        lived.shown("fct_payment", "source_system = 'fxiaoke' AND payment_kind = 'refund'", "-amount")
        == refunds
    )
    assert lived.rows(
        "SELECT count(*) FROM core.fct_payment WHERE 'unassigned' IN (account_key, owner_user_key)"
    ) == [(0,)]


def test_an_order_was_paid_what_the_lines_of_its_receipts_say(lived: Lived) -> None:
    expected: Counter[str] = Counter()
    for line in lived.records("fxiaoke", "order_payment_obj"):
        expected[line["order_id"]] += Decimal(str(line["payment_amount"]))
    shown = lived.rows(
        "SELECT o.source_id, sum(a.amount) FROM core.fct_payment_allocation a JOIN core.fct_order o USING (order_key) "
        "WHERE o.source_system = 'fxiaoke' AND a.payment_kind = 'receipt' GROUP BY 1"
    )
    assert dict(shown) == dict(expected)


def test_an_instalment_stands_as_the_crm_itself_says(lived: Lived) -> None:
    """The CRM keeps 未回款, 部分回款 and 已回款 of each; we find them by spreading what came over what was due."""
    words = {"未回款": "nothing", "部分回款": "part", "已回款": "all"}
    expected = {
        p["name"]: words[p["plan_payment_status"]] for p in lived.records("fxiaoke", "payment_plan_obj")
    }
    shown = lived.rows(
        "SELECT payment_plan_no, CASE plan_status WHEN 'paid' THEN 'all' ELSE "
        "CASE WHEN paid_amount > 0 THEN 'part' ELSE 'nothing' END END "
        "FROM core.fct_payment_plan WHERE source_system = 'fxiaoke' AND source_way = 'fxiaoke'"
    )
    assert len(set(expected.values())) == 3
    assert dict(shown) == expected


def test_activities_visits_and_cases_are_the_truths(lived: Lived) -> None:
    meetings = lived.records("zoho", "events")
    checked_in = sum(1 for event in meetings if event.get("Check_In_Time"))
    checkins = lived.records("fxiaoke", "checkins_obj")
    notes = Counter(
        {"电话": "call", "微信": "note", "邮件": "mail", "会面": "meeting"}[r["interactive_types"]]
        for r in lived.records("fxiaoke", "active_record_obj")
    )
    expected = {
        ("zoho", "task"): len(lived.records("zoho", "tasks")),
        ("zoho", "call"): len(lived.records("zoho", "calls")),
        ("zoho", "meeting"): len(meetings) - checked_in,
        ("zoho", "visit"): checked_in,
        ("fxiaoke", "visit"): len(checkins),
        **{("fxiaoke", kind): count for kind, count in notes.items()},
    }
    shown = lived.rows("SELECT source_system, activity_type, count(*) FROM core.fct_activity GROUP BY ALL")
    assert {(crm, kind): count for crm, kind, count in shown} == expected
    assert lived.rows(
        "SELECT is_made, count(*) FROM core.fct_visit WHERE source_system = 'fxiaoke' GROUP BY 1 ORDER BY 1"
    ) == [
        (False, sum(1 for c in checkins if not c.get("checkin_time"))),
        (True, sum(1 for c in checkins if c.get("checkin_time"))),
    ]
    for crm, entity in (("zoho", "cases"), ("fxiaoke", "cases_obj")):
        cases = lived.records(crm, entity)
        solved = sum(1 for c in cases if (c.get("Status") or c.get("case_status")) in ("Closed", "已完成"))
        assert lived.shown("fct_case", f"source_system = '{crm}'", "(case_status <> 'open')::INT") == (
            len(cases),
            solved,
        )


def test_money_of_foreign_deals_is_worth_what_the_list_of_rates_says(lived: Lived) -> None:
    """Worked from the managers' list alone: the last rate on or before the day of the order."""
    rates = sorted(
        (r["currency"], r["rate_date"], Decimal(r["rate"]) / r["units"])
        for r in lived.inputs["exchange_rates"]
    )
    foreign = lived.rows(
        "SELECT currency_code, ordered_on::VARCHAR, amount, amount_reporting FROM core.fct_order "
        "WHERE currency_code <> 'CNY'"
    )
    assert {"USD", "HKD"} <= {currency for currency, *_ in foreign}
    for currency, day, amount, shown in foreign:
        rate = [r for code, of, r in rates if code == currency and of <= day][-1]
        assert abs(amount * rate - shown) <= Decimal("0.01")
    assert lived.rows(
        "SELECT count(*) FROM core.fct_opportunity WHERE amount IS NOT NULL AND fx_rate IS NULL"
    ) == [(0,)]
