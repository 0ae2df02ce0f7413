"""Which modules of an organisation become streams, and what is said about those that do not."""

from __future__ import annotations

import json

import pytest

from connectors.core.contract import Field, FieldType, Stream
from connectors.core.errors import Problem
from connectors.zoho import selection
from connectors.zoho.modules import Offer, offer, stream_name

DEALS, USERS, HISTORY = (
    Stream(
        source="zoho",
        name=name,
        api_name=api_name,
        label="",
        docs="",
        options=options,
        fields=(Field("id", FieldType.TEXT),),
    )
    for name, api_name, options in (
        ("deals", "Deals", {}),
        ("users", "users", {"path": "users"}),
        ("deal_history", "DealHistory", {"optional": True}),
    )
)
MODULES = [
    {"api_name": "Deals", "id": "1", "generated_type": "default"},
    {"api_name": "Vendors", "id": "2", "generated_type": "default", "plural_label": "供应商"},
    {"api_name": "Attachments", "id": "3", "generated_type": "default"},
    {"api_name": "Visits", "id": "40", "generated_type": "custom"},
    {"api_name": "Ordered_Items", "id": "5", "generated_type": "subform"},
    {"api_name": "Products_X_Deals", "id": "6", "generated_type": "linking"},
    {"api_name": "Reports", "id": "7", "generated_type": "default", "api_supported": False},
    {"api_name": "Salaries", "id": "8", "generated_type": "custom", "viewable": False},
    {"api_name": None, "id": "9"},
    {"id": 10, "generated_type": None},
]


class Answering:
    def __init__(self, modules: list[dict]) -> None:
        self.body = json.dumps({"modules": modules}).encode()

    def get(self, path, params, parse):
        assert path == "settings/modules"
        return parse(self.body)


def offered(modules=MODULES, allow: str = "", deny: str = "") -> Offer:
    return offer(Answering(modules), [DEALS, USERS, HISTORY], selection.MODULES.parse(allow, deny))


def names(found: Offer) -> list[str]:
    return [stream.name for stream in found.streams]


def test_the_default_is_what_models_read_what_they_will_need_and_what_the_organisation_made():
    found = offered()
    assert names(found) == ["deals", "users", "vendors", "ordered_items", "products_x_deals", "visits"]
    assert (found.problems, found.unread) == ((), ("Attachments",))
    by_name = {stream.name: stream for stream in found.streams}
    assert by_name["vendors"].label == "供应商"
    assert [s.name for s in found.streams if s.modelled] == ["deals", "users"]
    assert {n: by_name[n].deletes for n in ("vendors", "visits", "ordered_items", "products_x_deals")} == {
        "vendors": True, "visits": True, "ordered_items": False, "products_x_deals": False,
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["default", "custom", "web", None])
def test_histories_that_tracking_made_are_read_whatever_kind_they_are_and_never_by_bulk(kind):
    made = {"api_name": "Lead_Status_History", "id": "50", "generated_type": kind}
    found = offered([*MODULES, made])
    history = next(stream for stream in found.streams if stream.api_name == "Lead_Status_History")
    assert (history.name, history.modelled) == ("lead_status_history", False)
    assert "deleted records" in history.options["no_bulk"]
    assert all("no_bulk" not in stream.options for stream in found.streams if stream != history)
    assert "lead_status_history" not in names(offered([*MODULES, made], deny="Lead_Status_History"))


@pytest.mark.parametrize(
    ("allow", "deny", "expected"),
    [
        ("Visits", "", ["users", "visits"]),
        (" visits , VENDORS", "", ["users", "vendors", "visits"]),
        ("deals,ordered_items", "", ["deals", "users", "ordered_items"]),
        ("default,Attachments", "Visits", ["deals", "users", "vendors", "attachments", "ordered_items",
                                           "products_x_deals"]),
        ("all", "Vendors,products_x_deals", ["deals", "users", "attachments", "ordered_items", "visits"]),
        ("", "Deals", ["users", "vendors", "ordered_items", "products_x_deals", "visits"]),
    ],
)  # fmt: skip
def test_the_settings_say_which_modules(allow, deny, expected):
    found = offered(allow=allow, deny=deny)
    assert names(found) == expected
    assert found.problems == ()


def test_a_name_that_is_no_module_is_a_sentence_and_the_others_are_read():
    found = offered(allow="Deals,Vists", deny="Salaries")
    assert names(found) == ["deals", "users"]
    texts = [str(problem) for problem in found.problems]
    assert len(texts) == 2
    assert "ZOHO_MODULES names 'vists'" in texts[0]
    assert "Write Visits instead" in texts[0]
    assert "ZOHO_MODULES_EXCEPT names 'salaries'" in texts[1]
    assert "doctor" in texts[1]


def test_a_needed_module_that_is_hidden_is_named_unless_it_is_left_out():
    hidden = MODULES[1:]
    [problem] = offered(hidden).problems
    assert "sees no module Deals" in str(problem)
    assert offered(hidden, deny="Deals").problems == ()
    assert offered(hidden, allow="Vendors").problems == ()


@pytest.mark.parametrize(
    ("api_name", "expected"),
    [
        ("DealHistory", "deal_history"),
        ("Sales_Orders", "sales_orders"),
        ("CustomModule5001", "custom_module5001"),
        ("ABCReports", "abc_reports"),
        ("Lead_Status_History", "lead_status_history"),
        ("Visits__s", "visits_s"),
        ("__", "module"),
    ],
)
def test_a_stream_is_named_in_snake_case(api_name, expected):
    assert stream_name(api_name) == expected


def test_of_two_modules_with_one_name_the_older_keeps_it():
    twins = [
        {"api_name": "SiteVisits", "id": "1000", "generated_type": "custom"},
        {"api_name": "Site_Visits", "id": "999", "generated_type": "custom"},
        {"api_name": "DealHistory_", "id": "998", "generated_type": "custom"},
    ]
    found = {s.api_name: s.name for s in offered([MODULES[0], *twins]).streams if not s.modelled}
    assert found == {
        "Site_Visits": "site_visits",
        "SiteVisits": "site_visits_1000",
        "DealHistory_": "deal_history_998",
    }


def test_a_name_stays_with_its_module():
    """`site_visits` of the module that is gone must not take in the rows of the one that is left."""
    left = {"api_name": "SiteVisits", "id": "1000", "generated_type": "custom"}
    new = {"api_name": "Site_visits", "id": "5", "generated_type": "custom"}
    known = {"site_visits": "Site_Visits", "site_visits_1000": "SiteVisits"}
    found = offer(
        Answering([MODULES[0], left, new]),
        [DEALS],
        selection.MODULES.parse("", ""),
        {"deals": "Deals", **known},
    )
    assert {s.name: s.api_name for s in found.streams} == {
        "deals": "Deals", "site_visits_1000": "SiteVisits", "site_visits_5": "Site_visits",
    }  # fmt: skip


def test_modules_without_an_id_and_with_long_names_have_names_of_their_own():
    twins = [{"api_name": f"Site{x}Visits", "generated_type": "custom"} for x in ("", "_", "__")]
    long = [{"api_name": f"{'长' * 10}{'X' * 300}{end}", "generated_type": "custom"} for end in "ab"]
    found = {s.api_name: s.name for s in offered([*twins, *long]).streams if not s.modelled}
    assert {found[twin["api_name"]] for twin in twins} == {"site_visits", "site_visits_2", "site_visits_3"}
    assert {found[module["api_name"]] for module in long} == {"x" * 80, f"{'x' * 80}_2"}


def test_modules_that_are_none_are_a_bad_body():
    class Html(Answering):
        def __init__(self) -> None:
            self.body = b"<html>"

    with pytest.raises(Exception, match="not a list of modules") as caught:
        offer(Html(), [DEALS], selection.MODULES.parse("", ""))
    assert not isinstance(caught.value, Problem), "the HTTP layer asks again"
