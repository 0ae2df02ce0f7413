"""Settings as rows: what was received stays as it came, and each row says what it belongs to."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connectors.core.contract import Page
from connectors.core.errors import Problem
from connectors.core.http import BadBody
from connectors.zoho import known
from connectors.zoho.settings import Asking, read_settings, rows_at

LAYOUTS = b"""{"layouts": [
 {"id": "L1", "sections": [{"fields": [
   {"api_name": "Type", "pick_list_values": [{"id": "T1"}]},
   {"api_name": "Stage", "pick_list_values": [
     {"id": "S1", "display_value": "\xe8\xb0\x88\xe5\x88\xa4", "probability": 60}]}]}]},
 {"id": "L2", "sections": null}]}"""
PIPELINE = b"""{"pipeline": [{"id": "P1", "display_value": "Standard", "maps": [
  {"id": "S1", "sequence_number": 1, "forecast_type": "Open"}, {"id": "S2", "sequence_number": 2}]}]}"""
FIELDS = {
    "Deals": b'{"fields": [{"id": "1", "api_name": "Stage", "pick_list_values": [{"id": "S1", "x": 1.10}]}]}',
    "Visits": b'{"fields": [{ "api_name": "Score" },{}]}',
    "Blank": None,
}


class Zoho:
    """Answers by path and the one parameter that is asked with."""

    def __init__(self, answers: dict[tuple[str, str], bytes | Problem | None]) -> None:
        self.answers, self.asked = answers, []

    def get(self, path: str, params: dict[str, str], parse: Any) -> Any:
        asked = (path, next(iter(params.values()), ""))
        self.asked.append(asked)
        body = self.answers[asked]
        if isinstance(body, Problem):
            raise body
        return None if body is None else parse(body)


STAGED = Zoho(
    {
        ("settings/layouts", "Deals"): LAYOUTS,
        ("settings/pipeline", "L1"): PIPELINE,
        ("settings/pipeline", "L2"): None,
    }
)


def read(
    name: str, zoho: Zoho = STAGED, modules: tuple[str, ...] = ("Deals", "Visits", "Blank")
) -> list[Page]:
    stream = next(s for s in known() if s.name == name)
    return list(read_settings(Asking(zoho, modules, FIELDS.get, tagged=modules), stream))


def rows(pages: list[Page], records: str) -> list[dict[str, Any]]:
    found = [row for page in pages for row in json.loads(page.body)[records]]
    assert sum(page.rows for page in pages) == len(found)
    return found


def test_a_plain_list_is_the_reply_itself_and_goes_on_while_there_is_more():
    first = b'{"territories": [{"id": "1"}], "info": {"more_records": true}}'
    last = b'{"territories": [{"id": "2"}], "info": {"more_records": false}}'
    zoho = Zoho({("settings/territories", ""): first, ("settings/territories", "2"): last})
    assert [page.body for page in read("territories", zoho)] == [first, last]
    assert read("territories", Zoho({("settings/territories", ""): None})) == []


def test_a_list_without_an_end_is_given_up():
    always = b'{"territories": [{"id": "1"}], "info": {"more_records": true}}'
    zoho = Zoho({("settings/territories", at): always for at in ("", "2", "3")})
    with pytest.raises(Problem, match="the same page again"):
        read("territories", zoho)
    assert len(zoho.asked) == 2


def test_a_field_says_of_which_module_it_is():
    found = rows(read("fields"), "fields")
    assert [(r["_key"], r["_module"]) for r in found] == [
        ("Deals.Stage", "Deals"), ("Visits.Score", "Visits"), ("Visits.None", "Visits"),
    ]  # fmt: skip
    assert found[0]["pick_list_values"] == [{"id": "S1", "x": 1.1}]
    assert b'"x": 1.10' in read("fields")[0].body, "what was received stays byte for byte"


def refusal(code: str, *, transient: bool = False) -> Problem:
    return Problem("refused", do="wait", code=code, transient=transient)


def test_a_tag_says_of_which_module_it_is_and_a_module_without_tags_is_left_out():
    tags = b'{"tags": [{"id": "9", "name": "\xe5\xb9\xb4\xe6\xa1\x86", "color_code": null}], "info": {"count": 1}}'
    answers = {"Deals": tags, "Visits": refusal("NOT_SUPPORTED"), "Blank": None}
    zoho = Zoho({("settings/tags", module): answer for module, answer in answers.items()})
    found = rows(read("tags", zoho), "tags")
    assert [(r["_key"], r["_module"], r["name"]) for r in found] == [("Deals.9", "Deals", "年框")]
    assert [module for _, module in zoho.asked] == ["Deals", "Visits", "Blank"]


def test_modules_that_have_no_tags_are_nobodys_fault():
    zoho = Zoho({("settings/tags", "Visits"): refusal("NOT_SUPPORTED")})
    assert read("tags", zoho, modules=("Visits",)) == []


@pytest.mark.parametrize(
    ("first", "rest", "code"),
    [
        (refusal("NO_PERMISSION"), refusal("NO_PERMISSION"), "NO_PERMISSION"),
        (refusal("NOT_SUPPORTED"), refusal("NO_PERMISSION"), "NO_PERMISSION"),
        (refusal("OAUTH_SCOPE_MISMATCH"), None, "OAUTH_SCOPE_MISMATCH"),
        (refusal("TOO_MANY_REQUESTS", transient=True), None, "TOO_MANY_REQUESTS"),
    ],
)
def test_tags_that_no_module_gives_and_refusals_of_everything_are_a_problem(first, rest, code):
    answers = {"Deals": first, "Visits": rest, "Blank": rest}
    zoho = Zoho({("settings/tags", module): answer for module, answer in answers.items()})
    with pytest.raises(Problem) as caught:
        read("tags", zoho)
    assert caught.value.code == code


def test_a_pipeline_says_of_which_layout_it_is_and_a_stage_of_which_pipeline():
    [pipeline] = rows(read("pipelines"), "pipeline")
    assert (pipeline["_key"], pipeline["_layout_id"], pipeline["id"]) == ("L1.P1", "L1", "P1")
    assert [
        (r["_key"], r["_pipeline"], r["sequence_number"], r.get("forecast_type"))
        for r in rows(read("pipeline_stages"), "maps")
    ] == [("L1.P1.S1", "Standard", 1, "Open"), ("L1.P1.S2", "Standard", 2, None)]


def test_stages_come_from_the_field_and_from_each_layout():
    found = rows(read("stages"), "pick_list_values")
    assert [(r["_key"], r["_layout_id"], r.get("probability")) for r in found] == [
        ("Deals.S1", None, None), ("L1.S1", "L1", 60),
    ]  # fmt: skip
    assert found[1]["display_value"] == "谈判"


@pytest.mark.parametrize("name", ["pipelines", "pipeline_stages"])
def test_without_deals_there_are_no_pipelines(name):
    assert read(name, Zoho({}), modules=("Visits",)) == []


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", b'{"roles": 1}', b'{"roles": [1]}'])
def test_what_is_no_list_is_a_bad_body(body):
    with pytest.raises(BadBody):
        rows_at(body, "roles")


def test_a_row_that_is_none_is_a_problem_and_no_crash():
    zoho = Zoho({("settings/layouts", "Deals"): b'{"layouts": [{"id": "L", "sections": [7]}]}'})
    with pytest.raises(Problem, match="cannot be used: it does not hold a list of fields"):
        read("stages", zoho)


def test_every_setting_has_a_recipe_its_page_and_a_key_among_its_fields():
    settings = [s for s in known() if "recipe" in s.options]
    assert {s.name for s in settings} >= {
        "roles", "profiles", "territories", "org", "currencies", "pipelines", "stages", "fields", "modules",
        "tags",
    }  # fmt: skip
    for stream in settings:
        assert stream.whole
        assert stream.docs.startswith("https://www.zoho.com/")
        assert stream.key in {field.name for field in stream.fields}
