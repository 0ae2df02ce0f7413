"""The sandbox's set-up of the organisation and the modules beside its core, with plain requests.

Facts: https://www.zoho.com/crm/developer/docs/api/v8/ (modules-api.html, field-meta.html, layouts-meta.html,
get-pipelines.html, get-roles.html, get-territories.html, get-currencies.html, subforms.html).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from tests.conftest import Sandbox
from tests.contract.zoho_client import Client, refused

EXTRAS = {
    "Quotes": "default", "Quoted_Items": "subform", "Site_Visits": "custom", "Equipment": "custom",
    "Equipment_X_Contacts": "linking", "Notes": "default", "Lead_Status_History": "default",
}  # fmt: skip
NORMAL: dict[str, Any] = {
    "hidden": [], "denied": [], "off": [], "no_fields": [], "sparse": [], "territories": True, "deleted_lists": False,
    "extras": True, "scopes": [], "scope_told": True,
}  # fmt: skip


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Sandbox, Client]]:
    served = Sandbox(seed=21, size=150)
    served.advance(3)
    yield served, Client(served.url)
    served.close()


@pytest.fixture
def zoho(served) -> Iterator[Client]:
    """A client of an organisation with extra modules; switches fall back."""
    served[0].set(**NORMAL)
    yield served[1]
    served[0].set(**NORMAL)


def names(client: Client, module: str) -> list[str]:
    return [f["api_name"] for f in client.page("settings/fields", module=module)["fields"]]


def everything(client: Client, module: str) -> dict[str, dict[str, Any]]:
    """All rows of a module by id, wide ones in chunks."""
    fields, rows = [n for n in names(client, module) if n != "id"], {}
    for start in range(0, len(fields), 50):
        for row in client.walk(module, fields=",".join(fields[start : start + 50])):
            rows.setdefault(row["id"], {}).update(row)
    return rows


# --- the organisation


def test_roles_form_a_tree_and_users_hold_them(zoho):
    roles = {role["id"]: role for role in zoho.page("settings/roles")["roles"]}
    tops = [role for role in roles.values() if role["reporting_to"] is None]
    assert tops and len(tops) < len(roles)
    for role in roles.values():
        if role["reporting_to"]:
            assert role["reporting_to"]["name"] == roles[role["reporting_to"]["id"]]["name"] != role["name"]
    users = zoho.page("users")["users"]
    assert {user["role"]["id"] for user in users} <= set(roles)
    profiles = {profile["id"] for profile in zoho.page("settings/profiles")["profiles"]}
    assert {user["profile"]["id"] for user in users} <= profiles


def test_tags_belong_to_a_module_and_lines_have_none(zoho):
    body = zoho.page("settings/tags", module="Deals")
    assert [(tag["name"], tag["color_code"]) for tag in body["tags"]] == [
        ("重点项目", "#57B1FD"), ("年框", "#F17574"), ("需要方案支持", None),
    ]  # fmt: skip
    assert body["info"]["count"] == 3
    accounts = zoho.page("settings/tags", module="Accounts")["tags"]
    assert [tag["name"] for tag in accounts] == ["战略客户", "重点项目"]
    assert len({tag["id"] for tag in body["tags"] + accounts}) == 5, "a tag is of one module"
    assert zoho.get("settings/tags", module="Contacts").status_code == 204
    assert zoho.refusal("settings/tags", module="Quoted_Items")[:2] == (400, "NOT_SUPPORTED")
    assert zoho.refusal("settings/tags")[:2] == (400, "REQUIRED_PARAM_MISSING")


def test_territories_can_be_off(served, zoho):
    body = zoho.page("settings/territories")
    root, *rest = body["territories"]
    assert root["reporting_to"] is None
    assert {t["reporting_to"]["id"] for t in rest} == {root["id"]}
    assert body["info"]["count"] == len(body["territories"]) == 5
    served[0].set(territories=False)
    assert zoho.refusal("settings/territories")[:2] == (400, "TERRITORY_NOT_ENABLED")


def test_one_currency_is_the_base(zoho):
    currencies = {c["iso_code"]: c for c in zoho.page("org/currencies")["currencies"]}
    assert [code for code, c in currencies.items() if c["is_base"]] == ["CNY"]
    assert zoho.page("org")["org"][0]["iso_code"] == "CNY"


def test_pipelines_need_a_layout_and_hold_no_probability(zoho):
    assert zoho.refusal("settings/pipeline") == (400, "REQUIRED_PARAM_MISSING", {"param_name": "layout_id"})
    (layout,) = zoho.page("settings/layouts", module="Deals")["layouts"]
    (section,) = layout["sections"]
    stages = next(f for f in section["fields"] if f["api_name"] == "Stage")["pick_list_values"]
    pipelines = {
        p["actual_value"]: p for p in zoho.page("settings/pipeline", layout_id=layout["id"])["pipeline"]
    }
    assert set(pipelines) == {"Standard (Standard)", "Renewal"}
    assert [p["actual_value"] for p in pipelines.values() if p["default"]] == ["Standard (Standard)"]
    standard = pipelines["Standard (Standard)"]["maps"]
    assert {m["id"] for m in standard} == {s["id"] for s in stages}
    assert len(pipelines["Renewal"]["maps"]) == len(standard) - 1
    assert not any("probability" in m for m in standard)
    by_name = {m["display_value"]: m for m in standard}
    assert by_name["Closed Won"]["forecast_type"] == "Closed Won"
    categories = {s["display_value"]: (s["probability"], s["forecast_category"]["name"]) for s in stages}
    assert categories["Negotiation/Review"] == (90, "Commit")
    assert categories["Closed Lost"] == (0, "Omitted")
    assert len({s["forecast_category"]["id"] for s in stages}) == len({c for _, c in categories.values()})
    assert zoho.get("settings/pipeline", layout_id="1").status_code == 204


def test_the_api_describes_its_scopes_and_costs(zoho):
    apis = {api["path"]: api["operation_types"][0] for api in zoho.page("__apis")["__apis"]}
    assert apis["/crm/v8/coql"]["method"] == "POST"
    assert apis["/crm/v8/{module_api_name}/actions/count"]["max_credits"] == 50
    assert all(operation["oauth_scope"].startswith("ZohoCRM.") for operation in apis.values())


# --- modules beside the core


def test_extra_modules_are_there_only_when_switched_on(served, zoho):
    modules = {m["api_name"]: m for m in zoho.page("settings/modules")["modules"]}
    assert {name: modules[name]["generated_type"] for name in EXTRAS} == EXTRAS
    assert modules["Quoted_Items"]["parent_module"]["api_name"] == "Quotes"
    assert modules["Quoted_Items"]["parent_module"]["id"] == modules["Quotes"]["id"]
    served[0].set(extras=False)
    assert not EXTRAS.keys() & {m["api_name"] for m in zoho.page("settings/modules")["modules"]}
    assert zoho.refusal("Quotes", fields="Subject")[1] == "INVALID_MODULE"
    assert refused(zoho.post("v8/coql", {"select_query": "select id from Notes where id is not null"}))[
        1
    ] == ("INVALID_MODULE")


@pytest.mark.parametrize("module", EXTRAS)
def test_what_is_served_is_the_truth(served, zoho, module):
    truth = served[0].truth("zoho", module.lower())["records"]
    rows = everything(zoho, module)
    assert truth and set(rows) == set(truth)
    for id, record in truth.items():
        for name, value in record.items():
            found = rows[id][name]
            found = found["id"] if isinstance(found, dict) else found
            if isinstance(value, str) and value[10:11] == "T" and value[:4].isdigit():
                found, value = datetime.fromisoformat(found), datetime.fromisoformat(value)
            if name == "Cover_Letter":  # a rich text, which lists cut
                value = value and value[:500]
            assert found == value, (id, name)


def test_rich_texts_are_whole_where_they_are_asked_for_alone(served, zoho):
    truth = {id: r["Cover_Letter"] for id, r in served[0].truth("zoho", "quotes")["records"].items()}
    assert max(len(text or "") for text in truth.values()) > 500
    ids = sorted(truth)[:200]
    data = zoho.page("Quotes/actions/fetch_full_data", ids=",".join(ids), fields="Cover_Letter")["data"]
    assert {row["id"]: row["Cover_Letter"] for row in data} == {id: truth[id] for id in ids}
    asked = {"ids": ids[0], "fields": "Subject"}
    assert zoho.refusal("Quotes/actions/fetch_full_data", **asked)[1] == "INVALID_DATA"
    fields = zoho.page("settings/fields", module="Quotes")["fields"]
    assert {f["api_name"]: f["textarea"]["type"] for f in fields if f["textarea"]} == {
        "Cover_Letter": "rich_text"
    }


def test_a_wide_module_has_120_fields_and_none_is_always_empty(zoho):
    assert len(names(zoho, "Equipment")) == 120
    rows = everything(zoho, "Equipment").values()
    filled = {name for row in rows for name, value in row.items() if value is not None}
    assert len(filled) >= 100


def test_modules_without_stamps_have_none_to_sort_or_filter_by(zoho):
    for module, first in (("Site_Visits", "Name"), ("Equipment_X_Contacts", "Operators")):
        assert "Modified_Time" not in names(zoho, module)
        assert zoho.refusal(module, fields=first, sort_by="Modified_Time")[1] == "INVALID_DATA"
        # not documented: the header is passed over where nothing is stamped
        assert zoho.walk(module, "2030-01-01T00:00:00+00:00", fields=first) == zoho.walk(module, fields=first)
    assert "Created_Time" in names(zoho, "Site_Visits")
    assert (
        zoho.refusal("Equipment_X_Contacts", fields="Operators", sort_by="Created_Time")[1] == "INVALID_DATA"
    )


def test_subforms_and_links_are_in_one_record_not_in_a_list(zoho):
    quote = zoho.page("Quotes", fields="Subject,Quoted_Items", per_page=1)["data"][0]
    assert "Quoted_Items" not in quote
    lines = zoho.page(f"Quotes/{quote['id']}")["data"][0]["Quoted_Items"]
    found = [
        row for row in zoho.walk("Quoted_Items", fields="Parent_Id") if row["Parent_Id"]["id"] == quote["id"]
    ]
    assert {line["id"] for line in lines} == {row["id"] for row in found} != set()
    fields = {f["api_name"]: f for f in zoho.page("settings/fields", module="Equipment")["fields"]}
    operators = fields["Operators"]
    assert operators["multiselectlookup"]["linking_module"]["api_name"] == "Equipment_X_Contacts"
    link = zoho.walk("Equipment_X_Contacts", fields="Equipment_Lookup,Operators")[0]
    whole = zoho.page(f"Equipment/{link['Equipment_Lookup']['id']}")["data"][0]
    assert link["id"] in {row["id"] for row in whole["Operators"]}


def test_a_note_says_which_module_its_parent_is_in_and_is_not_bulk_read(zoho):
    note = zoho.page("Notes", fields="Note_Title,Parent_Id", per_page=1)["data"][0]
    assert set(note["Parent_Id"]) == {"module", "name", "id"}
    assert note["Parent_Id"]["module"]["api_name"] == "Accounts"
    query = {"query": {"module": {"api_name": "Notes"}}}
    assert refused(zoho.post("bulk/v8/read", query))[:2] == (400, "MODULE_NOT_SUPPORTED")
    wide = {"query": {"module": {"api_name": "Quotes"}, "fields": ["Quoted_Items"]}}
    assert refused(zoho.post("bulk/v8/read", wide))[:2] == (400, "FIELD_NOT_SUPPORTED")


def test_lines_and_links_have_a_deleted_list_only_when_switched(served, zoho):
    for module in ("Quoted_Items", "Equipment_X_Contacts"):
        assert zoho.refusal(f"{module}/deleted")[1] == "INVALID_MODULE"
    served[0].set(deleted_lists=True)
    gone = served[0].truth("zoho", "quoted_items")["deleted"]
    assert {row["id"] for row in zoho.walk_pages("Quoted_Items/deleted")} <= set(gone)
    assert zoho.page("Equipment_X_Contacts/deleted")["data"]


def test_a_formula_changes_without_a_stamp(served, zoho):
    before = {row["id"]: row for row in zoho.walk("Quotes", fields="Expected_Margin,Modified_Time")}
    served[0].advance(3)
    zoho.login()
    after = {row["id"]: row for row in zoho.walk("Quotes", fields="Expected_Margin,Modified_Time")}
    silent = [
        id for id in before.keys() & after.keys()
        if before[id]["Modified_Time"] == after[id]["Modified_Time"]
        and before[id]["Expected_Margin"] != after[id]["Expected_Margin"]
    ]  # fmt: skip
    assert silent


# --- trouble


def test_a_module_may_be_denied_switched_off_or_hidden(served, zoho):
    served[0].set(denied=["Notes"], off=["Quotes"], hidden=["Equipment"])
    assert zoho.refusal("Notes", fields="Note_Title") == (
        403, "NO_PERMISSION", {"permissions": ["Crm_Implied_View_Notes"]},
    )  # fmt: skip
    assert zoho.refusal("Quotes", fields="Subject")[:2] == (400, "FEATURE_NOT_ENABLED")
    assert zoho.refusal("Equipment", fields="Name")[:2] == (400, "INVALID_MODULE")
    listed = {m["api_name"] for m in zoho.page("settings/modules")["modules"]}
    assert {"Notes", "Quotes"} < listed
    assert "Equipment" not in listed
    assert zoho.page("Site_Visits", fields="Name")["data"]  # the others go on
    for query, status in (("Notes", 403), ("Quotes", 400)):
        select = {"select_query": f"select id from {query} where id is not null"}
        assert zoho.post("v8/coql", select).status_code == status
        assert zoho.post("bulk/v8/read", {"query": {"module": {"api_name": query}}}).status_code == status


def test_field_metadata_may_be_absent_or_lack_keys(served, zoho):
    served[0].set(no_fields=["Notes"], sparse=["Quotes"])
    assert zoho.get("settings/fields", module="Notes").status_code == 204
    poor = [
        f["api_name"] for f in zoho.page("settings/fields", module="Quotes")["fields"] if "json_type" not in f
    ]
    assert poor == ["Subject"]
    with pytest.raises(ValueError, match="denied must be like"):
        served[0].set(denied="Notes")


def test_a_token_does_what_its_scopes_say(served, zoho):
    assert "ZohoCRM.modules.READ" in zoho.token()["scope"].split()
    served[0].set(scopes=["ZohoCRM.modules.deals.READ", "ZohoCRM.settings.fields.ALL", "ZohoCRM.org.CREATE"])
    assert zoho.token()["scope"].split()[0] == "ZohoCRM.modules.deals.READ"
    assert zoho.page("Deals", fields="Stage,Amount")["data"]
    assert names(zoho, "Deals")
    for path, query in (
        ("Accounts", {"fields": "Account_Name"}), ("settings/modules", {}), ("users", {}), ("org", {}),
        ("org/currencies", {}),
    ):  # fmt: skip
        assert zoho.refusal(path, **query)[:2] == (401, "OAUTH_SCOPE_MISMATCH"), path
    select = {"select_query": "select id from Deals where id is not null"}
    assert refused(zoho.post("v8/coql", select))[1] == "OAUTH_SCOPE_MISMATCH"
    job = {"query": {"module": {"api_name": "Deals"}}}
    assert refused(zoho.post("bulk/v8/read", job))[1] == "OAUTH_SCOPE_MISMATCH"
    served[0].set(scopes=[], scope_told=False)
    assert "scope" not in zoho.token()
    assert zoho.page("users")["users"]


def test_tracking_a_pick_list_makes_a_module_of_its_history(served, zoho):
    leads = served[0].truth("zoho", "leads")["records"]
    before = everything(zoho, "Lead_Status_History").keys()
    again, moved = list(leads)[:2]
    served[0].act("edit", "leads", id=again, changes={"Lead_Status": leads[again]["Lead_Status"]})
    served[0].act("edit", "leads", id=moved, changes={"Lead_Status": "Lost Lead"})
    rows = everything(zoho, "Lead_Status_History")
    expected = served[0].truth("zoho", "lead_status_history")["records"]
    assert rows.keys() == expected.keys()
    for id, row in rows.items():
        record = expected[id]
        assert (row["Full_Name"] and row["Full_Name"]["id"]) == record["Full_Name"]
        assert {name: row[name] for name in ("Lead_Status", "Moved_To__s", "Duration_Days")} == {
            name: record[name] for name in ("Lead_Status", "Moved_To__s", "Duration_Days")
        }
        assert datetime.fromisoformat(row["Modified_Time"]) == datetime.fromisoformat(record["Modified_Time"])
    assert leads[moved]["Lead_Status"] != "Lost Lead"
    [added] = rows.keys() - before
    assert (rows[added]["Full_Name"]["id"], rows[added]["Lead_Status"]) == (moved, "Lost Lead")
    leads = served[0].truth("zoho", "leads")["records"]
    last = {row["Full_Name"]: row for row in expected.values() if row["Moved_To__s"] is None}
    assert {id: last[id]["Lead_Status"] for id in leads} == {
        id: lead["Lead_Status"] for id, lead in leads.items()
    }
    assert any(row["Moved_To__s"] for row in expected.values())
    assert any(row["Full_Name"] is None for row in expected.values()), "entries of deleted leads stay"
