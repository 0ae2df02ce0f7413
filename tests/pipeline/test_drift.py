"""A field whose type changes from package to package: no value is lost or changed, and nothing ever stops."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.core.contract import Field, FieldType
from pipelines.landing.types import engine_type
from pipelines.sql import REFERENCE, is_reference, literal
from pipelines.warehouse.schema import table_columns
from tests.pipeline.test_field_names import Folded

TEXT = st.text(st.characters(blacklist_categories=["Cs"]), max_size=8)


def decimals(scale: int) -> st.SearchStrategy[tuple[str, Any]]:
    values = st.integers(-(10**18) + 1, 10**18 - 1).map(lambda n: Decimal(n).scaleb(-scale))
    return st.tuples(st.just(engine_type(Field("f", FieldType.DECIMAL, scale))), values)


def of(kind: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[str, Any]]:
    return st.tuples(st.just(kind), values)


TYPED = st.one_of(
    of("BOOLEAN", st.booleans()),
    of("BIGINT", st.integers(-(2**63), 2**63 - 1)),
    *(decimals(scale) for scale in (0, 2, 9, 18)),
    of("DOUBLE", st.floats(allow_nan=False, allow_infinity=False)),
    of("DATE", st.dates(date(1, 1, 1))),
    of(
        "TIMESTAMP WITH TIME ZONE",
        st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)),
    ),
    of(REFERENCE, st.fixed_dictionaries({"id": TEXT, "name": st.none() | TEXT})),
    of("VARCHAR", TEXT),
)
NUMBERS = st.one_of(
    of("BOOLEAN", st.booleans()), of("BIGINT", st.integers(-(2**63), 2**63 - 1)), decimals(2), decimals(18)
)


def sql(kind: str, value: Any) -> str:
    if kind == REFERENCE:
        name = "NULL" if value["name"] is None else literal(value["name"])
        return f"CAST(struct_pack(id := {literal(value['id'])}, name := {name}) AS {REFERENCE})"
    text = (
        value.isoformat()
        if isinstance(value, date)
        else f"{value:f}"
        if isinstance(value, Decimal)
        else str(value)
    )
    return f"CAST({literal(text)} AS {kind})"


def says(got: Any, kind: str, value: Any) -> bool:
    """Whether what the table holds means what the package said."""
    if kind == "BOOLEAN" and got in ("true", "false"):
        return got == str(value).lower()
    if kind in ("BOOLEAN", "BIGINT") or kind.startswith("DECIMAL"):
        return Decimal(got) == Decimal(value)
    if not isinstance(got, str) or kind == "VARCHAR":
        return bool(got == value)
    read = {"DOUBLE": float, "DATE": date.fromisoformat, REFERENCE: json.loads}.get(
        kind, datetime.fromisoformat
    )
    return bool(read(got) == value)


def expected(kinds: list[str]) -> str:
    """The ladder, written down a second time."""
    scales = [int(kind.rstrip(")").split(",")[1]) for kind in kinds if kind.startswith("DECIMAL")]
    if len(set(kinds)) == 1:
        return kinds[0]
    if not all(kind in ("BOOLEAN", "BIGINT") or kind.startswith("DECIMAL") for kind in kinds):
        return "VARCHAR"
    return f"DECIMAL(38,{max(scales)})" if scales else "BIGINT"


def drift(folder: Path, arrivals: list[tuple[str, Any]]) -> None:
    folded = Folded(folder)
    for number, (kind, value) in enumerate(arrivals):
        folded.load({"Drifting": sql(kind, value)}, str(number))
        types = [table_columns(folded.con, table) for table in folded.TABLES]
        assert types[0] == types[1]
        assert types[0]["Drifting"].replace('"', "") == expected([kind for kind, _ in arrivals[: number + 1]])
    for table in folded.TABLES:
        for number, (kind, value) in enumerate(arrivals):
            got = folded.row(table, str(number))["Drifting"]
            assert says(got, kind, value), (got, kind, value)
    changes = folded.con.execute("SELECT old_type, new_type FROM ops.schema_changes").fetchall()
    assert changes[-1][1] == types[0]["Drifting"]
    assert all(before[1] == after[0] for before, after in pairwise(changes)), "a chain of changes"
    assert folded.again().everything() == folded.everything()


@given(arrivals=st.lists(TYPED | NUMBERS, min_size=1, max_size=5))
@settings(max_examples=8, deadline=None)
def test_no_value_is_lost_or_changed_when_a_type_changes(
    tmp_path_factory: pytest.TempPathFactory, arrivals: list[tuple[str, Any]]
) -> None:
    drift(tmp_path_factory.mktemp("drift"), arrivals)


@pytest.mark.slow
@given(arrivals=st.lists(TYPED, min_size=1, max_size=6) | st.lists(NUMBERS, min_size=2, max_size=6))
@settings(max_examples=120, deadline=None)
def test_no_value_is_lost_or_changed_whatever_the_types(
    tmp_path_factory: pytest.TempPathFactory, arrivals: list[tuple[str, Any]]
) -> None:
    drift(tmp_path_factory.mktemp("drift"), arrivals)


LARGEST = [
    ("DECIMAL(18,0)", Decimal(10**18 - 1)),
    ("BIGINT", -(2**63)),
    ("DECIMAL(18,18)", Decimal("0.999999999999999999")),
]


def test_the_largest_of_every_number_fit_beside_each_other(tmp_path: Path) -> None:
    widest = (
        engine_type(Field("f", FieldType.DECIMAL, 30)),
        Decimal("9999999999999999999.9999999999999999999"),
    )
    drift(tmp_path, [*LARGEST, widest, *LARGEST, ("BOOLEAN", True)])


def test_a_reference_is_known_by_its_type(tmp_path: Path) -> None:
    folded = Folded(tmp_path)
    kinds = table_columns(folded.con, folded.TABLES[0])
    assert [name for name, kind in kinds.items() if is_reference(kind)] == ["Owner"]
    assert is_reference(engine_type(Field("f", FieldType.LOOKUP)))


def test_a_lookup_read_without_its_name_keeps_it(tmp_path: Path) -> None:
    """Bulk files carry ids only."""
    folded = Folded(tmp_path)
    named, bare = {"id": "7", "name": "王芳"}, {"id": "7", "name": None}
    folded.load({"Owner": sql(REFERENCE, named)}, "1")
    folded.load({"Owner": sql(REFERENCE, bare), "Name": "'changed'"}, "1")
    query = 'SELECT "Name", "Owner" FROM raw_scripted.deals'
    assert folded.con.execute(query).fetchall() == [("changed", named)]
    folded.load({"Owner": sql(REFERENCE, {"id": "8", "name": None})}, "1")
    assert folded.con.execute(query).fetchall() == [(None, {"id": "8", "name": None})]
