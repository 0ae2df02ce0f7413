"""A company that keeps the same business in two CRMs, small enough to work every number out by hand.

Alpha is one customer (a person says so). One deal of 1,000 was won on 10 February in Zoho; Fxiaoke has it as well,
created a day later and closed a day earlier. In Fxiaoke alone it won another of 400 on 20 February. The deal's order,
invoice and receipt of 1,000 are in both; a second order of 400 is in Fxiaoke alone. Zoho has no receipts: its own
stand in the list that the business keeps.
"""

from __future__ import annotations

from typing import Any

from tests.pipeline.test_dbt_models.company import deal, ref, visit, zoho
from tests.pipeline.test_dbt_models.warehouse import Version

LI, CHEN = ref("u1", "Li Lei"), ref("p1", "陈静")
STAMP = "2026-02-28 02:00:00+00"


def fxiaoke(stream: str, record: str, **fields: Any) -> Version:
    return ("fxiaoke", stream, record, STAMP, {"owner": CHEN, "mc_currency": "CNY", **fields})


def said(number: str, entity: str, left: str, right: str, decision: str) -> Version:
    """A person's word on one record of Zoho and one of Fxiaoke."""
    return ("inputs", "identity_decisions", number, STAMP, {
        "entity": entity, "left_source": "zoho", "left_id": left, "right_source": "fxiaoke", "right_id": right,
        "decision": decision, "decided_by": "Wei", "decided_on": "2026-02-28",
    })  # fmt: skip


def won(record: str, name: str, amount: int, created: str, closed: str) -> Version:
    return fxiaoke(
        "new_opportunity_obj", record, name=name, account_id=ref("acc", "阿尔法"), sales_stage=ref("5", "赢单"),
        sales_status=ref("2", "赢单"), life_status=ref("normal", "正常"), amount=amount, create_time=created,
        actual_close_date=closed,
    )  # fmt: skip


ALPHA = ref("acc", "阿尔法")
TWICE: list[Version] = [
    zoho("users", "u1", "2026-01-01 00:00:00+00", full_name="Li Lei"),
    zoho("accounts", "a1", "2026-01-01 00:00:00+00", Account_Name="Alpha", Owner=LI),
    visit("v1", "d1", "2026-01-05 02:00:00+00", "Qualification"),
    visit("v2", "d1", "2026-02-10 02:00:00+00", "Closed Won"),
    deal("d1", "2026-02-10 02:00:00+00", "2026-01-05 02:00:00+00", Stage="Closed Won", Closing_Date="2026-02-10",
         Amount=1000, Currency="CNY", Owner=LI, Account_Name=ref("a1", "Alpha")),
    ("fxiaoke", "personnel_obj", "p1", STAMP, {"name": "陈静"}),
    ("fxiaoke", "account_obj", "acc", STAMP, {"name": "阿尔法", "owner": CHEN}),
    won("f1", "d1", 1000, "2026-01-06 00:00:00+08", "2026-02-09 00:00:00+08"),
    won("f2", "另一单", 400, "2026-02-01 00:00:00+08", "2026-02-20 00:00:00+08"),
    said("k1", "account", "a1", "acc", "same"),
    zoho("sales_orders", "s1", STAMP, SO_Number="SO-1", Account_Name=ref("a1", "Alpha"), Owner=LI, Currency="CNY",
         Status="Approved", Grand_Total=1000, Created_Time="2026-02-11 02:00:00+00"),
    fxiaoke("sales_order_obj", "t1", name="20260211-01", account_id=ALPHA, order_amount=1000,
            order_time="2026-02-11 00:00:00+08"),
    fxiaoke("sales_order_obj", "t2", name="20260221-01", account_id=ALPHA, order_amount=400,
            order_time="2026-02-21 00:00:00+08"),
    zoho("invoices", "n1", STAMP, Invoice_Number="2431-77", Account_Name=ref("a1", "Alpha"), Owner=LI, Currency="CNY",
         Status="Sent", Grand_Total=1000, Invoice_Date="2026-02-12"),
    fxiaoke("invoice_application_obj", "m1", invoice_no="243177", account_id=ALPHA, invoice_applied_amount=1000,
            invoice_date="2026-02-14 00:00:00+08"),
    ("inputs", "receipts", "r1", STAMP, {"crm": "zoho", "receipt_no": "R1", "kind": "receipt", "paid_on": "2026-02-20",
     "amount": 1000, "currency": "CNY", "account": "Alpha"}),
    fxiaoke("payment_obj", "q1", name="HK-9", account_id=ALPHA, amount=1000, payment_time="2026-02-20 00:00:00+08"),
]  # fmt: skip
