"""Forms of Fxiaoke's replies that some pages, tenants and clients show beside the usual one, written by hand."""

from __future__ import annotations

import json

import pytest

from connectors.core.http import BadBody
from connectors.fxiaoke.api.areas import options
from connectors.fxiaoke.api.envelopes import usual
from connectors.fxiaoke.api.query import cut_page

HEAD = b'"errorCode":0,"errorMessage":"OK","traceId":"t"'
# Spaces, an exact number and a text of digits, which another encoder would write differently.
ONE = b'{ "_id":"a", "amount":1.10,"last_modified_time":"1764518400000" }'
TWO = b'{"_id":"b","owner__r":{"id":"1000","phone":"17000001000"},"last_modified_time":1764518400001}'
USUAL = b'{"data":{"dataList":[' + ONE + b"," + TWO + b'],"total":7},' + HEAD + b"}"
ON_TOP = b'{"dataList":[' + ONE + b"," + TWO + b'],"total":7,' + HEAD + b"}"
BESIDE_NOTHING = b'{"data":null,"dataList":[' + ONE + b"," + TWO + b'],"totalSize":7,' + HEAD + b"}"


def test_the_usual_form_stays_as_it_came() -> None:
    assert usual(USUAL) is USUAL


@pytest.mark.parametrize("body", [ON_TOP, BESIDE_NOTHING], ids=["on top", "beside an empty data"])
def test_a_list_on_top_goes_where_everybody_has_it_byte_for_byte(body: bytes) -> None:
    found = usual(body)
    assert json.loads(found)["data"]["dataList"] == [json.loads(ONE), json.loads(TWO)]
    assert ONE in found and TWO in found
    assert json.loads(found)["errorCode"] == 0


@pytest.mark.parametrize("body", [USUAL, ON_TOP, BESIDE_NOTHING], ids=["usual", "on top", "total size"])
def test_every_form_is_cut_alike_and_loses_the_telephone(body: bytes) -> None:
    cut = cut_page(body, frozenset())
    assert (list(cut.ids), cut.total, cut.void) == (["a", "b"], 7, 0)
    assert max(cut.stamps).timestamp() * 1000 == 1764518400001
    assert cut.redacted == {"owner__r.phone"} and b"17000001000" not in cut.body


def test_one_record_in_the_place_of_data_is_a_list_of_one() -> None:
    cut = cut_page(b'{"data":' + TWO + b"," + HEAD + b"}", frozenset())
    assert list(cut.ids) == ["b"] and b"17000001000" not in cut.body
    assert json.loads(cut.body)["data"]["dataList"][0]["last_modified_time"] == 1764518400001


def test_the_count_of_totalsize_comes_before_that_of_total() -> None:
    body = b'{"data":{"dataList":[' + ONE + b'],"total":0,"totalSize":31},' + HEAD + b"}"
    assert cut_page(body, None).total == 31


@pytest.mark.parametrize(
    "body",
    [
        b'{"errorCode":0}',
        b'{"data":{},"errorCode":0}',
        b'{"data":[1]}',
        b"[]",
        b'{"dataList":3}',
        b'{"data":{"da',
    ],
)
def test_what_is_no_page_is_none(body: bytes) -> None:
    with pytest.raises(BadBody):
        cut_page(body, frozenset())


@pytest.mark.parametrize(
    ("told", "labels"),
    [
        ({"options": [{"label": "江苏省", "value": "266"}]}, (("266", "江苏省"),)),
        ([{"label": "江苏省", "value": "266"}, {"label": "旧", "value": 9}], (("266", "江苏省"), ("9", "旧"))),
        ([{"label": "江苏省", "value": "266"}, {"label": "again", "value": "266"}], (("266", "江苏省"),)),
        ([{"label": None, "value": "1"}, {"value": "2"}, "x"], ()),
        ({"266": "江苏省"}, ()),
        (None, ()),
    ],
)  # fmt: skip
def test_areas_are_read_where_they_look_like_options(told: object, labels: object) -> None:
    assert options(told) == labels
