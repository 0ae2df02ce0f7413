"""The public sales data set in Fxiaoke's export form; values below were read from it by hand with other tools."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from connectors.core.contract import Source
from tests.unit.fxiaoke_workbooks import cut, open_inbox, pages

EXPORTS = Path(__file__).parents[2].parent / "shared" / "data" / "crm_sales_opportunities" / "exports"
pytestmark = pytest.mark.skipif(
    not EXPORTS.is_dir(), reason="the public data set is not beside this checkout"
)


@pytest.fixture(scope="module")
def source() -> Source:
    return open_inbox(EXPORTS)


@pytest.mark.parametrize(
    ("name", "rows", "stamp"),
    [
        ("new_opportunity_obj", 8800, datetime(2017, 12, 31, 15, 59, 0, tzinfo=UTC)),
        ("account_obj", 85, datetime(2017, 12, 31, 15, 59, 1, tzinfo=UTC)),
        ("product_obj", 7, datetime(2017, 12, 31, 15, 59, 2, tzinfo=UTC)),
        ("personnel_obj", 35, datetime(2017, 12, 31, 15, 59, 3, tzinfo=UTC)),
    ],
)
def test_each_file_is_one_page_of_its_object(source: Source, name: str, rows: int, stamp: datetime):
    assert source.problems() == []
    [page] = pages(source, name)
    assert (page.rows, page.file_stamp) == (rows, stamp)
    _, table, found = cut(source, name, page.body)
    assert len(found) == rows
    assert list(table.skipped) == []
    assert len({row["_record_id"] for row in found}) == rows
    assert {row["misfit"] for row in found} == {None}
    assert [row["position"] for row in found] == list(range(2, rows + 2))


def test_the_other_streams_have_no_pages(source: Source):
    assert [pages(source, name) for name in ("contact_obj", "leads_obj")] == [[], []]


def test_opportunities(source: Source):
    shape, _, rows = cut(source, "new_opportunity_obj", pages(source, "new_opportunity_obj")[0].body)
    assert shape.stamp is None, "the file has no column 最后修改时间"
    cells = rows[0].pop("_cells")
    assert rows[0] == {
        "_record_id": "1C1I7A6R",
        "_id": "1C1I7A6R",
        "name": "Cancity-GTX Plus Basic",
        "account_id.name": "Cancity",
        "product_id.name": "GTX Plus Basic",
        "owner.name": "Moses Frase",
        "sales_stage": "赢单",
        "sales_status": "赢单",
        "amount": "1054",
        "create_time": "2016-10-20 00:00:00",
        "actual_close_date": "2017-03-01",
        "record_type": "预设业务类型",
        "life_status": "正常",
        "lock_status": "未锁定",
        "_number": None,
        "_name": "cancity-gtx plus basic",
        "position": 2,
        "misfit": None,
    }
    told = {"商机金额": "1054", "创建时间": "2016-10-20 00:00:00", "实际结单日期": "2017-03-01"}
    assert {label: text[: len(told[label])] for label, text in json.loads(cells).items()} == told
    assert sum(row["create_time"] is None for row in rows) == 500
    assert sum(row["account_id.name"] is None for row in rows) == 1425
    assert sum(row["product_id.name"] == "GTXPro" for row in rows) == 1480
    assert Counter(row["sales_status"] for row in rows) == {"赢单": 4238, "输单": 2473, "进行中": 2089}
    won = [Decimal(row["amount"]) for row in rows if row["sales_status"] == "赢单"]
    assert sum(won) == 10_005_534


def test_accounts_are_in_dollars_not_in_millions_of_them(source: Source):
    shape, _, rows = cut(source, "account_obj", pages(source, "account_obj")[0].body)
    by_key = {row["_record_id"]: row for row in rows}
    acme = by_key["name:acme corporation"]
    assert acme["annual_revenue"] == "1100040000"
    assert json.loads(acme["_cells"])["年营业额（百万美元）"] == "1100.04"
    assert (acme["employee_count"], acme["成立年份"], acme["parent_account_id.name"]) == (
        "2822",
        "1996",
        None,
    )
    assert next(f.label for f in shape.fields if f.name == "annual_revenue") == "年营业额（百万美元）"
    assert sum(row["parent_account_id.name"] is not None for row in rows) == 15


def test_products_and_people(source: Source):
    _, _, products = cut(source, "product_obj", pages(source, "product_obj")[0].body)
    assert {row["_record_id"]: row["price"] for row in products} == {
        "name:gtx basic": "550",
        "name:gtx pro": "4821",
        "name:mg special": "55",
        "name:mg advanced": "3393",
        "name:gtx plus pro": "5482",
        "name:gtx plus basic": "1096",
        "name:gtk 500": "26768",
    }
    _, _, people = cut(source, "personnel_obj", pages(source, "personnel_obj")[0].body)
    assert people[0]["_record_id"] == "name:anna snelling"
    assert (people[0]["full_name"], people[0]["leader.name"]) == ("Anna Snelling", "Dustin Brinkmann")
    assert Counter(row["main_department.name"] for row in people) == {"East": 12, "West": 12, "Central": 11}
