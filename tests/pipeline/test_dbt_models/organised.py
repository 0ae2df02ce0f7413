"""A company that reorganises itself, small enough to work out by hand.

As of 20 April 2026 (Shanghai). East was merged into South on 1 April. Li sold for East until 28 February and for
North since (by the CRM); Wang for East, and by spreadsheet 0.6 for East and 0.4 for North in March; Zhao left in
March. Li reports to Wang, Wang to Qian. What each deal shows stands beside it.
"""

from __future__ import annotations

from typing import Any

from tests.pipeline.test_dbt_models.company import deal, ref, zoho
from tests.pipeline.test_dbt_models.warehouse import Version

LI, WANG, ZHAO, QIAN = (
    ref("u1", "Li Lei"),
    ref("u2", "Wang Fang"),
    ref("u3", "Zhao Min"),
    ref("u4", "Qian Duo"),
)
BEGIN = "2026-01-01 02:00:00+00"


def person(
    record: str, stamp: str, name: str, region: str, leader: dict | None = None, **fields: Any
) -> Version:
    told = {"full_name": name, "state": region, "Reporting_To": leader, "created_time": BEGIN, **fields}
    return zoho("users", record, stamp, **told)


def sheet(stream: str, record: str, **fields: Any) -> Version:
    return ("inputs", stream, record, BEGIN, fields)


def team(
    name: str, begin: str, end: str | None = None, successor: str | None = None, **fields: Any
) -> Version:
    told = {
        "axis": "region",
        "team": name,
        "valid_from": begin,
        "valid_to": end,
        "successor": successor,
        **fields,
    }
    return sheet("teams", f"{name}{begin}", **told)


def member(name: str, team: str, begin: str, end: str, weight: str, primary: bool) -> Version:
    told = {"axis": "region", "team": team, "valid_from": begin, "valid_to": end, "weight": weight}
    return sheet("team_memberships", f"{name}{team}", person=name, is_primary=primary, role="代表", **told)


def won(record: str, day: str, owner: dict, amount: str, account: str = "a1") -> Version:
    return deal(record, f"{day} 02:00:00+00", BEGIN, Stage="Closed Won", Owner=owner, Amount=amount,
                Closing_Date=day, Account_Name=ref(account))  # fmt: skip


ORGANISED: list[Version] = [
    person("u1", BEGIN, "Li Lei", "East", WANG, status="active", role=ref("r1", "Rep")),
    person("u1", "2026-02-28 02:00:00+00", "Li Lei", "North", WANG, status="active", role=ref("r1", "Rep")),
    person("u2", BEGIN, "Wang Fang", "East", QIAN, status="active"),
    person("u3", BEGIN, "Zhao Min", "East", WANG, status="active"),
    person("u3", "2026-03-10 02:00:00+00", "Zhao Min", "East", WANG, status="disabled"),
    person("u4", BEGIN, "Qian Duo", "North", status="active"),
    team("East", "2026-01-01", "2026-03-31", "South"),
    team("South", "2026-01-01", leader="Wang Fang"),
    member("Wang Fang", "East", "2026-03-01", "2026-03-31", "0.6", True),
    member("Wang Fang", "North", "2026-03-01", "2026-03-31", "0.4", False),
    zoho("accounts", "a1", BEGIN, Account_Name="Alpha", Owner=LI, Customer_Segment="大客户", Created_Time=BEGIN),
    # handed over from Li to Wang on 1 March
    zoho("accounts", "a1", "2026-03-01 02:00:00+00", Account_Name="Alpha", Owner=WANG, Customer_Segment="大客户",
         Created_Time=BEGIN),
    # Li's February: East then, North today
    won("feb", "2026-02-10", LI, "100.01"),
    # Wang's March: counted in East; 60.01 + 40.00, since 60.006 lost more than 40.004
    won("mar", "2026-03-10", WANG, "100.01"),
    # split 50 to 50 between Li (North) and Wang: 50.01 to whose key comes first, 50.00 to the other
    won("split", "2026-03-20", WANG, "100.00"),
    sheet("opportunity_splits", "s1", crm="zoho", opportunity_id="split", person="Li Lei", role="co_owner",
          share="0.5", valid_from="2000-01-01"),
    sheet("opportunity_splits", "s2", crm="zoho", opportunity_id="split", person="Wang Fang", role="owner",
          share="0.5", valid_from="2000-01-01"),
    # won by Zhao in January, and given to Li when Zhao left: Zhao's East as it was, Li's North as it is
    won("given", "2026-01-20", ZHAO, "7.00"),
    deal("given", "2026-03-11 02:00:00+00", BEGIN, Stage="Closed Won", Owner=LI, Amount="7.00",
         Closing_Date="2026-01-20", Account_Name=ref("a1")),
    # open, Li's: the newest stamp of all
    deal("open", "2026-04-20 02:00:00+00", BEGIN, Stage="Qualification", Owner=LI, Amount="9.00",
         Account_Name=ref("a1")),
]  # fmt: skip

# Today, after everything above, Wang moves to North: the past months as they were must not know.
MOVED = [*ORGANISED, person("u2", "2026-04-20 03:00:00+00", "Wang Fang", "North", QIAN, status="active")]
