"""Fxiaoke's API in the small: addresses, tokens, verdicts, pace, quota, describe, personal data."""

from __future__ import annotations

import json
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from connectors import discover
from connectors.core.contract import Field, FieldType, SourceContext, Stream, Usage
from connectors.core.errors import Actor, Problem
from connectors.core.http import BadBody, HttpClient, Policy, Reply
from connectors.core.limits import Limiter, Meter
from connectors.fxiaoke.api.api import Api
from connectors.fxiaoke.api.auth import Credentials, keeper
from connectors.fxiaoke.api.clouds import CLOUDS, hosts
from connectors.fxiaoke.api.describe import FieldMeta, reading
from connectors.fxiaoke.api.errors import STOPS, judge, judge_token
from connectors.fxiaoke.api.objects import offer, stream_name
from connectors.fxiaoke.api.pace import Pace
from connectors.fxiaoke.api.personal import without_personal
from connectors.fxiaoke.api.query import cut_page
from connectors.fxiaoke.api.quota import Quota
from connectors.fxiaoke.api.selection import OBJECTS
from tests.unit.wire import Answer, Request, Server, as_json

SECRET, CODE = "app-secret-9f", "permanent-code-77aa"


class Gateway:
    """Grants token-1, token-2 …; data needs one that is in `good`, or any if that is None."""

    def __init__(self, good: set[str] | None = None, refusal: Answer | None = None) -> None:
        self.good, self.refusal, self.granted = good, refusal, 0

    def __call__(self, request: Request) -> Answer:
        sent = json.loads(request.body)
        if request.path in ("/oauth2.0/token", "/cgi/corpAccessToken/get/V2"):
            self.granted += 1
            value = f"token-{self.granted}"
            both = {"accessToken": value, "ea": "ea-1", "corpAccessToken": value, "corpId": "FSCID_1"}
            return as_json({"errorCode": 0, "expiresIn": 7084, **both})
        token = sent.get("corpAccessToken") or request.headers["authorization"].removeprefix("Bearer ")
        if self.good is None or token in self.good:
            return self.refusal or as_json({"errorCode": 0, "token": token})
        return as_json(
            {"errorCode": 20016, "errorMessage": "the cropId,cropAccessToken or authorization is error"}
        )


def api_on(url: str, cache: Path, generation: str = "oauth", user: str = "1000") -> Api:
    client = HttpClient(
        hosts=hosts(url, loopback=True), limiter=Limiter(8), meter=Meter(Usage()), policy=Policy(attempts=1)
    )
    credentials = Credentials(url, "FSAID_1", SECRET, CODE, user, generation)
    return Api(lambda path: client, keeper(credentials, client, cache), credentials)


def token_of(body: bytes) -> str:
    return json.loads(body)["token"]


def test_the_current_generation_speaks_in_headers(tmp_path: Path):
    with Server(Gateway()) as server:
        assert api_on(server.url, tmp_path).post("/cgi/x", {"a": 1}, token_of) == "token-1"
        grant, call = server.requests
    assert json.loads(grant.body) == {
        "appId": "FSAID_1", "appSecret": SECRET, "permanentCode": CODE, "grantType": "app_secret",
    }  # fmt: skip
    assert json.loads(call.body) == {"a": 1}
    assert (call.headers["authorization"], call.headers["x-fs-ea"], call.headers["x-fs-userid"]) == (
        "Bearer token-1", "ea-1", "1000",
    )  # fmt: skip
    assert len(grant.query["thirdTraceId"]) == len(call.query["thirdTraceId"]) == 36
    assert grant.query != call.query


def test_the_time_of_fxiaoke_is_the_date_of_its_answers(tmp_path: Path):
    answers = [as_json({"errorCode": 0, "accessToken": "t", "ea": "e"})]
    answers += [as_json({}, Date=date) for date in ("Tue, 30 Jun 2026 16:00:00 GMT", "soon")]
    with Server(answers) as server:
        api = api_on(server.url, tmp_path)
        assert api.clock is None and api.by_now(datetime(2100, 1, 1, tzinfo=UTC))
        for _ in range(2):
            api.post("/cgi/x", {}, json.loads)
            assert api.clock == datetime(2026, 6, 30, 16, tzinfo=UTC)
    assert api.by_now(datetime(2026, 6, 30, 16, tzinfo=UTC))
    assert not api.by_now(datetime(2026, 6, 30, 16, 0, 1, tzinfo=UTC))


def test_the_older_generation_speaks_in_the_body(tmp_path: Path):
    with Server(Gateway()) as server:
        api = api_on(server.url, tmp_path, "legacy", "FSUID_1")
        assert api.post("/cgi/x", {"a": 1}, token_of) == "token-1"
        grant, call = server.requests
    assert json.loads(grant.body) == {"appId": "FSAID_1", "appSecret": SECRET, "permanentCode": CODE}
    assert json.loads(call.body) == {
        "corpAccessToken": "token-1", "corpId": "FSCID_1", "currentOpenUserId": "FSUID_1", "a": 1,
    }  # fmt: skip
    assert "authorization" not in call.headers and call.query == {}


def test_one_token_for_all_threads_and_the_next_process(tmp_path: Path):
    gateway = Gateway()
    with Server(gateway) as server:
        api = api_on(server.url, tmp_path)
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda _: api.post("/cgi/x", {}, token_of), range(16)))
        assert set(found) == {"token-1"}
        assert api_on(server.url, tmp_path).post("/cgi/x", {}, token_of) == "token-1"
    assert gateway.granted == 1
    (file,) = tmp_path.glob("*.json")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert SECRET not in file.read_text() and SECRET not in file.name


def test_a_refused_token_is_renewed_once_and_no_more(tmp_path: Path):
    gateway = Gateway(good={"token-2"})
    with Server(gateway) as server:
        assert api_on(server.url, tmp_path / "a").post("/cgi/x", {}, token_of) == "token-2"
    gateway = Gateway(good=set())
    with Server(gateway) as server, pytest.raises(Problem, match="refuses a fresh access token"):
        api_on(server.url, tmp_path / "b").post("/cgi/x", {}, token_of)
    assert gateway.granted == 2


def test_what_stops_one_call_stops_them_all(tmp_path: Path):
    for code in STOPS:
        with Server(Gateway(refusal=as_json({"errorCode": int(code), "traceId": "E-1"}))) as server:
            api = api_on(server.url, tmp_path / code)
            for _ in range(3):
                with pytest.raises(Problem) as caught:
                    api.post("/cgi/x", {}, token_of)
                assert caught.value.code == code and "E-1" in caught.value.what
            assert len(server.requests) == 2, "the token and one call"


@pytest.mark.parametrize(
    ("code", "actor", "retry", "word"),
    [
        (20016, Actor.OPERATOR, False, "access token"),
        (20005, Actor.OPERATOR, False, "access token"),
        (30004, Actor.OPERATOR, True, "slow down"),
        (14001, Actor.OPERATOR, True, "slow down"),
        (-1, Actor.OPERATOR, True, "busy"),
        (-2, Actor.OPERATOR, True, "busy"),
        (50009, Actor.OPERATOR, True, "busy"),
        (30002, Actor.CRM_ADMIN, False, "used up"),
        (30003, Actor.CRM_ADMIN, False, "bought no API calls"),
        (15003, Actor.CRM_ADMIN, False, "lacks the right"),
        (20014, Actor.CRM_ADMIN, False, "stopped"),
        (20021, Actor.CRM_ADMIN, False, "not authorised"),
        (10006, Actor.OPERATOR, False, "app secret"),
        (20006, Actor.OPERATOR, False, "app's id"),
        (20015, Actor.OPERATOR, False, "permanent code"),
        (11013, Actor.OPERATOR, False, "permanent code"),
        (20012, Actor.OPERATOR, False, "does not know the user"),
        (20017, Actor.OPERATOR, False, "company"),
        (10013, Actor.DEVELOPER, False, "offset"),
        (15002, Actor.DEVELOPER, False, "refused the request (errorCode 15002, limit, trace E-7)"),
        (10001, Actor.DEVELOPER, False, "refused the request"),
        (11018, Actor.DEVELOPER, False, "refused the request"),
        (987654, Actor.DEVELOPER, False, "refused the call (errorCode 987654, limit, trace E-7)"),
    ],
)
def test_an_answer_is_judged_by_its_code_whatever_its_text(code: int, actor: Actor, retry: bool, word: str):
    for said in (code, str(code)):
        body = {"errorCode": said, "errorMessage": "limit", "traceId": "E-7"}
        verdict = judge(Reply(200, {}, json.dumps(body).encode()))
        assert (verdict.actor, verdict.retry, verdict.code) == (actor, retry, str(code))
        assert word in verdict.what


def test_what_is_no_envelope_is_left_to_the_parser_and_a_redirect_is_named():
    assert judge(Reply(200, {}, b"<html>")) is None
    assert judge(Reply(200, {}, b'{"errorCode":0}')) is None
    assert "redirect" in judge(Reply(302, {}, b"")).what
    assert judge_token(Reply(200, {}, b'{"errorCode":30004}')).retry is False
    assert "ten calls a minute" in judge_token(Reply(200, {}, b'{"errorCode":14001}')).what


def test_a_throttled_token_is_not_asked_for_again_within_the_minute(tmp_path: Path):
    clock = [1000.0]
    script = [as_json({"errorCode": 30004}), as_json({"errorCode": 0, "accessToken": "t", "ea": "e"})]
    with Server(script) as server:
        client = HttpClient(hosts=hosts(server.url, loopback=True), limiter=Limiter(1), meter=Meter(Usage()))
        keep = keeper(
            Credentials(server.url, "FSAID_1", SECRET, CODE, "1000"), client, tmp_path, now=lambda: clock[0]
        )
        for _ in range(3):
            with pytest.raises(Problem, match="run again after 1970-01-01 00:18 UTC"):
                keep.current()
            clock[0] += 10
        assert len(server.requests) == 1
        clock[0] = 1080
        assert keep.current().value == "t"


def test_only_the_vendors_clouds_are_called():
    for cloud in CLOUDS:
        assert hosts(f"https://{cloud}", loopback=False).permits(f"https://{cloud}/cgi/x")
    assert not hosts("https://open.fxiaoke.com", loopback=False).permits("https://open.fxiaoke.example/")
    for wrong, word in (
        ("https://www.fxiaoke.com", "https://open.fxiaoke.com"),
        ("https://open.fxiaoke.example", "addresses of this source"),
        ("http://open.fxiaoke.com", "addresses of this source"),
        ("https://open.fxiaoke.com/cgi", "Leave the path out"),
        ("http://127.0.0.1:9", "CRM_WAREHOUSE_ALLOW_LOOPBACK"),
        ("https://[", "open.fxiaoke.com"),
        ("open.fxiaoke.com", "Set it to https://open.fxiaoke.com"),
    ):
        with pytest.raises(Problem) as caught:
            hosts(wrong, loopback=False)
        assert word in caught.value.do


def test_a_hundred_calls_in_twenty_seconds_of_each_endpoint():
    now = [0.0]
    starts: list[float] = []

    def sleep(seconds: float) -> None:
        now[0] += seconds

    pace = Pace(calls=3, seconds=20.0, clock=lambda: now[0], sleep=sleep)
    for _ in range(7):
        with pace.slot():
            starts.append(now[0])
        now[0] += 1
    assert starts == [0, 1, 2, 20, 21, 22, 40]


def test_the_pace_holds_for_many_threads():
    lock, now, starts = threading.Lock(), [0.0], []

    def sleep(seconds: float) -> None:
        with lock:
            starts.append(round(seconds))

    pace = Pace(10, calls=5, seconds=20.0, clock=lambda: now[0], sleep=sleep)

    def call(_: int) -> None:
        with pace.slot():
            pass

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(call, range(20)))
    assert sorted(starts) == [20] * 5 + [40] * 5 + [60] * 5


def test_a_budget_is_shared_by_processes_and_ends_with_the_day_in_beijing(tmp_path: Path):
    clock = [datetime(2026, 6, 30, 15, 59, tzinfo=UTC).timestamp()]  # 23:59 in Beijing
    one, other = (Quota(3, tmp_path / "x.calls", now=lambda: clock[0]) for _ in range(2))
    for quota in (one, other, one):
        quota.spend("POST /x")
    assert other.left() == 0
    with pytest.raises(Problem, match="FXIAOKE_DAILY_CALLS"):
        other.spend("POST /x")
    clock[0] += 60
    assert other.left() == 3
    other.spend("POST /x")
    assert Quota(0, tmp_path / "y.calls").left() is None


def described(**fields: Any) -> dict[str, FieldMeta]:
    return {"_id": FieldMeta("text"), **{n: FieldMeta(**meta) for n, meta in fields.items()}}


STREAM = Stream(
    source="fxiaoke", name="x", api_name="x__c", label="x", docs="https://x", key="_id", modelled=False,
    stamp="last_modified_time", fields=(),
)  # fmt: skip


def fields_of(stream: Stream = STREAM, *, personal: bool = False, **fields: Any) -> dict[str, Field]:
    found = reading(stream, described(**fields), "Asia/Shanghai", void="life_status", personal=personal)
    return {field.name: field for field in found.shape.fields}


def test_types_on_the_wire():
    options = [{"value": "1", "label": "一"}, {"value": "other", "label": "其他"}, {"label": "无"}]
    found = fields_of(
        s={"type": "select_one", "options": options}, r={"type": "object_reference"}, e={"type": "employee"},
        t={"type": "record_type", "options": [{"api_name": "default__c", "label": "预设业务类型"}]},
        d={"type": "department"}, m={"type": "select_many", "options": options}, c={"type": "currency"},
        c4={"type": "currency", "decimal_places": 4}, n={"type": "number", "decimal_places": 0}, n2={"type": "number"},
        p={"type": "percentile"}, day={"type": "date"}, at={"type": "date_time"}, b={"type": "true_or_false"},
        f={"type": "formula", "return_type": "currency"}, q={"type": "quote", "quote_field_type": "select_one"},
        em={"type": "employee_many"}, dm={"type": "department_many"},
        w={"type": "wonder"}, gone={"type": "text", "is_active": False}, area={"type": "province"},
    )  # fmt: skip
    assert (found["m"].labels, found["m"].label_in) == ((("1", "一"), ("other", "其他")), "")
    assert [found[name].label_in for name in ("em", "dm")] == ["em__l.name", "dm__l.deptName"]
    kinds = {name: field.type for name, field in found.items()}
    assert kinds == {
        "_id": FieldType.TEXT, "s": FieldType.LOOKUP, "s__o": FieldType.TEXT, "r": FieldType.LOOKUP,
        "e": FieldType.LOOKUP, "t": FieldType.LOOKUP, "d": FieldType.LOOKUP, "m": FieldType.JSON,
        "m__o": FieldType.TEXT, "c": FieldType.DECIMAL, "c4": FieldType.DECIMAL, "n": FieldType.INTEGER,
        "n2": FieldType.DOUBLE, "p": FieldType.DOUBLE, "day": FieldType.EPOCH_MS, "at": FieldType.EPOCH_MS,
        "b": FieldType.BOOLEAN, "f": FieldType.DECIMAL, "q": FieldType.LOOKUP, "w": FieldType.JSON,
        "area": FieldType.LOOKUP, "em": FieldType.JSON, "dm": FieldType.JSON,
    }  # fmt: skip
    assert (found["c"].scale, found["c4"].scale) == (2, 4)
    assert found["s"].labels == (("1", "一"), ("other", "其他"))
    assert [found[name].options for name in "smtrd"] == [
        ("1", "other"),
        ("1", "other"),
        ("default__c",),
        (),
        (),
    ]
    assert found["t"].labels == (("default__c", "预设业务类型"),)
    assert {n: found[n].label_in for n in ("s", "r", "e", "d", "area")} == {
        "s": "s__r", "r": "r__r", "e": "e__r.name", "d": "d__r.deptName", "area": "area__r",
    }  # fmt: skip


def test_an_object_without_a_stamp_or_a_word_of_what_is_void_is_read_all_the_same():
    bare = reading(STREAM, described(a={"type": "text"}), "UTC", void="life_status", personal=False)
    assert (bare.shape.stamp, bare.void) == (None, "")
    flagged = described(is_deleted={"type": "true_or_false"}, last_modified_time={"type": "date_time"})
    found = reading(STREAM, flagged, "UTC", void="life_status", personal=False)
    assert (found.shape.stamp, found.void) == ("last_modified_time", "is_deleted")
    with pytest.raises(Problem, match="no field of x__c"):
        reading(STREAM, {}, "UTC", void="life_status", personal=False)


def test_a_field_that_lacks_every_key_costs_itself_and_no_object():
    found = fields_of(odd={}, worse={"type": 7, "options": "x", "decimal_places": "2", "label": None})
    assert found["odd"].type is found["worse"].type is FieldType.JSON


PAGE = (
    b'{"errorCode":0, "traceId":"E-1","data":{"total":1.50,"dataList":[{"_id":"a","amount":1.10,'
    b'"n":12345678901234567890,'
    b'"owner":["1000"],"owner__r":{"id":"1000","name":"\xe5\xbc\xa0","phone":"138","email":null,"x":1.0},'
    b'"owner__l":[{"id":"1000","phone":"138"}],"phone":"139","note__r":"\\"phone\\"","tags__l":["phone"]}]}}'
)


def test_what_is_personal_of_employees_goes_and_every_other_value_stays_as_it_was():
    clean, found = without_personal(PAGE, {"phone"})
    assert found == {"owner__r.phone", "owner__l.phone", "phone"}
    assert b"138" not in clean and b"139" not in clean
    for kept in (
        b'"amount":1.10',
        b"12345678901234567890",
        b'"x":1.0',
        b'"total":1.50',
        b'"tags__l":["phone"]',
    ):
        assert kept in clean
    before, after = json.loads(PAGE)["data"]["dataList"][0], json.loads(clean)["data"]["dataList"][0]
    before["owner__r"]["phone"] = before["owner__l"][0]["phone"] = before["phone"] = None
    assert after == before
    assert cut_page(PAGE, None).body == PAGE and cut_page(PAGE, frozenset()).redacted == found - {"phone"}
    _, kept = without_personal(PAGE, ())
    assert kept == {"owner__r.phone", "owner__l.phone"}
    same = b'{"data":{"dataList":[{"_id":"a"}]}}'
    assert without_personal(same, {"phone"}) == (same, frozenset())


def test_an_employees_own_telephone_goes_by_type_and_by_name():
    staff = replace(STREAM, options={"staff": True}, modelled=True)
    metas = described(
        phone={"type": "phone_number", "is_active": False},
        mobile={"type": "text"},
        mail__c={"type": "formula", "return_type": "email"},
        home__c={"type": "phone_number"},
        name={"type": "text"},
    )
    found = reading(staff, metas, "Asia/Shanghai", void="life_status", personal=False)
    assert [f.name for f in found.shape.fields if f.name in metas] == ["_id", "name"]
    row = {
        "_id": "1",
        "name": "x",
        "phone": "138",
        "mobile": "139",
        "mail__c": "a@b",
        "home__c": "0512",
        "tel": "7",
    }
    clean, gone = without_personal(json.dumps({"data": {"dataList": [row]}}).encode(), found.personal or ())
    assert json.loads(clean)["data"]["dataList"] == [dict.fromkeys(row) | {"_id": "1", "name": "x"}]
    assert gone == row.keys() - {"_id", "name"}
    wanted = reading(staff, metas, "Asia/Shanghai", void="life_status", personal=True)
    assert wanted.personal is None and {"mobile", "home__c"} <= {f.name for f in wanted.shape.fields}
    other = reading(STREAM, metas, "Asia/Shanghai", void="life_status", personal=False)
    assert other.personal == frozenset(), "the telephones of customers are no employee's"


def test_persons_inside_persons_and_lists_of_lists_are_cleaned_too():
    leader = {"id": "2", "phone": "137", "dept": {"heads": [{"id": "3", "mobile": "136"}, 4]}}
    row = {"_id": "1", "owner__r": leader, "owner__l": [[{"id": "2", "email": "a@b"}], "phone", None]}
    clean, gone = without_personal(json.dumps({"data": {"dataList": [row]}}).encode(), ())
    assert json.loads(clean)["data"]["dataList"] == [
        {
            "_id": "1",
            "owner__r": {"id": "2", "phone": None, "dept": {"heads": [{"id": "3", "mobile": None}, 4]}},
            "owner__l": [[{"id": "2", "email": None}], "phone", None],
        }
    ]
    assert gone == {"owner__r.phone", "owner__r.dept.heads.mobile", "owner__l.email"}
    deep = b'{"data":{"dataList":[{"owner__r":' + b'{"a":' * 5000 + b'{"phone":"1"}' + b"}" * 5000 + b"}]}}"
    with pytest.raises(BadBody):
        without_personal(deep, ())


def test_a_name_stays_with_its_object():
    def found(*seen: str, known: dict[str, str]) -> dict[str, str]:
        listed = json.dumps({"data": {"objects": [{"describeApiName": name} for name in seen]}}).encode()
        api = SimpleNamespace(post=lambda path, body, parse: parse(listed))
        offered = offer(api, "fxiaoke", [STREAM], OBJECTS.parse("all", ""), known)  # type: ignore[arg-type]
        return {stream.api_name: stream.name for stream in offered.streams}

    assert found("visit__c", known={}) == {"visit__c": "visit_c"}
    later = found("Visit__c", "visit__c", known={"visit_c": "visit__c"})
    assert later == {"visit__c": "visit_c", "Visit__c": "visit_c_2"}
    assert found("Visit__c", known={"visit_c": "visit__c"}) == {"Visit__c": "visit_c_2"}, (
        "nor does a lost one's"
    )
    declared = found(known={STREAM.name: "other__c"})
    assert declared == {}
    assert found("other__c", known={STREAM.name: "other__c"}) == {"other__c": "other_c"}


@pytest.mark.parametrize("user", ["张三", "10 00", "", "1000\x7f"])
def test_a_user_that_no_header_takes_is_a_sentence(user: str):
    with pytest.raises(Problem, match="FXIAOKE_USER_ID is no id"):
        Credentials("https://open.fxiaoke.com", "FSAID_1", SECRET, CODE, user)


def test_blanks_around_a_setting_are_no_part_of_it(tmp_path: Path):
    values = {"FXIAOKE_APP_ID": "a", "FXIAOKE_APP_SECRET": SECRET, "FXIAOKE_PERMANENT_CODE": CODE}
    values |= {"FXIAOKE_USER_ID": "1000 \n", "FXIAOKE_BASE_URL": " https://open.fxiaoke.com/ "}
    source = discover()["fxiaoke"].open(SourceContext("default", values, tmp_path, tmp_path))
    assert source._api._credentials.user_id == "1000"
    assert source._api._credentials.base_url == "https://open.fxiaoke.com"
    source.close()


def test_a_page_that_cannot_be_looked_through_is_no_page():
    with pytest.raises(BadBody):
        without_personal(b'{"data":{"dataList":[{"owner__r":{"phone":', ())
    half = rb'{"data":{"dataList":[{"_id":"a","t":"\ud83d","owner__r":{"name":"x","phone":"138"}}]}}'
    clean, _ = without_personal(half, ())
    assert b"138" not in clean and b'"_id":"a"' in clean


def test_a_page_is_cut_by_id_stamp_and_flags():
    rows = [
        {"_id": "a", "last_modified_time": "1764518400000"},
        {"_id": "b", "last_modified_time": 1764518400001, "life_status": "invalid"},
        {"_id": "c", "is_deleted": True},
        {"_id": "d", "life_status": "normal", "is_deleted": False, "last_modified_time": "soon"},
    ]
    cut = cut_page(json.dumps({"data": {"dataList": rows, "total": 0}}).encode(), None)
    assert list(cut.ids) == ["a", "b", "c", "d"] and cut.void == 2
    assert [stamp.timestamp() for stamp in cut.stamps] == [1764518400, 1764518400.001]
    for body in (b"<html>", b'{"data":{}}', b'{"data":{"dataList":[{"x":1}]}}'):
        with pytest.raises(BadBody):
            cut_page(body, None)


def test_names_of_streams_and_what_is_selected():
    assert [stream_name(n) for n in ("SalesOrderObj", "SPUObj", "visit_report__c", "CRMNoteObj")] == [
        "sales_order_obj", "spu_obj", "visit_report_c", "crm_note_obj",
    ]  # fmt: skip
    default = OBJECTS.parse("", "JournalObj")
    assert default.wants(("PartnerObj", "partner_obj"), modelled=False)
    assert default.wants(("x__c", "x_c"), modelled=False)
    assert not default.wants(("StockObj", "stock_obj"), modelled=False)
    assert not default.wants(("JournalObj", "journal_obj"), modelled=True)
    assert OBJECTS.parse("all", "").wants(("StockObj", "stock_obj"), modelled=False)
    assert not OBJECTS.parse("StockObj", "").wants(("AccountObj", "account_obj"), modelled=True)
    (problem,) = OBJECTS.parse("AcountObj", "").unknown(["AccountObj"])
    assert problem.do == "Write AccountObj instead"


def test_listing_the_sources_asks_nothing_and_tells_every_setting(tmp_path: Path):
    spec = discover()["fxiaoke"]
    assert {s.name for s in spec.settings if s.required} == {
        "FXIAOKE_APP_ID", "FXIAOKE_APP_SECRET", "FXIAOKE_PERMANENT_CODE", "FXIAOKE_USER_ID",
    }  # fmt: skip
    assert {s.name for s in spec.settings if s.secret} == {"FXIAOKE_APP_SECRET", "FXIAOKE_PERMANENT_CODE"}
    values = {s.name: s.default for s in spec.settings} | {
        "FXIAOKE_APP_ID": "FSAID_1", "FXIAOKE_APP_SECRET": SECRET, "FXIAOKE_PERMANENT_CODE": CODE,
        "FXIAOKE_USER_ID": "1000",
    }  # fmt: skip
    with spec.open(SourceContext("default", values, tmp_path, tmp_path)) as source:
        assert source.usage.calls == 0
        assert SECRET not in repr(source.__dict__)
