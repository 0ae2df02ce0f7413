"""Nasty files with labelled outcomes: what people, spreadsheets and attackers put into an inbox, and what must become
of it. Deterministic; the labels come from the reference and from hand, never from the code under test.

A file is labelled as a whole (`refused`: the sentence holds this) or row by row: accepted with exactly these values,
quarantined with this field, text and reason, or skipped with this reason. Rows are told by their place in the file.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl

from tests.unit.fxiaoke_workbooks import SHEET, locked, rewrite, with_cells, xls, xlsb, xlsx

DEAL, ACCOUNT = "new_opportunity_obj", "account_obj"
Values = Mapping[str, Any]


@dataclass(frozen=True)
class Good:
    """The row is accepted with exactly these values (column → value)."""

    values: Values


@dataclass(frozen=True)
class Aside:
    """The row is set aside: the field and text of the fault (None: the row as a whole), and what the reason holds."""

    field: str | None
    text: str | None
    reason: str


@dataclass(frozen=True)
class Skipped:
    """The row is no record, for this reason."""

    reason: str


@dataclass(frozen=True)
class Nasty:
    """One file. write: makes it in a folder. refused: what its sentence holds; else its rows by number, from 1.

    dangerous: a reader may die of it, so that it is looked at as in production, in a process of its own.
    """

    name: str
    write: Callable[[Path], object]
    stream: str = DEAL
    refused: str = ""
    rows: Mapping[int, Good | Aside | Skipped] = field(default_factory=dict)
    dangerous: bool = False

    @property
    def cases(self) -> int:
        """Outcomes that it is labelled with."""
        return len(self.rows) or 1


# --- values: one column of one file, a row per case ------------------------------------------------------------------

FIT = "a value does not fit its field"
DIGITS = "a number of more than 15 digits"


def bad(column: str, text: str) -> Aside:
    return Aside(column, text, FIT)


def moment(text: str) -> datetime:
    """A time of the office (+08:00)."""
    return datetime.fromisoformat(f"{text}+08:00").astimezone(UTC)


_AUGUST = date(2024, 8, 22)
_DAYS: list[tuple[Any, Any]] = [
    *((text, _AUGUST) for text in (
        "2024-08-22", "2024-8-22", "2024/8/22", "2024/08/22", "2024.8.22", "2024年8月22日", "2024年08月22日",
        "2024 年 8 月 22 日", "2024-08-22 14:05", "2024-08-22 14:05:06", "2024/8/22 4:05", "2024年8月22日 14时05分",
        "2024-08-22T14:05:06.123", "２０２４－０８－２２", "20240822", "20240822140506", "45526",
        "45526.58", " 2024-08-22 ",
        "2024年8月22日14时05分06秒",
    )),
    ("2024-02-29", date(2024, 2, 29)), ("1999-12-31", date(1999, 12, 31)), ("2099/1/1", date(2099, 1, 1)),
    ("45292", date(2024, 1, 1)), ("18264", date(1950, 1, 1)),
    *((blank, None) for blank in ("", "--", "-", "无", "/", "N/A", "——", "　")),
    *((text, bad) for text in (
        "8月22日", "22/8/2024", "24-8-22", "2024-13-01", "2023-02-29", "2024-08-32", "昨天", "2024年8月", "2024",
        "12:30", "2024-08-22 25:00", "18263", "待定", "2024-08-22至2024-08-25", "0", "-1", "2024--08--22",
    )),
]  # fmt: skip
_MOMENTS: list[tuple[Any, Any]] = [
    ("2024-08-22 14:05:06", moment("2024-08-22T14:05:06")), ("2024-08-22 14:05", moment("2024-08-22T14:05:00")),
    ("2024/8/22 4:05:06", moment("2024-08-22T04:05:06")), ("2024年8月22日 14时05分", moment("2024-08-22T14:05:00")),
    ("2024-08-22", moment("2024-08-22T00:00:00")), ("45526.586805556", moment("2024-08-22T14:05:00")),
    ("20240822140506", moment("2024-08-22T14:05:06")), ("2024-08-22T14:05:06", moment("2024-08-22T14:05:06")),
    ("1999-12-31 23:59:59", moment("1999-12-31T23:59:59")), ("--", None), ("", None),
    ("2024-08-22 下午2点", bad), ("14:05", bad), ("2024-08-22 14:65", bad), ("刚刚", bad),
]  # fmt: skip
_MONEY: list[tuple[Any, Any]] = [
    *((text, Decimal(value)) for text, value in (
        ("0", "0"), ("1234.5", "1234.50"), ("1,234.50", "1234.50"), ("1，234，567", "1234567"), ("¥1,234", "1234"),
        ("￥ 99.9", "99.90"), ("1234元", "1234"), ("1,000.00 CNY", "1000"), ("RMB 12", "12"), ("人民币12", "12"),
        ("(1,234)", "-1234"), ("（1,234.5）", "-1234.50"), ("-¥5", "-5"), ("－5", "-5"), ("−5", "-5"),
        ("1.2万", "12000"),
        ("1.2 万元", "12000"), ("3亿", "300000000"), ("0.5千万", "5000000"), ("2百万", "2000000"),
        ("１２３．４５", "123.45"),
        ("1.38E+5", "138000"), (".5", "0.50"), ("007", "7"), ("9999999999999.99", "9999999999999.99"), ("5.00", "5"),
        ("1 234", "1234"), ("12.5元", "12.50"),
    )),
    *((blank, None) for blank in ("", "--", "-", "无", "N/A", "/")),
    *((text, bad) for text in (
        "$5", "5 USD", "1,5", "12,34", "1.2.3", "约5", "((5))", "(5", "abc", "5元/台", "1.234", "1e99", "面议", "=1+1",
        "5万8", "10-20", "#REF!", "１.２.３", "5,000万美元", "∞", "NaN", "0x10", "99999999999999999999",
    )),
]  # fmt: skip
_PERCENTS: list[tuple[Any, Any]] = [
    ("60%", 60), ("60", 60), ("60.0", 60), ("６０％", 60), ("0", 0), ("100 %", 100), ("1,200", 1200), ("--", None),
    ("12.66%", bad), ("0.6", bad), ("60％左右", bad), ("高", bad), ("%", bad),
]  # fmt: skip
_BOOLEANS: list[tuple[Any, Any]] = [
    *((text, True) for text in ("是", "true", "TRUE", "1", "Y", "yes", "√", " 是 ")),
    *((text, False) for text in ("否", "false", "0", "N", "no", "×")),
    ("", None), ("--", None), ("无", None), ("也许", bad), ("2", bad), ("已注册", bad),
]  # fmt: skip
_TEAMS: list[tuple[Any, Any]] = [
    *((f"张三{mark}李四", '["张三", "李四"]') for mark in ("|", "；", ";", ",", "，", "、", " | ", "｜", "\n")),
    ("张三", '["张三"]'), ("张三||李四|", '["张三", "李四"]'), ("--", None), ("", None), ("5", '["5"]'),
    ('["a","b"]', '["a","b"]'),
]  # fmt: skip
_TELEPHONES: list[tuple[Any, Any]] = [
    *((text, text) for text in (
        "13800138000", "010-88886666转802", "+86 138 0013 8000", "0512-66668888", "400-800-8888/13800138000", "无",
        "００８６", "1.38E+10", "12345678901234567890", "-", "'13800138000", "=1+1", "@x", "+1-2", "-2+3", "\"x\"",
        "甲,乙", "a|b", "<script>alert(1)</script>", "'; DROP TABLE x;--", "null", "NULL", "None", "NaN",
        "true", "\\N",
        "😀", "𠮷野家", "e\u0301", "\u202eabc", "#N/A", "a\nb", "a\tb", "0x1A", "％", "%s", "{0}", "$HOME",
    )),
    ("--", None), ("", None), ("  x ", "x"), ("　x　", "x"),
]  # fmt: skip
_LOOKUPS: list[tuple[Any, Any]] = [
    ("张伟", {"id": None, "name": "张伟"}), ("张伟01", {"id": None, "name": "张伟01"}), (" 张伟 ",
    {"id": None, "name": "张伟"}),
    *((blank, None) for blank in ("", "--", "-", "无", "/", "N/A", "——")),
]  # fmt: skip
_VALUES: Mapping[str, tuple[str, str, str, list[tuple[Any, Any]]]] = {
    "days": (DEAL, "预计成交日期", "close_date", _DAYS),
    "moments": (DEAL, "创建时间", "create_time", _MOMENTS),
    "money": (DEAL, "商机金额", "amount", _MONEY),
    "percents": (DEAL, "赢率(%)", "probability", _PERCENTS),
    "booleans": (ACCOUNT, "工商注册", "biz_reg_name", _BOOLEANS),
    "teams": (ACCOUNT, "相关团队", "relevant_team", _TEAMS),
    "telephones": (ACCOUNT, "电话", "tel", _TELEPHONES),
    "owners": (DEAL, "负责人（必填）", "owner", _LOOKUPS),
}
_HEADS = {DEAL: ("商机", "商机名称（必填）"), ACCOUNT: ("客户", "客户名称（必填）")}


def _values() -> Iterator[Nasty]:
    """Each column as a workbook of texts and as csv: what a person typed does not depend on the container."""
    for kind, (stream, label, column, cases) in _VALUES.items():
        called, name = _HEADS[stream]
        rows = [
            ["唯一性ID（必填）", name, label],
            *([f"{kind}{n}", "名", text] for n, (text, _) in enumerate(cases, 2)),
        ]
        labels = {n: _labelled(column, text, value) for n, (text, value) in enumerate(cases, 2)}
        yield Nasty(f"{called}对象导出结果_{kind}.xlsx", _book(rows, f"{called}数据"), stream, rows=labels)
        texts = {n: one for n, one in labels.items() if "\n" not in str(cases[n - 2][0])}
        as_csv = [rows[0], *(row for n, row in enumerate(rows[1:], 2) if n in texts)]
        renumbered = dict(enumerate(texts.values(), 2))
        marked = [[row[0].replace(kind, f"{kind}-csv-"), *row[1:]] for row in as_csv]
        marked[0][0] = "唯一性ID（必填）"
        yield Nasty(
            f"{called}对象导出结果_{kind}.csv",
            _text(marked, "gb18030" if _speaks_gbk(marked) else "utf-8"),
            stream,
            rows=renumbered,
        )


def _speaks_gbk(rows: Sequence[Sequence[str]]) -> bool:
    """Half of the files are GB18030: those whose bytes are surely no UTF-8."""
    body = "".join(map("".join, rows)).encode("gb18030")
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return len(rows) % 2 == 0
    return False


def _labelled(column: str, text: str, value: Any) -> Good | Aside:
    return bad(column, text.strip()) if value is bad else Good({column: value})


def _book(rows: Sequence[Sequence[Any]], sheet: str = "Sheet1", **options: Any) -> Callable[[Path], object]:
    def write(path: Path) -> None:
        book = openpyxl.Workbook()
        page = book.active
        page.title = sheet
        for y, row in enumerate(rows, 1):
            for x, value in enumerate(row, 1):
                if value not in ("", None):
                    cell = page.cell(y, x, value)
                    if isinstance(value, str):
                        cell.data_type = "s"  # never a formula
        for name, value in options.items():
            setattr(book, name, value)
        book.save(path)

    return write


def _text(rows: Sequence[Sequence[str]], encoding: str = "utf-8", **options: Any) -> Callable[[Path], object]:
    def write(path: Path) -> None:
        body = io.StringIO()
        csv.writer(body, **options).writerows(rows)
        path.write_bytes(body.getvalue().encode(encoding))

    return write


def _bytes(body: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(body)


# --- typed cells -----------------------------------------------------------------------------------------------------


def _typed() -> Iterator[Nasty]:
    """Cells that are numbers, dates and truths to the spreadsheet, and numbers that it cannot hold."""
    header = ["唯一性ID", "商机名称", "商机金额", "预计成交日期", "创建时间", "赢率", "自定义"]
    rows = [
        header,
        ["t1", "甲", 0.1 + 0.2, date(2024, 8, 22), datetime(2024, 8, 22, 14, 5, 6), 60, True],
        ["t2", "乙", 1e15, "", "", 0.6, ""],
        ["t3", "丙", 123456789012345, 45526, 45526.5, 100.0, 13800138000],
        [20240001, "丁", -5, "", "", "", 1.5],
        [1234567890123456789, "戊", 1, "", "", "", ""],
        ["t7", 2024, 1, "", "", "", 2e18],
    ]  # fmt: skip
    labels: dict[int, Good | Aside | Skipped] = {
        2: Good({"amount": Decimal("0.30"), "close_date": _AUGUST, "create_time": moment("2024-08-22T14:05:06"),
                 "probability": 60, "自定义": "true"}),
        3: Aside(None, None, f"商机金额 holds {DIGITS}"),
        4: Good({"amount": Decimal(123456789012345), "close_date": _AUGUST,
        "create_time": moment("2024-08-22T12:00:00"),
                 "probability": 100, "自定义": "13800138000"}),
        5: Aside("amount", "-5", "negative"),
        6: Aside(None, None, f"唯一性ID holds {DIGITS}"),
        7: Good({"name": "2024", "amount": Decimal(1)}),
    }  # fmt: skip
    labels[5] = Good({"_record_id": "20240001", "amount": Decimal(-5), "自定义": "1.5"})
    yield Nasty("商机对象导出结果_typed.xlsx", _book(rows, "商机数据"), rows=labels)
    old_mac = [
        header[:5],
        ["m1", "甲", 1, 44064, 44064.5],
        ["m2", "乙", 2, datetime(2024, 8, 22), "2024-08-22"],
    ]
    yield Nasty(
        "商机对象导出结果_1904.xlsx",
        _book(old_mac, "商机数据", epoch=openpyxl.utils.datetime.CALENDAR_MAC_1904),
        rows={
            2: Good({"close_date": _AUGUST, "create_time": moment("2024-08-22T12:00:00")}),
            3: Good({"close_date": _AUGUST, "create_time": moment("2024-08-22T00:00:00")}),
        },
    )


def _units() -> Iterator[Nasty]:
    for number, (unit, text, value) in enumerate((
        ("（元）", "1,100.04", "1100.04"), ("（万元）", "1.5", "15000"), ("(万元)", "1.5万", "15000"),
        ("（千元）", "2", "2000"),
        ("（亿元）", "(2)", "-200000000"), ("（百万）", "0.1", "100000"), ("（万元）（必填）", "￥3",
        "30000"), ("（万元）", "--", None),
        ("（万）", "12.5", "125000"), ("（人民币）", "7", "7"),
    )):  # fmt: skip
        rows = [["唯一性ID", "商机名称", f"商机金额{unit}"], [f"unit{number}", "甲", text]]
        expected = None if value is None else Decimal(value)
        yield Nasty(f"商机对象导出结果_unit{number}.csv", _text(rows), rows={2: Good({"amount": expected})})


# --- layouts ---------------------------------------------------------------------------------------------------------

_HEADER = ["唯一性ID（必填）", "商机名称（必填）", "客户名称", "商机金额"]
_FOUND = {"name": "单", "account_id": {"id": None, "name": "甲"}, "amount": Decimal(1)}


def _layouts() -> Iterator[Nasty]:
    def one(
        name: str, rows: Sequence[Sequence[Any]], labels: Mapping[int, Any], sheet: str = "商机数据"
    ) -> Nasty:
        return Nasty(f"商机对象导出结果_{name}.xlsx", _book(rows, sheet), rows=labels)

    good = Good(_FOUND)
    for depth in (2, 5, 10):
        title = [["商机列表"], *([["制表人", "张三"]] * (depth - 2))]
        yield one(f"depth{depth}", [*title, _HEADER, [f"depth{depth}", "单", "甲", "1"]], {depth + 1: good})
    yield one("offset", [[], ["", "", *_HEADER], ["", "", "offset", "单", "甲", "1"]], {3: good})
    for number, spelling in enumerate((
        "商机名称(必填)", " 商机 名称 ", "商机\u200b名称", "\ufeff商机名称", "*商机名称", "商机\n名称", "商机名称　",
    )):  # fmt: skip
        header = [_HEADER[0], spelling, *_HEADER[2:]]
        yield one(f"spelling{number}", [header, [f"spelling{number}", "单", "甲", "1"]], {2: good})
    yield one("ids-wide", [["唯一性ＩＤ", *_HEADER[1:]], ["wide", "单", "甲", "1"]], {2: good})
    tips = [
        "",
        "此项必填,文本字段类型",
        "此项必填,查找关联字段类型\n关联对象主属性",
        "金额字段类型,最大位数14,小数位数2\n123",
    ]
    yield one(
        "rows",
        [_HEADER, tips, ["rows1", "单", "甲", "1"], [], ["", "  ", "--"[:0]], ["合计", "", "", "1"], ["",
        "", "总计", "1"],
         ["小计：", "", "", "1"], ["rows2", "合计", "甲", "1"]],
        {2: Skipped("tips"), 3: good, 4: Skipped("blank"), 5: Skipped("blank"), 6: Skipped("total"),
         7: Skipped("total"), 8: Skipped("total"), 9: Good({"name": "合计"})},
    )  # fmt: skip
    twice = [[*_HEADER, "商机金额", "", "备注", "备注"], ["twice", "单", "甲", "1", "2", "x", "a", "b"]]
    yield one("twice", twice, {2: Good({**_FOUND, "商机金额_2": "2", "备注": "a", "备注_2": "b"})})
    pair = [
        ["唯一性ID", "商机名称", "客户名称", "客户名称_唯一性ID"],
        ["pair", "单", "甲", "a1"],
        ["pair2", "单", "", "a2"],
    ]
    yield one(
        "pair", pair,
        {2: Good({"account_id": {"id": "a1", "name": "甲"}}), 3: Good({"account_id": {"id": "a2", "name": None}})},
    )  # fmt: skip
    keys = [
        ["唯一性ID", "商机编号", "商机名称", "商机金额"], ["", "N1", "甲", "1"], ["", "", " Ａcme　 单 ",
        "2"], ["--", "--", "乙", "3"],
        ["", "", "", "4"], ["", "", "同名", "5"], ["", "", "同名 ", "6"], ["k7", "", "同名", "7"], ["", "", "双", "8"],
        ["", "", "双", "8"],
    ]  # fmt: skip
    unkeyed = "no 唯一性ID, no number and no name"
    yield one(
        "keys", keys,
        {2: Good({"_record_id": "number:N1", "_number": "N1", "_name": "甲"}), 3: Good({"_record_id": "name:acme 单"}),
         4: Good({"_record_id": "name:乙"}), 5: Aside(None, None, unkeyed),
         6: Aside(None, None, "several different rows of the file have this name"),
         7: Aside(None, None, "several different rows of the file have this name"),
         8: Good({"_record_id": "k7", "_name": "同名"}), 10: Good({"_record_id": "name:双"})},
    )  # fmt: skip
    ragged = [
        ["唯一性ID", "商机名称", "商机金额"],
        ["r1", "单"],
        ["r2", "单", "1", "多"],
        ["r3", "单", "1", ""],
    ]
    yield Nasty(
        "商机对象导出结果_ragged.csv", _text(ragged),
        rows={2: Good({"amount": None}), 3: Aside(None, None, "4 cells under 3 headers"),
        4: Good({"amount": Decimal(1)})},
    )  # fmt: skip
    rows = [_HEADER, ["lying", "单", "甲", "1"]]

    def lying(path: Path) -> None:
        xlsx(path, rows, sheet="商机数据")
        rewrite(path, SHEET, lambda xml: xml.replace(b'<dimension ref="A1:D2"/>', b'<dimension ref="A1"/>'))

    yield Nasty("商机对象导出结果_lying.xlsx", lying, rows={2: good})

    def hidden(path: Path) -> None:
        xlsx(
            path,
            [_HEADER, ["hidden", "单", "甲", "1"]],
            sheet="商机数据",
            before={"hidden_x": "hidden", "v": "veryHidden"},
        )

    yield Nasty("商机对象导出结果_hidden.xlsx", hidden, rows={2: good})

    def merged(path: Path) -> None:
        _book([["商机列表"], [], _HEADER, ["merged", "单", "甲", "1"]], "商机数据")(path)
        book = openpyxl.load_workbook(path)
        book.active.merge_cells("A1:D2")
        book.save(path)

    yield Nasty("商机对象导出结果_merged.xlsx", merged, rows={4: good})
    for suffix, write in (("xls", xls), ("xlsb", xlsb)):
        yield Nasty(
            f"商机对象导出结果_old.{suffix}",
            lambda path, write=write, suffix=suffix: write(
                path, "商机数据", [_HEADER, [suffix, "单", "甲", "1"]]
            ),
            rows={2: good},
        )
    yield Nasty(
        "商机对象导出结果_named.xls", _book([_HEADER, ["named", "单", "甲", "1"]], "商机数据"), rows={2: good}
    )


def _encodings() -> Iterator[Nasty]:
    def rows(key: str) -> list[list[str]]:
        return [_HEADER, [key, "单", "甲", "1"]]

    for encoding in ("utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16"):
        yield Nasty(
            f"商机对象导出结果_{encoding}.csv", _text(rows(f"e-{encoding}"), encoding), rows={2: Good(_FOUND)}
        )
    for name, options in (
        ("tab", {"delimiter": "\t"}), ("semicolon", {"delimiter": ";"}), ("lf", {"lineterminator": "\n"}),
        ("cr", {"lineterminator": "\r"}), ("quoted", {"quoting": csv.QUOTE_ALL}),
    ):  # fmt: skip
        yield Nasty(
            f"商机对象导出结果_{name}.txt", _text(rows(f"d-{name}"), **options), rows={2: Good(_FOUND)}
        )
    rare = [_HEADER, ["rare", "㐀𠀀镕", "a\r\nb", "1"]]
    found = {"name": "㐀𠀀镕", "account_id": {"id": None, "name": "a\r\nb"}}
    yield Nasty("商机对象导出结果_rare.csv", _text(rare, "gb18030"), rows={2: Good(found)})
    mixed = "唯一性ID,商机名称,商机金额\n".encode() + b"x,\xff\xfe\xfd\xff,1\n"
    yield Nasty("商机对象导出结果_mixed.csv", _bytes(mixed), refused="neither UTF-8 nor GB18030")
    yield Nasty(
        "商机对象导出结果_nul.csv",
        _bytes("唯一性ID,商机名称\nx,\0y\n".encode()),
        refused="neither a workbook nor text",
    )


# --- what only looks like an export ----------------------------------------------------------------------------------


def _look_alikes() -> Iterator[Nasty]:
    some = [_HEADER, ["x", "单", "甲", "1"]]
    tips = [_HEADER, ["", "此项必填", "关联对象主属性", "金额字段类型"]]
    accounts = [["客户名称（必填）", "1级行业", "负责人"], ["甲", "零售", "乙"]]
    for name, sheet, rows, says in (
        ("商机对象新建导入模板.xlsx", "商机导入模版", some, "import template (sheet 商机导入模版)"),
        ("商机对象更新导入模板.xlsx", "Sheet1", some, "import template (by its name)"),
        ("提示.xlsx", "Sheet1", tips, "the header of 商机 and one row of hints"),
        ("客户对象导入结果_20260102.xlsx", "失败结果", accounts, "the result of an import (sheet 失败结果)"),
        ("客户对象导入结果_20260103.xlsx", "Sheet1", accounts, "the result of an import (by its name)"),
        ("客户对象导出结果_shell.xlsx", "客户数据", accounts[:1],
        "an empty shell: the header of 客户 and no row below"),
        ("空.xlsx", "空", [], "sheet 空 is empty"),
        ("销售合同对象导出结果_20260102.xlsx", "销售合同数据", accounts, "holds records of 销售合同"),
        ("订单产品对象导出结果_1.xlsx", "Sheet1", [["产品名称", "产品编码", "产品线"], ["a", "b", "c"]],
        "holds records of 订单产品"),
        ("po.xlsx", "厂商PO号数据", accounts, "holds records of 厂商PO号"),
        ("签到.xlsx", "sheet", [["日期", "签到地点"], ["1", "2"]], "seen: 日期、签到地点"),
        ("人.xlsx", "Sheet1", [["姓名", "手机", "电话", "邮件"], ["1", "2"]], "fits 联系人 and 销售线索 equally well"),
        ("商机对象导出结果_无名.xlsx", "商机数据", [["客户名称", "商机金额"], ["1", "2"]],
        "none of its first ten rows"),
        ("深.xlsx", "Sheet1", [*([["x"]] * 10), _HEADER, ["1", "2", "3", "4"]], "no row among the first ten"),
    ):  # fmt: skip
        yield Nasty(name, _book(rows, sheet), refused=says)


# --- hostile ---------------------------------------------------------------------------------------------------------


def _cell(place: str, text: str = "x") -> bytes:
    return f'<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>'.encode()


def _row(number: int, *cells: bytes) -> bytes:
    return f'<row r="{number}">'.encode() + b"".join(cells) + b"</row>"


_GOOD = [["客户名称", "1级行业", "负责人"], ["甲", "零售", "乙"]]
_ENTITIES = b'<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c SYSTEM "file:///etc/hostname">]>'


def _added(path: Path, name: str, body: bytes, method: int = zipfile.ZIP_DEFLATED) -> None:
    xlsx(path, _GOOD)
    with zipfile.ZipFile(path, "a", method) as archive:
        archive.writestr(name, body)


def _macros_of_old(path: Path) -> None:
    xls(path, "客户数据", _GOOD)
    path.write_bytes(path.read_bytes() + "_VBA_PROJECT_CUR".encode("utf-16-le"))


def _short(path: Path) -> None:
    whole = xlsx(path, _GOOD).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


def _many_parts(path: Path) -> None:
    xlsx(path, _GOOD)
    with zipfile.ZipFile(path, "a") as archive:
        for number in range(2_001):
            archive.writestr(f"xl/media/{number}", b"")


def _hostile() -> Iterator[Nasty]:
    far = _row(1, _cell("A1"))
    for name, cells, says in (
        ("columns", far + _row(1048576, _cell("XFD1048576")), "more than 702 columns"),
        ("rows", far + _row(1048576, _cell("ZZ1048576")), "spans 1,048,576 rows|needs more than"),
        ("beyond", _row(1, _cell("A1"), _cell("A99999999")), "spans 99,999,999 rows|needs more than|damaged"),
        ("wrapped", far + _row(9, _cell("A4294967295")), "needs more than|damaged"),
    ):  # fmt: skip
        yield Nasty(
            f"远{name}.xlsx", lambda path, cells=cells: with_cells(path, cells), refused=says, dangerous=True
        )
    for part in ("xl/workbook.xml", "xl/_rels/workbook.xml.rels"):
        yield Nasty(
            f"实体{part.count('/')}.xlsx",
            lambda path, part=part: rewrite(
                xlsx(path, _GOOD), part, lambda xml: xml.replace(b"<", _ENTITIES + b"<", 1)
            ),
            refused="declares its own XML entities",
        )
    yield Nasty(
        "炸弹.xlsx",
        lambda path: _added(path, "xl/media/big", bytes(70 << 20)),
        refused="times its size (a zip bomb)",
    )
    yield Nasty("零件.xlsx", _many_parts, refused="parts, more than 2,000")
    yield Nasty(
        "打包.xlsx", lambda path: _added(path, "xl/x", b"x", zipfile.ZIP_LZMA), refused="packed in a way"
    )
    yield Nasty("宏.xlsm", lambda path: _added(path, "xl/vbaProject.bin", b"x"), refused="holds macros")
    yield Nasty(
        "宏表.xlsx", lambda path: _added(path, "xl/macrosheets/sheet1.xml", b"x"), refused="holds macros"
    )
    yield Nasty("宏.xls", _macros_of_old, refused="holds macros")
    yield Nasty("密码.xlsx", locked, refused="protected by a password")
    yield Nasty("半个.xlsx", _short, refused="damaged or incomplete")
    yield Nasty("空文件.xlsx", _bytes(b""), refused="the file is empty")
    yield Nasty("零.csv", _bytes(bytes(5000)), refused="the file is empty")
    yield Nasty(
        "网页.xls", _bytes(b"<html><table><tr><td>1</td></tr></table></html>"), refused="a web page or XML"
    )
    yield Nasty(
        "ole.xls", _bytes(bytes.fromhex("d0cf11e0a1b11ae1") + bytes(5000)), refused="damaged or incomplete"
    )
    yield Nasty("图.png", _bytes(b"\x89PNG\r\n\x1a\n\0\0\0"), refused="neither a workbook nor text")
    yield Nasty("文档.docx", _document, refused="a document, but no workbook")
    yield Nasty("宽.csv", _bytes(b"a" + b"," * 1_000_000 + b"\n"), refused="more than 702 columns")
    yield Nasty(
        "长.csv",
        _bytes("唯一性ID,商机名称\nx,".encode() + b"a" * (10 << 20) + b"\n"),
        refused="line 2 of the text file",
    )
    yield Nasty(
        "开引号.csv",
        _bytes('唯一性ID,商机名称\nx,"'.encode() + b"a\n" * 200_000),
        refused="of the text file is not readable",
    )
    yield Nasty("链接.xlsx", lambda path: path.symlink_to("/etc/hostname"), refused="this is a link")
    yield Nasty("断链.csv", lambda path: path.symlink_to(path.with_name("nowhere")), refused="this is a link")
    yield Nasty(
        "商机对象导出结果_climb.xlsx",
        lambda path: _climbing(path, [_HEADER, ["climb", "单", "甲", "1"]]),
        rows={2: Good(_FOUND)},
    )
    formulas = [_HEADER, ["formula", '=HYPERLINK("http://x")', "+cmd|' /C calc'!A0", "=1+1"]]
    yield Nasty("商机对象导出结果_formula.csv", _text(formulas), rows={2: Aside("amount", "=1+1", FIT)})
    harmless = [_HEADER, ["formula2", '=HYPERLINK("http://x")', "+cmd|' /C calc'!A0", "1"]]
    found = {"name": '=HYPERLINK("http://x")', "account_id": {"id": None, "name": "+cmd|' /C calc'!A0"}}
    yield Nasty("商机对象导出结果_formula2.csv", _text(harmless), rows={2: Good(found)})
    long = [_HEADER, ["long", "长" * 32_767, "甲", "1"]]
    yield Nasty(
        "商机对象导出结果_long.xlsx", _book(long, "商机数据"), rows={2: Good({"name": "长" * 32_767})}
    )


def _climbing(path: Path, rows: Sequence[Sequence[Any]]) -> None:
    xlsx(path, rows, sheet="商机数据")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../../evil", b"x")


def _document(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("[Content_Types].xml", b"<Types/>")
        archive.writestr("word/document.xml", b"<w/>")


def nasty_files() -> list[Nasty]:
    """All of them, names distinct."""
    kinds = (_values, _typed, _units, _layouts, _encodings, _look_alikes, _hostile)
    files = [one for kind in kinds for one in kind()]
    assert len({one.name for one in files}) == len(files)
    return files
