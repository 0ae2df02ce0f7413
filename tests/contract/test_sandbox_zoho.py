"""The sandbox's Zoho, held against the vendor's rules with plain requests: no connector of ours in between.

Facts: https://www.zoho.com/crm/developer/docs/api/v8/get-records.html, …/get-deleted-records.html,
…/field-meta.html, …/refresh.html.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.conftest import Sandbox
from tests.contract.zoho_client import Client

DEAL = "Deal_Name,Stage,Amount,Owner,Account_Name,Created_Time,Modified_Time"


@pytest.fixture
def zoho(sandbox: Sandbox) -> Iterator[Client]:
    client = Client(sandbox.url)
    yield client
    client.session.close()


@pytest.fixture
def own(fresh_sandbox) -> Iterator[tuple[Sandbox, Client]]:
    served = fresh_sandbox(seed=21, size=120)
    client = Client(served.url)
    yield served, client
    client.session.close()


@pytest.fixture(scope="module")
def aged() -> Iterator[tuple[Sandbox, Client]]:
    """A company in which nine days have passed since it was first served."""
    served = Sandbox(seed=21, size=120)
    client = Client(served.url)
    for module, field in (("Deals", "Owner"), ("DealHistory", "Potential_Name"), ("Leads", "Converted_Deal")):
        client.walk(
            module, fields=f"{field},Modified_Time", converted="both"
        )  # what is remembered must be forgotten
    served.advance(9)
    client.login()
    yield served, client
    client.session.close()
    served.close()


# --- tokens


def test_a_token_is_bearer_for_an_hour_of_this_server(zoho):
    body = zoho.token()
    assert body["token_type"] == "Bearer"
    assert body["expires_in"] == 3600
    assert body["api_domain"] == zoho.url
    assert "refresh_token" not in body


def test_the_token_endpoint_reads_the_query_too(zoho):
    query = {
        "grant_type": "refresh_token", "client_id": "sandbox-client", "client_secret": "sandbox-secret",
        "refresh_token": "sandbox-refresh-token-0123456789abcdef0123456789",
    }  # fmt: skip
    answer = zoho.session.post(f"{zoho.url}/oauth/v2/token", params=query, timeout=30)
    assert "access_token" in answer.json()


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"client_id": "x"}, "invalid_client"),
        ({"client_secret": "x"}, "invalid_client_secret"),
        ({"refresh_token": "x"}, "invalid_code"),
    ],
)
def test_refusals_of_the_token_endpoint_are_http_200(zoho, form, error):
    assert zoho.token(**form) == {"error": error}


@pytest.mark.parametrize("header", ["", "Zoho-oauthtoken nonsense", "Basic abc"])
def test_without_a_living_token_everything_is_401(zoho, header):
    zoho.session.headers["Authorization"] = header
    assert zoho.refusal("Deals", fields=DEAL)[:2] == (401, "INVALID_TOKEN")
    assert zoho.refusal("org")[:2] == (401, "INVALID_TOKEN")


def test_bearer_is_accepted_as_well(zoho):
    token = zoho.session.headers["Authorization"].split()[1]
    zoho.session.headers["Authorization"] = f"Bearer {token}"
    assert zoho.get("org").status_code == 200


# --- metadata


def test_modules_name_what_can_be_read(zoho):
    modules = zoho.page("settings/modules")["modules"]
    readable = {m["api_name"] for m in modules if m["api_supported"] and m["viewable"]}
    assert readable == {"Deals", "Accounts", "Contacts", "Leads", "Products", "DealHistory"}
    assert {m["api_name"] for m in modules} > readable
    assert {m["generated_type"] for m in modules} <= {"default", "web", "custom", "linking", "subform"}


def test_field_metadata_types_what_the_records_hold(zoho):
    for module in ("Deals", "Accounts", "Contacts", "Leads", "Products", "DealHistory"):
        fields = zoho.page("settings/fields", module=module)["fields"]
        names = [f["api_name"] for f in fields if f["api_name"] != "id"]
        record = zoho.page(module, fields=",".join(names[:50]), per_page=1, converted="both")["data"][0]
        for facts in fields[:50]:
            value = record.get(facts["api_name"])
            if value is not None:
                assert isinstance(value, _JSON_TYPES[facts["json_type"]]), (module, facts["api_name"], value)


_JSON_TYPES: dict[str, Any] = {
    "string": str, "integer": int, "double": (Decimal, int), "boolean": bool, "jsonobject": dict, "jsonarray": list,
}  # fmt: skip


def test_money_has_two_places_and_stages_their_probability(zoho):
    fields = {f["api_name"]: f for f in zoho.page("settings/fields", module="Deals")["fields"]}
    assert (fields["Amount"]["data_type"], fields["Amount"]["decimal_place"]) == ("currency", 2)
    assert fields["Budget"]["data_type"] == "currency"
    assert fields["Competitors"]["data_type"] == "multiselectpicklist"
    stages = {v["display_value"]: v["probability"] for v in fields["Stage"]["pick_list_values"]}
    assert (stages["Qualification"], stages["Closed Won"], stages["Closed Lost"]) == (10, 100, 0)


def test_accounts_have_more_fields_than_one_call_may_name(zoho):
    names = [f["api_name"] for f in zoho.page("settings/fields", module="Accounts")["fields"]]
    assert len(names) > 50
    assert zoho.refusal("Accounts", fields=",".join(names[:51])) == (
        400, "LIMIT_EXCEEDED", {"limit": 50, "param_name": "fields"},
    )  # fmt: skip


def test_the_organisation_is_a_list_of_one(zoho):
    (org,) = zoho.page("org")["org"]
    assert org["time_zone"] == "Asia/Shanghai"
    assert org["zgid"].isdigit()


# --- records


def test_a_record_is_written_as_zoho_writes_it(zoho):
    record = zoho.page("Deals", fields=DEAL + ",Reason_For_Loss__s", per_page=1)["data"][0]
    assert record["id"].isdigit()
    assert len(record["id"]) == 18
    assert set(record["Owner"]) == {"name", "id", "email"}
    assert set(record["Account_Name"]) == {"name", "id"}
    assert record["Modified_Time"].endswith("+08:00")
    assert "Reason_For_Loss__s" in record  # an empty field is an explicit null
    assert record["Reason_For_Loss__s"] is None
    assert "Next_Step" not in record  # a field that was not asked for is absent
    assert any(name.startswith("$") for name in record)


def test_fields_is_mandatory_and_not_only_the_id(zoho):
    assert zoho.refusal("Deals") == (400, "REQUIRED_PARAM_MISSING", {"param_name": "fields"})
    assert zoho.refusal("Deals", fields="id")[1] == "INVALID_DATA"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"per_page": "201"}, "INVALID_DATA"),
        ({"per_page": "0"}, "INVALID_DATA"),
        ({"per_page": "x"}, "INVALID_DATA"),
        ({"sort_by": "Amount"}, "INVALID_DATA"),
        ({"sort_order": "up"}, "INVALID_DATA"),
        ({"page": "11"}, "DISCRETE_PAGINATION_LIMIT_EXCEEDED"),
        ({"page": "21", "per_page": "100"}, "DISCRETE_PAGINATION_LIMIT_EXCEEDED"),
        ({"page": "1", "page_token": "abc"}, "AMBIGUITY_DURING_PROCESSING"),
        ({"page_token": "abc"}, "INVALID_DATA"),
        ({"ids": ",".join(["1"] * 101)}, "LIMIT_EXCEEDED"),
    ],
)
def test_parameters_out_of_bounds_are_refused(zoho, query, code):
    assert zoho.refusal("Deals", fields=DEAL, **query)[:2] == (400, code)


def test_unknown_modules_and_paths(zoho):
    assert zoho.refusal("Nonsense", fields="Name")[:2] == (400, "INVALID_MODULE")
    assert zoho.refusal("settings/fields", module="Nonsense")[:2] == (400, "INVALID_MODULE")
    assert zoho.refusal("settings/wonders")[:2] == (404, "INVALID_URL_PATTERN")


def test_the_default_order_is_id_descending(zoho):
    page = zoho.page("Deals", fields=DEAL, per_page=50)
    ids = [row["id"] for row in page["data"]]
    assert ids == sorted(ids, reverse=True)
    info = page["info"]
    assert (info["sort_by"], info["sort_order"], info["page"], info["per_page"]) == ("id", "desc", 1, 50)
    assert (info["count"], info["more_records"]) == (50, True)
    assert info["next_page_token"]


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("by", ["id", "Created_Time", "Modified_Time"])
def test_a_walk_by_token_meets_every_record_once_in_order(sandbox, zoho, by, order):
    rows = zoho.walk("Deals", fields=DEAL, per_page=70, sort_by=by, sort_order=order)
    ids = [row["id"] for row in rows]
    assert sorted(ids) == sorted(sandbox.truth("zoho", "deals")["records"])
    keys = ids if by == "id" else [datetime.fromisoformat(row[by]) for row in rows]
    assert keys == sorted(keys, reverse=order == "desc")


def test_pages_and_tokens_cut_the_same_rows(zoho):
    by_page = [
        row["id"] for n in (1, 2, 3) for row in zoho.page("Deals", fields=DEAL, page=n, per_page=30)["data"]
    ]
    by_token = [row["id"] for row in zoho.walk("Deals", fields=DEAL, per_page=30)][:90]
    assert by_page == by_token


def test_only_a_token_reaches_beyond_2000_rows(sandbox, zoho):
    rows = zoho.walk("DealHistory", fields="Stage,Modified_Time", sort_by="Modified_Time", sort_order="asc")
    assert len(rows) > 2000
    assert {row["id"] for row in rows} == set(sandbox.truth("zoho", "deal_history")["records"])
    tenth = zoho.page("DealHistory", fields="Stage", page=10)
    assert tenth["info"]["count"] == 200
    assert zoho.refusal("DealHistory", fields="Stage", page=11)[2]["limit"] == 2000


def test_a_token_is_bound_to_its_request(zoho):
    token = zoho.page("Deals", fields=DEAL, per_page=20)["info"]["next_page_token"]
    for change in ({"fields": "Stage,Amount"}, {"per_page": 21}, {"sort_order": "asc"}):
        query = {"fields": DEAL, "per_page": 20, **change}
        assert zoho.refusal("Deals", **query, page_token=token)[:2] == (400, "TOKEN_BOUND_DATA_MISMATCH")
    assert zoho.refusal("Deals", "2026-06-01T00:00:00+08:00", fields=DEAL, per_page=20, page_token=token)[
        1
    ] == ("TOKEN_BOUND_DATA_MISMATCH")
    second = zoho.page("Deals", fields=DEAL, per_page=20, page_token=token)
    assert second["info"]["page"] == 2


def test_access_tokens_live_an_hour_and_page_tokens_a_day_of_the_sandbox_clock(own):
    served, client = own
    token = client.page("Deals", fields=DEAL, per_page=20)["info"]["next_page_token"]
    served.advance(1)
    assert client.refusal("org")[:2] == (401, "INVALID_TOKEN")
    client.login()
    status, code, details = client.refusal("Deals", fields=DEAL, per_page=20, page_token=token)
    assert (status, code, details["api_name"]) == (400, "EXPIRED_VALUE", "page_token")


def test_the_last_page_has_no_token_and_past_the_end_is_204(zoho):
    page = zoho.page("Products", fields="Product_Name")
    assert page["info"]["more_records"] is False
    assert page["info"]["next_page_token"] is None
    answer = zoho.get("Products", fields="Product_Name", page=2)
    assert (answer.status_code, answer.content) == (204, b"")


def test_modified_since_is_inclusive_at_the_second(zoho):
    rows = zoho.walk("Deals", fields=DEAL, sort_by="Modified_Time", sort_order="asc")
    stamp = rows[-20]["Modified_Time"]
    expected = {row["id"] for row in rows if row["Modified_Time"] >= stamp}
    assert len(expected) >= 20
    found = zoho.walk("Deals", stamp, fields=DEAL)
    assert {row["id"] for row in found} == expected
    in_utc = datetime.fromisoformat(stamp).astimezone(tz=None).isoformat()
    assert {row["id"] for row in zoho.walk("Deals", in_utc, fields=DEAL)} == expected


def test_modified_since_can_be_switched_to_exclusive(aged):
    served, client = aged
    newest = client.page("Deals", fields=DEAL, sort_by="Modified_Time")["data"][0]
    assert client.get("Deals", newest["Modified_Time"], fields=DEAL).status_code == 200
    served.set(exclusive_since=True)
    answer = client.get("Deals", newest["Modified_Time"], fields=DEAL)
    served.set(exclusive_since=False)
    assert (answer.status_code, answer.content) == (304, b"")


def test_nothing_modified_is_304_and_a_bad_time_400(zoho):
    answer = zoho.get("Deals", "2026-07-01T00:00:00+08:00", fields=DEAL)
    assert (answer.status_code, answer.content) == (304, b"")
    assert zoho.refusal("Deals", "yesterday", fields=DEAL)[1] == "INVALID_DATA"


def test_leads_hide_the_converted_unless_asked(sandbox, zoho):
    truth = sandbox.truth("zoho", "leads")["records"]
    converted = {id for id, lead in truth.items() if lead["Converted__s"]}
    assert converted
    for word, expected in (("true", converted), ("false", set(truth) - converted), ("both", set(truth))):
        assert {row["id"] for row in zoho.walk("Leads", fields="Company", converted=word)} == expected
    assert {row["id"] for row in zoho.walk("Leads", fields="Company")} == set(truth) - converted
    assert zoho.refusal("Leads", fields="Company", converted="maybe")[1] == "INVALID_DATA"


def test_ids_pick_records_and_skip_the_unknown(zoho):
    rows = zoho.page("Deals", fields=DEAL, per_page=3)["data"]
    ids = [row["id"] for row in rows]
    found = zoho.page("Deals", fields=DEAL, ids=",".join([*ids, "554023000000000001"]))
    assert found["data"] == rows
    assert found["info"]["more_records"] is False
    assert zoho.get("Deals", fields=DEAL, ids="554023000000000001").status_code == 204


def test_one_record_has_all_fields(zoho):
    id = zoho.page("Accounts", fields="Account_Name", per_page=1)["data"][0]["id"]
    record = zoho.page(f"Accounts/{id}")["data"][0]
    names = {f["api_name"] for f in zoho.page("settings/fields", module="Accounts")["fields"]}
    assert names <= set(record)
    assert zoho.refusal("Accounts/554023000000000001")[1] == "INVALID_DATA"


def test_the_count_is_the_truth(sandbox, zoho):
    assert zoho.page("Deals/actions/count")["count"] == len(sandbox.truth("zoho", "deals")["records"])


# --- users, deleted


def test_users_of_every_state(sandbox, zoho):
    users = zoho.page("users", type="AllUsers")["users"]
    truth = sandbox.truth("zoho", "users")["records"]
    assert {u["id"]: u["status"] for u in users} == {id: u["status"] for id, u in truth.items()}
    assert {u["status"] for u in users} > {"active"}
    active = zoho.page("users", type="ActiveUsers")["users"]
    assert {u["status"] for u in active} == {"active"}
    (me,) = zoho.page("users", type="CurrentUser")["users"]
    assert me["email"].endswith(".example")
    assert zoho.refusal("users", type="Everyone")[1] == "INVALID_DATA"


def test_users_report_to_their_manager(zoho):
    users = {u["id"]: u for u in zoho.page("users")["users"]}
    reps = [u for u in users.values() if u["role"]["name"].endswith("销售代表")]
    assert reps
    for rep in reps:
        assert users[rep["Reporting_To"]["id"]]["role"]["name"].endswith("销售经理")


def test_the_deleted_list_is_the_truth_for_120_days(sandbox, zoho):
    rows = zoho.page("Deals/deleted")["data"]
    now = datetime.fromisoformat(sandbox.clock())
    truth = {
        id: gone
        for id, gone in sandbox.truth("zoho", "deals")["deleted"].items()
        if (now - datetime.fromisoformat(gone["time"])).total_seconds() < 120 * 86_400
    }
    assert {row["id"] for row in rows} == set(truth)
    for row in rows:
        gone = truth[row["id"]]
        assert datetime.fromisoformat(row["deleted_time"]) == datetime.fromisoformat(gone["time"])
        age = (now - datetime.fromisoformat(gone["time"])).days
        assert row["type"] == ("permanent" if gone["permanent"] or age >= 60 else "recycle")
        assert set(row["deleted_by"]) == {"name", "id", "email"}


def test_the_deleted_list_pages_filters_and_ends_empty(zoho):
    rows = zoho.page("Deals/deleted")["data"]
    assert len(rows) >= 2
    first = zoho.page("Deals/deleted", per_page=1)
    assert first["info"] == {"per_page": 1, "count": 1, "page": 1, "more_records": True}
    second = zoho.page("Deals/deleted", per_page=1, page=2)
    assert [*first["data"], *second["data"]] == rows[:2]
    newest = max(row["deleted_time"] for row in rows)
    since = zoho.page("Deals/deleted", newest)["data"]
    assert {row["id"] for row in since} == {row["id"] for row in rows if row["deleted_time"] >= newest}
    assert zoho.get("Deals/deleted", "2026-07-01T00:00:00+08:00").status_code == 204
    assert zoho.get("Products/deleted").status_code == 204
    kinds = {kind: zoho.get("Deals/deleted", type=kind) for kind in ("recycle", "permanent")}
    found = [row for answer in kinds.values() if answer.status_code == 200 for row in answer.json()["data"]]
    assert {row["id"] for row in found} == {row["id"] for row in rows}


def test_the_bin_is_emptied_after_60_days_and_forgotten_after_120(own):
    served, client = own
    served.advance(8)
    client.login()
    newest = client.page("Deals/deleted", type="recycle")["data"][0]["id"]  # deleted some hours ago
    found = []
    for days in (57, 3, 56, 4):
        served.advance(days)
        client.login()
        found.append({row["id"]: row["type"] for row in client.walk_pages("Deals/deleted")}.get(newest))
    assert newest in served.truth("zoho", "deals")["deleted"], "it was restored: choose another seed"
    assert found == ["recycle", "permanent", "permanent", None]


# --- the served records against the truth


@pytest.mark.parametrize(
    ("module", "entity"),
    [
        ("Deals", "deals"), ("Accounts", "accounts"), ("Contacts", "contacts"), ("Leads", "leads"),
        ("Products", "products"), ("DealHistory", "deal_history"),
    ],
)  # fmt: skip
def test_what_is_served_is_the_truth_after_days_have_passed(aged, module, entity):
    served, client = aged
    names = [f["api_name"] for f in client.page("settings/fields", module=module)["fields"]]
    rows: dict[str, dict[str, Any]] = {}
    for start in range(0, len(names), 49):
        chunk = ",".join([*names[start : start + 49], "Modified_Time"])
        for row in client.walk(module, fields=chunk, converted="both", per_page=37):
            rows.setdefault(row["id"], {}).update(row)
    truth = served.truth("zoho", entity)["records"]
    assert set(rows) == set(truth)
    for id, record in truth.items():
        for name, value in record.items():
            assert _plain(rows[id][name]) == _plain(value), (id, name)


def _plain(value: Any) -> Any:
    """A lookup as its id, a time as a moment."""
    if isinstance(value, dict):
        return value["id"]
    if isinstance(value, str) and len(value) > 15 and value[10:11] == "T":
        return datetime.fromisoformat(value)
    return value


def test_every_page_costs_one_credit_and_the_rest_is_told_from_half_on(aged):
    served, client = aged
    served.set(credits=6)
    headers = [client.get("org").headers.get("X-API-CREDITS-REMAINING") for _ in range(6)]
    assert headers == [None, None, "3", "2", "1", "0"]
    assert client.refusal("org")[:2] == (429, "TOO_MANY_REQUESTS")
    served.set(credits=100)
    client.get("Deals/actions/count")
    assert served.stats()["credits"]["spent"] == 50
    client.get("Deals/deleted")
    assert served.stats()["credits"]["spent"] == 52
    served.set(credits=5_000_000)
