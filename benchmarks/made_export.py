"""A made-up export file of opportunities (商机), 30 columns, in the form that Fxiaoke gives it: all cells text.

Usage: python -m benchmarks.made_export ROWS FILE.xlsx|FILE.csv
"""

# ruff: noqa: E501
from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from openpyxl import Workbook

_HEADER = (
    "唯一性ID（必填）", "商机名称（必填）", "客户名称", "客户名称_唯一性ID", "产品名称", "产品名称_唯一性ID", "负责人（必填）",
    "负责人_唯一性ID", "负责人主属部门", "销售流程", "销售阶段", "销售状态", "商机金额", "赢率", "预计成交日期", "实际结单日期",
    "商机来源", "输单原因", "业务类型（必填）", "生命状态", "锁定状态", "创建人", "创建时间", "最后修改人", "最后修改时间", "备注",
    "竞争对手", "付款方式", "行业", "复盘轮次",
)  # fmt: skip
_STAGES = (
    ("验证客户", "进行中"),
    ("需求确定", "进行中"),
    ("方案/报价", "进行中"),
    ("赢单", "赢单"),
    ("输单", "输单"),
)
_START = datetime(2024, 1, 1, 9)


def rows(count: int) -> Iterator[list[str]]:
    """Header and records."""
    yield list(_HEADER)
    for i in range(count):
        stage, status = _STAGES[i % 5]
        created = _START + timedelta(minutes=7 * i % 1_000_000)
        changed = created + timedelta(days=i % 90, seconds=i % 60)
        person, account = i % 120, i * 7919 % 40_000
        yield [
            f"{0x64A0C1D2E3F405061728394A + i:024x}", f"{account % 977}号客户 第{i}期 数字化采购项目", f"第{account}有限责任公司",
            f"{0x5F0000000000000000000000 + account:024x}", f"产品{i % 60}", f"{0x5E0000000000000000000000 + i % 60:024x}",
            f"销售{person}", f"{0x5D0000000000000000000000 + person:024x}", f"销售{person % 9}部", "预设商机流程", stage, status,
            f"{i * 37 % 5_000_000}.{i % 100:02}", str(i % 100), f"{changed:%Y-%m-%d}", f"{changed:%Y-%m-%d}" if i % 5 > 2 else "",
            ("官网", "展会", "转介绍")[i % 3], "价格原因" if i % 5 == 4 else "", "预设业务类型", "正常", "未锁定", f"销售{person}",
            f"{created:%Y-%m-%d %H:%M:%S}", f"销售{person % 50}", f"{changed:%Y-%m-%d %H:%M:%S}",
            f"第{i % 13}次拜访后更新" if i % 3 else "", f"对手{i % 8}" if i % 4 == 0 else "", "月结", "制造业", str(i % 6),
        ]  # fmt: skip


def write(count: int, path: Path) -> None:
    """An .xlsx with one sheet, or a .csv in UTF-8 with its mark."""
    if path.suffix == ".csv":
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            csv.writer(file).writerows(rows(count))
        return
    book = Workbook(write_only=True)
    sheet = book.create_sheet("商机数据")
    for row in rows(count):
        sheet.append([cell or None for cell in row])
    book.save(path)


if __name__ == "__main__":
    write(int(sys.argv[1]), Path(sys.argv[2]))
