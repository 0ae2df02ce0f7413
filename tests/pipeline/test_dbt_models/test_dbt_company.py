"""The marts of the hand-made company, against numbers worked out by hand (`company.py` gives the rows)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal as D

import pytest

from tests.pipeline.test_dbt_models.warehouse import Dbt, Warehouse

KPI = (
    "created_count, won_count, lost_count, win_rate, won_amount, median_cycle_days, "
    "open_count, open_amount, open_count_without_amount, open_count_rewound"
)


def test_build_complains_only_of_the_two_names_that_are_in_no_list(company: Warehouse) -> None:
    assert company.complaints == ["warn_reference_unresolved: warn Got 2 results, configured to warn if != 0"]
    assert company.rows(
        "SELECT reference_name FROM intermediate.int_crm__references WHERE resolution = 'unresolved' ORDER BY 1"
    ) == [("上海乙公司",), ("未知产品",)]


@pytest.mark.slow  # e2e/test_dagster.py runs every unit test as well
def test_unit_tests_pass_on_built_tables(dbt: Dbt, company: Warehouse) -> None:
    assert dbt.unit_tests(company) == []


def test_as_of_is_the_newest_stamp_in_shanghai(company: Warehouse) -> None:
    assert company.one("SELECT as_of_date FROM intermediate.int_crm__as_of") == date(2026, 3, 4)


def test_facts_hold_every_counted_opportunity_with_its_money(company: Warehouse) -> None:
    assert company.rows(
        "SELECT source_id, status, amount, closed_on, cycle_days FROM core.fct_opportunity ORDER BY 1"
    ) == [
        ("d1", "won", D("1000.00"), date(2026, 2, 10), 36),  # by stage history, not by Closing_Date
        ("d2", "lost", D("500.00"), date(2026, 2, 1), 1),  # 17:00 UTC on 31 January is 1 February in Shanghai
        ("d3", "open", D("300.00"), None, None),
        ("d5", "won", D("50.50"), date(2026, 3, 2), 41),  # reopened: the last closing counts
        ("f1", "won", D("2000.00"), date(2026, 2, 28), 27),
        ("f2", "lost", D("0.00"), date(2026, 3, 1), 19),
        ("f3", "won", D("400.25"), date(2026, 3, 1), None),
        ("f5", "open", None, None, None),
    ]  # d4 is deleted, f4 is 作废


def test_lookups_resolve_or_become_unassigned(company: Warehouse) -> None:
    assert company.rows(
        "SELECT f.source_id, a.account_name, f.account_resolution, p.product_name, f.product_resolution, u.user_name "
        "FROM core.fct_opportunity f JOIN core.dim_account a USING (account_uid) "
        "JOIN core.dim_product p USING (product_uid) JOIN core.dim_user u ON u.user_uid = f.owner_user_uid "
        "WHERE f.source_id IN ('d3', 'f1', 'f2', 'f3', 'f5') ORDER BY 1"
    ) == [
        ("d3", "Unassigned / 未分配", "empty", "Cloud", "id", "Wang Fang"),
        ("f1", "北京甲公司", "exact_name", "GTX Pro", "match_key", "陈静"),
        ("f2", "Unassigned / 未分配", "empty", "Unassigned / 未分配", "unresolved", "陈静"),
        ("f3", "Unassigned / 未分配", "unresolved", "GTX Pro", "exact_name", "Unassigned / 未分配"),
        ("f5", "Unassigned / 未分配", "empty", "GTX Pro", "match_key", "陈静"),
    ]


def test_managers_who_are_in_no_list_are_inferred(company: Warehouse) -> None:
    assert company.rows(
        "SELECT u.user_name, u.is_inferred, u.is_manager, m.user_name, t.team_name FROM core.dim_user u "
        "LEFT JOIN core.dim_user m ON m.user_uid = u.manager_user_uid "
        "JOIN core.dim_team t ON t.team_key = u.manager_team_key WHERE NOT u.is_unassigned ORDER BY 1"
    ) == [
        ("Li Lei", False, False, "Wang Fang", "Wang Fang"),
        ("Qian", True, True, None, "Qian"),
        ("Sun Queue", True, False, None, "Unassigned"),  # owns deals, says ops.record_owners
        ("Wang Fang", False, True, None, "Wang Fang"),  # a manager without a manager leads an own team
        ("Zhao Min", False, False, "Qian", "Qian"),
        ("刘洋", True, True, None, "刘洋"),
        ("陈静", False, False, "刘洋", "刘洋"),
    ]


def test_company_months(company: Warehouse) -> None:
    assert company.rows(
        f"SELECT period_start, {KPI} FROM mart.mart_team_kpi_month "
        "WHERE team_axis = 'company' AND org_view = 'as_was' ORDER BY 1"
    ) == [
        # d1, d2, d5 created and still open, seen only later: 1000 + 500 + 50.50
        (date(2026, 1, 1), 3, 0, 0, None, D("0.00"), None, 3, D("1550.50"), 0, 3),
        # won d1, f1; lost d2; cycles 36 and 27; open d3 (200 then), d5, f2 (0, first seen in March)
        (date(2026, 2, 1), 3, 2, 1, pytest.approx(2 / 3), D("3000.00"), 31.5, 3, D("250.50"), 0, 1),
        # won d5, f3; lost f2; f3 has no creation day, so 41 alone; open d3 (300), f5 without an amount
        (date(2026, 3, 1), 0, 2, 1, pytest.approx(2 / 3), D("450.75"), 41.0, 2, D("300.00"), 1, 0),
    ]


def test_company_quarter(company: Warehouse) -> None:
    assert company.rows(
        f"SELECT measured_on, {KPI} FROM mart.mart_team_kpi_quarter "
        "WHERE team_axis = 'company' AND org_view = 'as_was'"
    ) == [  # cycles 27, 36, 41
        (date(2026, 3, 4), 6, 4, 2, pytest.approx(4 / 6), D("3450.75"), 36.0, 2, D("300.00"), 1, 0)
    ]


def test_teams_of_the_quarter(company: Warehouse) -> None:
    assert company.rows(
        "SELECT team_axis, team_name_zh, won_count, lost_count, win_rate, won_amount, open_count "
        "FROM mart.mart_team_kpi_quarter "
        "WHERE team_axis IN ('manager', 'product_line', 'region') AND org_view = 'as_was' ORDER BY 1, 2"
    ) == [
        ("manager", "Qian", 0, 1, 0.0, D("0.00"), 0),
        ("manager", "Wang Fang", 2, 0, 1.0, D("1050.50"), 1),
        ("manager", "刘洋", 1, 1, 0.5, D("2000.00"), 1),
        ("manager", "未分配", 1, 0, 1.0, D("400.25"), 0),
        ("product_line", "未分配", 0, 1, 0.0, D("0.00"), 0),
        ("product_line", "硬件", 0, 1, 0.0, D("0.00"), 0),
        ("product_line", "软件", 4, 0, 1.0, D("3450.75"), 2),  # of both CRMs
        ("region", "华东", 3, 1, 0.75, D("3050.50"), 2),
        ("region", "华北", 0, 1, 0.0, D("0.00"), 0),
        ("region", "未分配", 1, 0, 1.0, D("400.25"), 0),
    ]


def test_stage_history_of_a_deal_that_came_back(company: Warehouse) -> None:
    assert company.rows(
        "SELECT h.visit_seq, h.stage, h.entered_at, h.duration_days, h.next_stage, h.evidence "
        "FROM core.fct_opportunity_stage_history h JOIN core.fct_opportunity f USING (opportunity_key) "
        "WHERE f.source_id = 'd5' ORDER BY 1"
    ) == [
        (1, "qualification", datetime(2026, 1, 20, 2, tzinfo=UTC), 16.0, "lost", "vendor_row"),
        (2, "lost", datetime(2026, 2, 5, 2, tzinfo=UTC), 15.0, "negotiation", "vendor_row"),
        (3, "negotiation", datetime(2026, 2, 20, 2, tzinfo=UTC), 10.0, "won", "vendor_row"),
        (4, "won", datetime(2026, 3, 2, 2, tzinfo=UTC), None, None, "vendor_row"),
    ]


def test_funnel_of_the_day_holds_everyone(company: Warehouse) -> None:
    assert company.rows(
        "SELECT pipeline, stage, opportunity_count, amount FROM mart.mart_funnel_asof ORDER BY 1, 2"
    ) == [
        ("Standard", "lost", 1, D("500.00")),
        ("Standard", "negotiation", 1, D("300.00")),
        ("Standard", "won", 2, D("1050.50")),
        ("unassigned", "lost", 1, D("0.00")),
        ("unassigned", "qualification", 1, D("0.00")),
        ("unassigned", "won", 2, D("2400.25")),
    ]


def test_cohorts(company: Warehouse) -> None:
    assert company.rows(
        "SELECT cohort_month, stage, cohort_size, entered, passed, conversion FROM mart.mart_funnel_cohort "
        "WHERE stage IN ('qualification', 'negotiation', 'won') ORDER BY 1 NULLS LAST, stage_order"
    ) == [
        # d1 and d5 won; d2 was lost in its first stage
        (date(2026, 1, 1), "qualification", 3, 3, 2, pytest.approx(2 / 3)),
        (date(2026, 1, 1), "negotiation", 3, 2, 2, 1.0),
        (date(2026, 1, 1), "won", 3, 2, None, None),
        # d3 skipped to negotiation, f1 won, f2 lost
        (date(2026, 2, 1), "qualification", 3, 3, 2, pytest.approx(2 / 3)),
        (date(2026, 2, 1), "negotiation", 3, 2, 1, 0.5),
        (date(2026, 2, 1), "won", 3, 1, None, None),
        # f3 (won) and f5 have no creation day
        (None, "qualification", 2, 2, 1, 0.5),
        (None, "negotiation", 2, 1, 1, 1.0),
        (None, "won", 2, 1, None, None),
    ]


def test_customer_tiers(company: Warehouse) -> None:
    assert company.rows(
        "SELECT account_name, is_ranked, won_count, won_amount, recency_days, r_score, f_score, m_score, abc_class "
        "FROM mart.mart_customer_tier ORDER BY value_rank NULLS LAST"
    ) == [
        # two buyers: recency 2 and 4 days, wins 2 and 1, amounts 1050.50 and 2000. Quintiles + 1 cut R at 3.4,
        # 3.8, 4.2, 4.6 (4 days: third bin, reversed 3), F at 2.2 to 2.8 (all below), M at 1241.4 to 1811.1.
        ("北京甲公司", True, 1, D("2000.00"), 4, 3, 1, 5, "A"),
        ("Alpha", True, 2, D("1050.50"), 2, 5, 1, 1, "A"),  # 2000 of 3050.50 before it: 65.6 %
        ("Beta", True, 0, D("0.00"), None, None, None, None, "C"),
        ("Unassigned / 未分配", False, 1, D("400.25"), 3, None, None, None, None),
    ]


def test_hygiene_says_who_owns_what_is_wrong(company: Warehouse) -> None:
    assert company.rows(
        "SELECT source, source_system, stream, rule, rule_owner, owner_name, set_aside_count, warning_count, "
        "record_count, round(broken_share, 4), CAST(since AS VARCHAR)[:10] FROM mart.mart_crm_hygiene "
        "ORDER BY 1, 3, 4, 6"
    ) == [
        (
            "fxiaoke_export",
            "fxiaoke",
            "leads_obj",
            "positive",
            "marketing",
            "陈静",
            1,
            0,
            0,
            1.0,
            "2026-02-05",
        ),
        ("zoho", "zoho", "deals", "fits_type", None, "Li Lei", 1, 0, 2, 0.3333, "2026-02-04"),
        ("zoho", "zoho", "deals", "has_amount", "sales operations", "Li Lei", 0, 1, 2, 0.5, "2026-02-03"),
        (
            "zoho",
            "zoho",
            "deals",
            "has_amount",
            "sales operations",
            "Unassigned / 未分配",
            0,
            1,
            1,
            1.0,
            "2026-02-01",
        ),
        ("zoho", "zoho", "deals", "positive", "finance", "Li Lei", 1, 0, 2, 0.3333, "2026-02-04"),
    ]


CROSS_SOURCE = (
    "warn_same_account_with_different_credit_codes",
    "warn_stage_history_disagrees",
    "assert_unions_are_the_sum_of_their_parts",
)
FAULTS = """
    INSERT INTO core.map_account_identity
        (pair_key, account_key, other_account_key, source_system, other_source_system, name_outcome, branch_outcome,
        code_outcome)
        SELECT 'p', min(account_key), max(account_key), 'zoho', 'fxiaoke', 'registered', 'same', 'differs'
        FROM intermediate.int_crm__account_evidence;
    UPDATE raw_zoho.deals SET "Stage" = 'Qualification' WHERE _record_id = 'd1';
    UPDATE intermediate.int_crm__opportunities SET source_stage = 'Qualification' WHERE opportunity_id = 'd1';
"""


def test_cross_source_tests_are_red_on_planted_faults(dbt: Dbt, company: Warehouse) -> None:
    found = dbt.tests(company, FAULTS, *CROSS_SOURCE[:2])
    assert sorted(line.split(" Got")[0] for line in found) == [
        "warn_same_account_with_different_credit_codes: warn",
        "warn_stage_history_disagrees: warn",
    ]
    agreeing = FAULTS.replace("'differs'", "'equal'").replace("'Qualification'", "'Closed Won'")
    assert dbt.tests(company, agreeing, *CROSS_SOURCE[:2]) == []


def test_a_union_that_is_not_the_sum_of_its_parts_is_red(dbt: Dbt, company: Warehouse) -> None:
    """The union replaced by a copy in which one account of Zoho is lost and one amount of Fxiaoke's is made up."""
    change = """
        CREATE TABLE intermediate.lost AS FROM intermediate.int_crm__accounts_unioned WHERE account_id <> 'a1';
        DROP TABLE intermediate.int_crm__accounts_unioned;
        CREATE VIEW intermediate.int_crm__accounts_unioned AS FROM intermediate.lost;
        CREATE TABLE intermediate.wrong AS SELECT * REPLACE (amount + 1 AS amount)
            FROM intermediate.int_crm__opportunities_unioned;
        UPDATE intermediate.wrong SET amount = amount - 1 WHERE opportunity_id <> 'f1';
        DROP VIEW intermediate.int_crm__opportunities_unioned;
        CREATE VIEW intermediate.int_crm__opportunities_unioned AS FROM intermediate.wrong;
    """
    (found,) = dbt.tests(company, change, CROSS_SOURCE[2])
    assert found.startswith("assert_unions_are_the_sum_of_their_parts: fail Got 2 results")
