"""The sandbox's Bulk Read, held against the vendor's rules with plain requests.

Facts: https://www.zoho.com/crm/developer/docs/api/v8/bulk-read/create-job.html, …/get-status.html,
…/download-result.html.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.conftest import Sandbox
from tests.contract.zoho_client import Client, refused


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Sandbox, Client]]:
    served = Sandbox(seed=21, size=150)
    yield served, Client(served.url)
    served.close()


@pytest.fixture
def bulk(served) -> Iterator[Client]:
    """A client; switches fall back after each test."""
    sandbox, client = served
    yield client
    sandbox.set(
        credits=5_000_000, bulk_polls=2, bulk_rows=200_000, bulk_id="Id", bulk_separator=";", bulk_orphans=False,
        bulk_converted=True,
    )  # fmt: skip
    sandbox.clear_faults()


def create(client: Client, module: str, **query: Any) -> str:
    answer = client.post("bulk/v8/read", {"query": {"module": {"api_name": module}, **query}})
    assert answer.status_code == 201, answer.text
    (added,) = answer.json()["data"]
    assert (added["status"], added["code"], added["message"]) == (
        "success", "ADDED_SUCCESSFULLY", "Added successfully.",
    )  # fmt: skip
    assert (added["details"]["operation"], added["details"]["state"]) == ("read", "ADDED")
    return added["details"]["id"]


def poll(client: Client, job: str) -> dict[str, Any]:
    return client.bulk(f"read/{job}").json()["data"][0]


def finish(client: Client, job: str) -> dict[str, Any]:
    for _ in range(10):
        found = poll(client, job)
        if found["state"] == "COMPLETED":
            return found
    raise AssertionError(found)


def lines(client: Client, job: str) -> list[list[str]]:
    answer = client.bulk(f"read/{job}/result")
    if answer.status_code == 429:  # ten downloads a minute; whoever was refused has waited
        answer = client.bulk(f"read/{job}/result")
    assert answer.headers["Content-Type"] == "application/zip"
    assert answer.headers["Content-Disposition"].endswith(f"''{job}.zip")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
        assert packed.namelist() == [f"{job}.csv"]
        return list(csv.reader(io.StringIO(packed.read(f"{job}.csv").decode("utf-8"), newline="")))


def rows(client: Client, module: str, **query: Any) -> dict[str, dict[str, str]]:
    """The rows of a job by id."""
    job = create(client, module, **query)
    finish(client, job)
    head, *found = lines(client, job)
    return {row[0]: dict(zip(head, row, strict=True)) for row in found}


def refusal(client: Client, query: Any) -> tuple[int, str]:
    return refused(client.post("bulk/v8/read", {"query": query}))[:2]


def test_a_job_goes_through_its_states(bulk):
    job = create(bulk, "Products")
    assert bulk.bulk(f"read/{job}/result").status_code == 404
    first = poll(bulk, job)
    assert first["state"] == "QUEUED"
    assert first["result"]["more_records"] is False  # a result object before there is a result
    assert poll(bulk, job)["state"] == "IN PROGRESS"
    done = poll(bulk, job)
    assert done["state"] == "COMPLETED"
    assert done["query"]["module"]["api_name"] == "Products"
    assert done["result"] == {
        "page": 1, "per_page": 200_000, "count": len(lines(bulk, job)) - 1, "more_records": False,
        "download_url": f"/crm/bulk/v8/read/{job}/result",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("module", "entity"), [("Deals", "deals"), ("Accounts", "accounts"), ("Leads", "leads")]
)
def test_the_file_is_the_truth_with_ids_for_lookups(served, bulk, module, entity):
    truth = served[0].truth("zoho", entity)["records"]
    found = rows(bulk, module)
    assert set(found) == set(truth)
    for id, record in truth.items():
        for name, value in record.items():
            if name != "id":
                assert _same(found[id][name], value), (id, name, found[id][name], value)


def _same(text: str, value: Any) -> bool:
    match value:
        case None:
            return text == ""
        case bool():
            return text == str(value).lower()
        case list():
            return text == ";".join(value)
        case int() | Decimal():
            return Decimal(text) == value
        case str() if value[10:11] == "T" and value[:4].isdigit():
            return datetime.fromisoformat(text) == datetime.fromisoformat(value)
    return text == value


def test_the_columns_are_those_asked_for_after_the_id(served, bulk):
    job = create(bulk, "Deals", fields=["Stage", "id", "Owner", "Modified_Time"])
    finish(bulk, job)
    head, first, *_ = lines(bulk, job)
    assert head == ["Id", "Stage", "Owner", "Modified_Time"]
    assert first[2] in served[0].truth("zoho", "users")["records"]
    assert first[3].endswith("+08:00")
    everything = rows(bulk, "Accounts")
    names = [f["api_name"] for f in bulk.page("settings/fields", module="Accounts")["fields"]]
    assert set(next(iter(everything.values()))) == {"Id", *names} - {"id"}


def test_what_the_pages_leave_open_can_be_switched(served, bulk):
    served[0].set(bulk_id="id", bulk_separator="|", bulk_polls=0, bulk_converted=False)
    job = create(bulk, "Deals", fields=["Competitors"])
    assert poll(bulk, job)["state"] == "COMPLETED"
    head, *found = lines(bulk, job)
    assert head[0] == "id"
    assert any("|" in row[1] for row in found)
    assert {row["Converted__s"] for row in rows(bulk, "Leads").values()} == {"false"}
    with pytest.raises(ValueError, match="bulk_polls must be like"):
        served[0].set(bulk_polls="soon")


def test_criteria_choose_rows_by_time(served, bulk):
    truth = served[0].truth("zoho", "deals")["records"]
    stamps = sorted((datetime.fromisoformat(r["Modified_Time"]), id) for id, r in truth.items())
    since = stamps[-20][0]
    expected = {id for stamp, id in stamps if stamp >= since}
    field = {"api_name": "Modified_Time"}
    alone = {"field": field, "comparator": "greater_equal", "value": since.isoformat()}
    assert set(rows(bulk, "Deals", criteria=alone)) == expected
    first, last = stamps[10][0], stamps[30][0]
    both = {
        "group_operator": "and",
        "group": [
            {"field": field, "comparator": "between", "value": [first.isoformat(), last.isoformat()]},
            {"field": {"api_name": "Stage"}, "comparator": "not_equal", "value": "Closed Won"},
        ],
    }
    assert set(rows(bulk, "Deals", criteria=both)) == {
        id for stamp, id in stamps if first <= stamp <= last and truth[id]["Stage"] != "Closed Won"
    }


def test_long_reads_are_cut_into_jobs_by_page_or_token(served, bulk):
    served[0].set(bulk_rows=40)
    truth = set(served[0].truth("zoho", "deals")["records"])
    by_page: list[str] = []
    by_token: list[str] = []
    page, place = 1, {"page": 1}
    while True:
        job = create(bulk, "Deals", fields=["Stage"], page=page)
        result = finish(bulk, job)["result"]
        by_page += [row[0] for row in lines(bulk, job)[1:]]
        other = create(bulk, "Deals", fields=["Stage"], **place)
        again = finish(bulk, other)["result"]
        by_token += [row[0] for row in lines(bulk, other)[1:]]
        assert result["page"] == again["page"] == page
        if not result["more_records"]:
            break
        assert result["count"] == 40
        page, place = page + 1, {"page_token": again["next_page_token"]}
    assert page == len(truth) // 40 + 1
    assert by_page == by_token == sorted(truth)
    token = {"page_token": place["page_token"]}
    assert refusal(bulk, {"module": {"api_name": "Deals"}, "fields": ["Amount"], **token}) == (
        400, "TOKEN_BOUND_DATA_MISMATCH",
    )  # fmt: skip


def test_visits_whose_deal_is_gone_are_dropped_unless_switched(served, bulk):
    truth = served[0].truth("zoho", "deal_history")["records"]
    orphans = {id for id, visit in truth.items() if visit["Potential_Name"] is None}
    assert orphans
    assert set(rows(bulk, "DealHistory")) == set(truth) - orphans
    served[0].set(bulk_orphans=True)
    assert set(rows(bulk, "DealHistory")) == set(truth)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({}, "INVALID_REQUEST"),
        ({"module": {"api_name": "Nonsense"}}, "MODULE_NOT_AVAILABLE"),
        ({"module": {"api_name": "Deals"}, "fields": ["Nonsense"]}, "FIELD_NOT_AVAILABLE"),
        ({"module": {"api_name": "Deals"}, "page": 501}, "PAGE_RANGE_EXCEEDED"),
        ({"module": {"api_name": "Deals"}, "page": 1, "page_token": "x"}, "AMBIGUITY_DURING_PROCESSING"),
        ({"module": {"api_name": "Deals"}, "cvid": "1"}, "CVID_NOT_SUPPORTED"),
        ({"module": {"api_name": "Deals"}, "criteria": {"group": []}}, "AMBIGUOUS_CRITERIA"),
        (
            {
                "module": {"api_name": "Deals"},
                "criteria": {"field": {"api_name": "Amount"}, "comparator": "near", "value": 1},
            },
            "INVALID_CRITERIA",
        ),
        (
            {
                "module": {"api_name": "Deals"},
                "criteria": {"field": {"api_name": "Modified_Time"}, "comparator": "equal", "value": "soon"},
            },
            "INVALID_CRITERIA",
        ),
        (
            {
                "module": {"api_name": "Deals"},
                "criteria": {
                    "group_operator": "or",
                    "group": [{"field": {"api_name": "Amount"}, "comparator": "equal", "value": n}
                              for n in range(26)],
                },
            },
            "CRITERIA_LIMIT_EXCEEDED",
        ),
    ],
)  # fmt: skip
def test_jobs_that_cannot_be_are_refused(bulk, query, code):
    assert refusal(bulk, query) == (400, code)


def test_an_unknown_job_is_404_and_a_file_is_gone_after_a_day(fresh_sandbox):
    sandbox = fresh_sandbox(seed=21, size=60)
    client = Client(sandbox.url)
    assert refused(client.bulk("read/123")) == (404, "RESOURCE_NOT_FOUND", {"resource": "123"})
    job = create(client, "Products")
    finish(client, job)
    sandbox.advance(1)
    client.login()
    assert client.bulk(f"read/{job}/result").status_code == 404
    client.session.close()


def test_a_job_costs_50_credits_and_can_fail(served, bulk):
    served[0].set(credits=1000)
    job = create(bulk, "Products")
    assert served[0].stats()["credits"]["spent"] == 50
    served[0].fault("bulk_failure", path=f"/crm/bulk/v8/read/{job}")
    assert poll(bulk, job)["state"] == "FAILURE"
    assert poll(bulk, job)["state"] == "FAILURE"


def test_the_eleventh_download_of_a_minute_is_refused_and_the_next_is_not(fresh_sandbox):
    client = Client(fresh_sandbox(seed=21, size=60).url)
    job = create(client, "Products")
    finish(client, job)
    statuses = [client.bulk(f"read/{job}/result").status_code for _ in range(13)]
    assert statuses == [200] * 10 + [429, 200, 200]
    client.session.close()


def test_bulk_needs_a_living_token_and_spoils_like_anything_else(served, bulk):
    job = create(bulk, "Products")
    finish(bulk, job)
    served[0].fault("html", path="/crm/bulk/*")
    assert bulk.bulk(f"read/{job}/result").headers["Content-Type"].startswith("text/html")
    bulk.session.headers["Authorization"] = "Zoho-oauthtoken nonsense"
    assert refused(bulk.bulk(f"read/{job}"))[:2] == (401, "INVALID_TOKEN")
    bulk.login()
