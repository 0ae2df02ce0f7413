"""What people write into cells, and what it means."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.core.contract import Field, FieldType
from connectors.core.files.cells import loses_digits, text_of
from connectors.core.files.normal import clean_label, match_label, match_name
from connectors.core.files.numbers import plain, scaled
from connectors.core.files.parse import parse


def read(kind: FieldType, text: str) -> str | None:
    return parse(Field("x", kind, 2), text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,234.50", "1234.5"),
        ("1，234，567", "1234567"),
        ("¥1,234", "1234"),
        ("￥ 99.9", "99.9"),
        ("1234元", "1234"),
        ("1,000.00 CNY", "1000"),
        ("RMB 12", "12"),
        ("rmb12", "12"),
        ("人民币12", "12"),
        ("(1,234)", "-1234"),
        ("（1,234.5）", "-1234.5"),
        ("-¥5", "-5"),
        ("¥-5", "-5"),
        ("－5", "-5"),
        ("1.2万", "12000"),
        ("1.2万元", "12000"),
        ("3亿", "300000000"),
        ("0.5千万", "5000000"),
        ("１２３．４５", "123.45"),
        ("12.66%", "12.66"),
        ("12.66％", "12.66"),
        ("1.38E+10", "13800000000"),
        ("0.10", "0.1"),
        (".5", "0.5"),
        ("-0.0", "0"),
        ("12345678901234567890.12", "12345678901234567890.12"),
        ("1 200 300.50", "1200300.5"),
        ("- 12 300 元", "-12300"),
        ("12\u00a0300", "12300"),
    ],
)
def test_decimals(text: str, value: str):
    assert read(FieldType.DECIMAL, text) == value


@pytest.mark.parametrize(
    "text",
    [
        "$5",
        "5 USD",
        "1,5",
        "12,34",
        "1.2.3",
        "约5",
        "5²",
        "①",
        "((5))",
        "(5",
        "-(5)",
        "abc",
        ".",
        "5元/台",
        "٣",
        "100\n200",
        "100\r200",
        "300 400",
        "1 2",
        "1. 5",
        "100\t200",
    ],
)
def test_what_is_no_amount_in_yuan_is_refused(text: str):
    assert read(FieldType.DECIMAL, text) is None


@pytest.mark.parametrize("kind", [FieldType.DECIMAL, FieldType.INTEGER, FieldType.DATE, FieldType.DATETIME])
@pytest.mark.parametrize("text", ["--", "-", "无", "N/A", "n/a", "/", " ", "——", "－－"])
def test_cells_that_mean_nothing(kind: FieldType, text: str):
    assert read(kind, text) == ""


@pytest.mark.parametrize(
    ("text", "value"),
    [("1,200", "1200"), ("60%", "60"), ("3.0", "3"), ("12.66%", None), ("2.5", None), ("1万", "10000")],
)
def test_integers(text: str, value: str | None):
    assert read(FieldType.INTEGER, text) == value


@pytest.mark.parametrize(
    ("text", "day", "moment"),
    [
        ("2024/8/22", "2024-08-22", "2024-08-22 00:00:00"),
        ("2024年8月22日", "2024-08-22", "2024-08-22 00:00:00"),
        ("2024.8.22", "2024-08-22", "2024-08-22 00:00:00"),
        ("2024-08-22 14:05", "2024-08-22", "2024-08-22 14:05:00"),
        ("2024/8/22 4:05:06", "2024-08-22", "2024-08-22 04:05:06"),
        ("2024年8月22日 14时05分", "2024-08-22", "2024-08-22 14:05:00"),
        ("2024-08-22T14:05:06.123", "2024-08-22", "2024-08-22 14:05:06"),
        ("２０２４－０８－２２", "2024-08-22", "2024-08-22 00:00:00"),
        ("20240822", "2024-08-22", "2024-08-22 00:00:00"),
        ("20240822140506", "2024-08-22", "2024-08-22 14:05:06"),
        ("45526", "2024-08-22", "2024-08-22 00:00:00"),
        ("45526.586805556", "2024-08-22", "2024-08-22 14:05:00"),
        ("2024-02-30", None, None),
        ("2024-13-01", None, None),
        ("8月22日", None, None),
        ("24-08-22", None, None),
        ("2024-08-22 25:00", None, None),
        ("12345", None, None),
        ("下周", None, None),
    ],
)
def test_dates(text: str, day: str | None, moment: str | None):
    assert read(FieldType.DATE, text) == day
    assert read(FieldType.DATETIME, text) == moment


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("是", "true"),
        ("否", "false"),
        ("TRUE", "true"),
        ("1", "true"),
        ("0", "false"),
        ("也许", None),
        ("无", ""),
    ],
)
def test_booleans(text: str, value: str | None):
    assert read(FieldType.BOOLEAN, text) == value


AMOUNTS = st.decimals(min_value=-(10**14), max_value=10**14, places=2, allow_nan=False, allow_infinity=False)


@given(AMOUNTS)
def test_every_amount_comes_back_from_every_spelling(amount: Decimal):
    grouped = f"{amount:,.2f}"
    wide = grouped.translate({ord(a): ord(a) + 0xFEE0 for a in "0123456789,.-"})
    spellings = [str(amount), grouped, f"¥{grouped}", f"{grouped}元", f" {grouped} RMB", wide]
    if amount < 0:
        spellings.append(f"({-amount:,.2f})")
    for spelling in spellings:
        assert Decimal(read(FieldType.DECIMAL, spelling) or "nothing") == amount, spelling
    assert Decimal(scaled(str(amount), 10_000)) == amount * 10_000


# Serial numbers have five digits from 1927 to 2173; those before 1950 are not taken for dates.
@given(st.datetimes(datetime(1950, 1, 1), datetime(2173, 10, 13)))
def test_every_moment_comes_back_from_every_spelling(moment: datetime):
    moment = moment.replace(microsecond=0)
    day, epoch = moment.date(), datetime(1899, 12, 30)
    days = (
        f"{day.year}/{day.month}/{day.day}",
        f"{day.year}年{day.month}月{day.day}日",
        f"{day:%Y%m%d}",
        f"{(day - epoch.date()).days}",
    )
    assert {read(FieldType.DATE, spelling) for spelling in days} == {day.isoformat()}
    moments = (
        f"{day.year}/{day.month}/{day.day} {moment.hour}:{moment.minute:02}:{moment.second:02}",
        f"{day.year}年{day.month}月{day.day}日 {moment.hour}时{moment.minute}分{moment.second}秒",
        f"{moment:%Y%m%d%H%M%S}",
        f"{(moment - epoch) / timedelta(days=1):.9f}",
    )
    assert {read(FieldType.DATETIME, spelling) for spelling in moments} == {moment.isoformat(" ")}


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**20), max_value=10**20))
def test_plain_keeps_the_value(value: Decimal):
    assert Decimal(plain(value)) == value
    assert "E" not in plain(value)


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (3.0, "3"),
        (1100.04, "1100.04"),
        (0.1 + 0.2, "0.3"),
        (1e-7, "0.0000001"),
        (-0.0, "0"),
        (13812345678.0, "13812345678"),
        (True, "true"),
        (date(2024, 8, 22), "2024-08-22"),
        (datetime(2024, 8, 22, 14, 5), "2024-08-22 14:05:00"),
        (datetime(2024, 8, 22, 14, 4, 59, 999600), "2024-08-22 14:05:00"),
        (datetime(2024, 8, 21, 23, 59, 59, 999900), "2024-08-22"),
        (time(3, 4), "03:04:00"),
        (timedelta(hours=30), "1 day, 6:00:00"),
        (" 甲 ", " 甲 "),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        (datetime(9999, 12, 31, 23, 59, 59, 900_000), "9999-12-31 23:59:59"),
    ],
)
def test_typed_cells_have_one_text(cell: object, text: str):
    assert text_of(cell) == text


def test_numbers_beyond_fifteen_digits_are_not_trusted():
    assert loses_digits(1.234567890123457e16)
    assert loses_digits(-(10**15))
    assert loses_digits(float("nan"))
    assert not loses_digits(999_999_999_999_999.0)
    assert not loses_digits("12345678901234567890")
    assert not loses_digits(True)


def test_labels_and_names_match_across_spellings():
    for spelling in (
        "客户名称（必填）",
        "客户名称(必填)",
        " 客户 名称",
        "客户\u200b名称",
        "\ufeff客户名称",
        "*客户名称",
        "客户\n名称",
    ):
        assert match_label(spelling) == "客户名称", spelling
    assert match_label("唯一性ＩＤ（必填）") == match_label("唯一性id")
    assert clean_label("  销售订单金额（元）（必填）") == "销售订单金额（元）"
    assert match_name("  Ａｃｍｅ　 Corp ") == "acme corp"
    assert match_name("GTX Pro") != match_name("GTXPro")
