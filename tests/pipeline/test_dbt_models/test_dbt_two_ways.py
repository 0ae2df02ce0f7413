"""The same record read by API and from files is one record, whichever came first."""

from __future__ import annotations

from datetime import date
from decimal import Decimal as D

import pytest

from tests.pipeline.test_dbt_models.two_ways import TENANT, WORDS
from tests.pipeline.test_dbt_models.warehouse import Dbt, Warehouse

SHOWN = (
    "SELECT f.source_id, source_way, f.opportunity_name, stage, amount, currency_code, a.source_id, u.source_id "
    "FROM core.fct_opportunity f JOIN core.dim_account a USING (account_uid) "
    "JOIN core.dim_user u ON u.user_uid = f.owner_user_uid ORDER BY f.source_id"
)


@pytest.fixture(scope="module")
def tenant(dbt: Dbt) -> Warehouse:
    return dbt.build("two_ways", TENANT, sql=WORDS)


@pytest.fixture(scope="module")
def back_then(dbt: Dbt, tenant: Warehouse) -> Warehouse:
    return dbt.build("two_ways_back_then", TENANT, sql=WORDS, as_of_date="2026-03-01")


def test_the_newest_row_wins_the_api_on_ties_and_void_stays_void(tenant: Warehouse) -> None:
    assert sorted(tenant.complaints) == [
        "warn_record_known_from_files_only: warn Got 4 results, configured to warn if != 0",
        "warn_record_set_aside: warn Got 1 result, configured to warn if != 0",
        "warn_reference_unresolved: warn Got 1 result, configured to warn if != 0",
    ]
    assert tenant.rows(SHOWN) == [
        ("SJ5id", "fxiaoke_export", "按编号", "qualification", D("900.00"), "CNY", "acc1", "per1"),
        ("back", "fxiaoke_export", "back", "qualification", D("44.00"), "CNY", "acc1", "per1"),
        ("d9", "fxiaoke", "年度 续约", "qualification", D("1000.00"), "CNY", "acc1", "per1"),
        ("moved", "fxiaoke_export", "moved", "qualification", D("10.00"), "CNY", None, "per1"),
        ("name:孤儿", "fxiaoke_export", "孤儿", "qualification", D("70.00"), "CNY", "acc1", "per1"),
        ("narrow", "fxiaoke_export", "narrow", "won", D("800.00"), "CNY", "acc1", "per1"),
        ("newer_by_api", "fxiaoke", "newer_by_api", "won", D("110.00"), "CNY", "acc1", "per1"),
        (
            "newer_by_file",
            "fxiaoke_export",
            "newer_by_file",
            "qualification",
            D("220.00"),
            "CNY",
            "acc1",
            "per1",
        ),
        ("same_stamp", "fxiaoke", "by the API", "qualification", D("300.00"), "CNY", "acc1", "per1"),
        ("twin1", "fxiaoke", "双胞胎", "qualification", D("1.00"), "CNY", "acc1", "per1"),
        ("twin2", "fxiaoke", "双胞胎", "qualification", D("2.00"), "CNY", "acc1", "per1"),
        ("unseen", "fxiaoke_export", "unseen", "lost", D("7.00"), "CNY", "acc1", "per1"),
    ]


def test_accounts_and_people_are_one_too(tenant: Warehouse) -> None:
    assert tenant.rows(
        "SELECT source_system, source_id, account_name FROM core.dim_account ORDER BY 2 NULLS LAST"
    ) == [
        ("fxiaoke", "acc1", "甲公司"),
        (None, None, "Unassigned / 未分配"),
    ]
    assert tenant.rows("SELECT source_id, user_name FROM core.dim_user ORDER BY 1 NULLS LAST") == [
        ("per1", "张伟"),
        (None, "Unassigned / 未分配"),
    ]


def test_the_records_own_time_of_a_stage_is_kept_with_its_grade(tenant: Warehouse) -> None:
    assert tenant.rows(
        "SELECT visit_seq, h.stage, entered_at::VARCHAR, entered_uncertainty_s, evidence "
        "FROM core.fct_opportunity_stage_history h JOIN core.fct_opportunity f USING (opportunity_key) "
        "WHERE source_id = 'newer_by_api' ORDER BY 1"
    ) == [
        (1, "qualification", "2026-02-10 02:00:00+00", 777_600, "version_diff"),
        (2, "won", "2026-03-03 02:00:00+00", 0, "vendor_stamp"),
    ]
    assert tenant.rows(
        "SELECT closed_on, closed_at_evidence FROM core.fct_opportunity WHERE source_id = 'newer_by_api'"
    ) == [(date(2026, 3, 3), "vendor_stamp")]


@pytest.mark.slow
def test_a_past_day_knows_both_ways_too(back_then: Warehouse) -> None:
    """On 1 March nothing was void yet; what a file of 5 March showed of February counts for February."""
    assert back_then.rows(
        "SELECT source_id, stage, amount, state_evidence FROM core.fct_opportunity ORDER BY 1"
    ) == [
        ("SJ5id", "qualification", D("900.00"), "version"),
        ("back", "qualification", D("40.00"), "version"),
        ("d9", "qualification", D("1000.00"), "version"),
        ("moved", "qualification", D("10.00"), "version"),
        ("name:孤儿", "unknown", D("70.00"), "rewound"),
        ("narrow", "won", D("800.00"), "version"),
        ("newer_by_api", "qualification", D("100.00"), "version"),
        ("newer_by_file", "qualification", D("220.00"), "version"),
        ("same_stamp", "qualification", D("300.00"), "version"),
        ("twin1", "qualification", D("1.00"), "version"),
        ("twin2", "qualification", D("2.00"), "version"),
        ("unseen", "lost", D("7.00"), "version"),
        ("v9", "qualification", D("600.00"), "version"),
        ("void", "qualification", D("5000.00"), "version"),
    ]


def test_a_file_takes_away_neither_the_stage_nor_its_moment(tenant: Warehouse) -> None:
    """What a file tells by the second the API tells better; a file without the column shows no stage."""
    assert tenant.rows(
        "SELECT visit_seq, h.stage, entered_at::VARCHAR, evidence FROM core.fct_opportunity_stage_history h "
        "JOIN core.fct_opportunity f USING (opportunity_key) WHERE source_id = 'narrow'"
    ) == [(1, "won", "2026-02-18 02:00:00.2+00", "vendor_stamp")]


@pytest.mark.slow
def test_today_asked_for_as_a_day_is_what_stands_now(
    dbt: Dbt, tenant: Warehouse, back_then: Warehouse
) -> None:
    today = dbt.build("two_ways_today", TENANT, sql=WORDS, as_of_date="2026-03-06")
    state = (
        "SELECT source_id, source_way, opportunity_name, stage, amount, currency_code, closed_on, closed_at_evidence "
        "FROM core.fct_opportunity ORDER BY 1"
    )
    assert today.rows(state) == tenant.rows(state)
