"""The organisation as it was and as it is, against numbers worked out by hand (`organised.py` gives the rows)."""

from __future__ import annotations

import shutil
from datetime import date
from decimal import Decimal as D

import duckdb
import pytest

from tests.pipeline.test_dbt_models.organised import MOVED, ORGANISED
from tests.pipeline.test_dbt_models.warehouse import Dbt, Warehouse

KPI = """
    SELECT period_start, team_key, won_count, won_amount, open_count FROM mart.mart_team_kpi_month
    WHERE team_axis = 'region' AND org_view = '{}' AND (won_count <> 0 OR won_amount <> 0 OR open_count <> 0)
    ORDER BY 1, 2
"""
JAN, FEB, MAR, APR = (date(2026, month, 1) for month in range(1, 5))


@pytest.fixture(scope="module")
def organised(dbt: Dbt) -> Warehouse:
    return dbt.build("organised", ORGANISED)


@pytest.fixture(scope="module")
def moved(dbt: Dbt) -> Warehouse:
    return dbt.build("moved", MOVED, "build", "--exclude-resource-type", "test", "unit_test")


def test_the_build_complains_of_nothing(organised: Warehouse) -> None:
    assert organised.complaints == []


def test_months_as_they_were(organised: Warehouse) -> None:
    assert organised.rows(KPI.format("as_was")) == [
        # given to Li in March, but won by Zhao; all five were created on 1 January, four are open at its end
        (JAN, "region:east", 1, D("7.00"), 4),
        (FEB, "region:east", 1, D("100.01"), 2),  # Li's; mar and split still open, Wang's
        (FEB, "region:north", 0, D("0.00"), 1),  # Li moved on 28 February, with the open deal
        # mar 60.01 + 40.00; of split Wang's 50.00 is 30 + 20, Li's 50.00 north's. Both counted in Wang's primary team.
        (MAR, "region:east", 2, D("90.01"), 0),
        (MAR, "region:north", 0, D("110.00"), 1),
        (APR, "region:north", 0, D("0.00"), 1),
    ]


def test_months_as_they_are(organised: Warehouse) -> None:
    assert organised.rows(KPI.format("as_is")) == [
        (JAN, "region:north", 1, D("7.00"), 2),  # Li's today: given; feb and open are open
        (JAN, "region:south", 0, D("0.00"), 2),  # Wang's: mar and split. East is South today.
        (FEB, "region:north", 1, D("100.01"), 1),
        (FEB, "region:south", 0, D("0.00"), 2),
        (MAR, "region:north", 0, D("50.00"), 1),
        (MAR, "region:south", 2, D("150.01"), 0),
        (APR, "region:north", 0, D("0.00"), 1),
    ]


@pytest.mark.slow
def test_who_moves_today_changes_no_month_as_it_was_but_as_it_is(
    organised: Warehouse, moved: Warehouse
) -> None:
    assert moved.rows(KPI.format("as_was")) == organised.rows(KPI.format("as_was"))
    assert moved.rows(KPI.format("as_is")) == [
        (JAN, "region:north", 1, D("7.00"), 4),
        (FEB, "region:north", 1, D("100.01"), 3),
        (MAR, "region:north", 2, D("200.01"), 1),
        (APR, "region:north", 0, D("0.00"), 1),
    ]


def test_facts_carry_both_views_and_whose_credit_it_is(organised: Warehouse) -> None:
    assert organised.rows(
        "SELECT f.source_id, f.event_on, c.source_id, o.source_id, f.region_team_key, f.region_team_key_as_is, "
        "f.customer_type_team_key, replace(f.manager_team_key, 'manager:', '') = w.user_uid "
        "FROM core.fct_opportunity f "
        "JOIN core.dim_user_history c ON c.user_uid = f.credit_user_uid AND c.is_current "
        "JOIN core.dim_user_history o ON o.user_uid = f.owner_user_uid AND o.is_current "
        "JOIN core.dim_user_history w ON w.source_id = 'u2' AND w.is_current ORDER BY 1"
    ) == [
        ("feb", date(2026, 2, 10), "u1", "u1", "region:east", "region:north", "customer_type:大客户", True),
        ("given", date(2026, 1, 20), "u3", "u1", "region:east", "region:north", "customer_type:大客户", True),
        ("mar", date(2026, 3, 10), "u2", "u2", "region:east", "region:south", "customer_type:大客户", False),
        ("open", date(2026, 4, 20), "u1", "u1", "region:north", "region:north", "customer_type:大客户", True),
        (
            "split",
            date(2026, 3, 20),
            "u2",
            "u2",
            "region:east",
            "region:south",
            "customer_type:大客户",
            False,
        ),
    ]


def test_everybody_above_is_in_the_line(organised: Warehouse) -> None:
    assert organised.rows(
        "SELECT DISTINCT p.source_id, m.source_id, b.level FROM core.bridge_user_manager b "
        "JOIN core.dim_user_history p ON p.user_uid = b.user_uid "
        "JOIN core.dim_user_history m ON m.user_uid = b.manager_user_uid "
        "WHERE DATE '2026-03-05' >= b.valid_from AND DATE '2026-03-05' < b.valid_to ORDER BY 1, 3"
    ) == [("u1", "u2", 1), ("u1", "u4", 2), ("u2", "u4", 1), ("u3", "u2", 1), ("u3", "u4", 2)]


def test_capacity_knows_who_left_and_who_moved(organised: Warehouse) -> None:
    assert organised.rows(
        "SELECT period_start, team_key, headcount, joiner_count, leaver_count, account_count "
        "FROM mart.mart_team_capacity_month WHERE team_axis = 'region' ORDER BY 1, 2"
    ) == [
        (JAN, "region:east", D("3"), 3, 0, 1),
        (JAN, "region:north", D("1"), 1, 0, 0),
        (FEB, "region:east", D("2"), 0, 1, 0),  # Li moved on the 28th, with the account
        (FEB, "region:north", D("2"), 1, 0, 1),
        (MAR, "region:east", D("0.6"), 0, 1, 1),  # Zhao left on the 10th
        (MAR, "region:north", D("2.4"), 1, 0, 0),  # Wang's smaller part
        # In April the spreadsheet is silent and the CRM still says East, a team that is no more.
        (APR, "region:east", D("1"), 0, 0, 1),
        (APR, "region:north", D("2"), 0, 1, 0),
    ]


def test_an_account_is_handed_over(organised: Warehouse) -> None:
    assert organised.rows(
        "SELECT reason, CAST(valid_from AS DATE), is_current, evidence FROM core.fct_account_ownership ORDER BY 2"
    ) == [("assign", date(2026, 1, 1), False, "recorded"), ("transfer", date(2026, 3, 1), True, "recorded")]


def test_people_who_work_on_one_customer_by_a_split_are_allowed_to(organised: Warehouse) -> None:
    """Li, Wang and Zhao had open deals of Alpha from 1 January on: Li and Wang by a split of one of them."""
    assert organised.rows(
        "SELECT rule, overlap_days, opportunity_count + other_opportunity_count, is_allowed, is_ongoing "
        "FROM mart.mart_ownership_conflict ORDER BY 2, 3, 4"
    ) == [
        ("open_opportunities", 19, 3, False, False),  # Zhao's until 20 January with Wang's two, and
        ("open_opportunities", 19, 3, False, False),  # with Li's two
        ("open_opportunities", 78, 4, True, False),  # until 20 March: Li's two and Wang's two
    ]


CIRCLE = """
    INSERT INTO core.dim_team_history (team_axis, team_key, team_name, successor_team_key, valid_from, valid_to) VALUES
        ('region', 'region:south', 'South', 'region:east', DATE '2026-04-01', DATE '2026-04-10')
"""
UNKNOWN = """
    INSERT INTO raw_inputs.team_memberships (_org, _record_id, person, axis, team, valid_from)
        VALUES ('o', 'm9', 'Nobody', 'region', 'East', DATE '2026-01-01');
    INSERT INTO raw_inputs.teams (_org, _record_id, axis, team, leader, valid_from)
        VALUES ('o', 't9', 'region', 'West', 'Nobody', DATE '2026-01-01');
    INSERT INTO raw_inputs.opportunity_splits (_org, _record_id, crm, opportunity_id, person, share)
        VALUES ('o', 's9', 'zoho', 'no such deal', 'Nobody', 1);
    UPDATE intermediate.int_org__splits SET stated_share = 0.9;
    UPDATE core.bridge_user_team SET stated_weights = 0.9 WHERE evidence = 'input';
"""
LOST = """
    UPDATE core.bridge_opportunity_split SET credited_amount = credited_amount - 0.01 WHERE percent = 50;
    UPDATE intermediate.int_org__slices SET weight = 0.5 WHERE weight = 0.4;
    UPDATE core.fct_opportunity SET region_team_key_as_is = 'region:nowhere' WHERE source_id = 'open';
"""


def test_faults_of_the_organisation_are_red(dbt: Dbt, organised: Warehouse) -> None:
    """Both teams are in the circle; every unknown name, wrong sum and lost cent is said once."""
    names = ("assert_teams_form_no_circles", "warn_organisation_inputs", "assert_shares_add_up")
    found = {line.split(":")[0]: line for line in dbt.tests(organised, CIRCLE + ";" + UNKNOWN + LOST, *names)}
    assert "fail Got 2 results" in found["assert_teams_form_no_circles"]
    # three times nobody, one deal that nobody has, one split, one person's weights
    assert "warn Got 6 results" in found["warn_organisation_inputs"]
    # one split, one axis of one person, one team
    assert "fail Got 3 results" in found["assert_shares_add_up"]


def test_plain_tests_are_red_without_dbt_too(dbt: Dbt, organised: Warehouse) -> None:
    """A doubled row and a word that is not in the list, said as dbt says it."""
    shutil.copyfile(organised.path, dbt.path)
    with duckdb.connect(str(dbt.path)) as con:
        con.execute("INSERT INTO core.fct_opportunity FROM core.fct_opportunity WHERE source_id = 'open'")
        con.execute("UPDATE core.fct_opportunity SET status = 'asleep' WHERE source_id = 'feb'")
    try:
        found = dbt._plain_tests()
        names = [line.split(":")[0] for line in found]
        assert len(found) == 2 and "fail Got 1 result, configured to fail if != 0" in found[0]
        assert sorted(dbt._invoke("test", "--select", *names)) == sorted(found)
    finally:
        dbt.path.unlink()
