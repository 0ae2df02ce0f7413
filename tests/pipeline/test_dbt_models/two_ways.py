"""One Fxiaoke tenant read in two ways, by the API and by export files, small enough to work out by hand.

What each record shows stands beside it. As of 6 March 2026 (Shanghai).
"""

from __future__ import annotations

from typing import Any

from tests.pipeline.test_dbt_models.company import ref
from tests.pipeline.test_dbt_models.warehouse import Version

CREATED = "2026-02-01 02:00:00.25+00"  # by the API; a file says 10:00:00 in Shanghai
TOLD = "2026-02-01 02:00:00+00"
OPEN, WON, LOST = ("1", "验证客户", "1", "进行中"), ("5", "赢单", "2", "赢单"), ("6", "输单", "3", "输单")
ZHANG = ref("1000", "张伟")
ALPHA = ref("acc1", "甲公司")


def api(record: str, stamp: str, stage: tuple[str, str, str, str] = OPEN, **fields: Any) -> Version:
    """A row of the API: codes with what they are called."""
    told = {
        "_id": record, "name": record, "create_time": CREATED, "mc_currency": "CNY", "owner": ZHANG,
        "account_id": ALPHA, "sales_stage": ref(stage[0], stage[1]), "sales_status": ref(stage[2], stage[3]),
        "life_status": ref("normal", "正常"), **fields,
    }  # fmt: skip
    return ("fxiaoke", "new_opportunity_obj", record, stamp, told)


def file(record: str, stamp: str, stage: tuple[str, str, str, str] = OPEN, **fields: Any) -> Version:
    """A row of an export file, which was made and read on 5 March: labels, and no currency."""
    told = {
        "name": record, "create_time": TOLD, "owner": ref("per1", "张伟"), "account_id": ref(None, "甲公司"),
        "sales_stage": stage[1], "sales_status": stage[3], "life_status": "正常",
        "_read_at": "2026-03-05 10:00:00+00", **fields,
    }  # fmt: skip
    return ("fxiaoke_export", "new_opportunity_obj", record, stamp, told)


GONE = {"_deleted_at": "2026-03-02 02:00:00+00", "_deletion_evidence": "deleted_list"}

WORDS = (
    "INSERT INTO ops.deletions VALUES ('fxiaoke', 'o', 'new_opportunity_obj', 'void_before', '2026-02-13 00:00:00+00', "
    "'2026-03-01 00:00:00+00', 'p', 'deleted_list')"
)
TENANT: list[Version] = [
    ("fxiaoke", "personnel_obj", "per1", "2026-01-01 00:00:00+00", {"name": "张伟", "user_id": "1000"}),
    ("fxiaoke_export", "personnel_obj", "per1", "2026-01-01 00:00:00+00", {"name": "张伟"}),
    ("fxiaoke", "account_obj", "acc1", "2026-01-01 00:00:00.5+00", {"name": "甲公司", "account_no": "C1"}),
    ("fxiaoke_export", "account_obj", "number:C1", "2026-01-01 00:00:00+00", {"name": "甲旧名", "_number": "C1"}),
    # the API has seen a later change: 110, won on 3 March as the stage's own time tells
    file("newer_by_api", "2026-02-10 02:00:00+00", amount=100),
    api("newer_by_api", "2026-03-04 02:00:00.5+00", WON, amount=110, stg_changed_time="2026-03-03 02:00:00+00"),
    # the file has seen a later change: 220, its account by name is the API's, and the API knows the currency
    api("newer_by_file", "2026-02-10 02:00:00.5+00", amount=200),
    file("newer_by_file", "2026-02-20 02:00:00+00", amount=220),
    # one change, told by both: the API's
    api("same_stamp", "2026-02-11 02:00:00+00", amount=300, name="by the API"),
    file("same_stamp", "2026-02-11 02:00:00+00", amount=300, name="by a file"),
    # the file moved it to an account that only has a name
    api("moved", "2026-02-12 02:00:00+00", amount=10),
    file("moved", "2026-02-13 02:00:00+00", amount=10, account_id=ref(None, "无人知晓")),
    # void on 2 March; the file of 5 March holds what it was in February
    api("void", "2026-02-12 02:00:00+00", amount=5000),
    api("void", "2026-02-12 02:00:00+00", amount=5000, **GONE),
    file("void", "2026-02-12 02:00:00+00", amount=5000),
    # void before the API was asked for the first time (see WORDS)
    file("void_before", "2026-02-12 02:00:00+00", amount=8000),
    # void on 2 March, but a file shows a change of 3 March
    api("back", "2026-02-12 02:00:00+00", amount=40),
    api("back", "2026-02-12 02:00:00+00", amount=40, **GONE),
    file("back", "2026-03-03 02:00:00+00", amount=44),
    # the API's user may not see it
    file("unseen", "2026-02-14 02:00:00+00", LOST, amount=7, actual_close_date="2026-02-14"),
    # no ids in this file: the same record by name and creation
    api("d9", "2026-02-15 02:00:00.75+00", amount=1000, name="年度 续约"),
    file("name:年度续约", "2026-02-14 02:00:00+00", amount=900, name="年度续约"),
    # two records of that name: one of them it is, and both are there already
    api("twin1", "2026-02-16 02:00:00+00", amount=1, name="双胞胎", create_time="2026-02-02 00:00:00+00"),
    api("twin2", "2026-02-16 02:00:00+00", amount=2, name="双胞胎", create_time="2026-02-03 00:00:00+00"),
    file("name:双胞胎", "2026-02-16 02:00:00+00", amount=1, name="双胞胎", create_time=None),
    # void on 2 March; the file of 5 March, without ids, holds what it was in February
    api("v9", "2026-02-12 02:00:00+00", amount=600, name="作废单"),
    api("v9", "2026-02-12 02:00:00+00", amount=600, name="作废单", **GONE),
    file("name:作废单", "2026-02-12 02:00:00+00", amount=600, name="作废单"),
    # won by the API; a later file has no columns for stage, amount and dates
    api("narrow", "2026-02-18 02:00:00.4+00", WON, amount=800, stg_changed_time="2026-02-18 02:00:00.2+00"),
    file("narrow", "2026-02-18 02:00:00+00", WON, amount=800),
    file("narrow", "2026-02-25 02:00:00+00", amount=None, sales_stage=None, sales_status=None),
    # files alone: by number, later, without the amount that the file with ids has
    file("SJ5id", "2026-02-19 02:00:00+00", amount=900, name="按编号", _number="SJ5"),
    file("number:SJ5", "2026-02-20 02:00:00+00", amount=None, name="按编号", _number="SJ5"),
    # nobody has an id for it
    file("name:孤儿", "2026-03-06 02:00:00+00", amount=70, name="孤儿"),
]  # fmt: skip
