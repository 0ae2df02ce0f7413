"""Fields that an administrator adds, renames, turns and removes, and leads that are converted: the sandbox's Zoho
against its truth.

Facts: https://www.zoho.com/crm/developer/docs/api/v8/field-meta.html (api names stay), …/convert-lead.html.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest

from tests.conftest import Sandbox
from tests.contract.zoho_client import Client
from tests.contract.zoho_truth import ZohoTruth

DEAL = {"Deal_Name": "样品单", "Stage": "Qualification", "Probability": 10, "Closing_Date": "2026-09-01"}


@pytest.fixture
def served() -> Iterator[tuple[Sandbox, Client]]:
    sandbox = Sandbox(seed=21, size=50)
    client = Client(sandbox.url)
    yield sandbox, client
    client.session.close()
    sandbox.close()


def described(client: Client, name: str) -> dict | None:
    fields = client.get("settings/fields", module="Deals").json()["fields"]
    assert len({field["id"] for field in fields}) == len(fields)
    return next((field for field in fields if field["api_name"] == name), None)


def value(client: Client, id: str, name: str) -> object:
    (row,) = client.page("Deals", fields=f"{name},Modified_Time", ids=id)["data"]
    return row.get(name, "absent")


def test_a_field_is_added_renamed_turned_and_removed_and_stamps_no_record(served):
    sandbox, client = served
    id = sandbox.act("create", "deals", changes=DEAL)
    binned = sandbox.act("create", "deals", changes=DEAL)
    stamp = sandbox.clock()
    sandbox.step(60)
    assert value(client, id, "Stock") == "absent" and described(client, "Stock") is None

    sandbox.act("add_field", "deals", name="Stock", type="integer", label="库存")
    found = described(client, "Stock")
    assert (found["data_type"], found["field_label"], found["custom_field"]) == ("integer", "库存", True)
    assert value(client, id, "Stock") is None
    assert sandbox.truth("zoho", "deals")["fields"] == {"Stock": {"type": "integer", "label": "库存"}}
    for record in (id, binned):
        sandbox.act("edit", "deals", id=record, changes={"Stock": 7})
    sandbox.act("delete", "deals", id=binned)
    stamp = sandbox.clock()
    sandbox.step(60)
    assert value(client, id, "Stock") == 7

    sandbox.act("rename_field", "deals", name="Stock", label="存货")
    assert described(client, "Stock")["field_label"] == "存货"
    number = described(client, "Stock")["id"]
    before = sandbox.clock()
    sandbox.step(60)
    sandbox.act("turn_field", "deals", name="Stock", type="text")
    sandbox.act("restore", "deals", id=binned)
    assert described(client, "Stock")["data_type"] == "text" and described(client, "Stock")["id"] == number
    for record in (id, binned):
        assert value(client, record, "Stock") == "7"
        assert sandbox.truth("zoho", "deals")["records"][record]["Stock"] == "7"
    assert sandbox.truth("zoho", "deals", before)["records"][id]["Stock"] == 7
    sandbox.act("add_field", "deals", name="Ticked", type="boolean")
    assert value(client, id, "Ticked") is False

    sandbox.act("remove_field", "deals", name="Stock")
    assert described(client, "Stock") is None and value(client, id, "Stock") == "absent"
    assert "Stock" not in sandbox.truth("zoho", "deals")["records"][id]
    again = sandbox.act("recreate", "deals", id=id)
    assert "Stock" not in sandbox.truth("zoho", "deals")["records"][again]
    (row,) = client.page("Deals", fields="Modified_Time", ids=binned)["data"]
    assert row["Modified_Time"] == stamp, "no change of a field stamps a record"
    assert ZohoTruth(sandbox).records("deals")[again]["Deal_Name"] == "样品单"


def test_a_query_and_a_bulk_job_know_the_fields_as_they_are(served):
    sandbox, client = served
    query = {"select_query": "select Stock from Deals where id is not null"}
    assert client.post("v8/coql", query).status_code == 400
    sandbox.act("add_field", "deals", name="Stock", type="integer")
    assert client.post("v8/coql", query).status_code == 200
    job = {"query": {"module": {"api_name": "Deals"}, "fields": ["Stock"]}}
    assert client.post("bulk/v8/read", job).status_code == 201
    sandbox.act("remove_field", "deals", name="Stock")
    assert client.post("v8/coql", query).status_code == 400
    assert client.post("bulk/v8/read", job).json()["code"] == "FIELD_NOT_AVAILABLE"


@pytest.mark.parametrize(
    ("act", "more", "sentence"),
    [
        ("add_field", {"name": "Amount"}, "has or had a field Amount"),
        ("add_field", {"name": "Gone"}, "has or had a field Gone"),
        ("add_field", {"name": "X", "type": "subform"}, "type 'subform' cannot be added"),
        ("turn_field", {"name": "Kept", "type": "date"}, "type text cannot become date"),
        ("rename_field", {"name": "Gone", "label": "X"}, "no field Gone was added"),
        ("remove_field", {"name": "Stage"}, "no field Stage was added"),
    ],
)
def test_what_cannot_be_done_to_a_field_is_one_sentence(served, act, more, sentence):
    sandbox = served[0]
    for name in ("Kept", "Gone"):
        sandbox.act("add_field", "deals", name=name)
    sandbox.act("remove_field", "deals", name="Gone")
    with pytest.raises(ValueError, match=sentence):
        sandbox.act(act, "deals", **more)


def test_a_converted_lead_names_what_it_became_and_lives_no_further(served):
    sandbox, client = served
    id = next(
        id for id, lead in sandbox.truth("zoho", "leads")["records"].items() if not lead["Converted__s"]
    )
    sandbox.act("convert", "leads", id=id, deal=DEAL)
    fields = "Converted__s,Converted_Account,Converted_Contact,Converted_Deal,Modified_Time"
    (lead,) = client.page("Leads", fields=fields, ids=id, converted="both")["data"]
    assert lead["Converted__s"] is True and lead["Modified_Time"] == sandbox.clock()
    deals = sandbox.truth("zoho", "deals")["records"]
    assert deals[lead["Converted_Deal"]["id"]]["Account_Name"] == lead["Converted_Account"]["id"]
    assert deals[lead["Converted_Deal"]["id"]]["Contact_Name"] == lead["Converted_Contact"]["id"]
    with pytest.raises(ValueError, match="cannot be converted: it was"):
        sandbox.act("convert", "leads", id=id)
    sandbox.advance(30)
    assert sandbox.truth("zoho", "leads")["records"][id]["Modified_Time"][:10] == "2026-06-30"


def test_times_are_written_with_the_offset_that_the_organisations_zone_has_then(fresh_sandbox):
    """New York puts its clocks back on 2026-11-01 at 06:00 UTC: 01:50 comes before 01:10."""
    sandbox = fresh_sandbox(seed=21, size=50, clock="2026-11-01T13:50:00+08:00")
    sandbox.set(time_zone="America/New_York")
    client = Client(sandbox.url)
    before = sandbox.act("create", "deals", changes=DEAL)
    sandbox.step(20 * 60)
    after = sandbox.act("create", "deals", changes=DEAL)
    lead = next(iter(sandbox.truth("zoho", "leads")["records"]))
    sandbox.act("edit", "leads", id=lead, changes={"Last_Activity_Time": "2026-11-01T14:10:00+08:00"})
    gone = sandbox.act("recreate", "deals", id=before)
    written = {row["id"]: row["Modified_Time"] for row in client.walk("Deals", fields="Modified_Time,Stage")}
    assert (written[gone], written[after]) == ("2026-11-01T01:10:00-05:00",) * 2
    (line,) = client.page("Deals/deleted")["data"][:1]
    assert (line["id"], line["deleted_time"]) == (before, "2026-11-01T01:10:00-05:00")
    (row,) = client.page("Leads", fields="Last_Activity_Time,Created_Time", ids=lead, converted="both")[
        "data"
    ]
    assert row["Last_Activity_Time"] == "2026-11-01T01:10:00-05:00"
    (row,) = client.post(
        "v8/coql", {"select_query": "select MAX(Modified_Time) from Deals where id is not null"}
    ).json()["data"]
    assert list(row.values()) == ["2026-11-01T01:10:00-05:00"]
    truth = ZohoTruth(sandbox).records("deals")
    assert {id: datetime.fromisoformat(text) for id, text in written.items()} == {
        id: record["Modified_Time"] for id, record in truth.items()
    }
    assert {text[-6:] for text in written.values()} == {"-04:00", "-05:00"}
    since = "2026-11-01T01:55:00-04:00"
    found = client.page("Deals", since, fields="Modified_Time,Stage")["data"]
    assert {row["id"] for row in found} == {gone, after}
    assert client.get("org").json()["org"][0]["time_zone"] == "America/New_York"
    with pytest.raises(ValueError, match="no IANA time zone"):
        sandbox.set(time_zone="Shanghai")
    client.session.close()
