"""Which object a file holds, and what is said of files that are none."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from tests.unit.fxiaoke_workbooks import (
    locked,
    open_inbox,
    open_tame,
    pages,
    rewrite,
    sentence,
    xls,
    xlsb,
    xlsx,
)

DEAL = ["唯一性ID（必填）", "商机名称（必填）", "客户名称", "产品名称", "负责人（必填）", "创建时间"]
ROW = ["1", "单", "甲", "乙", "丙", "2026-01-02 03:04:05"]
STREAMS = ("new_opportunity_obj", "account_obj", "contact_obj", "leads_obj", "product_obj", "personnel_obj")


def stream_of(inbox: Path) -> str:
    source = open_tame(inbox)
    assert [str(p) for p in source.problems()] == []
    [name] = [name for name in STREAMS if pages(source, name)]
    return name


@pytest.mark.parametrize(
    ("header", "stream"),
    [
        (DEAL, "new_opportunity_obj"),
        (["客户名称", "客户编号", "1级行业", "上级客户", "负责人"], "account_obj"),
        (["姓名", "客户名称", "职务", "手机", "邮件"], "contact_obj"),
        (["姓名", "企业名称", "手机", "线索阶段", "来源"], "leads_obj"),
        (["产品名称", "产品编码", "产品线", "标准价格（元）"], "product_obj"),
        (["员工昵称", "姓名", "员工编号", "直属上级", "主属部门"], "personnel_obj"),
        (["_id", "name", "account_id", "sales_stage", "商机名称", "商机金额"], "new_opportunity_obj"),
    ],
)
def test_the_header_alone_can_tell(tmp_path: Path, header: list[str], stream: str):
    xlsx(tmp_path / "1.xlsx", [header, ["x"] * len(header)])
    assert stream_of(tmp_path) == stream


@pytest.mark.parametrize(
    ("name", "sheet"),
    [
        ("客户对象导出结果_20260102.xlsx", "Sheet1"),
        ("任意.xlsx", "客户数据"),
        ("1-5月份客户对象导出结果.xlsx", "Sheet1"),
        ("客户对象导出结果_20260102 (1).xlsx", "销售数据"),
    ],
)
def test_names_of_file_or_sheet_tell_where_the_header_is_short(tmp_path: Path, name: str, sheet: str):
    xlsx(tmp_path / name, [["客户名称（必填）", "备注"], ["甲", ""]], sheet=sheet)
    assert stream_of(tmp_path) == "account_obj"


@pytest.mark.parametrize(
    "variant", ["客户名称(必填)", "客 户 名 称", "客户名称\u200b（必填）", "*客户名称", "客户名称\n（必填）"]
)
def test_spellings_of_a_header(tmp_path: Path, variant: str):
    xlsx(
        tmp_path / "客户对象导出结果_20260102.xlsx", [["客户列表"], [], [variant, "１级行业"], ["甲", "零售"]]
    )
    assert stream_of(tmp_path) == "account_obj"


@pytest.mark.parametrize("depth", [1, 10])
def test_a_header_is_looked_for_in_ten_rows(tmp_path: Path, depth: int):
    xlsx(tmp_path / "1.xlsx", [["标题"]] * (depth - 1) + [DEAL, ROW])
    assert stream_of(tmp_path) == "new_opportunity_obj"


def test_a_header_in_the_eleventh_row_is_none(tmp_path: Path):
    xlsx(tmp_path / "1.xlsx", [["标题"]] * 10 + [DEAL, ROW])
    assert "no row among the first ten" in sentence(open_tame(tmp_path))


@pytest.mark.parametrize("write", [xls, xlsb])
def test_other_formats_of_excel_by_content_whatever_the_name(tmp_path: Path, write: object):
    write(tmp_path / "客户对象导出结果_20260102.xlsx", "客户数据", [["客户名称", "1级行业"], ["甲", "零售"]])
    source = open_inbox(tmp_path)
    [page] = pages(source, "account_obj")
    _, table = source.tabulate(page.body, source.streams()[1])
    assert [(r.position, list(r.values[:3])) for r in table.rows] == [(2, ["name:甲", "甲", "零售"])]
    assert page.rows == 1


ACCOUNT = [["客户名称（必填）", "1级行业", "负责人"], ["甲", "零售", "乙"]]


@pytest.mark.parametrize(
    ("name", "sheet", "rows", "says"),
    [
        (
            "商机对象新建导入模板.xlsx",
            "商机导入模版",
            [DEAL, ROW],
            "is an import template (sheet 商机导入模版)",
        ),
        ("x.xlsx", "商机导入模版", [DEAL, ROW], "is an import template (sheet 商机导入模版)"),
        ("客户对象更新导入模板.xlsx", "Sheet1", ACCOUNT, "is an import template (by its name)"),
        (
            "1.xlsx",
            "Sheet1",
            [ACCOUNT[0], ["此项必填", "单选字段类型", ""]],
            "the header of 客户 and one row of hints",
        ),
        (
            "客户对象导入结果_20260102.xlsx",
            "失败结果",
            ACCOUNT,
            "is the result of an import (sheet 失败结果)",
        ),
        ("1.xlsx", "失败结果", ACCOUNT, "is the result of an import (sheet 失败结果)"),
        ("客户对象导入结果_20260102.xlsx", "Sheet1", ACCOUNT, "is the result of an import (by its name)"),
        (
            "客户对象导出结果_20260102.xlsx",
            "客户数据",
            ACCOUNT[:1],
            "an empty shell: the header of 客户 and no row below",
        ),
        ("1.xlsx", "空", [], "sheet 空 is empty"),
        ("销售合同对象导出结果_20260102.xlsx", "销售合同数据", ACCOUNT, "holds records of 销售合同"),
        (
            "订单产品对象导出结果_20260102.xlsx",
            "Sheet1",
            [["产品名称", "产品编码", "产品线"], ["a", "b", "c"]],
            "holds records of 订单产品",
        ),
        ("x.xlsx", "厂商PO号数据", ACCOUNT, "holds records of 厂商PO号"),
        ("渠道商机对象导出结果_20260102.xlsx", "渠道商机数据", [DEAL, ROW], "holds records of 渠道商机"),
        (
            "1.xlsx",
            "Sheet1",
            [["日期", "签到地点"], ["1", "2"]],
            "header of an object that is read; seen: 日期、签到地点",
        ),
        (
            "1.xlsx",
            "Sheet1",
            [["客户名称", "合同编号", "合同金额", "负责人"], ["1", "2"]],
            "seen: 客户名称、合同编号、合同金额、负责人",
        ),
        (
            "1.xlsx",
            "Sheet1",
            [["客户名称", "合同编号", "负责人", "创建时间", "生命状态"], ["1", "2"]],
            "no row among the first ten is the header of an object",
        ),
        (
            "1.xlsx",
            "Sheet1",
            [["姓名", "手机", "电话", "邮件"], ["1", "2"]],
            "the header fits 联系人 and 销售线索 equally well",
        ),
        (
            "商机对象导出结果_20260102.xlsx",
            "客户数据",
            [["唯一性ID", "客户名称"], ["1", "2"]],
            "the header fits 客户 and 商机 equally well",
        ),
        (
            "商机对象导出结果_20260102.xlsx",
            "商机数据",
            [["客户名称", "商机金额"], ["1", "2"]],
            "the file is named 商机, but none of its first ten rows has a column that tells records apart",
        ),
    ],
)
def test_what_is_no_readable_export_is_named_as_what_it_is(tmp_path: Path, name, sheet, rows, says):
    xlsx(tmp_path / name, rows, sheet=sheet)
    text = sentence(open_tame(tmp_path))
    assert says in text
    assert f"({name}). Next (operator): " in text


def test_unknown_headers_name_what_was_seen_and_how_to_teach_them(tmp_path: Path):
    xlsx(tmp_path / "1.xlsx", [[f"列{i}" for i in range(20)], ["x"]])
    text = sentence(open_tame(tmp_path))
    assert "列0、列1、" in text
    assert "列11 … (20 in all)" in text
    assert "labels.yml in the inbox" in text


def test_files_that_are_no_workbooks(tmp_path: Path):
    locked(tmp_path / "a.xlsx")
    (tmp_path / "b.xlsx").write_bytes(b"")
    (tmp_path / "c.xls").write_bytes(b"<html><table><tr><td>1</td></tr></table></html>")
    (tmp_path / "d.xls").write_bytes(bytes.fromhex("d0cf11e0a1b11ae1") + bytes(5000))
    (tmp_path / "e.bin").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0")
    whole = xlsx(tmp_path / "f.xlsx", [DEAL, ROW]).read_bytes()
    (tmp_path / "f.xlsx").write_bytes(whole[: len(whole) // 2])
    with zipfile.ZipFile(tmp_path / "g.zip", "w") as archive:
        archive.writestr("word/document.xml", whole)
        archive.writestr("[Content_Types].xml", whole)
    xlsx(tmp_path / "h.xlsx", [DEAL, ROW])
    said = {p.where: p.what for p in open_tame(tmp_path).problems()}
    assert said == {
        "a.xlsx": "the workbook is protected by a password",
        "b.xlsx": "the file is empty",
        "c.xls": "the file is a web page or XML, whatever its name says",
        "d.xls": "the workbook is damaged or incomplete",
        "e.bin": "the file is neither a workbook nor text",
        "f.xlsx": "the workbook is damaged or incomplete",
        "g.zip": "the file is a document, but no workbook that is read",
    }
    assert len(pages(open_tame(tmp_path), "new_opportunity_obj")) == 1, "bad files never stop a good one"


def test_a_workbook_of_hidden_sheets_only(tmp_path: Path):
    path = xlsx(tmp_path / "1.xlsx", [DEAL, ROW], before={"hidden_a": "hidden"})
    rewrite(path, "xl/workbook.xml", lambda xml: xml.replace(b'state="visible"', b'state="hidden"'))
    assert "has no visible sheet" in sentence(open_tame(tmp_path))
