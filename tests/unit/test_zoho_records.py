"""The walk over records, users and deleted lists against an organisation small enough to read."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from connectors import discover
from connectors.core.contract import CursorKind, SourceContext, Usage, Window
from connectors.core.errors import Actor, Problem
from connectors.core.hosts import HostList
from connectors.core.http import HttpClient, Policy
from connectors.core.limits import Limiter, Meter
from connectors.zoho import records
from connectors.zoho.source import ZohoSource
from tests.unit.wire import Answer, Request, Server, as_json

START = datetime(2026, 3, 1, tzinfo=UTC)
EST = timezone(timedelta(hours=-5))
FULL = Window(CursorKind.INCREMENTAL)


def stamp(second: int) -> str:
    """As an organisation in New York writes it."""
    return (START + timedelta(seconds=second)).astimezone(EST).isoformat()


def refusal(code: str, status: int = 400, **details) -> Answer:
    return as_json({"code": code, "details": details, "message": "m", "status": "error"}, status)


class Org:
    """Deals as (id, second of change) in that order, and what a test wants to go wrong."""

    def __init__(self, deals: list[tuple[str, int]], fields: int = 3, stamped: bool = True) -> None:
        self.deals = deals
        self.names = ["Created_Time", *(["Modified_Time"] if stamped else [])]
        self.names += [f"F{n:02}" for n in range(fields - len(self.names))]
        self.asked: list[Request] = []
        self.window = 100_000
        self.before: Callable[[Request], Answer | None] = lambda request: None
        self.modules = ["Deals", "Accounts", "Contacts"]

    def __call__(self, request: Request) -> Answer:
        if request.path == "/oauth/v2/token":
            return as_json({"access_token": "t", "expires_in": 3600})
        if request.path == "/crm/v8/settings/fields" and self.names is None:
            return refusal("INVALID_MODULE", resource_path_index=1)
        if request.path == "/crm/v8/settings/fields":
            return as_json({"fields": [{"api_name": name, "data_type": "text"} for name in self.names]})
        if request.path == "/crm/v8/settings/modules":
            hidden = [
                {"api_name": "Leads", "viewable": False},
                {"api_name": "Products", "api_supported": False},
            ]
            return as_json({"modules": [{"api_name": name} for name in self.modules] + hidden})
        self.asked.append(request)
        return self.before(request) or self.records(request)

    def records(self, request: Request) -> Answer:
        query, size = request.query, int(request.query["per_page"])
        names = query["fields"].split(",")
        if "ids" in query:
            wanted = query["ids"].split(",")
            assert len(wanted) <= 100
            rows = [d for d in self.deals if d[0] in wanted]
            return self.page(rows, names, more=False)
        since = request.headers.get("If-Modified-Since")
        low = (datetime.fromisoformat(since) - START).total_seconds() if since else -1
        rows = [d for d in self.deals if d[1] >= low]
        if not rows:
            return Answer(304 if since else 204)
        at = int(query.get("page_token", "0"))
        if at >= self.window:
            return refusal("PAGINATION_LIMIT_EXCEEDED", limit=self.window)
        more = at + size < len(rows)
        return self.page(rows[at : at + size], names, more=more, token=str(at + size) if more else None)

    def page(self, rows, names, *, more: bool, token: str | None = None, lie: int = 0) -> Answer:
        if not rows:
            return Answer(204)
        data = [
            {"id": key, **{name: f"{name} of {key}" for name in names}, "$approved": {"x": [1, {"y": None}]}}
            | ({"Modified_Time": stamp(second)} if "Modified_Time" in names else {})
            | ({"Created_Time": stamp(0)} if "Created_Time" in names else {})
            for key, second in rows
        ]
        info = {"count": len(data) + lie, "more_records": more, "next_page_token": token, "per_page": 200}
        return as_json({"data": data, "info": info})


def deals(count: int, *, same_second: bool = False) -> list[tuple[str, int]]:
    return [(f"{5000000000000 + n}", 0 if same_second else n) for n in range(count)]


@pytest.fixture
def opened(tmp_path):
    sources = []

    def make(server: Server) -> ZohoSource:
        spec = discover()["zoho"]
        values = {
            "ZOHO_CLIENT_ID": "c",
            "ZOHO_CLIENT_SECRET": "s",
            "ZOHO_REFRESH_TOKEN": "r",
            "ZOHO_ACCOUNTS_URL": server.url,
            "ZOHO_FULL_READ": "records",
        }
        context = SourceContext("default", values, tmp_path, tmp_path / server.url[-5:], allow_loopback=True)
        http = HttpClient(
            hosts=HostList(frozenset(), loopback=True),
            limiter=Limiter(5),
            meter=Meter(Usage()),
            policy=Policy(attempts=3, first_pause=0),
        )
        source = ZohoSource(context, spec.streams(), http)
        sources.append(source)
        return source

    yield make
    for source in sources:
        source.close()


def stream(name: str):
    return next(s for s in discover()["zoho"].streams() if s.name == name)


def ids(pages, chunk: int = 0) -> list[str]:
    return [row["id"] for page in pages if page.chunk == chunk for row in json.loads(page.body)["data"]]


def drain(opened, org, name: str = "deals", window: Window = FULL):
    with Server(org) as server:
        return list(opened(server).read(stream(name), window))


@pytest.mark.parametrize("body", ["Deals", "Deals/deleted"])
def test_a_stamp_of_the_future_does_not_hide_what_changes_until_then(opened, body):
    """The CRM's Date is the test server's, and so our own."""
    far = int((datetime(2090, 1, 1, tzinfo=UTC) - START).total_seconds())
    org = Org([*deals(250), ("6000000000000", far)])
    gone = {"data": [{"id": "1", "deleted_time": stamp(far)}], "info": {"more_records": False, "count": 1}}
    org.before = lambda request: as_json(gone) if request.path.endswith("/deleted") else None
    pages = drain(opened, org, window=FULL if body == "Deals" else Window(CursorKind.DELETED))
    assert [p.rows for p in pages] == ([200, 51] if body == "Deals" else [1])
    assert pages[-1].watermark == (START + timedelta(seconds=249) if body == "Deals" else None)


def test_pages_are_asked_for_in_order_of_change_and_by_token(opened):
    org = Org(deals(450))
    pages = drain(opened, org)
    assert ids(pages) == [key for key, _ in org.deals]
    assert [(p.rows, p.chunk) for p in pages] == [(200, 0), (200, 0), (50, 0)]
    same = {
        "fields": "Created_Time,Modified_Time,F00",
        "per_page": "200",
        "sort_by": "Modified_Time",
        "sort_order": "asc",
    }
    assert [r.query for r in org.asked] == [
        same,
        {**same, "page_token": "200"},
        {**same, "page_token": "400"},
    ]
    assert [p.watermark for p in pages] == [START + timedelta(seconds=s) for s in (199, 399, 449)]
    assert all(p.watermark.tzinfo is UTC for p in pages)
    assert pages[0].request == (
        "/crm/v8/Deals?sort_by=Modified_Time&sort_order=asc&fields=3 names, chunk 1 of 1"
    )


def test_a_window_is_sent_in_whole_seconds_and_holds_its_first(opened):
    org = Org(deals(10))
    since = (START + timedelta(seconds=7, microseconds=900_000)).astimezone(EST)
    pages = drain(opened, org, window=Window(CursorKind.INCREMENTAL, since))
    assert org.asked[0].headers["If-Modified-Since"] == "2026-03-01T00:00:07+00:00"
    assert ids(pages) == [key for key, second in org.deals if second >= 7]


def test_moments_are_compared_as_moments_and_not_as_texts(opened):
    # 13:00, 14:00 and 14:30 UTC; as texts they stand the other way round.
    stamps = ["2026-03-01T22:00:00+09:00", "2026-03-01T19:30:00+05:30", "2026-03-01T09:30:00-05:00"]
    page = {
        "data": [
            {"id": str(n), "Created_Time": text, "Modified_Time": text} for n, text in enumerate(stamps)
        ],
        "info": {"count": 3, "more_records": True, "next_page_token": "3"},
    }
    last = {
        "data": [{"id": "3", "Created_Time": stamps[2], "Modified_Time": "2026-03-01T08:45:00-06:00"}],
        "info": {"count": 1, "more_records": False, "next_page_token": None},
    }
    org = Org(deals(1))
    org.before = lambda request: as_json(last if "page_token" in request.query else page)
    first, second = drain(opened, org)
    assert first.watermark == datetime(2026, 3, 1, 14, 30, tzinfo=UTC)
    assert second.watermark == datetime(2026, 3, 1, 14, 45, tzinfo=UTC)


@pytest.mark.parametrize("kind", [CursorKind.INCREMENTAL, CursorKind.DELETED])
def test_a_list_without_an_end_is_given_up(opened, kind):
    rows = [{"id": "1", "Modified_Time": stamp(0), "Created_Time": stamp(0), "deleted_time": stamp(0)}]
    page = {"data": rows, "info": {"count": 1, "more_records": True, "next_page_token": "always"}}
    org = Org(deals(1))
    org.before = lambda request: as_json(page)
    with Server(org) as server, pytest.raises(Problem, match="the same page again") as caught:
        list(opened(server).read(stream("deals"), Window(kind)))
    assert caught.value.transient and len(org.asked) == 2


def test_a_moment_without_zone_is_refused(opened):
    with pytest.raises(ValueError, match="time zone"):
        drain(opened, Org(deals(1)), window=Window(CursorKind.INCREMENTAL, datetime(2026, 1, 1)))


def test_nothing_new_is_nothing(opened):
    later = Window(CursorKind.INCREMENTAL, START + timedelta(days=1))
    assert drain(opened, Org(deals(3)), window=later) == []
    assert drain(opened, Org([])) == []


def test_a_list_that_ends_at_its_limit_goes_on_in_a_new_window(opened):
    org = Org(deals(1500))
    org.window = 600
    pages = drain(opened, org)
    assert list(dict.fromkeys(ids(pages))) == [key for key, _ in org.deals]
    assert len(ids(pages)) - 1500 <= 2 * 2  # two records of the second before and the same second, twice
    marks = [p.watermark for p in pages]
    assert marks == sorted(marks)
    assert [r.headers.get("If-Modified-Since") for r in org.asked if "page_token" not in r.query] == [
        None,
        "2026-03-01T00:09:58+00:00",
        "2026-03-01T00:19:56+00:00",
    ]


def test_an_expired_token_begins_a_new_window(opened):
    org = Org(deals(450))
    spent = []

    def before(request: Request) -> Answer | None:
        if request.query.get("page_token") == "200" and not spent:
            spent.append(1)
            return refusal("EXPIRED_VALUE", api_name="page_token")
        return None

    org.before = before
    assert list(dict.fromkeys(ids(drain(opened, org)))) == [key for key, _ in org.deals]


def test_more_rows_but_no_token_begins_a_new_window_too(opened):
    org = Org(deals(300))

    def before(request: Request) -> Answer | None:
        if "If-Modified-Since" in request.headers:
            return None
        return org.page(org.deals[:200], org.names, more=True)

    org.before = before
    assert list(dict.fromkeys(ids(drain(opened, org)))) == [key for key, _ in org.deals]


def test_more_records_in_one_second_than_a_list_shows_is_a_problem(opened):
    org = Org(deals(900, same_second=True))
    org.window = 600
    with pytest.raises(Problem, match="in one second can be read") as caught:
        drain(opened, org)
    assert (caught.value.code, caught.value.stream) == ("PAGINATION_LIMIT_EXCEEDED", "deals")


def test_a_page_that_lies_about_its_count_is_asked_for_again_then_a_problem(opened):
    org = Org(deals(5))
    lies = [1, 1, 0]
    org.before = lambda _: org.page(org.deals, org.names, more=False, lie=lies.pop(0))
    assert len(ids(drain(opened, org))) == 5
    org.before = lambda _: org.page(org.deals, org.names, more=False, lie=3)
    with pytest.raises(Problem, match="announces 8 records and holds 5") as caught:
        drain(opened, org)
    assert (caught.value.source, caught.value.stream) == ("zoho", "deals")


def test_half_an_emoji_in_a_text_blocks_no_page_and_stays_as_it_came(opened):
    org = Org(deals(1))
    cut = b'{"data": [{"id": "1", "F00": "cut \\ud83d"}], "info": {"count": 1, "more_records": false}}'
    org.before = lambda _: Answer(200, cut)
    assert [(p.body, p.rows) for p in drain(opened, org)] == [(cut, 1)]
    org.before = lambda _: Answer(200, cut[:-2])
    with pytest.raises(Problem, match="not a page"):
        drain(opened, org)


@pytest.mark.parametrize(
    "body",
    [
        {"data": [{"Amount": 1}], "info": {"count": 1, "more_records": False}},
        {"data": [{"id": "1"}]},
        {"data": [], "info": {"count": 0, "more_records": True, "next_page_token": "x"}},
        {"data": [{"id": "1", "Modified_Time": "2026-01-01"}], "info": {"count": 1, "more_records": False}},
        {"info": {"count": 0, "more_records": False}},
    ],
    ids=["no id", "no info", "more but nothing", "stamp without time", "no data"],
)
def test_a_page_that_proves_nothing_is_not_taken(opened, body):
    org = Org(deals(1))
    org.before = lambda _: as_json(body)
    with pytest.raises(Problem) as caught:
        drain(opened, org)
    assert caught.value.code == "BAD_BODY"
    assert len(org.asked) == 3


def test_pages_out_of_order_promise_nothing_before_the_end(opened):
    org = Org(deals(300))
    org.deals[10], org.deals[250] = org.deals[250], org.deals[10]
    pages = drain(opened, org)
    assert [p.watermark for p in pages] == [None, START + timedelta(seconds=299)]


def test_wide_modules_come_in_chunks_behind_their_page(opened):
    org = Org(deals(250), fields=110)
    pages = drain(opened, org)
    assert [(p.rows, p.chunk) for p in pages] == [
        *((200, 0), (100, 1), (100, 1), (100, 2), (100, 2)),
        *((50, 0), (50, 1), (50, 2)),
    ]
    assert all(len(r.query["fields"].split(",")) <= 50 for r in org.asked)
    assert [r for r in org.asked if "page_token" in r.query and "ids" in r.query] == []
    merged: dict[str, dict] = {}
    for page in pages:
        for row in json.loads(page.body)["data"]:
            merged.setdefault(row["id"], {}).update(row)
    assert len(merged) == 250
    assert all(set(row) == {"id", "$approved", *org.names} for row in merged.values())
    # The promise holds only once the last chunk is out.
    assert [p.watermark is not None for p in pages] == [False] * 4 + [True] + [False] * 2 + [True]


def test_a_record_that_changes_between_chunks_is_read_again_whole(opened):
    org = Org(deals(3), fields=60)

    def before(request: Request) -> Answer | None:
        if "ids" in request.query and len(org.asked) == 2:
            org.deals[1] = (org.deals[1][0], 77)  # edited after the page, before its second chunk
        return None

    org.before = before
    pages = drain(opened, org)
    assert [p.chunk for p in pages] == [0, 1]
    for page in pages:
        assert [r["Modified_Time"] for r in json.loads(page.body)["data"]] == [stamp(0), stamp(77), stamp(2)]


def test_each_page_read_again_is_followed_by_its_own_chunks(opened):
    org = Org(deals(150), fields=60)

    def before(request: Request) -> Answer | None:
        if "ids" in request.query and len(org.asked) == 2:
            org.deals[120] = (org.deals[120][0], 777)
        return None

    org.before = before
    pages = drain(opened, org)
    assert [(p.chunk, p.rows) for p in pages] == [(0, 100), (1, 100), (0, 50), (1, 50)]
    for page, chunk in (pages[:2], pages[2:]):
        assert ids([page]) == ids([chunk], 1)
    assert [p.watermark is None for p in pages] == [True, True, True, False]


def test_a_record_deleted_between_chunks_leaves_no_half(opened):
    org = Org(deals(3), fields=60)

    def before(request: Request) -> Answer | None:
        if "ids" in request.query and len(org.asked) == 2:
            del org.deals[1]
        return None

    org.before = before
    pages = drain(opened, org)
    assert [ids(pages, chunk) for chunk in (0, 1)] == [[key for key, _ in org.deals]] * 2


def test_a_second_edit_within_the_newest_second_is_not_torn(opened, monkeypatch):
    """It moves no stamp, so the chunks of two versions look alike; when the second is over both are read again."""
    org = Org(deals(3), fields=60)
    pauses = []
    monkeypatch.setattr(records, "_RECENT", datetime.now(UTC) - START + timedelta(days=1))
    monkeypatch.setattr(records, "sleep", pauses.append)
    served = org.page

    def edited(rows, names, **more) -> Answer:
        answer = served(rows, names, **more)
        late = len(org.asked) > 1  # after the page, before its second chunk
        newest = org.deals[2][0].encode()
        return replace(answer, body=answer.body.replace(b" of " + newest, b" edited")) if late else answer

    org.page = edited
    pages = drain(opened, org)
    assert [(p.chunk, p.rows, p.watermark is not None) for p in pages] == [
        *((0, 3, False), (1, 3, False)),
        *((0, 1, False), (1, 1, True)),
    ]
    assert pauses == [records._PAUSE]
    for page in pages[2:]:
        (row,) = json.loads(page.body)["data"]
        assert row["id"] == org.deals[2][0]
        assert all(value.endswith(" edited") for name, value in row.items() if name.startswith("F"))


def test_chunks_that_never_agree_are_a_problem(opened):
    org = Org(deals(2), fields=60)

    def before(request: Request) -> Answer | None:
        org.deals[0] = (org.deals[0][0], len(org.asked))
        return None

    org.before = before
    with pytest.raises(Problem, match="again and again") as caught:
        drain(opened, org)
    assert caught.value.transient


def test_a_module_without_a_stamp_is_read_whole_new_records_last(opened):
    org = Org(deals(3), fields=2, stamped=False)
    pages = drain(opened, org, window=Window(CursorKind.INCREMENTAL, START + timedelta(days=9)))
    assert len(ids(pages)) == 3
    assert "If-Modified-Since" not in org.asked[0].headers
    assert org.asked[0].query["sort_by"] == "Created_Time"
    assert pages[0].watermark is None
    org.names = ["F00"]
    drain(opened, org)
    assert org.asked[-1].query["sort_by"] == "id"


def test_a_module_without_a_stamp_says_where_its_list_ends(opened):
    org = Org(deals(450), fields=2, stamped=False)
    org.window = 400
    with pytest.raises(Problem, match=r"no Modified_Time.*100,000") as caught:
        drain(opened, org)
    assert "ZOHO_MODULES_EXCEPT=Deals" in caught.value.do


def test_converted_leads_are_asked_for(opened):
    org = Org(deals(1), fields=60)
    drain(opened, org, "leads")
    assert [(r.path, r.query["converted"]) for r in org.asked] == [("/crm/v8/Leads", "both")] * 2


def test_users_of_every_state_come_by_page_whatever_the_window(opened):
    org = Org([])

    def before(request: Request) -> Answer:
        number = int(request.query["page"])
        users = [{"id": f"{number}{n:03}", "Modified_Time": stamp(-number)} for n in range(3 - number)]
        return as_json({"users": users, "info": {"count": len(users), "more_records": number == 1}})

    org.before = before
    pages = drain(opened, org, "users", Window(CursorKind.INCREMENTAL, START + timedelta(days=9)))
    assert [p.rows for p in pages] == [2, 1]
    assert [r.query for r in org.asked] == [
        {"type": "AllUsers", "per_page": "200", "page": "1"},
        {"type": "AllUsers", "per_page": "200", "page": "2"},
    ]
    assert "If-Modified-Since" not in org.asked[0].headers
    assert [p.watermark for p in pages] == [None, START - timedelta(seconds=1)]


def test_users_do_without_metadata(opened):
    org = Org([])
    org.names = None
    with Server(org) as server:
        shape = opened(server).shape(stream("users"), CursorKind.INCREMENTAL)
        with pytest.raises(Problem):
            opened(server).shape(stream("deals"), CursorKind.INCREMENTAL)
    assert (shape.records, shape.stamp, shape.fields) == ("users", "Modified_Time", stream("users").fields)


def test_more_users_than_a_list_shows_is_a_problem_not_an_end(opened):
    org = Org([])
    users = [{"id": "1", "Modified_Time": stamp(0)}]
    page = as_json({"users": users, "info": {"count": 1, "more_records": True}})
    org.before = lambda request: (
        page if request.query["page"] == "1" else refusal("DISCRETE_PAGINATION_LIMIT_EXCEEDED", limit=2000)
    )
    with pytest.raises(Problem, match="rest of the users"):
        drain(opened, org, "users")


def test_deleted_records_of_both_kinds_promise_their_newest_at_the_end(opened):
    org = Org([])

    def before(request: Request) -> Answer:
        number = int(request.query["page"])
        rows = [
            {"id": f"{number}", "deleted_time": stamp(-number), "type": "recycle", "display_name": "Li Wei"}
        ]
        return as_json({"data": rows, "info": {"count": 1, "more_records": number < 3}})

    org.before = before
    with Server(org) as server:
        source = opened(server)
        shape = source.shape(stream("deals"), CursorKind.DELETED)
        pages = list(source.read(stream("deals"), Window(CursorKind.DELETED, START - timedelta(days=1))))
    assert [f.name for f in shape.fields] == ["id", "deleted_time", "type"]
    assert (shape.records, shape.key, shape.stamp) == ("data", "id", "deleted_time")
    assert [(r.path, r.query["type"], r.query["page"]) for r in org.asked] == [
        ("/crm/v8/Deals/deleted", "all", n) for n in "123"
    ]
    assert org.asked[2].headers["If-Modified-Since"] == "2026-02-28T00:00:00+00:00"
    assert [p.watermark for p in pages] == [None, None, START - timedelta(seconds=1)]


def test_an_empty_deleted_list(opened):
    org = Org([])
    org.before = lambda _: Answer(204)
    assert drain(opened, org, window=Window(CursorKind.DELETED)) == []


def test_a_missing_permission_names_what_to_grant_and_other_streams_go_on(opened):
    org = Org(deals(1))
    org.before = lambda request: (
        refusal("NO_PERMISSION", 403, permissions=["Crm_Implied_View_Potentials"])
        if request.path == "/crm/v8/Deals"
        else None
    )
    with Server(org) as server:
        source = opened(server)
        with pytest.raises(Problem, match="Crm_Implied_View_Potentials") as caught:
            list(source.read(stream("deals"), FULL))
        assert len(list(source.read(stream("accounts"), FULL))) == 1
    assert (caught.value.actor, caught.value.code) == (Actor.CRM_ADMIN, "NO_PERMISSION")
    assert len([r for r in org.asked if r.path == "/crm/v8/Deals"]) == 1


@pytest.mark.parametrize(("left", "calls"), [("0", 1), ("49", 1), ("50", 3), ("", 3), ("soon", 3)])
def test_used_up_credits_are_not_asked_for_again(opened, left, calls):
    org = Org(deals(1))
    empty = refusal("TOO_MANY_REQUESTS", 429)
    org.before = lambda _: replace(empty, headers={**empty.headers, "X-API-CREDITS-REMAINING": left})
    with pytest.raises(Problem) as caught:
        drain(opened, org)
    assert (len(org.asked), caught.value.transient) == (calls, True)
    assert (caught.value.code == "NO_CREDITS") is (calls == 1)


def test_a_throttled_call_is_asked_again(opened):
    org = Org(deals(1))
    org.before = lambda _: refusal("TOO_MANY_REQUESTS", 429) if len(org.asked) < 3 else None
    assert len(drain(opened, org)) == 1


def test_an_error_wrapped_in_data_is_read_all_the_same(opened):
    org = Org(deals(1))
    wrapped = {"data": [{"code": "OAUTH_SCOPE_MISMATCH", "details": {}, "message": "m", "status": "error"}]}
    org.before = lambda _: as_json(wrapped, 401)
    with pytest.raises(Problem, match=r"ZohoCRM\.modules\.READ"):
        drain(opened, org)
    assert len(org.asked) == 1


def test_a_hidden_module_is_a_problem_and_an_optional_one_a_line_in_the_log(opened, caplog):
    caplog.set_level("INFO")
    org = Org([])
    with Server(org) as server:
        source = opened(server)
        assert {s.name for s in source.streams()} == {"users", "accounts", "contacts", "deals", "currencies"}
        problems = source.problems()
    assert [(p.stream, p.actor) for p in problems] == [("leads", Actor.CRM_ADMIN)]
    assert [(r.levelname, r.message) for r in caplog.records if "sees no module" in r.message] == [
        (
            "INFO",
            "zoho: the API user sees no module Products, DealHistory, Quotes, Quoted_Items, Sales_Orders, "
            "Ordered_Items, Invoices, Invoiced_Items, Tasks, Events, Calls, Cases, Campaigns; their tables stay as "
            "they are",
        )
    ]


def test_metadata_is_asked_for_anew_and_the_next_read_follows_it(opened):
    org = Org(deals(1))
    with Server(org) as server:
        source = opened(server)
        source.shape(stream("deals"), CursorKind.INCREMENTAL)
        org.names.append("Brand_New")
        list(source.read(stream("deals"), FULL))
        after = source.shape(stream("deals"), CursorKind.INCREMENTAL)
        list(source.read(stream("deals"), FULL))
    assert "Brand_New" in {f.name for f in after.fields}
    assert ["Brand_New" in r.query["fields"] for r in org.asked] == [False, True]
