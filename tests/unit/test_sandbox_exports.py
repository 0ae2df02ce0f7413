"""Export files from a log of a few lines, read back with another library."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook, SheetVisibleEnum

from sandbox.company.clock import parse
from sandbox.company.log import Event, Log
from sandbox.fxiaoke.exports import Export, write_exports

AT = parse("2026-02-01T08:30:15")
DEAL_HEADER = [
    "唯一性ID（必填）", "商机名称（必填）", "客户名称", "客户名称_唯一性ID", "产品名称", "产品名称_唯一性ID",
    "负责人（必填）", "负责人_唯一性ID", "负责人主属部门", "销售流程", "销售阶段", "销售状态", "商机金额", "赢率",
    "预计成交日期", "实际结单日期", "商机来源", "输单原因", "备注", "复盘轮次", "业务类型（必填）", "归属部门",
    "生命状态", "锁定状态", "创建人", "创建时间", "最后修改人", "最后修改时间",
]  # fmt: skip


@pytest.fixture(scope="module")
def log() -> Log:
    log = Log()
    for time, entity, id, kind, changes in (
        ("01-01T00:00:00", "users", "u1", "create", {"name": "王伟", "full_name": "王伟", "status": "启用"}),
        ("01-02T00:00:00", "accounts", "a1", "create", {"name": "蓝海（苏州）, 有限公司", "owner": "u1"}),
        ("01-03T09:05:07", "deals", "d1", "create",
         {"name": "蓝海-网关", "account_id": "a1", "owner": "u1", "amount": 1234.5, "probability": 10,
          "sales_stage": "验证客户", "sales_status": "进行中", "close_date": "2026-03-01"}),
        ("01-03T09:06:00", "deals", "d2", "create", {"name": "作废的", "owner": "u1"}),
        ("01-04T10:00:00", "leads", "l1", "create",
         {"name": "张三", "transform_time": "2026-01-04T10:00:00+08:00"}),
        ("01-05T00:00:00", "deals", "d2", "delete", {}),
        ("01-06T11:12:13", "deals", "d1", "update", {"sales_stage": "赢单", "probability": 100}),
        ("02-01T08:30:16", "deals", "d1", "update", {"sales_stage": "输单"}),
    ):  # fmt: skip
        log.append(Event(parse(f"2026-{time}"), "fxiaoke", entity, id, kind, "u1", changes))
    return log


def _rows(path: Path, sheet: str) -> list[list[str]]:
    return CalamineWorkbook.from_path(str(path)).get_sheet_by_name(sheet).to_python()


def test_the_deals_workbook_cell_by_cell(log, tmp_path):
    paths = {p.name: p for p in write_exports(log, AT, tmp_path, Export())}
    path = paths["商机对象导出结果_20260201083015.xlsx"]
    assert _rows(path, "商机数据") == [
        DEAL_HEADER,
        ["d1", "蓝海-网关", "蓝海（苏州）, 有限公司", "a1", "", "", "王伟", "u1", "", "", "赢单", "进行中", "1234.50",
         "100", "2026-03-01", "", "", "", "", "", "", "", "", "", "王伟", "2026-01-03 09:05:07", "王伟",
         "2026-01-06 11:12:13"],
    ]  # fmt: skip


def test_option_lists_are_on_a_hidden_sheet(log, tmp_path):
    path = write_exports(log, AT, tmp_path, Export())[0]
    sheets = [(s.name, s.visible) for s in CalamineWorkbook.from_path(str(path)).sheets_metadata]
    assert sheets == [("商机数据", SheetVisibleEnum.Visible), ("hidden_options", SheetVisibleEnum.Hidden)]
    assert _rows(path, "hidden_options")[0][:4] == ["销售阶段", "验证客户", "需求确定", "方案/报价"]


def test_the_same_moment_gives_the_same_bytes_and_no_leftovers(log, tmp_path):
    first = [p.read_bytes() for p in write_exports(log, AT, tmp_path / "a", Export())]
    second = [p.read_bytes() for p in write_exports(log, AT, tmp_path / "b", Export())]
    assert first == second
    assert len(list((tmp_path / "a").iterdir())) == 6


@pytest.mark.parametrize(("format", "encoding"), [("csv", "utf-8-sig"), ("csv-gb18030", "gb18030")])
def test_csv_in_both_encodings(log, tmp_path, format, encoding):
    paths = write_exports(log, AT, tmp_path, Export(format))
    raw = paths[1].read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf") is (format == "csv")
    header, row = csv.reader(raw.decode(encoding).splitlines())
    assert header[:2] == ["唯一性ID（必填）", "客户名称（必填）"]
    assert row[:2] == ["a1", "蓝海（苏州）, 有限公司"]
    assert paths[1].name == "客户对象导出结果_20260201083015.csv"


def test_a_moment_inside_a_record_loses_its_offset(log, tmp_path):
    path = write_exports(log, AT, tmp_path, Export())[3]
    header, row = _rows(path, "销售线索数据")
    assert row[header.index("转换时间")] == "2026-01-04 10:00:00"


def test_ids_are_optional(log, tmp_path):
    own = _rows(write_exports(log, AT, tmp_path / "own", Export(ids="own"))[0], "商机数据")[0]
    none = _rows(write_exports(log, AT, tmp_path / "none", Export(ids="none"))[0], "商机数据")[0]
    plain = [label for label in DEAL_HEADER if not label.endswith("_唯一性ID")]
    assert own == plain
    assert none == plain[1:]
