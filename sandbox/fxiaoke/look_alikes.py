"""Files of Fxiaoke that are no exports of an object's records: they lie in the same folder of downloads.

The two reports are in the form of real downloads of 2017 (reference §4, OLDX).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path

from sandbox.fxiaoke.binary import XlsSheet, write_xls
from sandbox.fxiaoke.sheets import Books, Sheet, cells, sheets
from sandbox.fxiaoke.workbook import write_workbook

_HINTS = (
    "此项必填,文本字段类型",
    "查找关联字段类型\n关联对象主属性",
    "金额字段类型,最大位数14,小数位数2\n123",
)
_DAYS = 5


def _template(folder: Path, books: Books, moment: datetime) -> list[Path]:
    """Import templates: the header, and hints in row 2."""

    def one(sheet: Sheet) -> Path:
        header, _ = cells(sheet, books, "none")
        hints = [_HINTS[place % len(_HINTS)] for place in range(len(header))]
        path = folder / f"{sheet.label}对象新建导入模板.xlsx"
        write_workbook(path, f"{sheet.label}导入模版", header, [hints], [], moment)
        return path

    return [one(sheet) for sheet in books.sheets()]


def _result(folder: Path, books: Books, moment: datetime) -> list[Path]:
    """The result of an import: the rows that failed."""
    sheet = sheets()[1]
    header, write = cells(sheet, books, "none")
    rows = [[*write(row), "客户名称重复"] for row, _ in zip(books.rows(sheet), range(3), strict=False)]
    path = folder / f"{sheet.label}对象导入结果_{moment:%Y%m%d}.xlsx"
    write_workbook(path, "失败结果", [*header, "失败原因"], rows, [], moment)
    return [path]


def _shell(folder: Path, books: Books, moment: datetime) -> list[Path]:
    """Exports of nothing: a header alone."""
    sheet = sheets()[0]
    path = folder / f"{sheet.label}对象导出结果_{moment:%Y%m%d%H%M}00.xlsx"
    write_workbook(path, f"{sheet.label}数据", cells(sheet, books, "all")[0], [], [], moment)
    return [path]


def _checkins(folder: Path, books: Books, moment: datetime) -> list[Path]:
    """The list of check-ins: one header row, every cell text, `--` and 无 for nothing, spaces behind texts."""
    rows = [["签到人", "部门", "签到时间", "签到地点", "关联客户", "备注"]]
    for number, account in enumerate(books.rows(sheets()[1])):
        at = moment - timedelta(days=number % 30, minutes=number)
        comma = "，" if number % 2 else ","
        who = books.name("users", account.values.get("owner"))
        rows.append(
            [f"{who} ", f"销售部{comma}{account.values.get('province') or '--'}", f"{at:%Y-%m-%d %H:%M:%S}",
             f"{account.values.get('city') or '--'} ", account.values["name"] if number % 3 else "无", "--"]
        )  # fmt: skip
    return [write_xls(folder / f"外勤签到列表{moment:%Y%m%d}.xls", [XlsSheet("sheet", rows)])]


def _statistics(folder: Path, books: Books, moment: datetime) -> list[Path]:
    """Statistics of logs: merged title and meta rows, a header of two rows, a column per day, sums; four sheets."""
    days = [moment - timedelta(days=_DAYS - n) for n in range(_DAYS)]
    people = [row.values["name"] for row in books.rows(sheets()[5])]
    made = [XlsSheet(kind, *_table(kind, people, days)) for kind in ("日报", "周计划", "月计划", "汇总")]
    return [write_xls(folder / f"日志统计{moment:%Y%m%d}.xls", made)]


def _table(
    kind: str, people: list[str], days: list[datetime]
) -> tuple[list[list[object]], list[tuple[int, int, int, int]]]:
    width = 2 + len(days)
    counts = [[(len(name) + place) % 2 for place in range(len(days))] for name in people]
    shown = [f"{day.year}年{day.month}月{day.day}日" for day in days]
    rows: list[list[object]] = [
        [f"日志统计（{kind}）"],
        [f"日期范围：{shown[0]}-{shown[-1]}", "", f"制表日期：{shown[-1]}", "", "制表人：系统管理员"],
        ["部门及人员范围：全公司"],
        ["部门关键字：--"],
        ["部门", "姓名", "提交情况"],
        ["", "", *shown],
        *(["销售部", name, *row] for name, row in zip(people, counts, strict=True)),
        ["合计", "", *(sum(column) for column in zip(*counts, strict=True))],
    ]
    across = [(row, row, 0, width - 1) for row in (0, 2, 3)]
    return rows, [*across, (4, 5, 0, 0), (4, 5, 1, 1), (4, 4, 2, width - 1)]


LOOK_ALIKES: Mapping[str, Callable[[Path, Books, datetime], list[Path]]] = {
    "template": _template, "result": _result, "shell": _shell, "checkins": _checkins, "statistics": _statistics,
}  # fmt: skip
