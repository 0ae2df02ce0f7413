"""Bytes become typed rows exactly, or are set aside; nothing is rounded and nothing vanishes."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.core.contract import CursorKind, Field, FieldType
from pipelines.landing.decode import Decoded, decode
from pipelines.landing.land import land
from pipelines.landing.types import row_hash, typed
from pipelines.landing.zone import StreamZone
from pipelines.sql import literal, quote
from tests.pipeline.scripted import FIELDS, STREAM, Scripted, deal


def decoded(
    folder: Path, *pages: Any, fields: tuple[Field, ...] = FIELDS
) -> tuple[Decoded, duckdb.DuckDBPyConnection]:
    source = Scripted()
    source.pages, source.fields = list(pages), fields
    landing = land(
        source, STREAM, CursorKind.INCREMENTAL, StreamZone(folder / "zone"), overlap=timedelta(minutes=5)
    )
    scratch = folder / "scratch"
    scratch.mkdir(parents=True)
    con = duckdb.connect()
    return decode(landing.packages[0], source, STREAM, con, scratch), con


CALCULATOR = duckdb.connect()  # for tests that need no tables


def one(con: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    row = con.execute(query).fetchone()
    assert row is not None
    return row


def test_every_type_arrives_as_itself(tmp_path: Path) -> None:
    row = deal("1", Name="商机 ‘引号’\n二行", Amount=1234.5, Count=7, Day="2026-02-28", Flag=True,
               Owner={"name": "王芳", "id": "77"}, Tags=["a", "b"])  # fmt: skip
    _, con = decoded(tmp_path, [row])
    got = one(con, "SELECT Name, Amount, Count, Day, Flag, Owner, Tags, Modified_Time FROM winners")
    assert got == (
        "商机 ‘引号’\n二行", Decimal("1234.50"), 7, date(2026, 2, 28), True, {"id": "77", "name": "王芳"},
        '["a","b"]', datetime(2026, 3, 1, 2, 0, tzinfo=UTC),
    )  # fmt: skip


TAGS = Field("Tags", FieldType.JSON, labels=(("a", "报价's"), ("2", "售后")))
TEAM = Field("Tags", FieldType.JSON, label_in="Tags__l.deptName")


@pytest.mark.parametrize(
    ("field", "value", "told", "expected"),
    [
        (TAGS, ["a", "x"], None, [{"id": "a", "name": "报价's"}, {"id": "x", "name": None}]),
        (TAGS, [2], None, [{"id": "2", "name": "售后"}]),
        (TAGS, [], None, []),
        (TAGS, None, None, None),
        (TAGS, [{"id": "a", "name": "its own"}], None, [{"id": "a", "name": "its own"}]),
        (TAGS, {"a": 1}, None, {"a": 1}),
        (TEAM, ["7", "8"], [{"id": "8", "deptName": "华东"}, {"id": 7, "deptName": "华北"}],
         [{"id": "7", "name": "华北"}, {"id": "8", "name": "华东"}]),
        (TEAM, ["7"], "no list", [{"id": "7", "name": None}]),
        (TEAM, ["7"], None, [{"id": "7", "name": None}]),
    ],
)  # fmt: skip
def test_a_list_of_codes_says_what_they_are_called(
    field: Field, value: Any, told: Any, expected: Any, tmp_path: Path
) -> None:
    fields = tuple(field if f.name == "Tags" else f for f in FIELDS)
    row = deal("1", Tags=value, Tags__l=told)
    _, con = decoded(tmp_path, [row], fields=fields)
    text, hashed = one(con, "SELECT Tags, _row_hash FROM winners")
    assert (None if text is None else json.loads(text)) == expected
    _, plain = decoded(tmp_path / "plain", [row])
    if expected != [{"id": "a", "name": "its own"}]:
        codes = one(plain, "SELECT _row_hash FROM winners")[0]
        assert hashed == codes or value == [2], "what they are called is no part of a version"


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("Amount", 0.1, Decimal("0.10")),
        ("Amount", "250.75", Decimal("250.75")),
        ("Amount", -3, Decimal("-3.00")),
        ("Amount", 9999999999999.99, Decimal("9999999999999.99")),  # 15 digits: the last that JSON holds
        ("Amount", 1e3, Decimal("1000.00")),
        ("Amount", "", None),
        ("Count", "12", 12),
        ("Count", 12.0, 12),
        ("Owner", "4000000000001", {"id": "4000000000001", "name": None}),
        ("Owner", {"id": "1"}, {"id": "1", "name": None}),
        ("Owner", None, None),
        ("Day", None, None),
    ],
)
def test_values_that_fit(tmp_path: Path, field: str, value: Any, expected: Any) -> None:
    info, con = decoded(tmp_path, [deal("1", **{field: value})])
    assert one(con, f"SELECT {quote(field)} FROM winners") == (expected,)
    assert info.misfits == {}


@pytest.mark.parametrize(
    ("field", "value", "strict"),
    [
        ("Amount", 100.005, True),  # the engine alone would make it 100.01
        ("Amount", 123456789012345.67, True),  # 17 digits: not the CRM's own
        ("Amount", 1e300, True),
        ("Amount", "十万", True),
        ("Amount", {"value": 5}, True),
        ("Modified_Time", "yesterday", True),
        ("Count", 12.5, False),  # the engine alone would make it 13
        ("Count", 10**30, False),
        ("Day", "2026-02-30", False),
        ("Day", "2026-02-28x", False),
        ("Day", "2026-02-28 10:00", False),
        ("Flag", "maybe", False),
    ],
)
def test_values_that_do_not_fit_are_never_dropped(
    tmp_path: Path, field: str, value: Any, strict: bool
) -> None:
    info, con = decoded(tmp_path, [deal("1", **{field: value}), deal("2")])
    assert info.misfits == {field: 1}
    assert one(con, "SELECT field, strict FROM misfits") == (field, strict)
    extra = one(con, "SELECT _extra FROM winners WHERE _record_id = '1'")[0]
    if strict:
        assert extra is None  # the whole row will be set aside
    else:
        kept = json.loads(extra)[field]
        assert kept == (json.dumps(value) if not isinstance(value, str) else value) or float(kept) == float(
            value
        )


def test_unreadable_records_keep_their_place(tmp_path: Path) -> None:
    body = (
        b'{"data": [{"id":"1","Modified_Time":"2026-03-01T00:00:00Z"},{"id":"2","Name":"\xff"},{"id":"3"}]}'
    )
    info, con = decoded(tmp_path, body)
    assert info.received == 3
    rows = con.execute("SELECT _position, _record_id, _misfit FROM winners ORDER BY 1").fetchall()
    assert rows == [(1_000_001, "1", None), (1_000_002, None, "not valid JSON text"), (1_000_003, "3", None)]


def test_half_an_emoji_costs_no_record(tmp_path: Path) -> None:
    text = r'[{"id":"1","Name":"half \ud83d"},{"id":"2","Name":"whole \ud83d\ude00, not one: \\ud83d"}]'
    info, con = decoded(tmp_path, text)
    assert (info.received, info.misfits) == (2, {})
    assert con.execute("SELECT Name FROM winners ORDER BY _record_id").fetchall() == [
        ("half \ufffd",),
        ("whole 😀, not one: \\ud83d",),
    ]


def test_the_newest_version_wins_and_copies_are_counted(tmp_path: Path) -> None:
    old, new = "2026-03-01T10:00:00+08:00", "2026-03-01T03:00:00+00:00"  # 10:00 and 11:00 in Shanghai
    _, con = decoded(
        tmp_path,
        [deal("1", old, Name="a"), deal("1", new, Name="b"), deal("2", Name="x")],
        [deal("1", old, Name="a"), deal("2", Name="x")],
    )
    winners = con.execute("SELECT _record_id, Name, _position FROM winners ORDER BY 1").fetchall()
    assert winners == [("1", "b", 1_000_002), ("2", "x", 2_000_002)]
    losers = con.execute("SELECT _position, fate FROM losers ORDER BY 1").fetchall()
    assert losers == [(1_000_001, "superseded"), (1_000_003, "repeated"), (2_000_001, "superseded")]


def test_field_chunks_of_a_record_are_one_row(tmp_path: Path) -> None:
    _, con = decoded(
        tmp_path,
        [deal("1", Name="a"), deal("2", Name="b")],
        (1, [{"id": "2", "Amount": 5}, {"id": "1", "Amount": 4, "Count": 9}]),
    )
    assert con.execute("SELECT _record_id, Name, Amount, Count FROM winners ORDER BY 1").fetchall() == [
        ("1", "a", Decimal("4.00"), 9),
        ("2", "b", Decimal("5.00"), None),
    ]


def test_a_page_printed_over_many_lines_is_one_line(tmp_path: Path) -> None:
    body = json.dumps({"data": [deal("1", Name="二\n行")]}, indent=2).replace("\n", "\r\n").encode()
    _, con = decoded(tmp_path, body)
    assert one(con, "SELECT Name FROM winners") == ("二\n行",)


@pytest.mark.parametrize(
    ("scale", "text", "expected"),
    [
        (9, "1500000.5", "1500000.5"),  # eight digits, whatever the field could hold
        (9, "12345678.123456789", None),  # seventeen
        (2, "1234567890123400", "1234567890123400"),  # fourteen and two noughts
        (2, "123456789012345.67", None),
        (18, "0.5", "0.5"),
        (30, "12345.678", "12345.678"),  # more places than a column has
    ],
)
def test_digits_are_counted_where_they_are(scale: int, text: str, expected: str | None) -> None:
    field = Field("Amount", FieldType.DECIMAL, scale)
    got = one(CALCULATOR, f"SELECT {typed(field, literal(text), from_json=True)}")[0]
    assert got == (Decimal(expected) if expected else None)


def test_a_file_may_have_more_digits_than_json_but_none_is_dropped() -> None:
    field = Field("Amount", FieldType.DECIMAL, 2)
    for text, expected in {
        "9999999999999999.99": Decimal("9999999999999999.99"),
        "1.0000000000000001": None,
    }.items():
        assert one(CALCULATOR, f"SELECT {typed(field, literal(text), from_json=False)}") == (expected,)


@pytest.mark.parametrize(
    "text", ["9223372036854775807", "99999999999999999", "-9223372036854775808", "1.5", "soon"]
)
def test_a_moment_beyond_time_is_a_misfit_and_stops_nothing(text: str) -> None:
    field = Field("Modified", FieldType.EPOCH_MS)
    assert one(CALCULATOR, f"SELECT {typed(field, literal(text), from_json=True)}") == (None,)


def test_a_whole_number_is_whole_to_its_last_digit() -> None:
    field = Field("Count", FieldType.INTEGER)
    for text, expected in {"12.0": 12, "12.0000000001": None, "9223372036854775807": 2**63 - 1}.items():
        assert one(CALCULATOR, f"SELECT {typed(field, literal(text), from_json=True)}") == (expected,)


@given(cents=st.integers(-(10**14), 10**14))
@settings(max_examples=200, deadline=None)
def test_money_is_exact_up_to_fifteen_digits(cents: int) -> None:
    field = Field("Amount", FieldType.DECIMAL, 2)
    value = Decimal(cents) / 100
    for text in (json.dumps(float(value)), f"{value:f}"):
        got = CALCULATOR.execute(f"SELECT {typed(field, '$v', from_json=True)}", {"v": text}).fetchone()
        assert got == (value,)


def hash_of(con: duckdb.DuckDBPyConnection, fields: list[Field], select: str) -> str:
    return one(con, f"SELECT {row_hash(fields)} FROM (SELECT {select})")[0]


def test_the_row_hash_does_not_depend_on_how_a_row_was_read() -> None:
    con = duckdb.connect()
    fields = [
        Field("id", FieldType.TEXT),
        Field("Owner", FieldType.LOOKUP),
        Field("Amount", FieldType.DECIMAL, 2),
    ]
    by_record = "'1' AS id, {'id': '7', 'name': '王芳'} AS Owner, 5.00::DECIMAL(18,2) AS Amount"
    by_bulk = "'1' AS id, {'id': '7', 'name': NULL} AS Owner, 5.00::DECIMAL(18,2) AS Amount"
    base = hash_of(con, fields, by_record)
    assert hash_of(con, fields, by_bulk) == base
    assert hash_of(con, fields[::-1], by_record) == base
    later = [*fields, Field("New", FieldType.TEXT)]
    assert hash_of(con, later, by_record + ", NULL::VARCHAR AS New") == base
    assert hash_of(con, later, by_record + ", '' AS New") == base
    assert hash_of(con, later, by_record + ", 'x' AS New") != base
    assert hash_of(con, fields, by_record.replace("'7'", "'8'")) != base
    assert hash_of(con, fields, by_record.replace("5.00", "5.01")) != base
