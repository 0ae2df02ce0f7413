"""Files for the inbox of inputs, and what the source makes of them; no process per file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl

from connectors.core.contract import CursorKind, Page, SourceContext, Stream, Window
from connectors.core.files.probe import look_at_sheets_here
from connectors.inputs.schema import load_schemas
from connectors.inputs.source import Inputs

Rows = Sequence[Sequence[Any]]
RATES = ["币种", "日期", "外币数量", "汇率值"]
MEMBERS = ["人员", "维度", "团队名称", "开始日期", "结束日期", "权重"]

# A ledger as somebody keeps it, and the same after a correction.
_TARGETS = [
    "年度",
    "期间",
    "层级",
    "维度",
    "团队",
    "人员",
    "产品线",
    "渠道",
    "目标值（万元）",
    "锁定",
    "备注",
]
_FIRST = [
    [2026, "全年", "公司", "", "", "", "", "", "1,200.50005", "是", ""],
    [2026, "一季度", "团队", "区域", "华东", "", "软件", "直销", 30, "", "保底"],
    [2026, "一季度", "团队", "区域", "华南", "", "", "", "三十", "", ""],
]
_CORRECTED = [_FIRST[0], [*_FIRST[1][:8], 35, "是", "保底"], [*_FIRST[2][:8], 25, "", ""]]
_MEMBERS = [
    ["姓名", "工号", "维度", "团队", "加入日期", "离开日期", "权重"],
    ["甲", 1001, "区域", "华东", date(2026, 1, 1), date(2026, 3, 31), "60%"],
    ["甲", 1001, "区域", "华南", "2026年4月1日", None, 1],
]

FIRST_BOOK = {"目标": [_TARGETS, *_FIRST], "团队成员": _MEMBERS}  # with a wrong cell
CORRECTED_BOOK = {"目标": [_TARGETS, *_CORRECTED], "团队成员": _MEMBERS}


def workbook(path: Path, sheets: Mapping[str, Rows]) -> Path:
    """An .xlsx with these sheets, in this order."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        page = book.create_sheet(title)
        for row in rows:
            page.append(list(row))
    book.save(path)
    return path


def source(inbox: Path, **context: Any) -> Inputs:
    """The source over a folder."""
    facts = {"org": "acme", "values": {}, "inbox": inbox, "cache": inbox / ".cache", **context}
    return Inputs(SourceContext(**facts), load_schemas(), look=look_at_sheets_here)


def stream(opened: Inputs, name: str) -> Stream:
    return next(s for s in opened.streams() if s.name == name)


def pages(opened: Inputs, name: str) -> list[Page]:
    return list(opened.read(stream(opened, name), Window(CursorKind.FILE)))


def cut(opened: Inputs, name: str, file: Path) -> tuple[list[dict[str, Any]], list[tuple[int, str]]]:
    """Rows by column, with `position` and `misfit`, and what was skipped."""
    _, table = opened.tabulate(file, stream(opened, name))
    rows = [
        {**dict(zip(table.columns, row.values, strict=True)), "position": row.position, "misfit": row.misfit}
        for row in table.rows
    ]
    return rows, list(table.skipped)


def sentences(opened: Inputs) -> list[str]:
    return [f"{problem.where}: {problem.what}" for problem in opened.problems()]
