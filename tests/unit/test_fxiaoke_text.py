"""Text exports: encodings, delimiters, and rows as a spreadsheet would number them."""

from __future__ import annotations

import csv
import tracemalloc
from pathlib import Path

import pytest

from connectors.core.errors import Problem
from connectors.core.files import text
from connectors.core.files.limits import Limits
from tests.unit.fxiaoke_workbooks import cut, open_tame, pages, sentence

NAME = "客户对象导出结果_20260102.csv"
TEXT = '客户名称（必填）,1级行业,电话\n"甲, 有限公司",零售,010-1\n乙,"多\n行",\n'


def read(tmp_path: Path, body: bytes, name: str = NAME):
    (tmp_path / name).write_bytes(body)
    source = open_tame(tmp_path)
    assert [str(p) for p in source.problems()] == []
    [page] = pages(source, "account_obj")
    _, table, rows = cut(source, "account_obj", page.body)
    assert page.rows == len(rows) + len(table.skipped)
    return table, rows


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_encodings(tmp_path: Path, encoding: str, newline: str):
    body = TEXT.replace("\n", newline).encode(encoding)
    if encoding == "utf-16-le":
        body = b"\xff\xfe" + body
    _, rows = read(tmp_path, body)
    assert [(r["position"], r["name"], r["industry_level1"], r["tel"]) for r in rows] == [
        (2, "甲, 有限公司", "零售", "010-1"),
        (3, "乙", f"多{newline}行", None),
    ]


def test_a_short_gbk_file_is_chinese_not_korean(tmp_path: Path):
    _, rows = read(tmp_path, "客户名称,1级行业\n中国石油,能源\n".encode("gbk"))
    assert rows[0]["name"] == "中国石油"


def test_text_that_would_pass_for_both_is_utf_8(tmp_path: Path):
    body = "客户名称,客户分类\n上海科技,零售\n".encode()
    assert body.decode("gb18030") != body.decode(), "valid in both"
    _, rows = read(tmp_path, body)
    assert (rows[0]["name"], rows[0]["account_type"]) == ("上海科技", "零售")


def test_gb18030_beyond_gbk(tmp_path: Path):
    _, rows = read(tmp_path, "客户名称,1级行业\n㐂𠮷,零售\n".encode("gb18030"))
    assert rows[0]["name"] == "㐂𠮷"


@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_delimiters(tmp_path: Path, delimiter: str):
    lines = [["客户名称", "1级行业", "备注"], ["甲", "零售", "a"], ["乙", "制造", "b"]]
    body = "\n".join(delimiter.join(line) for line in lines)
    _, rows = read(tmp_path, body.encode())
    assert [(r["name"], r["备注"]) for r in rows] == [("甲", "a"), ("乙", "b")]


def test_commas_inside_texts_do_not_outvote_tabs(tmp_path: Path):
    body = "客户名称\t1级行业\na,b,c,d\t零售\ne,f,g,h\t制造\n"
    _, rows = read(tmp_path, body.encode())
    assert rows[0]["name"] == "a,b,c,d"


def test_short_rows_are_filled_and_long_ones_set_aside(tmp_path: Path):
    body = "客户名称,1级行业\n甲\n乙,零售,多余\n丙,零售,\n"
    _, rows = read(tmp_path, body.encode())
    assert [(r["name"], r["industry_level1"], bool(r["misfit"])) for r in rows] == [
        ("甲", None, False),
        ("乙", "零售", True),
        ("丙", "零售", False),
    ]
    assert "3 cells under 2 headers" in rows[1]["misfit"]


def test_blank_lines_count_as_rows_except_at_the_end(tmp_path: Path):
    table, rows = read(tmp_path, "标题\n\n客户名称,1级行业\n\n甲,零售\n,\n合计,9\n\n\n".encode())
    assert [r["position"] for r in rows] == [5]
    assert table.skipped == [(4, "blank"), (6, "blank"), (7, "total")]


def test_blank_lines_take_no_memory(tmp_path: Path):
    lines = 100_000
    blank = "\n" * lines
    body = f"客户名称,1级行业\n甲,零售\n{blank}乙,零售\n{blank}".encode()
    tracemalloc.start()
    try:
        table, rows = read(tmp_path, body)
        assert tracemalloc.get_traced_memory()[1] < 5 << 20
    finally:
        tracemalloc.stop()
    assert [(r["position"], r["name"]) for r in rows] == [(2, "甲"), (lines + 3, "乙")]
    assert len(table.skipped) == lines
    assert {why for _, why in table.skipped} == {"blank"}


def test_more_lines_than_anybody_exports(tmp_path: Path):
    (tmp_path / NAME).write_bytes(b"a,b\n" + b"\n" * 20)
    assert text.peek(tmp_path / NAME, Limits(lines=21)).last_row == 1
    with pytest.raises(Problem, match="more than 20 lines"):
        text.peek(tmp_path / NAME, Limits(lines=20))


def test_leading_zeros_and_long_ids_stay(tmp_path: Path):
    body = "客户名称,客户编号,统一社会信用代码,1级行业\n甲,007,123456789012345678,x\n"
    _, rows = read(tmp_path, body.encode())
    assert rows[0]["_record_id"] == "number:007"
    assert rows[0]["uniform_social_credit_code"] == "123456789012345678"
    assert rows[0]["misfit"] is None


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"\xff\xff\xfe\x80\x81,\xff\n", "the text is neither UTF-8 nor GB18030"),
        (b"\xef\xbb\xbf\xe5\xae", "the text is neither UTF-8 nor GB18030"),
        (b"a,b\0c\n", "neither a workbook nor text"),
        (b"\n\n \n", "the file is empty"),
        ("客户名称,1级行业\n".encode(), "empty shell"),
        (
            "客户名称,1级行业\n甲,".encode() + b"x" * 200_000,
            "line 2 of the text file is not readable: field larger",
        ),
        (b",".join([b"x"] * 800) + b"\n", "row 1 has more than 702 columns"),
    ],
)
def test_text_that_cannot_be_read(tmp_path: Path, body: bytes, says: str):
    (tmp_path / NAME).write_bytes(body)
    assert says in sentence(open_tame(tmp_path))


@pytest.mark.parametrize("limit", [131_072, 64 << 20])
def test_a_cell_too_long_is_named_whatever_limit_the_process_has(tmp_path: Path, limit: int):
    """Reading a bulk file raises csv's limit for good, in a process that reads text files afterwards."""
    before = csv.field_size_limit(limit)
    try:
        (tmp_path / NAME).write_bytes("客户名称,1级行业\n甲,零售\n乙,".encode() + b"x" * 131_073)
        assert "line 3 of the text file is not readable: field larger" in sentence(open_tame(tmp_path))
        (tmp_path / NAME).write_bytes("客户名称,1级行业\n甲,零售\n乙,".encode() + b"x" * 131_072)
        assert [str(p) for p in open_tame(tmp_path).problems()] == []
    finally:
        csv.field_size_limit(before)
