"""A file cut into rows: keys, units, what is skipped, what is set aside, and the text beside the value."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.core.contract import BLOCK_ROWS, FieldType
from tests.unit.fxiaoke_workbooks import cut, open_tame, pages, xlsx

DEALS = "商机对象导出结果_20260102030405.xlsx"
HEADER = ["唯一性ID（必填）", "商机名称（必填）", "客户名称", "负责人"]


def read(
    tmp_path: Path,
    rows: list[list[Any]],
    name: str = DEALS,
    stream: str = "new_opportunity_obj",
    **sheet: Any,
):
    path = xlsx(tmp_path / name, rows, **sheet)
    source = open_tame(tmp_path)
    assert [str(p) for p in source.problems()] == []
    [page] = pages(source, stream)
    shape, table, found = cut(source, stream, path)
    assert page.rows == len(found) + len(table.skipped), "every row below the header is accounted for"
    return shape, table, found


def test_the_key_is_the_id_else_the_number_else_the_name(tmp_path: Path):
    header = ["唯一性ID", "客户编号", "客户名称（必填）"]
    rows = [
        header,
        [" 5f1A ", "KH1", "甲"],
        ["", "KH－2", "乙"],
        ["--", "", "  Ｂing　 有限公司"],
        ["", "", ""],
        ["", "--", "", "x"],
    ]
    _, table, found = read(tmp_path, rows, "客户对象导出结果_20260102.xlsx", "account_obj")
    assert [row["_record_id"] for row in found] == ["5f1A", "number:KH－2", "name:bing 有限公司", None]
    assert found[0]["_id"] == "5f1A"
    assert [row["account_no"] for row in found] == ["KH1", "KH－2", None, None]
    assert table.skipped == [(5, "blank")]
    assert "no 唯一性ID, no number and no name" in found[3]["misfit"]
    assert json.loads(found[3]["_cells"])["D列"] == "x"
    weak = [("KH1", "甲"), ("KH－2", "乙"), (None, "bing 有限公司"), (None, None)]
    assert [(row["_number"], row["_name"]) for row in found] == weak, "whatever the key is"


def test_different_rows_of_one_name_are_all_set_aside(tmp_path: Path):
    rows = [
        ["商机名称", "商机金额"],
        ["甲-大单", "1"],
        ["乙-单", "2"],
        ["甲－大单", "1"],
        ["丙", "3"],
        ["丙", "3"],
        ["甲-大单 ", "9"],
    ]
    _, _, found = read(tmp_path, rows)
    assert [bool(row["misfit"]) for row in found] == [True, False, True, False, False, True]
    assert "several different rows" in found[0]["misfit"]
    assert found[0]["_record_id"] == "name:甲-大单", "kept, so that a person can find it"
    assert found[3]["_record_id"] == found[4]["_record_id"] == "name:丙"


def test_equal_rows_are_one_however_wide_another_is(tmp_path: Path):
    same = "甲,零售\n"
    others = "".join(f"客户{n},制造\n" for n in range(BLOCK_ROWS))
    (tmp_path / "客户对象导出结果_20260102.csv").write_text(
        f"客户名称,1级行业\n{same}{others}{same}乙,零售,多余\n"
    )
    source = open_tame(tmp_path)
    [page] = pages(source, "account_obj")
    _, _, found = cut(source, "account_obj", page.body)
    assert [row["misfit"] for row in found if row["name"] == "甲"] == [None, None]


def test_a_stronger_key_makes_equal_names_harmless(tmp_path: Path):
    shape, _, found = read(tmp_path, [HEADER, ["1", "单", "甲", "张"], ["2", "单", "乙", "李"]])
    assert shape.stamp is None, "the file has no column 最后修改时间"
    assert [(row["_record_id"], row["misfit"]) for row in found] == [("1", None), ("2", None)]


@pytest.mark.parametrize(
    ("unit", "cell", "value"),
    [
        ("（元）", "1,100.04", "1,100.04"),
        ("（万元）", "1,100.04", "11000400"),
        ("(万元)", "1.5万", "15000"),
        ("（百万美元）", "0.1", "100000"),
        ("（亿元）", "(2)", "-200000000"),
        ("（万元）（必填）", 12.5, "125000"),
        ("（万元）", "--", "--"),
        ("（万元）", "待定", "待定"),
    ],
)
def test_the_unit_of_a_header_is_applied_once(tmp_path: Path, unit: str, cell: Any, value: str):
    shape, _, found = read(tmp_path, [["商机名称", f"商机金额{unit}"], ["甲", cell]])
    assert found[0]["amount"] == value
    field = next(f for f in shape.fields if f.name == "amount")
    assert (field.type, field.scale, field.label) == (
        FieldType.DECIMAL,
        2,
        f"商机金额{unit.removesuffix('（必填）')}",
    )
    assert json.loads(found[0]["_cells"])[field.label] == (cell if isinstance(cell, str) else "12.5")


def test_a_bracket_that_is_no_unit_makes_another_column(tmp_path: Path):
    shape, _, found = read(tmp_path, [["商机名称", "商机金额（不含税）"], ["甲", "7"]])
    assert found[0]["商机金额（不含税）"] == "7"
    assert "amount" not in found[0]
    assert next(f for f in shape.fields if f.name == "商机金额（不含税）").type is FieldType.TEXT


def test_lookups_come_with_ids_where_the_file_has_the_pair(tmp_path: Path):
    header = [
        "唯一性ID",
        "商机名称",
        "客户名称",
        "客户名称_唯一性ID（必填）",
        "负责人",
        "产品名称_唯一性ID",
        "商机名称_唯一性ID",
    ]
    shape, table, found = read(tmp_path, [header, ["1", "单", "甲", "a1", "无", "p1", "z"]])
    row = found[0]
    assert (row["account_id.name"], row["account_id.id"]) == ("甲", "a1")
    assert (row["owner.name"], row["product_id.id"]) == (None, "p1")
    assert row["商机名称_唯一性ID"] == "z"
    labels = {f.name: f.label for f in shape.fields}
    assert labels["account_id"] == "客户名称"
    assert labels["product_id"] == "产品名称_唯一性ID"
    assert table.columns[0] == "_record_id"
    assert table.columns[-1] == "_cells"


def test_every_declared_field_is_in_the_shape_and_unknown_columns_are_text(tmp_path: Path):
    shape, table, found = read(
        tmp_path,
        [
            ["唯一性ID", "商机名称", "备注", "备注", "Name", "_id ", "_secret", "", "最后修改时间"],
            ["1", "甲", "a", "b", "c", "d", "e", "f", "2026-01-02 03:04:05"],
        ],
    )
    names = [f.name for f in shape.fields]
    source = open_tame(tmp_path)
    assert {f.name for f in source.streams()[0].fields} <= set(names)
    assert len({n.casefold() for n in names}) == len(names)
    # "Name" is the api name of a field that 商机名称 already fills; "_id" that of 唯一性ID.
    assert (found[0]["备注"], found[0]["备注_2"], found[0]["Name_2"], found[0]["id"]) == ("a", "b", "c", "d")
    assert (found[0]["secret"], found[0]["_id"], found[0]["name"]) == ("e", "1", "甲")
    assert json.loads(found[0]["_cells"])["H列"] == "f"
    assert (shape.records, shape.key, shape.stamp, shape.timezone) == (
        "", "_record_id", "last_modified_time", "Asia/Shanghai",
    )  # fmt: skip
    assert len(set(table.columns)) == len(table.columns)


def test_blank_total_and_tips_rows_are_skipped_with_the_reason(tmp_path: Path):
    rows = [
        HEADER,
        ["此项必填", "文本字段类型", "此项必填,查找关联字段类型\n关联对象主属性", ""],
        ["1", "甲", "", ""],
        [None, " ", "\u3000", ""],
        ["2", "合计", "", ""],
        ["总计：", "", "", "3"],
    ]
    _, table, found = read(tmp_path, rows)
    assert [row["position"] for row in found] == [3, 5]
    assert table.skipped == [(2, "tips"), (4, "blank"), (6, "total")]


def test_title_rows_hidden_sheets_and_an_offset_header(tmp_path: Path):
    rows = [[], [None, None, "商机列表"], [None, None, *HEADER], [None, None, "1", "甲", "乙", "丙", "丁"]]
    _, table, found = read(tmp_path, rows, sheet="商机数据", before={"hidden_options": "hidden"})
    assert [(row["position"], row["name"], row["owner.name"]) for row in found] == [(4, "甲", "丙")]
    fields = ("_id", "name", "account_id.name", "owner.name")
    assert table.columns == ("_record_id", *fields, "_number", "_name", "_cells")
    assert json.loads(found[0]["_cells"])["G列"] == "丁"


def test_typed_cells_become_exact_text(tmp_path: Path):
    header = ["唯一性ID", "商机名称", "商机金额", "赢率", "预计成交日期", "创建时间", "电话"]
    row = [12345, "甲", 0.1 + 0.2, 60, date(2026, 3, 4), datetime(2026, 1, 2, 3, 4, 5), 13800138000]
    _, _, found = read(tmp_path, [header, row])
    assert [found[0][n] for n in ("_record_id", "amount", "probability", "close_date", "create_time", "电话")] == [
        "12345", "0.3", "60", "2026-03-04", "2026-01-02 03:04:05", "13800138000",
    ]  # fmt: skip
    assert json.loads(found[0]["_cells"])["商机金额"] == "0.3"


def test_a_long_number_typed_as_a_number_is_set_aside(tmp_path: Path):
    header = ["唯一性ID", "商机名称", "商机编号", "自定义"]
    rows = [
        header,
        [1234567890123456789, "甲", "", ""],
        ["1", "乙", 2e15, ""],
        ["2", "丙", "", 3e18],
        ["3" * 19, "丁", "", ""],
    ]
    _, _, found = read(tmp_path, rows)
    assert [bool(row["misfit"]) for row in found] == [True, True, False, False]
    assert "唯一性ID holds a number of more than 15 digits" in found[0]["misfit"]
    assert found[3]["_record_id"] == "3" * 19


def test_what_stands_for_nothing_in_texts_and_lookups(tmp_path: Path):
    rows = [
        [*HEADER, "输单原因", "商机金额"],
        ["1", "甲", "--", "/", "--", "--"],
        ["2", "无", "-", "--", "无", "/"],
    ]
    _, _, found = read(tmp_path, rows)
    first, second = found
    assert (first["account_id.name"], first["owner.name"], first["lost_reason"]) == (None, None, None)
    assert (second["account_id.name"], second["name"], second["lost_reason"]) == (None, "无", "无")
    assert (first["amount"], second["amount"]) == ("--", "/"), "numbers go through parse"
    assert json.loads(first["_cells"])["客户名称"] == "--"


def test_columns_nobody_declared_may_hold_personal_data_where_others_do(tmp_path: Path):
    rows = [["唯一性ID", "姓名", "客户名称", "微信号"], ["1", "测试", "甲", "wx"]]
    shape, _, _ = read(tmp_path, rows, "联系人对象导出结果_20260101.xlsx", "contact_obj")
    assert {f.name: f.pii for f in shape.fields if f.name in ("微信号", "name", "account_id")} == {
        "微信号": True, "name": True, "account_id": False,
    }  # fmt: skip


def test_a_landed_copy_under_another_name_gives_the_same_rows(tmp_path: Path):
    _, table, found = read(tmp_path / "in", [["标题"], HEADER, ["1", "甲", "乙", "丙"]])
    for name in ("file.xlsx", "file", "file.xls"):
        copy = tmp_path / name
        copy.write_bytes((tmp_path / "in" / DEALS).read_bytes())
        _, again, rows = cut(open_tame(tmp_path / "in"), "new_opportunity_obj", copy)
        assert (again.columns, rows) == (table.columns, found)
