"""The sandbox's Fxiaoke behaves as the reference says, and shows the company's truth."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import openpyxl
import pytest

from tests.conftest import Sandbox
from tests.contract.fxiaoke_client import FIRST_OPEN, Client


@pytest.fixture(scope="module")
def served() -> Iterator[Sandbox]:
    served = Sandbox(seed=4, size=120)
    served.set(fxiaoke={"tokens": 1000, "calls": 100_000})
    yield served
    served.close()


@pytest.fixture
def own(served: Sandbox) -> Iterator[Sandbox]:
    """A company that stays at its opening; faults and switches do not outlive a test."""
    yield served
    served.clear_faults()


@pytest.fixture
def client(own: Sandbox) -> Client:
    return Client(own.url).login()


def refused(reply: dict) -> int:
    """The code of a refusal, which has the common envelope."""
    assert set(reply) == {"errorCode", "errorMessage", "errorDescription", "traceId"}
    return reply["errorCode"]


def test_both_generations_get_a_token_and_read_the_same_records(own: Sandbox):
    old, new = Client(own.url, "legacy"), Client(own.url)
    assert set(old.grant()) >= {"errorCode", "corpAccessToken", "corpId", "expiresIn"}
    assert set(new.grant()) >= {
        "errorCode",
        "traceId",
        "accessToken",
        "ea",
        "appId",
        "openUserId",
        "expiresIn",
    }
    old.login(), new.login()
    assert [r["_id"] for r in old.walk("ProductObj")] == [r["_id"] for r in new.walk("ProductObj")]
    assert old.rows("AccountObj", limit=1)[0]["owner"][0].startswith("FSUID_")
    assert new.rows("AccountObj", limit=1)[0]["owner"][0].isdigit()


def test_a_refused_token_says_what_the_gateway_was_seen_to_say(own: Sandbox):
    for generation in ("legacy", "oauth"):
        client = Client(own.url, generation)
        assert refused(client.grant(appSecret="x")) == 10006
        assert refused(client.grant(appSecret=None)) == 10006
        assert refused(client.grant(permanentCode="x")) == 20015
        client.token = "x"
        assert refused(client.query("AccountObj")) == 20016
        client.login().user = "7"
        assert refused(client.query("AccountObj")) == 20012
    assert refused(Client(own.url).send("/cgi/crm/v2/object/list", {})) == 20017
    assert (
        refused(Client(own.url).send("/oauth2.0/token", {**Client(own.url).grant(), "appId": "x"})) == 15002
    )


def test_the_same_token_for_6600_seconds_then_another_and_both_live_on(fresh_sandbox):
    served = fresh_sandbox(seed=4, size=50)
    client = Client(served.url)
    first = client.grant()
    assert first["expiresIn"] == 7200
    served.step(6599)
    again = client.grant()
    assert (again["accessToken"], again["expiresIn"]) == (first["accessToken"], 601)
    served.step(1)
    second = client.grant()
    assert second["accessToken"] != first["accessToken"]
    for reply in (first, second):
        client.token = reply["accessToken"]
        assert client.rows("ProductObj", limit=1)
    served.step(600)
    client.token = first["accessToken"]
    assert refused(client.query("ProductObj")) == 20016


def test_ten_tokens_a_minute_and_one_at_a_time(fresh_sandbox):
    served = fresh_sandbox(seed=4, size=50)
    client = Client(served.url)
    assert all(client.grant()["errorCode"] == 0 for _ in range(10))
    assert refused(client.grant()) == 30004
    served.step(60)
    served.fault("slow", path="/oauth2.0/token", seconds=0.7)
    with ThreadPoolExecutor(2) as pool:
        codes = [f.result()["errorCode"] for f in [pool.submit(Client(served.url).grant) for _ in range(2)]]
    assert sorted(codes) == [0, 30004]


def test_every_object_of_the_list_is_described_in_both_forms(client: Client):
    listed = client.call("crm/v2/object/list", {})["data"]["objects"]
    assert {"describeApiName", "describeDisplayName", "defineType", "isActive"} == set(listed[0])
    names = {o["describeApiName"] for o in listed}
    assert {"AccountObj", "DepartmentObj", "PersonnelObj", "visit_report__c"} <= names
    for name in names:
        old = client.call("crm/v2/object/describe", {"apiName": name, "includeDetail": True})
        new = client.call("crm/v2/object/describe", {"includeDetail": False, "data": {"apiName": name}})
        assert old["data"] == new["data"]
        assert new["data"]["describe"]["fields"]["_id"]["type"] == "text"
    fields = client.call("crm/v2/object/describe", {"apiName": "NewOpportunityObj"})["data"]["describe"][
        "fields"
    ]
    assert fields["record_type"]["options"] == [
        {"api_name": "default__c", "label": "预设业务类型", "is_active": True}
    ]
    assert {"value": "Hq3vW81bz", "label": "方案/报价", "is_active": True} in fields["sales_stage"]["options"]
    assert fields["amount"]["decimal_places"] == 2
    assert refused(client.call("crm/v2/object/describe", {"apiName": "UserObj"})) == 15002


def test_a_record_on_the_wire(own: Sandbox, client: Client):
    truth = own.truth("fxiaoke", "deals")["records"]
    id = next(id for id, r in truth.items() if r.get("amount") and r["sales_stage"] == "方案/报价")
    deal, (row,) = truth[id], client.rows("NewOpportunityObj", ("_id", "EQ", [id]))
    account = own.truth("fxiaoke", "accounts")["records"][deal["account_id"]]
    assert (row["sales_stage"], row["sales_stage__r"]) == ("Hq3vW81bz", "方案/报价")
    assert (row["account_id"], row["account_id__r"]) == (deal["account_id"], account["name"])
    assert row["amount"] == f"{deal['amount']:.2f}"
    assert row["probability"] == str(deal["probability"]) == "60"
    midnight = datetime.fromisoformat(f"{deal['close_date']}T00:00:00+08:00")
    assert row["close_date"] == int(midnight.timestamp() * 1000)
    assert row["last_modified_time"] == datetime.fromisoformat(deal["last_modified_time"]).timestamp() * 1000
    assert row["owner__r"]["name"] == own.truth("fxiaoke", "users")["records"][deal["owner"]]["name"]
    assert row["owner__l"] == [row["owner__r"]] and row["owner"] == [row["owner__r"]["id"]]
    assert {"phone", "email"} <= set(row["owner__r"])
    assert row["data_own_department__r"]["deptName"] == deal["owner_department"]
    assert "lost_reason" not in row and "actual_close_date" not in row
    (whole,) = client.rows("NewOpportunityObj", ("_id", "EQ", [id]), nulls=True)
    assert whole["lost_reason"] is None


def test_areas_and_what_was_typed_under_other(own: Sandbox, client: Client):
    row = client.rows("AccountObj", limit=1)[0]
    assert row["country__r"] == "中国" and row["country"].isdigit()
    (deal,) = client.rows("NewOpportunityObj", ("source", "EQ", ["other"]), limit=1)
    assert deal["source__r"] == "其他" and "source__o" not in deal


def test_the_same_records_as_the_exports(own: Sandbox, client: Client, tmp_path: Path):
    book = next(p for p in own.exports(tmp_path) if p.name.startswith("商机"))
    sheet = openpyxl.load_workbook(book, read_only=False).worksheets[0]
    header, *rows = sheet.iter_rows(values_only=True)
    stage = header.index("销售阶段")
    exported = {row[0]: row[stage] for row in rows}
    found = client.walk("NewOpportunityObj", ("life_status", "N", ["invalid"]))
    assert {row["_id"]: row["sales_stage__r"] for row in found} == exported


def test_limits_of_a_query(client: Client):
    for wrong in ({"limit": 0}, {"limit": 101}, {"limit": 10, "offset": 5}, {"offset": -100}):
        assert refused(client.query("AccountObj", **wrong)) == 15002
    assert client.query("AccountObj", offset=10_000)["errorCode"] == 0
    reply = client.query("AccountObj", offset=10_100)
    assert refused(reply) == 10013 and reply["errorDescription"] == "offset 不能超过10000"
    assert refused(client.query("AccountObj", ("no_such", "EQ", ["1"]))) == 15002
    assert refused(client.query("AccountObj", ("name", "LOOKS", ["1"]))) == 15002
    assert refused(client.query("LeadObj")) == 15002
    custom = {"data": {"dataObjectApiName": "visit_report__c", "search_query_info": {"limit": 1}}}
    assert refused(client.call("crm/v2/data/query", custom)) == 15002


def test_numbered_pages_and_pages_by_id_give_the_same(own: Sandbox, client: Client):
    ids = sorted(own.truth("fxiaoke", "accounts")["records"]) + sorted(
        own.truth("fxiaoke", "accounts")["deleted"]
    )
    numbered = [
        row["_id"]
        for at in range(0, len(ids) + 20, 20)
        for row in client.rows("AccountObj", limit=20, offset=at)
    ]
    assert numbered == sorted(ids) == [row["_id"] for row in client.walk("AccountObj")]
    assert client.query("AccountObj", limit=1)["data"]["total"] == len(ids)
    for orders in ([], [{"fieldName": "_id", "isAsc": True}]):
        assert client.query("AccountObj", limit=1, counted=False, orders=orders)["data"]["total"] == 0


def test_windows_and_operators(own: Sandbox, client: Client):
    truth = own.truth("fxiaoke", "deals")["records"]
    stamps = {
        id: int(datetime.fromisoformat(r["last_modified_time"]).timestamp() * 1000) for id, r in truth.items()
    }
    middle = sorted(stamps.values())[len(stamps) // 2]
    living = ("life_status", "N", ["invalid"])
    for operator, expected in (
        ("GT", {i for i, s in stamps.items() if s > middle}),
        ("GTE", {i for i, s in stamps.items() if s >= middle}),
        ("LTE", {i for i, s in stamps.items() if s <= middle}),
    ):
        for value in (middle, str(middle)):
            found = client.walk("NewOpportunityObj", living, ("last_modified_time", operator, [value]))
            assert {row["_id"] for row in found} == expected, operator
    won = {i for i, r in truth.items() if r["sales_stage"] in ("赢单", "输单")}
    assert {
        r["_id"] for r in client.walk("NewOpportunityObj", living, ("sales_stage", "IN", ["5", "6"]))
    } == won
    empty = {i for i, r in truth.items() if not r.get("lost_reason")}
    assert empty and empty != truth.keys()
    assert {r["_id"] for r in client.walk("NewOpportunityObj", living, ("lost_reason", "IS", []))} == empty
    others = {i for i, r in truth.items() if r.get("lost_reason") != "竞争对手"}
    assert (
        {r["_id"] for r in client.walk("NewOpportunityObj", living, ("lost_reason", "N", ["2"]))}
        == others
        > empty
    )
    newest = client.rows(
        "NewOpportunityObj", limit=1, orders=[{"fieldName": "last_modified_time", "isAsc": "false"}]
    )
    assert newest[0]["last_modified_time"] >= max(stamps.values())


def test_void_records_are_flagged_or_hidden_and_come_back(fresh_sandbox):
    served = fresh_sandbox(seed=4, size=60)
    client = Client(served.url).login()
    id = next(iter(served.truth("fxiaoke", "contacts")["records"]))
    (before,) = client.rows("ContactObj", ("_id", "EQ", [id]))
    served.step(5)
    served.act("delete", "contacts", crm="fxiaoke", id=id)
    (void,) = client.rows("ContactObj", ("_id", "EQ", [id]))
    assert (void["life_status"], void["life_status__r"], void["is_deleted"]) == ("invalid", "作废", True)
    assert void["last_modified_time"] == before["last_modified_time"]
    served.set(fxiaoke={"invalid_stamps": True, "invalid_shown": False})
    assert client.rows("ContactObj", ("_id", "EQ", [id])) == []
    (void,) = client.rows("ContactObj", ("_id", "EQ", [id]), ("life_status", "EQ", ["invalid"]))
    clock = datetime.fromisoformat(served.clock()).timestamp() * 1000
    assert void["last_modified_time"] == clock > before["last_modified_time"]
    served.act("restore", "contacts", crm="fxiaoke", id=id)
    (back,) = client.rows("ContactObj", ("_id", "EQ", [id]))
    assert (back["life_status"], back["is_deleted"]) == ("normal", False)
    served.act("delete", "contacts", crm="fxiaoke", id=id, permanent=True)
    assert client.rows("ContactObj", ("_id", "EQ", [id]), ("life_status", "EQ", ["invalid"])) == []


def test_a_stage_says_when_it_was_entered_and_a_field_that_was_added_is_described(fresh_sandbox):
    served = fresh_sandbox(seed=4, size=60)
    client = Client(served.url).login()
    id = next(
        i for i, r in served.truth("fxiaoke", "deals")["records"].items() if r["sales_status"] == "进行中"
    )
    served.step(61)
    now = datetime.fromisoformat(served.clock()).astimezone(UTC)
    served.act("edit", "deals", crm="fxiaoke", id=id, changes={"sales_stage": "谈判审核"})
    served.act("add_field", "deals", crm="fxiaoke", name="grade__c", type="percent", label="评分")
    served.step(5)
    served.act("edit", "deals", crm="fxiaoke", id=id, changes={"grade__c": 12.5, "source": "老客户"})
    (row,) = client.rows("NewOpportunityObj", ("_id", "EQ", [id]))
    assert row["stg_changed_time"] == now.timestamp() * 1000
    assert row["last_modified_time"] == row["stg_changed_time"] + 5000
    assert row["grade__c"] == "12.5"
    assert (row["source"], row["source__r"], row["source__o"]) == ("other", "其他", "老客户")
    fields = client.call("crm/v2/object/describe", {"apiName": "NewOpportunityObj"})["data"]["describe"][
        "fields"
    ]
    assert (fields["grade__c"]["type"], fields["grade__c"]["label"]) == ("percentile", "评分")


def test_rates_quota_and_rights(fresh_sandbox):
    served = fresh_sandbox(seed=4, size=50)
    served.set(fxiaoke={"calls": 3, "seconds": 1.0})
    client = Client(served.url).login()
    codes = [client.query("ProductObj", limit=1)["errorCode"] for _ in range(4)]
    assert codes == [0, 0, 0, 30004]
    assert client.call("crm/v2/object/list", {})["errorCode"] == 0, "each endpoint has its own"
    served.set(fxiaoke={"calls": 1000, "daily": 6, "denied": ["AccountObj"]})
    assert refused(client.query("AccountObj")) == 15003
    assert client.query("ProductObj", limit=1)["errorCode"] == 0
    assert refused(client.query("ProductObj", limit=1)) == 30002
    served.advance(1)
    client.login()
    assert client.query("ProductObj", limit=1)["errorCode"] == 0
    served.set(fxiaoke={"daily": 0})
    assert refused(client.query("ProductObj", limit=1)) == 30003


def test_what_is_uncertain_can_be_switched(fresh_sandbox):
    served = fresh_sandbox(seed=4, size=60)
    client = Client(served.url).login()
    served.set(fxiaoke={"companions": False, "numbers": "json", "strings": True, "short_page": 7})
    rows = client.rows("AccountObj")
    assert len(rows) == 7
    assert not [name for name in rows[0] if name.endswith(("__r", "__l"))]
    assert isinstance(rows[0]["employee_count"], int) and isinstance(rows[0]["create_time"], str)
    served.set(fxiaoke={"trace": True, "totals": False, "hidden": ["LeadsObj"], "generations": "oauth"})
    assert client.query("AccountObj")["data"]["total"] == 0
    assert refused(client.send("/cgi/crm/v2/object/list", {}, {"authorization": f"Bearer {client.token}",
        "x-fs-ea": "sandbox-ea", "x-fs-userid": "1000"})) == 15002  # fmt: skip
    assert "LeadsObj" not in str(client.call("crm/v2/object/list", {}))
    assert refused(Client(served.url, "legacy").grant()) == 20014
    with pytest.raises(ValueError, match="unknown settings"):
        served.set(fxiaoke={"wonders": 1})


def test_planted_faults(own: Sandbox, client: Client):
    path = "/cgi/crm/v2/data/query"
    own.fault("error_code", path=path, code=-1)
    assert refused(client.query("ProductObj")) == -1
    own.fault("error_code", path="/oauth2.0/token", code=30004)
    assert refused(client.grant()) == 30004
    own.fault("token_revoked", path=path)
    assert refused(client.query("ProductObj")) == 20016
    client.login()
    own.fault("duplicate_row", path=path)
    rows = client.rows("ProductObj")
    assert rows[0] == rows[1]
    own.fault("disorder", path=path)
    assert [r["_id"] for r in client.rows("ProductObj")] == sorted((r["_id"] for r in rows[1:]), reverse=True)
    own.fault("redirect", path=path)
    answer = client.session.post(f"{own.url}{path}", json={}, allow_redirects=False, timeout=10)
    assert answer.status_code == 302


def test_people_are_told_apart_by_number_and_by_open_id(own: Sandbox):
    users = list(own.truth("fxiaoke", "users")["records"])
    (new,) = Client(own.url).login().rows("PersonnelObj", ("_id", "EQ", [users[0]]))
    (old,) = Client(own.url, "legacy").login().rows("PersonnelObj", ("_id", "EQ", [users[0]]))
    assert (new["user_id"], old["user_id"]) == ("1000", FIRST_OPEN)
    regions = {r["name"] for r in own.truth("fxiaoke", "departments")["records"].values()}
    assert regions == {"全公司", "华东", "华南", "华北", "西南"}
    tree = Client(own.url).login().walk("DepartmentObj")
    assert {r["name"]: r.get("parent_id") for r in tree} == {
        "全公司": None, **{region: ["999999"] for region in ("华东", "华南", "华北", "西南")},
    }  # fmt: skip
