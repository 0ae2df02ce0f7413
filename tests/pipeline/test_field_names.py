"""A field may have any name: every value lands in a column of its own, the same one whatever came before."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.core.contract import (
    CursorKind,
    Field,
    FieldType,
    Page,
    Shape,
    Stream,
    Table,
    TableRow,
    Window,
)
from pipelines import fold
from pipelines.landing.decode import Decoded, decode
from pipelines.landing.land import land
from pipelines.landing.types import engine_type
from pipelines.landing.zone import StreamZone
from pipelines.manifest import Checked, Landed
from pipelines.sql import columns_of, fitted, literal, ours, quote, same_name
from pipelines.warehouse.load import Parts, load_package
from pipelines.warehouse.ops import ensure_ops
from pipelines.warehouse.schema import META, ensure_stream, table_columns
from tests.pipeline.conftest import Bench
from tests.pipeline.scripted import FIELDS, STREAM, Scripted, deal

DECLARED = {f.name for f in FIELDS}
OURS = [*META, "_misfit", "_odd", "_cells", "_faults", "_feed0", "_crm_warehouse_position"]
NAMES = [
    "", " ", "select", "table", 'a"b', "a'b", "a.b", "a;b", "😀", "名称（必填）", "x" * 200, "p", "r", "base", "c1",
    "a\0b", "a\x01b", "a\nb", "\t", "\0", "/", "~", "~1", "a/b", "-", "0", "$", "$.id", "*", "{0}", "?", "\\", "\\n",
    "_id", "_", "__", "parsed", "text", "given", "t0", "t1", "texts", "json", "rows", "winners", "ID", "Id",
    "amount", "AMOUNT", "amount ", " Amount", "É", "é", "E\u0301", "K", "\u212a", "ß", "SS", "ss", "ſ",
    "İ", "i̇", "Σ", "σ", "ς", "Amount~43dc85", "amount~9cb6ff", "~da39a3", "a~123456", "a\ufffdb", *OURS,
    *(name.upper() for name in OURS),
]  # fmt: skip


def one(con: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    row = con.execute(query).fetchone()
    assert row is not None
    return row


def decoded(
    folder: Path, names: Iterable[str], *pages: Any, kind: FieldType = FieldType.TEXT
) -> tuple[Decoded, duckdb.DuckDBPyConnection]:
    source = Scripted()
    source.fields = (*FIELDS, *(Field(name, kind) for name in names))
    source.pages = list(pages)
    landing = land(source, STREAM, CursorKind.INCREMENTAL, StreamZone(folder / "zone"), overlap=timedelta(0))
    (folder / "scratch").mkdir()
    con = duckdb.connect()
    return decode(landing.packages[0], source, STREAM, con, folder / "scratch"), con


def by_field(info: Decoded, con: duckdb.DuckDBPyConnection, relation: str = "winners") -> dict[str, Any]:
    """The one row of a relation by the CRM's field names."""
    columns = {f: c for c, f in info.columns.items()}
    row = one(
        con, f"SELECT {', '.join(quote(columns.get(f.name, f.name)) for f in info.fields)} FROM {relation}"
    )
    return dict(zip((f.name for f in info.fields), row, strict=True))


COLUMNS = {f.name: engine_type(f) for f in FIELDS}


class Folded:
    """Packages of one record each, loaded as a run would: names and typed values as a test writes them."""

    TABLES = ("raw_scripted.deals", "raw_scripted.deals__history")

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.loads: list[Path] = []
        self.con = duckdb.connect()
        self.con.execute("SET TimeZone = 'UTC'")
        ensure_ops(self.con)
        ensure_stream(self.con, STREAM, COLUMNS)

    def load(self, values: Mapping[str, str], key: str, columns: Mapping[str, str] | None = None) -> None:
        """values: field → SQL of its typed value; columns: the same for columns, whatever their fields."""
        named = columns_of(values, DECLARED)
        given = columns or {named[name]: value for name, value in values.items()}
        path = self.folder / f"{len(self.loads)}.parquet"
        typed = "".join(f", {value} AS {quote(column)}" for column, value in given.items())
        self.con.execute(
            f"COPY (SELECT 1::BIGINT AS _position, '{key}' AS _record_id, TIMESTAMPTZ '2026-03-01 00:00:00+00' AS "
            f"_modified_at, NULL::VARCHAR AS _extra, '{path.stem}' AS _row_hash{typed}) TO '{path}' (FORMAT parquet)"
        )
        self._fold(path)

    def again(self) -> Folded:
        """What a rebuild makes of the same packages."""
        other = Folded(self.folder)
        for path in self.loads:
            other._fold(path)
        return other

    def row(self, table: str, key: str) -> dict[str, Any]:
        cursor = self.con.execute(
            f"SELECT * EXCLUDE ({', '.join(META)}) FROM {table} WHERE _record_id = '{key}'"
        )
        (row,) = cursor.fetchall()
        return dict(zip((name for name, *_ in cursor.description or ()), row, strict=True))

    def everything(self) -> list[Any]:
        tables = (*self.TABLES, "ops.schema_changes")
        rows = [self.con.execute(f"SELECT * FROM {table} ORDER BY ALL").fetchall() for table in tables]
        return [rows, [table_columns(self.con, table) for table in tables]]

    def _fold(self, path: Path) -> None:
        at = datetime(2026, 3, 2, tzinfo=UTC) + timedelta(days=len(self.loads))
        self.loads.append(path)
        landed = Landed(
            package=path.stem, source="scripted", org="default", stream="deals", api_name="Deals", kind="incremental",
            started_at=at, landed_at=at, cursor_before=None, cursor_after=None, received=1, pages=1, seconds=0.0,
            files=[], shape_hash="",
        )  # fmt: skip
        checked = Checked(
            checked_at=at, rules_hash="", received=1, accepted=1, quarantined=0, repeated=0, superseded=0
        )
        load_package(self.con, STREAM, COLUMNS, landed, checked, Parts(path), loaded_at=at)


# --- names


def test_a_name_is_kept_wherever_it_can_be() -> None:
    assert columns_of(["Name", "a.b", "😀", "select", "x" * 200, "_id", " "]) == {
        "Name": "Name", "a.b": "a.b", "😀": "😀", "select": "select", "x" * 200: "x" * 200, "_id": "_id", " ": " ",
    }  # fmt: skip


def test_names_that_cannot_be_columns_carry_the_start_of_their_sha1() -> None:
    # sha1sum of the exact names: printf 'amount' | sha1sum → 9cb6ff…, of nothing → da39a3…
    assert columns_of(["Amount", "amount", "", "_org", "_Org"], {"Amount"}) == {
        "Amount": "Amount",
        "amount": "amount~9cb6ff",
        "": "~da39a3",
        "_org": "_org~1d144d",
        "_Org": "_Org~d47942",
    }
    assert columns_of(["Amount", "amount"]) == {"Amount": "Amount~43dc85", "amount": "amount~9cb6ff"}
    assert columns_of(["a\0b"]) == {"a\0b": "a\ufffdb~4a3dec2d1f82"}  # the engine's parser ends at a NUL
    assert columns_of(["amount~9cb6ff"]) == {"amount~9cb6ff": "amount~9cb6ff~ecabb4"}  # looks like another's


def test_every_column_of_ours_is_ours_in_any_case() -> None:
    assert set(META) <= set(OURS)
    assert all(ours(name) and ours(name.upper()) for name in OURS)
    assert not any(ours(name) for name in ("_id", "Name", "feed0", "_feed", "org", ""))


@pytest.mark.parametrize(
    ("arrivals", "expected"),
    [
        ([["amount"], ["Amount"], ["Amount", "amount"]], {"amount": "amount", "Amount": "Amount~43dc85"}),
        ([["Amount"], ["amount"], ["Amount", "amount"]], {"Amount": "Amount", "amount": "amount~9cb6ff"}),
        (
            [["Amount", "amount"], ["amount"], ["Amount"]],
            {"Amount": "Amount~43dc85", "amount": "amount~9cb6ff"},
        ),
    ],
)
def test_a_field_keeps_its_column_whatever_comes_after(
    arrivals: list[list[str]], expected: dict[str, str]
) -> None:
    present: dict[str, str] = {}
    for names in arrivals:
        package = columns_of(names)
        places = fitted(package.values(), present)
        for name, column in package.items():
            assert expected[name] == places[column]
            present[places[column]] = name
    assert present == {column: name for name, column in expected.items()}


ALPHABET = st.sampled_from([*"aAbBkK\u212aéÉ~_\0\ufffd", "~9cb6ff", "_org"])
ANY_NAME = st.one_of(st.sampled_from(NAMES), st.lists(ALPHABET, max_size=4).map("".join), st.text(max_size=5))


@given(arrivals=st.lists(st.sets(ANY_NAME, min_size=1, max_size=6), min_size=1, max_size=6))
@settings(max_examples=150, deadline=None)
def test_no_two_fields_ever_share_a_column(arrivals: list[set[str]]) -> None:
    owner: dict[str, str] = {name: f"our {name}" for name in META}
    column_of: dict[str, str] = {}
    for names in arrivals:
        package = columns_of(sorted(names), DECLARED)
        assert len({same_name(c) for c in package.values()}) == len(names)
        places = fitted(package.values(), owner)
        for name, column in package.items():
            place = places[column]
            assert column_of.setdefault(name, place) == place
            assert owner.setdefault(place, name) == name
        assert len({same_name(c) for c in owner}) == len(owner)


# --- from packages to tables


ROUNDS = st.lists(st.sets(ANY_NAME, min_size=1, max_size=6), min_size=1, max_size=5)


@given(rounds=ROUNDS)
@settings(max_examples=6, deadline=None)
def test_every_value_is_in_the_one_column_of_its_field(
    tmp_path_factory: pytest.TempPathFactory, rounds: list[set[str]]
) -> None:
    folded = Folded(tmp_path_factory.mktemp("names"))
    for number, names in enumerate(rounds):
        values = {name: literal(f"{number} {name!r}") for name in sorted(names) if name not in DECLARED}
        folded.load(values, str(number))
    owner: dict[str, str] = {}
    for table in folded.TABLES:
        for number, names in enumerate(rounds):
            row = folded.row(table, str(number))
            for name in names - DECLARED:
                holding = [column for column, value in row.items() if value == f"{number} {name!r}"]
                assert len(holding) == 1
                assert owner.setdefault(holding[0], name) == name
    fields = {name for names in rounds for name in names} - DECLARED
    assert sorted(owner.values()) == sorted(fields), "a field has one column"
    new = folded.con.execute("SELECT field FROM ops.schema_changes WHERE old_type IS NULL").fetchall()
    assert sorted(column for (column,) in new) == sorted(owner)
    assert folded.again().everything() == folded.everything()


def test_a_field_that_is_declared_later_gets_its_name(tmp_path: Path) -> None:
    folded = Folded(tmp_path)
    folded.load({"budget": "'lower'", "Own": "'own'"}, "1")
    folded.load({"budget": "'lower'", "Budget": "'upper'"}, "2")
    assert (folded.row(folded.TABLES[0], "2")["Budget~7aeba4"]) == "upper"
    later = {**COLUMNS, "Budget": "VARCHAR", "Stage": "VARCHAR"}
    ensure_stream(folded.con, STREAM, later)
    ensure_stream(folded.con, STREAM, later)  # nothing is left to do
    for table in folded.TABLES:
        row = folded.row(table, "2")
        assert (row["budget~81e4a5"], row["Budget"], row["Own"], row["Stage"]) == (
            "lower",
            "upper",
            None,
            None,
        )
    folded.load({"budget": "'l'", "Budget": "'u'"}, "3")
    row = folded.row(folded.TABLES[0], "3")
    assert (row["budget~81e4a5"], row["Budget"]) == ("l", "u")


def test_packages_that_were_checked_before_names_were_planned_still_load(tmp_path: Path) -> None:
    """Such a package may hold a column that today no field would get."""
    folded = Folded(tmp_path)
    folded.load({}, "1", columns={"x~abcdef": "'a'", "~": "'b'"})
    row = folded.row(folded.TABLES[0], "1")
    assert (row["x~abcdef~9c0173"], row["~"]) == ("a", "b")


# --- from a page to typed rows


def test_every_value_of_a_record_has_a_column_of_its_own(tmp_path: Path) -> None:
    values = {name: f"value of {name!r}" for name in dict.fromkeys(NAMES)}
    info, con = decoded(tmp_path, values, [deal("1", Name="n", **values)])
    row = by_field(info, con)
    assert {name: row[name] for name in values} == values
    assert (row["id"], row["Name"]) == ("1", "n")
    assert one(con, "SELECT _position, _record_id, _misfit, _extra FROM winners") == (
        1_000_001,
        "1",
        None,
        None,
    )


def test_the_engine_reads_keys_as_they_are_spelled(tmp_path: Path) -> None:
    page = '[{"id":"1","amount":1,"Amount":2,"AMOUNT":3,"Modified_Time":"2026-03-01T00:00:00Z"},{"id":"2","amount":4}]'
    info, con = decoded(tmp_path, [], page)
    assert info.columns == {}
    assert con.execute('SELECT _record_id, "Amount"::INT FROM winners ORDER BY 1').fetchall() == [
        ("1", 2),
        ("2", None),
    ]


@pytest.mark.parametrize("names", [[], ["name"]], ids=["read by name", "read by pointer"])
def test_a_record_cannot_say_where_it_stood(tmp_path: Path, names: list[str]) -> None:
    page = '[{"_crm_warehouse_position":7,"id":"1","_position":8},{"id":"2","_crm_warehouse_position":"x"}]'
    _, con = decoded(tmp_path, names, page)
    rows = con.execute("SELECT _position, _record_id FROM winners ORDER BY 1").fetchall()
    assert rows == [(1_000_001, "1"), (1_000_002, "2")]


@pytest.mark.parametrize("names", [[], ["name"]], ids=["read by name", "read by pointer"])
def test_of_equal_keys_the_first_counts_in_either_way_of_reading(tmp_path: Path, names: list[str]) -> None:
    _, con = decoded(tmp_path, names, '[{"id":"1","Name":"first","Name":"second"}]')
    assert one(con, "SELECT Name FROM winners") == ("first",)


TEXTS = [
    "1.50", "1e3", "-0.0", "12345678901234567890123", "true", "null", '"x\\ny"', '"\\u00e9\\ud83d\\ude00"', '""',
    '"\\u0000"', '{"id":"7","name":"王芳"}', '[1, {"b":2,"a":"é"}]', "{}", '"100.005"', "100.005", "9999999999999.99",
]  # fmt: skip


@pytest.mark.parametrize("field", ["Name", "Amount", "Count", "Owner", "Tags", "Flag", "Day"])
def test_an_odd_neighbour_changes_no_value_and_no_hash(tmp_path: Path, field: str) -> None:
    page = "[" + ",".join(f'{{"id":"{i}","{field}":{text}}}' for i, text in enumerate(TEXTS)) + "]"
    query = f"SELECT * FROM (SELECT _position, _row_hash, _extra, _modified_at, {quote(field)} FROM winners) ORDER BY 1"
    found = []
    for number, names in enumerate(([], ["name", ""])):
        info, con = decoded(tmp_path / str(number), names, page)
        found.append((info.misfits, con.execute(query).fetchall()))
    assert found[0] == found[1]


def test_a_malformed_record_beside_odd_names_keeps_its_place(tmp_path: Path) -> None:
    info, con = decoded(
        tmp_path, ["", "NAME"], b'{"data": [{"id":"1"},{"id":"2","Name":"\xff"},{"id":"3","":"e"}]}'
    )
    rows = con.execute('SELECT _position, _record_id, _misfit, "~da39a3" FROM winners ORDER BY 1').fetchall()
    assert rows == [
        (1_000_001, "1", None, None),
        (1_000_002, None, "not valid JSON text", None),
        (1_000_003, "3", None, "e"),
    ]
    assert info.received == 3


def test_field_chunks_with_odd_names_are_one_row(tmp_path: Path) -> None:
    pages = [deal("1", **{"": "e", "amount": "a"})], (1, [{"id": "1", "Amount": 5, "_org": "o"}])
    info, con = decoded(tmp_path, ["", "amount", "_org"], *pages)
    row = by_field(info, con)
    assert [str(row[n]) for n in ("", "amount", "Amount", "_org")] == ["e", "a", "5.00", "o"]


def test_misfits_are_called_as_the_crm_calls_them(tmp_path: Path) -> None:
    values = {"count": "many", "_extra": "1.5", "a\0b": "x"}
    info, con = decoded(tmp_path, values, [deal("1", **values)], kind=FieldType.INTEGER)
    assert info.misfits == {"_extra": 1, "a\0b": 1, "count": 1}
    assert json.loads(one(con, "SELECT _extra FROM winners")[0]) == values


def test_a_field_that_metadata_names_twice_is_one(tmp_path: Path) -> None:
    info, con = decoded(tmp_path, ["Own", "Own"], [deal("1", Own="x")])
    assert one(con, 'SELECT "Own" FROM winners') == ("x",)
    assert [f.name for f in info.fields].count("Own") == 1


def test_the_row_hash_counts_a_field_by_its_own_name(tmp_path: Path) -> None:
    hashes = []
    for number, names in enumerate((["budget"], ["budget", "BUDGET"])):
        _, con = decoded(tmp_path / str(number), names, [deal("1", budget="5")])
        hashes.append(one(con, "SELECT _row_hash FROM winners"))
    assert hashes[0] == hashes[1]
    _, con = decoded(tmp_path / "other", ["budget", "BUDGET"], [deal("1", BUDGET="5")])
    assert one(con, "SELECT _row_hash FROM winners") != hashes[0]


def test_the_row_hash_tells_where_a_name_ends(tmp_path: Path) -> None:
    hashes = []
    for number, values in enumerate(({"a": "b=c"}, {"a=b": "c"})):
        _, con = decoded(tmp_path / str(number), ["a", "a=b"], [deal("1", **values)])
        hashes.append(one(con, "SELECT _row_hash FROM winners"))
    assert hashes[0] != hashes[1]


# --- from a file


class Sheet(Scripted):
    """A file source whose table a test writes down."""

    file: Path

    def __init__(self, names: Sequence[str], *rows: Sequence[str | None]) -> None:
        super().__init__()
        rows_of = [TableRow(i, row) for i, row in enumerate(rows, 2)]
        self.table = Table.of_rows(names, rows_of, skipped=[(1, "blank")])

    def read(self, stream: Stream, window: Window) -> Iterator[Page]:
        yield Page(self.file, 1, file_stamp=datetime(2026, 3, 1, tzinfo=UTC))

    def tabulate(self, file: Path, stream: Stream) -> tuple[Shape, Table]:
        return Shape("", "_record_id", None, self.fields), self.table

    def parse(self, field: Field, text: str) -> str | None:
        return {"十": "10"}.get(text)


def decoded_file(folder: Path, source: Sheet) -> tuple[Decoded, duckdb.DuckDBPyConnection]:
    source.file = folder / "given.xlsx"
    source.file.write_bytes(b"PK")
    landing = land(source, STREAM, CursorKind.FILE, StreamZone(folder / "zone"), overlap=timedelta(0))
    (folder / "scratch").mkdir()
    con = duckdb.connect()
    return decode(landing.packages[0], source, STREAM, con, folder / "scratch"), con


def test_columns_of_a_file_may_have_any_name(tmp_path: Path) -> None:
    names = [n for n in dict.fromkeys(NAMES) if n not in ("_record_id", "_cells")]
    odd = [
        Field(n, FieldType.INTEGER if n in ("canonical", "parsed", "given", "text") else FieldType.TEXT)
        for n in names
    ]
    source = Sheet(
        ["_record_id", *names, "Owner.id", "Owner.name", "Count", "_cells"],
        [
            "k",
            *(("十" if f.type is FieldType.INTEGER else f"value of {f.name!r}") for f in odd),
            "7",
            "王",
            "十",
            "{}",
        ],
    )
    source.fields = (*FIELDS[1:], *odd)
    info, con = decoded_file(tmp_path, source)
    row = by_field(info, con)
    assert {f.name: row[f.name] for f in odd} == {
        f.name: 10 if f.type is FieldType.INTEGER else f"value of {f.name!r}" for f in odd
    }
    assert (row["Owner"], row["Count"]) == ({"id": "7", "name": "王"}, 10)
    assert one(con, "SELECT _record_id, _cells, _position FROM winners") == ("k", "{}", 2)
    assert (info.received, info.skipped) == (2, {"blank": 1})


def test_a_cell_that_looks_like_our_mark_of_emptiness_is_kept(tmp_path: Path) -> None:
    source = Sheet(["_record_id", "Name"], ["1", "\\N"], ["2", None], ["3", ""], ["4", "NULL"])
    source.fields = FIELDS[1:2]
    _, con = decoded_file(tmp_path, source)
    assert con.execute("SELECT Name FROM winners ORDER BY _record_id").fetchall() == [
        ("\\N",),
        (None,),
        (None,),  # of a file nobody can tell an empty text from none
        ("NULL",),
    ]


# --- through the whole flow


def test_odd_names_go_from_the_page_to_a_rebuilt_warehouse(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fold, "discover", lambda: {"scripted": bench.spec})
    names = [name for name in dict.fromkeys(NAMES) if name not in DECLARED]
    for number, some in enumerate((names[::3], names[::2], names)):
        bench.source.fields = (*FIELDS, *(Field(name, FieldType.TEXT) for name in some))
        odd = {name: f"{number} {name!r}" for name in some}
        stamp = f"2026-03-0{number + 1}T10:00:00+08:00"
        bench.source.pages = [[deal(f"k{number}", stamp, **odd), deal("bad", stamp, Amount=-1, **odd)]]
        report = bench.sync()
        assert report.ok, report.sentences()
        packages = bench.zone.packages(CursorKind.INCREMENTAL)
        checked = packages[-1].checked
        assert checked is not None and (checked.accepted, checked.quarantined) == (1, 1)
        assert {"", "_org", "_ORG"} & set(some) <= set(checked.columns.values()) <= set(some)

    def tables() -> list[Any]:
        with duckdb.connect(str(bench.settings.warehouse), read_only=True) as con:
            return [con.execute(f"SELECT * FROM {table} ORDER BY ALL").fetchall() for table in Folded.TABLES]

    before = tables()
    with duckdb.connect(str(bench.settings.warehouse), read_only=True) as con:
        cursor = con.execute("SELECT * FROM raw_scripted.deals WHERE _record_id = 'k2'")
        (row,) = cursor.fetchall()
        held = {value: name for (name, *_), value in zip(cursor.description or (), row, strict=True)}
    assert all(f"2 {name!r}" in held for name in names)
    assert held["2 'amount'"] == "amount~9cb6ff"
    fold.rebuild(bench.settings)
    assert tables() == before
