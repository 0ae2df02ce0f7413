"""People who change region and manager, leave and come: the organisation of several days against the sandbox's truth.

The truth is folded from the company's event log by other code. Both CRMs are read three times, weeks apart; what lies
before the first reading the CRMs no longer tell, so the days compared begin there.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines import flow
from pipelines.settings import load_settings, selected
from tests.conftest import Sandbox

REGION = {"zoho": "state", "fxiaoke": "main_department"}
LEADER = {"zoho": "Reporting_To", "fxiaoke": "leader"}
GONE = {"disabled", "deleted", "停用"}

SHOWN = """
    SELECT h.source_system, h.source_id, t.team_name, leader.source_id, h.is_active
    FROM core.dim_user_history h
    JOIN core.bridge_user_team b ON b.user_uid = h.user_uid AND b.team_axis = 'region'
        AND b.valid_from <= $day AND b.valid_to > $day
    JOIN core.dim_team t ON t.team_key = b.team_key
    LEFT JOIN (SELECT DISTINCT user_key, source_id FROM core.dim_user_history) leader
        ON leader.user_key = h.manager_user_key
    WHERE h.valid_from <= $at AND h.valid_to > $at AND h.source_system IN ('zoho', 'fxiaoke')
"""
HEADS = """
    SELECT headcount FROM mart.mart_team_capacity_month
    WHERE team_axis = 'company' AND team_key = 'company:all' AND period_end = $day
"""


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_organisation_of_a_day_is_what_it_was_on_that_day(
    fresh_sandbox: Callable[..., Sandbox], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox = fresh_sandbox(seed=11, size=60)
    homes = {**sandbox.settings, **sandbox.fxiaoke, "CRM_WAREHOUSE_HOME": str(tmp_path / "home")}
    for name, value in homes.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    settings = load_settings()
    settings.prepare_home()

    def read() -> None:
        report = flow.run(settings, selected(settings, ["zoho", "fxiaoke"]))
        assert report.ok, report.sentences()

    def move(crm: str, place: int) -> None:
        """Somebody goes to another's region and manager."""
        people = sandbox.truth(crm, "users")["records"]
        here = sorted(
            id for id, facts in people.items() if facts["status"] not in GONE and facts[LEADER[crm]]
        )
        mover = here[place]
        other = next(id for id in here if people[id][REGION[crm]] != people[mover][REGION[crm]])
        changes = {field[crm]: people[other][field[crm]] for field in (REGION, LEADER)}
        sandbox.act("edit", "users", crm=crm, id=mover, changes=changes)

    read()
    first = datetime.fromisoformat(sandbox.clock()).date()
    for round in (0, 1):
        for crm in REGION:
            move(crm, 1 + round)
        sandbox.advance(20)
        read()
    last = datetime.fromisoformat(sandbox.clock()).date()

    regions, leavers = set(), set()
    with duckdb.connect(str(settings.published / "bi.duckdb"), read_only=True) as con:
        for day in (first + timedelta(days) for days in range(1, (last - first).days, 6)):
            told = _told(sandbox, day)
            at = f"{day}T23:59:59+08:00"
            shown = con.execute(SHOWN, {"day": day, "at": at}).fetchall()
            assert {(crm, id): tuple(rest) for crm, id, *rest in shown} == told
            regions.add(tuple(sorted((key, facts[0]) for key, facts in told.items())))
            leavers |= {key for key, facts in told.items() if not facts[2]}
        month_end = (first + timedelta(31)).replace(day=1) - timedelta(1)
        heads = con.execute(HEADS, {"day": month_end}).fetchall()
    assert [int(n) for (n,) in heads] == [sum(facts[2] for facts in _told(sandbox, month_end).values())]
    assert len(regions) > 2 and leavers, "people must move and leave for this to mean anything"


def _told(sandbox: Sandbox, day: date) -> dict[tuple[str, str], tuple[Any, ...]]:
    """Region, manager and whether they work here, of everybody by the end of the day."""
    return {
        (crm, id): (facts[REGION[crm]], facts[LEADER[crm]], facts["status"] not in GONE)
        for crm in REGION
        for id, facts in sandbox.truth(crm, "users", f"{day}T23:59:59+08:00")["records"].items()
    }
