"""The vendor's own SDK reads the sandbox, and what it reads is the company's truth.

It parses by its own models of Zoho's answers (names, JSON types, literal words) and loses what does not fit: so this
holds the sandbox against the vendor and not against us. https://pypi.org/project/zohocrmsdk8-0/
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from types import ModuleType

import pytest

from sandbox.zoho.schema import modules
from tests.conftest import Sandbox
from tests.contract.zoho_truth import ZohoTruth

pytestmark = pytest.mark.slow

# Beyond the 2,000 rows that `page` reaches.
DEALS = 2200


@pytest.fixture(scope="module")
def company() -> Iterator[Sandbox]:
    """A company in which nine days have passed, with the modules beside the core."""
    served = Sandbox(seed=21, size=DEALS)
    served.set(extras=True)
    served.advance(9)
    yield served
    served.close()


@pytest.fixture(scope="module")
def sdk(company: Sandbox, tmp_path_factory) -> Iterator[ModuleType]:
    """The SDK, opened on the company."""
    from tests.contract import vendor_sdk

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_PROXY", "127.0.0.1")  # the SDK takes proxies from the environment
        vendor_sdk.open_sdk(company.settings, tmp_path_factory.mktemp("sdk"))
        yield vendor_sdk


@pytest.fixture(scope="module")
def truth(company: Sandbox) -> ZohoTruth:
    return ZohoTruth(company)


def told(sdk: ModuleType, record: dict, names: Iterable[str]) -> dict:
    """What the truth says of these fields, as the SDK can hold it."""
    return {name: sdk.canonical(record.get(name)) for name in names}


def test_it_lists_the_modules_that_there_are(sdk, company):
    found = sdk.get_modules()
    readable = {m.get_api_name(): m.get_generated_type().get_value() for m in found if m.get_api_supported()}
    assert readable == {name: m.generated for name, m in modules().items() if m.listed}
    parents = {m.get_api_name(): m.get_parent_module() for m in found}
    assert parents["Quoted_Items"].get_api_name() == "Quotes"


@pytest.mark.parametrize("name", [name for name, module in modules().items() if module.listed])
def test_it_reads_the_fields_of_every_module(sdk, company, name):
    found = sdk.get_fields(name)
    assert {f.get_api_name(): f.get_data_type() for f in found} == {
        facts.name: facts.type for facts in modules()[name].fields.values()
    }
    targets = {f.get_api_name(): f.get_lookup() for f in found if f.get_data_type() == "lookup"}
    assert {field: lookup.get_module().get_api_name() for field, lookup in targets.items()} == {
        facts.name: facts.target for facts in modules()[name].fields.values() if facts.type == "lookup"
    }


def test_it_pages_deals_beyond_two_thousand(sdk, company, truth):
    module, expected = modules()["Deals"], truth.records("deals")
    names = [name for name in module.fields if name != "id"]
    pages = list(sdk.walk("Deals", names[:50]))
    read = {str(record.get_id()): sdk.values(record, names) for page in pages for record in page}
    assert sum(map(len, pages)) == len(read) == len(expected) > 2000
    assert set(read) == set(expected)
    for id, record in expected.items():
        known = [name for name in names if name in record]  # formulas are not in the log
        assert {name: read[id][name] for name in known} == told(sdk, record, known), id


def test_beyond_two_thousand_by_page_is_the_refusal_it_knows(sdk, company):
    refused = sdk.got(sdk.get_records("Deals", ["Deal_Name"], page=11, per_page=200), 400)
    assert refused.get_code().get_value() == "DISCRETE_PAGINATION_LIMIT_EXCEEDED"
    assert refused.get_details()["limit"] == 2000


def test_it_reads_what_was_modified_since(sdk, company, truth):
    since = datetime.fromisoformat(company.clock()) - timedelta(days=2)
    read = {
        str(record.get_id()) for page in sdk.walk("Deals", ["Modified_Time"], since=since) for record in page
    }
    assert read == truth.changed_since("deals", since)
    assert read


def test_it_takes_an_empty_304(sdk, company):
    later = datetime.fromisoformat(company.clock()) + timedelta(seconds=1)
    assert sdk.got(sdk.get_records("Deals", ["Modified_Time"], since=later), 304) is None


def test_it_reads_the_deleted_list(sdk, company, truth):
    answer = sdk.get_deleted("Deals")
    assert not answer.get_info().get_more_records()
    deletes = company.truth("zoho", "deals")["deleted"]
    found = {str(row.get_id()): row.get_deleted_time() for row in answer.get_data()}
    assert found == {id: datetime.fromisoformat(deletes[id]["time"]) for id in truth.deleted("deals")}
    assert found


def test_it_runs_a_query(sdk, company, truth):
    names = ["Deal_Name", "Amount", "Account_Name", "Modified_Time"]
    query = f"select {', '.join(names)} from Deals where Stage = 'Closed Won' order by id asc limit "
    rows, more = {}, True
    while more:
        answer = sdk.got(sdk.coql(f"{query}{len(rows)}, 200"))
        rows |= {str(row.get_id()): sdk.values(row, names) for row in answer.get_data()}
        more = answer.get_info().get_more_records()
    won = {id: deal for id, deal in truth.records("deals").items() if deal["Stage"] == "Closed Won"}
    assert len(won) > 200
    assert rows == {id: told(sdk, deal, names) for id, deal in won.items()}


def test_it_understands_a_refused_query(sdk, company):
    refused = sdk.got(sdk.coql("select Deal_Name from Deals"), 400)
    assert refused.get_code().get_value() == "SYNTAX_ERROR"


def test_it_waits_for_a_bulk_job_and_downloads_it(sdk, company, truth):
    names = ["Deal_Name", "Stage", "Amount", "Owner", "Modified_Time"]
    states, result, content = sdk.bulk("Deals", names)
    assert states == ["QUEUED", "IN PROGRESS", "COMPLETED"]
    assert (result.get_page(), result.get_per_page(), result.get_more_records()) == (1, 200_000, False)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        (name,) = archive.namelist()
        rows = list(csv.DictReader(io.StringIO(archive.read(name).decode("utf-8"))))
    expected = truth.records("deals")
    assert result.get_count() == len(rows) == len(expected)
    for row in rows:
        deal = expected[row["Id"]]
        assert (row["Deal_Name"], row["Stage"], row["Owner"]) == (
            deal["Deal_Name"], deal["Stage"], deal["Owner"],
        )  # fmt: skip
        assert (Decimal(row["Amount"]) if row["Amount"] else None) == deal.get("Amount")
        assert datetime.fromisoformat(row["Modified_Time"]) == deal["Modified_Time"]


def test_it_reads_users_of_every_state(sdk, company, truth):
    states = {str(user.get_id()): user.get_status() for user in sdk.get_users("AllUsers")}
    assert states == {id: user["status"] for id, user in truth.records("users").items()}
    assert len(set(states.values())) > 1


def test_it_reads_the_set_up(sdk, company):
    org = sdk.get_org()
    assert (org.get_time_zone(), org.get_iso_code()) == ("Asia/Shanghai", "CNY")
    assert [(c.get_iso_code(), c.get_is_base()) for c in sdk.get_currencies()] == [
        ("CNY", True),
        ("USD", False),
    ]
    assert {str(role.get_id()) for role in sdk.get_roles()} == set(company.truth("zoho", "roles")["records"])
    profiles = {str(profile.get_id()) for profile in sdk.get_profiles()}
    assert profiles == set(company.truth("zoho", "profiles")["records"])
    assert [(p.get_display_value(), len(p.get_maps())) for p in sdk.get_pipelines("Deals")] == [
        ("Standard (Standard)", 9), ("Renewal", 8),
    ]  # fmt: skip


def test_it_reads_tags(sdk, company):
    listed = sdk.get_tags("Accounts")
    assert [(tag.get_name(), tag.get_color_code()) for tag in listed] == [
        ("战略客户", "#658BA8"), ("重点项目", "#57B1FD"),
    ]  # fmt: skip


def test_it_reads_one_quote_with_its_lines(sdk, company):
    lines = company.truth("zoho", "quoted_items")["records"]
    quote = next(iter(lines.values()))["Parent_Id"]
    record = sdk.get_record("Quotes", quote)
    read = {str(line.get_id()) for line in record.get_key_value("Quoted_Items")}
    assert read == {id for id, line in lines.items() if line["Parent_Id"] == quote}


def test_what_is_not_there_is_a_refusal_and_not_rows(sdk, company):
    company.set(denied=["Products"])
    try:
        refused = sdk.got(sdk.get_records("Products", ["Product_Name"]), 403)
    finally:
        company.set(denied=[])
    assert (refused.get_status().get_value(), refused.get_code().get_value()) == ("error", "NO_PERMISSION")


def test_a_refused_refresh_token_is_an_error_of_the_sdk(sdk, company, tmp_path, monkeypatch):
    monkeypatch.setattr(
        sdk.Initializer, "initializer", sdk.Initializer.initializer
    )  # put back for the other tests
    stranger = {**company.settings, "ZOHO_REFRESH_TOKEN": "sandbox-refresh-token-of-nobody-else-at-all"}
    with pytest.raises(sdk.SDKException) as caught:
        sdk.open_sdk(stranger, tmp_path)
    assert "invalid_code" in str(caught.value)


def test_a_locked_out_refresh_token_is_an_error_of_the_sdk(sdk, company, tmp_path, monkeypatch):
    monkeypatch.setattr(sdk.Initializer, "initializer", sdk.Initializer.initializer)
    company.set(tokens=1)  # the SDK has taken it
    try:
        with pytest.raises(sdk.SDKException) as caught:
            sdk.open_sdk(company.settings, tmp_path)
    finally:
        company.set(tokens=10)
    assert "Access Denied" in str(caught.value)
