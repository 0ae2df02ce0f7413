"""What follows the tiny company's won deal d1, worked out by hand: an order in two lines, paid in part by two receipts.

1,000 were ordered on 11 February. 300 and 700 are due. Of receipt R1, 500 on 20 February, 450 name the order; R2, 60 on
1 March, names it by its id; 10 were given back on 2 March. So the order got 450 + 60 - 10 = 500: the first instalment
is paid since 20 February, the second has 200, and 50 pay nothing that is known. The first line is invoiced on 12
February; the deal began as a lead.
"""

from __future__ import annotations

from typing import Any

from tests.pipeline.test_dbt_models.company import LI, ref, zoho
from tests.pipeline.test_dbt_models.warehouse import Version

STAMP = "2026-03-02 02:00:00+00"


def line(record: str, product: str, total: int) -> Version:
    parent, item = ref("s1", "SO-1"), ref(product)
    return zoho("ordered_items", record, STAMP, Parent_Id=parent, Product_Name=item, Quantity=2, List_Price=400,
                Net_Total=total)  # fmt: skip


def typed_in(stream: str, record: str, **fields: Any) -> Version:
    return ("inputs", stream, record, STAMP, {"crm": "zoho", "currency": "CNY", **fields})


def receipt(number: str, kind: str, day: str, amount: int, **fields: Any) -> Version:
    row = {
        "receipt_no": number,
        "kind": kind,
        "paid_on": day,
        "amount": amount,
        "account": "Alpha",
        "method": "bill",
    }
    return typed_in("receipts", f"{number}|{sorted(fields)}", **row, **fields)


LEDGER: list[Version] = [
    zoho("sales_orders", "s1", STAMP, SO_Number="SO-1", Account_Name=ref("a1", "Alpha"), Deal_Name=ref("d1"), Owner=LI,
         Status="Approved", Sub_Total=1000, Grand_Total=1000, Created_Time="2026-02-11 02:00:00+00"),
    line("i1", "p1", 600),
    line("i2", "p2", 400),
    zoho("invoices", "v1", STAMP, Invoice_Number="INV-1", Account_Name=ref("a1", "Alpha"), Owner=LI,
         Sales_Order=ref("s1", "SO-1"), Status="Sent", Sub_Total=600, Grand_Total=600, Invoice_Date="2026-02-12"),
    zoho("invoiced_items", "vi1", STAMP, Parent_Id=ref("v1"), Product_Name=ref("p1"), Quantity=2, List_Price=400,
         Net_Total=600),
    zoho("leads", "l1", STAMP, Full_Name="Ann", Owner=LI, Converted_Date_Time="2026-01-20 02:00:00+00",
         Converted_Account=ref("a1", "Alpha"), Converted_Deal=ref("d1"), Created_Time="2026-01-10 02:00:00+00"),
    zoho("leads", "l2", STAMP, Full_Name="Bob", Owner=LI, Created_Time="2026-01-11 02:00:00+00"),
    receipt("R1", "receipt", "2026-02-20", 450, order_no="SO-1"),
    receipt("R1", "receipt", "2026-02-20", 50),
    receipt("R2", "receipt", "2026-03-01", 60, order_no="s1"),
    receipt("R3", "refund", "2026-03-02", 10, order_no="SO-1"),
    typed_in("payment_plans", "n1", order_no="SO-1", instalment=1, status="planned", due_on="2026-02-28", amount=300),
    typed_in("payment_plans", "n2", order_no="SO-1", instalment=2, status="planned", due_on="2026-03-31", amount=700),
]  # fmt: skip
