"""What two CRMs both keep counts once, and a person's word takes it back (`doubled.py` gives the rows)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal as D

import pytest

from tests.pipeline.test_dbt_models.doubled import TWICE, said
from tests.pipeline.test_dbt_models.warehouse import Dbt, Warehouse

MARTS = (
    "build", "--exclude-resource-type", "unit_test", "--indirect-selection", "empty", "--select",
    "+mart_team_kpi_month", "+mart_team_kpi_quarter", "+mart_customer_tier", "+mart_funnel_asof", "+mart_funnel_cohort",
    "+mart_money_duplicate", "+mart_money_reconciliation", "assert_every_mart_counts_the_same_opportunities",
    "assert_every_axis_adds_up_to_the_facts", "assert_open_stock_flows_balance", "assert_money_reconciles",
)  # fmt: skip
FEBRUARY = "period_start = '2026-02-01' AND team_axis = 'company' AND org_view = 'as_was'"


@pytest.fixture(scope="module")
def once(dbt: Dbt) -> Warehouse:
    return dbt.build("once", TWICE, *MARTS)


@pytest.fixture(scope="module")
def apart(dbt: Dbt) -> Warehouse:
    versions = [*TWICE, said("k2", "opportunity", "d1", "f1", "different")]
    return dbt.build("apart", versions, *MARTS)


def counted(built: Warehouse) -> dict[str, list[tuple[object, ...]]]:
    """What each mart shows of won deals: how many, and their money."""
    return {
        "kpi": built.rows(f"SELECT won_count, won_amount FROM mart.mart_team_kpi_month WHERE {FEBRUARY}"),
        "tier": built.rows(
            "SELECT won_count, won_amount, abc_class FROM mart.mart_customer_tier WHERE is_ranked"
        ),
        "funnel": built.rows(
            "SELECT CAST(sum(opportunity_count) AS INTEGER), sum(amount) FROM mart.mart_funnel_asof WHERE stage = 'won'"
        ),
        "cohorts": built.rows(
            "SELECT CAST(sum(entered) AS INTEGER) FROM mart.mart_funnel_cohort WHERE stage = 'won'"
        ),
    }


def test_a_deal_of_two_crms_counts_once_in_every_mart(once: Warehouse) -> None:
    """1,000 and 400 were won: two deals, 1,400."""
    assert once.complaints == []
    assert counted(once) == {
        "kpi": [(2, D("1400.00"))],
        "tier": [(2, D("1400.00"), "A")],
        "funnel": [(2, D("1400.00"))],
        "cohorts": [(2,)],
    }


def test_a_decision_that_they_differ_takes_it_back(apart: Warehouse) -> None:
    """Then they are three: 1,000 + 1,000 + 400."""
    assert apart.complaints == []
    assert counted(apart) == {
        "kpi": [(3, D("2400.00"))],
        "tier": [(3, D("2400.00"), "A")],
        "funnel": [(3, D("2400.00"))],
        "cohorts": [(3,)],
    }


def test_the_facts_keep_both_records_and_say_which_counts(once: Warehouse) -> None:
    """Both won at one stage: the record that changed last counts, Fxiaoke's."""
    assert once.rows("SELECT source_id, is_duplicate FROM core.fct_opportunity ORDER BY 1") == [
        ("d1", True),
        ("f1", False),
        ("f2", False),
    ]
    assert once.one("SELECT count(DISTINCT opportunity_uid) FROM core.fct_opportunity") == 2


def test_orders_invoices_and_receipts_reconcile_to_what_one_company_has(once: Warehouse) -> None:
    assert once.rows(
        "SELECT metric, source_system, record_amount, duplicate_amount, unified_amount "
        "FROM mart.mart_money_reconciliation WHERE period_start = '2026-02-01' ORDER BY 1, 2"
    ) == [
        ("invoiced_amount", "fxiaoke", D("1000.00"), D("1000.00"), D("0.00")),
        ("invoiced_amount", "zoho", D("1000.00"), D("0.00"), D("1000.00")),
        ("ordered_amount", "fxiaoke", D("1400.00"), D("1000.00"), D("400.00")),
        ("ordered_amount", "zoho", D("1000.00"), D("0.00"), D("1000.00")),
        ("received_amount", "fxiaoke", D("1000.00"), D("1000.00"), D("0.00")),
        ("received_amount", "zoho", D("1000.00"), D("0.00"), D("1000.00")),
        ("won_amount", "fxiaoke", D("1400.00"), D("0.00"), D("1400.00")),
        ("won_amount", "zoho", D("1000.00"), D("1000.00"), D("0.00")),
    ]


def test_each_duplicate_is_itemised_with_what_counts_instead_and_why(once: Warehouse) -> None:
    assert once.rows(
        "SELECT entity, source_id, counted_source_id, amount, period_start, decided_how, reason "
        "FROM mart.mart_money_duplicate ORDER BY 1"
    ) == [
        ("invoice", "m1", "n1", D("1000.00"), date(2026, 2, 1), "rule", "same_number"),
        ("opportunity", "d1", "f1", D("1000.00"), date(2026, 2, 1), "score", None),
        ("order", "t1", "s1", D("1000.00"), date(2026, 2, 1), "rule", "same_day"),
        ("payment", "q1", "inputs:receipt:R1", D("1000.00"), date(2026, 2, 1), "rule", "same_day"),
    ]


PLANTED = """
    DELETE FROM mart.mart_money_duplicate WHERE entity = 'order';
    UPDATE core.fct_invoice SET amount = 999 WHERE source_id = 'n1';
    UPDATE intermediate.int_crm__document_members SET is_duplicate = true WHERE entity = 'payment';
    UPDATE mart.mart_money_reconciliation SET difference = 1
        WHERE metric = 'received_amount' AND source_system = 'zoho';
    UPDATE mart.mart_funnel_asof SET opportunity_count = 3, amount = 2400 WHERE stage = 'won';
"""


def test_money_that_does_not_reconcile_and_a_mart_that_counts_twice_are_red(
    dbt: Dbt, once: Warehouse
) -> None:
    """An item, a fact, a record that counts and a difference are wrong: four; and one mart counts both records."""
    assert sorted(
        dbt.tests(once, PLANTED, "assert_money_reconciles", "assert_every_mart_counts_the_same_opportunities")
    ) == [
        "assert_every_mart_counts_the_same_opportunities: fail Got 1 result, configured to fail if != 0",
        "assert_money_reconciles: fail Got 4 results, configured to fail if != 0",
    ]
