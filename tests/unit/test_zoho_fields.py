"""Field metadata with all its gaps → what is asked for and how it is typed."""

from __future__ import annotations

import json

import pytest

from connectors.core.contract import Field, FieldType, Stream
from connectors.core.errors import Problem
from connectors.core.http import BadBody
from connectors.zoho.fields import parse_fields, reading

DEALS = Stream(
    source="zoho",
    name="deals",
    api_name="Deals",
    label="商机",
    docs="https://example.invalid",
    stamp="Modified_Time",
    fields=(
        Field("id", FieldType.TEXT),
        Field("Amount", FieldType.DECIMAL, 2),
        Field("Probability", FieldType.INTEGER),
        Field("Mobile", FieldType.TEXT, pii=True),
        Field("Lost_Reason", FieldType.TEXT),
        Field("Modified_Time", FieldType.DATETIME),
    ),
)


def typed(**meta) -> Field:
    body = json.dumps({"fields": [{"api_name": "F", **meta}]}).encode()
    shape = reading(DEALS, parse_fields(body)).shape
    return next(f for f in shape.fields if f.name == "F")


@pytest.mark.parametrize(
    ("meta", "expected"),
    [
        ({"data_type": "currency", "decimal_place": 4}, (FieldType.DECIMAL, 4)),
        ({"data_type": "currency"}, (FieldType.DECIMAL, 2)),
        ({"data_type": "currency", "decimal_place": None}, (FieldType.DECIMAL, 2)),
        ({"data_type": "currency", "decimal_place": "odd"}, (FieldType.DECIMAL, 2)),
        ({"data_type": "currency", "json_type": "jsonobject"}, (FieldType.JSON, 0)),
        ({"data_type": "double", "decimal_place": 3}, (FieldType.DOUBLE, 0)),
        ({"data_type": "percent"}, (FieldType.DOUBLE, 0)),
        ({"data_type": "integer"}, (FieldType.INTEGER, 0)),
        ({"data_type": "bigint"}, (FieldType.TEXT, 0)),
        ({"data_type": "boolean"}, (FieldType.BOOLEAN, 0)),
        ({"data_type": "date"}, (FieldType.DATE, 0)),
        ({"data_type": "datetime"}, (FieldType.DATETIME, 0)),
        ({"data_type": "picklist", "json_type": "string"}, (FieldType.TEXT, 0)),
        ({"data_type": "multiselectpicklist", "json_type": "jsonarray"}, (FieldType.JSON, 0)),
        ({"data_type": "text", "json_type": "jsonarray"}, (FieldType.JSON, 0)),  # Tag
        ({"data_type": "lookup", "json_type": "jsonobject"}, (FieldType.LOOKUP, 0)),
        ({"data_type": "ownerlookup"}, (FieldType.LOOKUP, 0)),
        ({"data_type": "userlookup"}, (FieldType.LOOKUP, 0)),
        ({"data_type": "formula", "formula": {"return_type": "double"}}, (FieldType.DOUBLE, 0)),
        ({"data_type": "formula", "formula": {"return_type": "boolean"}}, (FieldType.BOOLEAN, 0)),
        ({"data_type": "formula"}, (FieldType.JSON, 0)),
        ({"data_type": "RRULE"}, (FieldType.JSON, 0)),
        ({"data_type": None}, (FieldType.JSON, 0)),
        ({}, (FieldType.JSON, 0)),
    ],
)
def test_a_field_is_typed_by_its_metadata(meta, expected):
    field = typed(**meta)
    assert (field.type, field.scale) == expected


def option(actual, display=None, **more):
    return {"actual_value": actual, "display_value": display or actual, **more}


def test_a_pick_list_offers_what_it_ever_offered_under_either_name():
    values = [
        option("-None-"),
        option("Won", "赢单"),
        option("Lost"),
        option("Old", type="unused"),
        "odd",
        {"id": "1"},
    ]
    for data_type in ("picklist", "multiselectpicklist"):
        found = typed(data_type=data_type, pick_list_values=values)
        assert found.options == ("Won", "赢单", "Lost", "Old")
    assert typed(data_type="text", pick_list_values=values).options == ()
    assert typed(data_type="picklist", pick_list_values="odd").options == ()
    assert typed(data_type="picklist", pick_list_values=[option(str(n)) for n in range(1001)]).options == ()


def test_the_declaration_knows_better_than_a_plain_number():
    metas = parse_fields(
        b'{"fields": [{"api_name": "Amount", "data_type": "double"}, {"api_name": "Probability", '
        b'"data_type": "percent"}, {"api_name": "Mobile"}, {"api_name": "Modified_Time", '
        b'"data_type": "datetime", "field_label": "Changed"}]}'
    )
    shape = reading(DEALS, metas).shape
    assert shape.fields == (
        Field("id", FieldType.TEXT),
        Field("Amount", FieldType.DECIMAL, 2),
        Field("Probability", FieldType.INTEGER),
        Field("Mobile", FieldType.TEXT, pii=True),
        Field("Lost_Reason", FieldType.TEXT),
        Field("Modified_Time", FieldType.DATETIME, label="Changed"),
    )


def test_a_declared_field_that_the_organisation_lacks_is_not_asked_for():
    metas = parse_fields(b'{"fields": [{"api_name": "Amount"}, {"api_name": "Modified_Time"}]}')
    assert reading(DEALS, metas).chunks == (("Modified_Time", "Amount"),)
    assert "Lost_Reason" in {f.name for f in reading(DEALS, metas).shape.fields}


def test_a_module_without_its_stamp_has_none():
    found = reading(DEALS, parse_fields(b'{"fields": [{"api_name": "Amount"}]}'))
    assert (found.shape.stamp, found.chunks) == (None, (("Amount",),))


def test_without_metadata_the_declaration_stands():
    found = reading(DEALS, None)
    assert found.shape.fields == DEALS.fields
    assert found.chunks == (("Modified_Time", "Amount", "Probability", "Mobile", "Lost_Reason"),)


def test_subforms_and_linked_lists_are_not_asked_for_and_the_id_is_implied():
    metas = parse_fields(
        b'{"fields": [{"api_name": "id", "data_type": "bigint"}, {"api_name": "Lines", "data_type": '
        b'"subform"}, {"api_name": "Partners", "data_type": "multiselectlookup"}, {"api_name": "Stage"}]}'
    )
    assert reading(DEALS, metas).chunks == (("Stage",),)


@pytest.mark.parametrize(("fields", "sizes"), [(48, [50]), (49, [50, 2]), (97, [50, 50]), (98, [50, 50, 2])])
def test_no_call_names_more_than_fifty_and_each_carries_the_stamp(fields, sizes):
    names = ["Created_Time", "Modified_Time"] + [f"F{n}" for n in range(fields)]
    metas = parse_fields(json.dumps({"fields": [{"api_name": n} for n in names]}).encode())
    chunks = reading(DEALS, metas).chunks
    assert [len(chunk) for chunk in chunks] == sizes
    assert all("Modified_Time" in chunk for chunk in chunks)
    assert chunks[0][:2] == ("Created_Time", "Modified_Time")
    assert {name for chunk in chunks for name in chunk} == set(names)
    assert sum(sizes) == len(names) + len(sizes) - 1


def test_mail_addresses_of_people_are_personal_wherever_they_stand():
    metas = parse_fields(b'{"fields": [{"api_name": "Second_Mail", "data_type": "email"}]}')
    assert [f.pii for f in reading(DEALS, metas).shape.fields if f.name == "Second_Mail"] == [True]
    companies = Stream(source="zoho", name="a", api_name="A", label="", docs="", fields=DEALS.fields[:2])
    assert [f.pii for f in reading(companies, metas).shape.fields if f.name == "Second_Mail"] == [False]


@pytest.mark.parametrize("body", [b"<html>", b"{}", b'{"fields": [1]}', b'{"fields": 1}'])
def test_metadata_that_is_none_is_a_bad_body(body):
    with pytest.raises(BadBody):
        parse_fields(body)


CUSTOM = Stream(
    source="zoho", name="visits", api_name="Visits", label="拜访", docs="https://example.invalid", fields=(),
    stamp="Modified_Time", modelled=False,
)  # fmt: skip


def test_a_field_that_lacks_every_key_costs_itself_and_no_module():
    # airbytehq/airbyte#31433: one field without json_type and the whole module was missing.
    metas = parse_fields(
        b'{"fields": [{}, {"api_name": null}, {"api_name": "Odd", "data_type": ["x"], "json_type": {"a": 1}}, '
        b'{"api_name": "Name", "data_type": "text"}, {"api_name": "Modified_Time", "data_type": "datetime"}]}'
    )
    found = reading(CUSTOM, metas)
    assert found.chunks == (("Modified_Time", "Odd", "Name"),)
    assert {f.name: f.type for f in found.shape.fields}["Odd"] is FieldType.JSON


def test_a_discovered_module_has_its_key_its_metadata_and_guarded_people():
    metas = parse_fields(
        b'{"fields": [{"api_name": "Mail", "data_type": "email"}, {"api_name": "Tel", "data_type": "phone"}, '
        b'{"api_name": "Created_Time", "data_type": "datetime"}, {"api_name": "Score", "data_type": "integer"}]}'
    )
    shape = reading(CUSTOM, metas).shape
    assert [(f.name, f.pii) for f in shape.fields] == [
        ("id", False), ("Mail", True), ("Tel", True), ("Created_Time", False), ("Score", False),
    ]  # fmt: skip
    assert (shape.key, shape.stamp) == ("id", None), "no Modified_Time: read whole"


@pytest.mark.parametrize("metas", [None, []])
def test_a_module_without_fields_says_how_to_leave_it_out(metas):
    with pytest.raises(Problem, match="no field of the module Visits") as caught:
        reading(CUSTOM, metas)
    assert "ZOHO_MODULES_EXCEPT=Visits" in caught.value.do
