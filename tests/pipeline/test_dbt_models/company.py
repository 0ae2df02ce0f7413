"""A tiny company in two CRMs, small enough to work every number out by hand.

As of 4 March 2026 (Shanghai). Zoho: six deals, two of them deleted. Fxiaoke export: five opportunities in one
file stamped 4 March, one of them 作废. Expected numbers and how they come about stand in the tests.
"""

from __future__ import annotations

from typing import Any

from tests.pipeline.test_dbt_models.warehouse import Version, read_at

FILE_STAMP = "2026-03-04 18:00:00+08"


def ref(id: str | None, name: str | None = None) -> dict[str, str | None]:
    return {"id": id, "name": name}


def zoho(stream: str, record: str, stamp: str, **fields: Any) -> Version:
    return ("zoho", stream, record, stamp, {"id": record, **fields})


def deal(record: str, stamp: str, created: str, **fields: Any) -> Version:
    return zoho("deals", record, stamp, Deal_Name=record, Pipeline="Standard", Created_Time=created, **fields)


def visit(record: str, deal: str, entered: str, stage: str) -> Version:
    return zoho("deal_history", record, entered, Potential_Name=ref(deal), Stage=stage, Modified_Time=entered)


def exported(stream: str, record: str, **fields: Any) -> Version:
    return ("fxiaoke_export", stream, record, FILE_STAMP, fields)


LI, WANG, ZHAO = ref("u1", "Li Lei"), ref("u2", "Wang Fang"), ref("u3", "Zhao Min")
CLOUD, BOX = ref("p1", "Cloud"), ref("p2", "Box")
D1 = {"Owner": LI, "Account_Name": ref("a1", "Alpha"), "Product": CLOUD, "Amount": 1000}
D2 = {"Owner": ZHAO, "Account_Name": ref("a2", "Beta"), "Product": BOX, "Amount": 500,
      "Stage": "Closed Lost to Competition", "Closing_Date": "2026-02-01"}  # fmt: skip
D5 = {"Owner": LI, "Account_Name": ref("a1", "Alpha"), "Product": CLOUD, "Amount": "50.50"}

ZOHO: list[Version] = [
    zoho("users", "u1", "2026-01-01 00:00:00+00", full_name="Li Lei", state="华东", Reporting_To=WANG),
    zoho("users", "u2", "2026-01-01 00:00:00+00", full_name="Wang Fang", state="华东"),
    # reports to somebody who is not in the users list any more
    zoho("users", "u3", "2026-01-01 00:00:00+00", full_name="Zhao Min", state="华北", Reporting_To=ref("u9", "Qian")),
    zoho("accounts", "a1", "2026-01-01 00:00:00+00", Account_Name="Alpha", Owner=LI),
    zoho("accounts", "a2", "2026-02-28 04:00:00+00", Account_Name="Beta", Owner=ZHAO),
    zoho("products", "p1", "2026-01-01 00:00:00+00", Product_Name="Cloud", Product_Category="软件"),
    zoho("products", "p2", "2026-01-01 00:00:00+00", Product_Name="Box", Product_Category="硬件"),
    # d1: created 5 January, won 10 February 23:30 in Shanghai, whatever the Closing_Date says: 36 days
    visit("v11", "d1", "2026-01-05 02:00:00+00", "Qualification"),
    visit("v12", "d1", "2026-01-15 02:00:00+00", "Needs Analysis"),
    visit("v13", "d1", "2026-02-10 15:30:00+00", "Closed Won"),
    deal("d1", "2026-02-10 15:30:00+00", "2026-01-05 02:00:00+00", Stage="Closed Won", Closing_Date="2026-02-20", **D1),
    # d2: created 31 January, lost 1 February 01:00 in Shanghai, which is still January in UTC: 1 day
    visit("v21", "d2", "2026-01-31 12:00:00+00", "Qualification"),
    visit("v22", "d2", "2026-01-31 17:00:00+00", "Closed Lost to Competition"),
    # deleted on 2 February, seen again on 3 February without a new stamp
    deal("d2", "2026-01-31 17:00:00+00", "2026-01-31 12:00:00+00", **D2),
    deal("d2", "2026-01-31 17:00:00+00", "2026-01-31 12:00:00+00", **D2, _deleted_at="2026-02-02 02:00:00+00"),
    deal("d2", "2026-01-31 17:00:00+00", "2026-01-31 12:00:00+00", **D2, _read_at="2026-02-03 02:00:00+00"),
    # d3: open, no account, owner leads a team of his own; 150 for a day, 200 until 3 March, then 300; skips two stages
    visit("v31", "d3", "2026-02-15 02:00:00+00", "Qualification"),
    deal("d3", "2026-02-15 02:00:00+00", "2026-02-15 02:00:00+00", Stage="Qualification", Amount=150, Owner=WANG,
         Product=CLOUD, Closing_Date="2026-05-01"),
    deal("d3", "2026-02-16 02:00:00+00", "2026-02-15 02:00:00+00", Stage="Qualification", Amount=200, Owner=WANG,
         Product=CLOUD, Closing_Date="2026-05-01"),
    visit("v32", "d3", "2026-03-03 02:00:00+00", "Negotiation/Review"),
    deal("d3", "2026-03-03 02:00:00+00", "2026-02-15 02:00:00+00", Stage="Negotiation/Review", Amount=300, Owner=WANG,
         Product=CLOUD, Closing_Date="2026-05-01"),
    # d4: won 20 February, deleted 4 March
    deal("d4", "2026-02-20 02:00:00+00", "2026-02-18 02:00:00+00", Stage="Closed Won", Amount=9999, Owner=LI,
         Account_Name=ref("a2", "Beta"), Product=CLOUD, Closing_Date="2026-02-20"),
    deal("d4", "2026-02-20 02:00:00+00", "2026-02-18 02:00:00+00", Stage="Closed Won", Amount=9999, Owner=LI,
         Account_Name=ref("a2", "Beta"), Product=CLOUD, Closing_Date="2026-02-20",
         _deleted_at="2026-03-04 02:00:00+00", _deletion_evidence="deleted_list"),
    # d6: opened and deleted in February
    deal("d6", "2026-02-22 02:00:00+00", "2026-02-22 02:00:00+00", Stage="Qualification", Amount=1, Owner=LI),
    deal("d6", "2026-02-22 02:00:00+00", "2026-02-22 02:00:00+00", Stage="Qualification", Amount=1, Owner=LI,
         _deleted_at="2026-02-25 02:00:00+00", _deletion_evidence="deleted_list"),
    # d5: lost 5 February, came back 20 February, won 2 March: 41 days from 20 January
    visit("v51", "d5", "2026-01-20 02:00:00+00", "Qualification"),
    visit("v52", "d5", "2026-02-05 02:00:00+00", "Closed Lost"),
    visit("v53", "d5", "2026-02-20 02:00:00+00", "Negotiation/Review"),
    deal("d5", "2026-02-20 02:00:00+00", "2026-01-20 02:00:00+00", Stage="Negotiation/Review",
         Closing_Date="2026-03-30", **D5),
    visit("v54", "d5", "2026-03-02 02:00:00+00", "Closed Won"),
    deal("d5", "2026-03-02 02:00:00+00", "2026-01-20 02:00:00+00", Stage="Closed Won", Closing_Date="2026-03-30", **D5),
    # a visit of a deal that nobody has any more
    visit("v99", "gone", "2026-01-02 02:00:00+00", "Qualification"),
]  # fmt: skip

CHEN = ref(None, "陈静")
EXPORT: list[Version] = [
    exported("personnel_obj", "name:陈静", name="陈静", leader=ref(None, "刘洋"), main_department=ref(None, "华东")),
    exported("account_obj", "name:北京甲公司", name="北京甲公司"),
    exported("product_obj", "name:gtx pro", name="GTX Pro", product_line="软件"),
    exported("new_opportunity_obj", "f1", name="f1", account_id=ref(None, "北京甲公司 "), owner=CHEN,
             product_id=ref(None, "GTXPro"), sales_stage="赢单", sales_status="赢单", amount=2000, life_status="正常",
             create_time="2026-02-01 00:00:00+08", actual_close_date="2026-02-28"),
    # no account, a product that is in no list
    exported("new_opportunity_obj", "f2", name="f2", product_id=ref(None, "未知产品"), owner=CHEN, sales_stage="输单",
             sales_status="输单", amount=0, life_status="正常", create_time="2026-02-10 00:00:00+08",
             actual_close_date="2026-03-01"),
    # no owner, no creation day, an account that is in no list: the revenue must stay
    exported("new_opportunity_obj", "f3", name="f3", account_id=ref(None, "上海乙公司"),
             product_id=ref(None, "GTX Pro"), sales_stage="赢单", sales_status="赢单", amount="400.25",
             life_status="正常", actual_close_date="2026-03-01"),
    exported("new_opportunity_obj", "f4", name="f4", account_id=ref(None, "北京甲公司"), owner=CHEN, sales_stage="赢单",
             sales_status="赢单", amount=7777, life_status="作废", create_time="2026-02-02 00:00:00+08",
             actual_close_date="2026-02-03"),
    exported("new_opportunity_obj", "f5", name="f5", product_id=ref(None, "ｇｔｘ　pro"), owner=CHEN,
             sales_stage="验证客户", sales_status="进行中", life_status="正常"),
]  # fmt: skip


# As a build finds them (`pipelines.hygiene`): what rules there are, who owns what, what warns and what waits. Two rows
# wait: e1 of Li by two rules, e2 of 陈静, who has nothing else in that stream; e3 was released.
HYGIENE = """
    INSERT INTO ops.rules VALUES
        ('zoho', 'deals', 'has_amount', 'row', 'warn', 'sales operations', 'No forecast without it.', '', ''),
        ('zoho', 'deals', 'positive', 'row', 'quarantine', 'finance', 'It would lower revenue.', '', ''),
        ('fxiaoke_export', 'leads_obj', 'positive', 'row', 'quarantine', 'marketing', 'Likewise.', '', '');
    INSERT INTO ops.packages (package_id, source, org, stream) VALUES
        ('k1', 'zoho', 'o', 'deals'), ('k2', 'fxiaoke_export', 'o', 'leads_obj');
    INSERT INTO ops.record_owners VALUES
        ('zoho', 'o', 'deals', 'u1', 'Li Lei', 2), ('zoho', 'o', 'deals', 'u7', 'Sun Queue', 3),
        ('zoho', 'o', 'deals', NULL, NULL, 1);
    INSERT INTO ops.warnings VALUES
        ('zoho', 'o', 'deals', 'has_amount', 'u1', 'Li Lei', 1, '2026-02-03 00:00:00+00'),
        ('zoho', 'o', 'deals', 'has_amount', NULL, NULL, 1, '2026-02-01 00:00:00+00');
    INSERT INTO ops.set_aside (package_id, position, record_id, owner_id, owner_name, rule, landed_at, decision) VALUES
        ('k1', 1, 'e1', 'u1', 'Li Lei', 'positive', '2026-02-04 00:00:00+00', ''),
        ('k1', 1, 'e1', 'u1', 'Li Lei', 'fits_type', '2026-02-04 00:00:00+00', ''),
        ('k1', 3, 'e3', 'u1', 'Li Lei', 'positive', '2026-02-04 00:00:00+00', 'released'),
        ('k2', 1, 'e2', NULL, '陈静', 'positive', '2026-02-05 00:00:00+00', '');
"""


def known_by(versions: list[Version], moment: str) -> list[Version]:
    """The versions that had been read at a moment (UTC text, compared as text)."""
    return [v for v in versions if read_at(v) <= moment]
