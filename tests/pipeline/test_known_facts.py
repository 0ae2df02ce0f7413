"""What a package's rows do not tell reaches the rules: pick lists, types, misfits, and what other reads brought."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from connectors.core.contract import MOST_OPTIONS, Field, FieldType, Shape
from connectors.core.errors import Problem
from pipelines import flow
from pipelines import sync as sync_room
from pipelines.landing.decisions import drop
from pipelines.landing.land import land, union_shape
from pipelines.landing.volume import recent_reads, rows_of_read
from tests.pipeline.conftest import Bench
from tests.pipeline.scripted import FIELDS, deal

RULES = """
grain: one row per deal
key: id
owner: sales operations
rules:
  - name: name_is_offered
    scope: row
    severity: warn
    expect: expect_column_values_to_be_in_set
    with: {column: Name, value_set: {picklist: Name}}
    reason: A name that the list does not offer.
  - name: tags_are_offered
    scope: row
    severity: warn
    expect: expect_column_values_to_be_in_set
    with: {column: Tags, value_set: {picklist: Tags}}
    reason: A tag that the list does not offer.
  - name: fields_come_as_declared
    scope: package
    severity: warn
    measure: retyped
    expect: expect_column_values_to_be_between
    with: {max_value: 0}
    reason: A field has another type now.
  - name: values_fit_their_fields
    scope: package
    severity: warn
    measure: misfits
    expect: expect_column_values_to_be_between
    with: {max_value: 0}
    reason: A value is missing from its column.
  - name: volume_is_as_usual
    scope: package
    severity: SEVERITY
    measure: volume
    expect: expect_column_values_to_be_between
    with: {min_value: 0.5}
    reason: Half of what is usual is gone.
"""


@pytest.fixture
def house(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A home whose reads are cut into packages of two rows."""
    bench.rules.write_text(RULES.replace("SEVERITY", "warn"))
    monkeypatch.setattr(sync_room, "land", partial(land, max_rows=2))
    return bench


def read(bench: Bench, records: list[dict[str, Any]], *, full: bool = True) -> dict[str, dict[str, Any]]:
    """Sync; the results of the newest package by rule. Pages hold two records."""
    bench.source.pages = [records[i : i + 2] for i in range(0, len(records), 2)]
    with flow.lock(bench.settings, "test"):
        flow.sync(bench.settings, [(bench.spec, "default")], full=full)
    checked = bench.zone.packages()[-1].checked
    assert checked is not None
    return {str(result["rule"]): result for result in checked.results}


def deals(count: int, version: int) -> list[dict[str, Any]]:
    stamp = f"2026-03-{version:02}T10:00:00+08:00"
    return [deal(str(n), stamp, Name=f"v{version}") for n in range(count)]


def test_a_complete_read_is_compared_with_those_before_it(house: Bench) -> None:
    """Reads of 6, 4 and 6 rows, an increment of 2, then a read of everything that brings 2: a third of the usual."""
    for version, count in enumerate((6, 4, 6), 1):
        told = read(house, deals(count, version))["volume_is_as_usual"]
        assert "fewer than 3 complete reads" in str(told["not_applicable"])
    assert [p.landed.received for p in house.zone.packages()] == [
        2,
        2,
        2,
        2,
        2,
        2,
        2,
        2,
    ]  # chains of packages
    told = read(house, deals(2, 4), full=False)["volume_is_as_usual"]
    assert "does not end a read of everything" in str(told["not_applicable"])
    told = read(house, deals(2, 5))["volume_is_as_usual"]
    assert (told["passed"], told["failing"]) == (False, 1)
    assert told["observed"] == "0.333: 2 rows, and 6 at the median of 3 reads before"
    told = read(house, deals(6, 6))["volume_is_as_usual"]
    assert told["passed"] and told["observed"] == "1.2: 6 rows, and 5 at the median of 4 reads before"
    middle = house.zone.packages()[-2]  # of three of the last read
    assert rows_of_read(middle, 2) is None


def test_a_read_that_waits_or_was_stopped_is_no_example(house: Bench) -> None:
    house.rules.write_text(RULES.replace("SEVERITY", "block"))
    for version in (1, 2, 3):
        read(house, deals(6, version))
    assert read(house, deals(2, 4))["volume_is_as_usual"]["passed"] is False  # and blocks
    newest = house.zone.packages()[-1]
    assert newest.checked.blocked and recent_reads(newest) == [6, 6, 6]
    drop(house.zone, newest, None, by="a test")
    assert read(house, deals(6, 4))["volume_is_as_usual"]["passed"]
    assert recent_reads(house.zone.packages()[-1]) == [6, 6, 6]  # what was dropped is no example
    house.rules.write_text(RULES.replace("SEVERITY", "warn"))
    house.source.error, house.source.fail_after = Problem("the CRM went away", do="wait"), 2
    read(house, deals(6, 5))  # the second page is whole, so it stays; the read did not end
    stopped = house.zone.packages()[-1]
    assert not stopped.landed.last and rows_of_read(stopped, 2) is None
    house.source.fail_after = None
    read(house, deals(6, 6))  # nobody can tell whether it goes on behind the stopped one or begins anew
    assert rows_of_read(house.zone.packages()[-1], 2) is None
    read(house, deals(6, 7))
    assert recent_reads(house.zone.packages()[-1]) == [6, 6, 6, 6]


def test_values_types_and_misfits_are_judged_by_what_the_crm_says_of_its_fields(house: Bench) -> None:
    offered = {"Name": ("a", "b"), "Tags": ("x", "y")}
    house.source.fields = tuple(replace(f, options=offered.get(f.name, ())) for f in FIELDS)
    told = read(
        house, [deal("1", Name="a", Tags=["x", "y"]), deal("2", Name="c", Tags=["x", "z"], Count="many")]
    )
    assert [s["record_id"] for s in told["name_is_offered"]["samples"]] == ["2"]
    assert [s["record_id"] for s in told["tags_are_offered"]["samples"]] == ["2"]
    assert told["values_fit_their_fields"]["observed"] == "1: 1 in Count"
    assert told["fields_come_as_declared"]["passed"]
    house.source.fields = tuple(
        replace(f, type=FieldType.TEXT) if f.name == "Count" else replace(f, options=()) for f in FIELDS
    )
    told = read(house, [deal("1", Name="a", Count="many"), deal("3", Name="c", Count="7")])
    assert told["fields_come_as_declared"]["observed"] == "1: Count (text, not integer)"
    assert told["values_fit_their_fields"]["observed"] == "0"
    assert told["name_is_offered"]["not_applicable"] == "the source gives no list of values of Name"


def test_an_option_more_is_no_change_of_the_schema(house: Bench) -> None:
    house.source.fields = tuple(replace(f, options=("a",)) if f.name == "Name" else f for f in FIELDS)
    read(house, [deal("1", Name="a")])
    house.source.fields = tuple(replace(f, options=("a", "b")) if f.name == "Name" else f for f in FIELDS)
    assert read(house, [deal("1", "2026-03-02T10:00:00+08:00", Name="b")])["name_is_offered"]["passed"]
    assert house.query("SELECT count(*) FROM ops.schema_changes") == [(0,)]
    assert house.raw() == [("1", None)]


def test_options_travel_with_the_package_and_older_packages_have_none() -> None:
    field = Field("Stage", FieldType.TEXT, options=("a", "b"))
    shape = Shape("data", "id", None, (field, Field("id", FieldType.TEXT)))
    written = json.loads(json.dumps(shape.to_json()))
    assert written["fields"][0]["options"] == ["a", "b"] and "options" not in written["fields"][1]
    assert Shape.from_json(written) == shape
    del written["fields"][0]["options"]
    assert Shape.from_json(written).fields[0].options == ()


def test_a_list_too_long_to_lie_beside_every_package_is_left_out_and_lists_are_united() -> None:
    field = Field("Town", FieldType.TEXT)
    assert len(field.offering(map(str, range(MOST_OPTIONS))).options) == MOST_OPTIONS
    assert field.offering(map(str, range(MOST_OPTIONS + 1))).options == ()
    assert field.offering(["a", "b", "a"]).options == ("a", "b")
    before, after = (Shape("data", "id", None, (field.offering(o),)) for o in (["a", "b"], ["b", "c"]))
    assert union_shape(before, after).fields[0].options == ("b", "c", "a")
    none = Shape("data", "id", None, (field,))
    assert union_shape(before, none).fields[0].options == ()  # it is no list any more
