"""The shared access token: fetched once, kept private, renewed once, and never sent to a stranger."""

from __future__ import annotations

import stat
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from connectors.core.contract import Usage
from connectors.core.errors import Actor, Problem
from connectors.core.http import HttpClient, Policy
from connectors.core.limits import Limiter, Meter
from connectors.zoho import scopes
from connectors.zoho.api import Api
from connectors.zoho.auth import Credentials, keeper
from connectors.zoho.centres import ACCOUNTS_TO_API, api_of, hosts
from tests.unit.wire import Answer, Request, Server, as_json

SECRET, REFRESH = "client-secret-9f", "refresh-token-77aa"


class Zoho:
    """Grants `token-1`, `token-2` …; data needs a token that is in `good`, or any if that is None."""

    def __init__(self, good: set[str] | None = None, grant: Answer | None = None, pause: float = 0.0) -> None:
        self.good, self.grant, self.pause = good, grant, pause
        self.granted = 0
        self.url = ""

    def __call__(self, request: Request) -> Answer:
        if request.path == "/oauth/v2/token":
            time.sleep(self.pause)
            self.granted += 1
            token = {"access_token": f"token-{self.granted}", "expires_in": 3600, "api_domain": self.url}
            return self.grant or as_json(token)
        sent = request.headers["Authorization"].removeprefix("Zoho-oauthtoken ")
        if self.good is None or sent in self.good:
            return as_json({"ok": sent})
        return as_json({"code": "INVALID_TOKEN", "details": {}, "message": "m", "status": "error"}, 401)


@pytest.fixture
def open_api(tmp_path):
    clients = []

    def opened(url: str, *, api_url: str = "", now=time.time) -> tuple[Api, HttpClient]:
        http = HttpClient(
            hosts=hosts(url, api_url, loopback=True),
            limiter=Limiter(8),
            meter=Meter(Usage()),
            policy=Policy(attempts=2, first_pause=0),
        )
        clients.append(http)
        credentials = Credentials("client-1", SECRET, REFRESH, url, api_url)
        return Api(http, keeper(credentials, http, tmp_path / "cache", now=now), api_url), http

    yield opened
    for http in clients:
        http.close()


def get(api: Api) -> bytes | None:
    return api.get("org", {}, bytes)


def test_many_threads_share_one_grant(open_api):
    zoho = Zoho(pause=0.1)
    with Server(zoho) as server:
        zoho.url = server.url
        api, _ = open_api(server.url)
        start = threading.Barrier(6)
        with ThreadPoolExecutor(6) as pool:
            replies = list(pool.map(lambda _: start.wait(5) is None or get(api), range(6)))
    assert (zoho.granted, set(replies)) == (1, {b'{"ok": "token-1"}'})


def test_a_second_process_takes_the_token_from_the_private_file(open_api, tmp_path):
    zoho = Zoho()
    with Server(zoho) as server:
        zoho.url = server.url
        get(open_api(server.url)[0])
        assert get(open_api(server.url)[0]) == b'{"ok": "token-1"}'
    assert zoho.granted == 1
    kept = next((tmp_path / "cache").glob("*.json"))
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
    assert not any(secret in kept.read_text() + kept.name for secret in (SECRET, REFRESH))


def test_processes_that_start_together_share_one_grant(open_api):
    # Keepers of their own hold locks of their own on the file, as processes do.
    zoho = Zoho(pause=0.1)
    with Server(zoho) as server:
        zoho.url = server.url
        apis = [open_api(server.url)[0] for _ in range(4)]
        start = threading.Barrier(4)
        with ThreadPoolExecutor(4) as pool:
            replies = list(pool.map(lambda api: start.wait(5) is None or get(api), apis))
    assert (zoho.granted, set(replies)) == (1, {b'{"ok": "token-1"}'})


def test_the_secrets_travel_in_the_body_only(open_api):
    zoho = Zoho()
    with Server(zoho) as server:
        zoho.url = server.url
        get(open_api(server.url)[0])
    sent = server.requests[0]
    assert sent.query == {}
    assert sent.form == {
        "grant_type": "refresh_token",
        "client_id": "client-1",
        "client_secret": SECRET,
        "refresh_token": REFRESH,
    }


def test_a_refused_token_is_renewed_once_for_all_threads(open_api):
    zoho = Zoho(good={"token-2"})
    with Server(zoho) as server:
        zoho.url = server.url
        api, _ = open_api(server.url)
        with ThreadPoolExecutor(4) as pool:
            replies = list(pool.map(lambda _: get(api), range(4)))
    assert (zoho.granted, set(replies)) == (2, {b'{"ok": "token-2"}'})


def test_a_fresh_token_that_is_refused_is_a_problem_not_a_loop(open_api):
    zoho = Zoho(good=set())
    with Server(zoho) as server:
        zoho.url = server.url
        api, _ = open_api(server.url)
        codes = []
        for _ in range(8):
            with pytest.raises(Problem) as caught:
                get(api)
            codes.append(caught.value.code)
    assert zoho.granted == 5
    assert codes == ["INVALID_TOKEN"] * 4 + ["TOKENS_REFUSED"] * 4


def test_a_token_near_its_end_is_replaced_before_it_fails(open_api):
    zoho, now = Zoho(), [1_000_000.0]
    with Server(zoho) as server:
        zoho.url = server.url
        api, _ = open_api(server.url, now=lambda: now[0])
        get(api)
        now[0] += 3600 - 301
        assert get(api) == b'{"ok": "token-1"}'
        now[0] += 2
        assert get(api) == b'{"ok": "token-2"}'


def test_a_damaged_token_file_is_replaced(open_api, tmp_path):
    zoho = Zoho()
    with Server(zoho) as server:
        zoho.url = server.url
        get(open_api(server.url)[0])
        next((tmp_path / "cache").glob("*.json")).write_text('{"value": "tok')
        assert get(open_api(server.url)[0]) == b'{"ok": "token-2"}'


@pytest.mark.parametrize(
    ("status", "body", "code", "sentence"),
    [
        (200, {"error": "invalid_client"}, "invalid_client", "does not know this client id"),
        (200, {"error": "invalid_client_secret"}, "invalid_client_secret", "client secret is wrong"),
        (200, {"error": "invalid_code"}, "invalid_code", "refresh token was revoked"),
        (400, {"error": "invalid_code"}, "invalid_code", "refresh token was revoked"),
        (200, {"error": "invalid_redirect_uri"}, "invalid_redirect_uri", "redirect address of a web client"),
        (200, {"error": "general_error"}, "general_error", "accounts server refused"),
        (400, {"error": "Access Denied"}, "access_denied", "no more access tokens for now"),
        (
            200,
            {"error": "Access Denied", "error_description": "You have made too many requests continuously."},
            "access_denied",
            "no more access tokens for now",
        ),
    ],
)
def test_the_token_endpoint_is_judged_by_its_body(open_api, status, body, code, sentence):
    zoho = Zoho(grant=as_json(body, status))
    with Server(zoho) as server:
        api, _ = open_api(server.url)
        for _ in range(3):  # and nobody asks again with what was just refused
            with pytest.raises(Problem, match=sentence) as caught:
                get(api)
    assert (zoho.granted, caught.value.code, caught.value.actor) == (1, code, Actor.OPERATOR)
    assert caught.value.transient is (code == "access_denied")
    assert not any(secret in str(caught.value) for secret in (SECRET, REFRESH))


def test_html_from_the_token_endpoint(open_api):
    with (
        Server(Zoho(grant=Answer(400, b"<html>"))) as server,
        pytest.raises(Problem, match="refused") as caught,
    ):
        get(open_api(server.url)[0])
    assert caught.value.code == "400"


def test_a_foreign_api_domain_is_refused_and_gets_nothing(open_api):
    zoho = Zoho()
    zoho.url = "https://www.zohoapis.com.evil.example"
    with Server(zoho) as server, pytest.raises(Problem, match="not Zoho's; no token was sent") as caught:
        get(open_api(server.url)[0])
    assert [r.path for r in server.requests] == ["/oauth/v2/token"]
    assert caught.value.code == "HOST_REFUSED"


def test_an_api_url_in_the_settings_wins(open_api):
    zoho = Zoho()
    zoho.url = "https://www.zohoapis.com"
    with Server(zoho) as server:
        assert get(open_api(server.url, api_url=server.url + "/")[0]) == b'{"ok": "token-1"}'


def test_every_data_centre_has_its_hosts():
    allowed = hosts(loopback=False)
    assert len(ACCOUNTS_TO_API) == 9
    for accounts, api in ACCOUNTS_TO_API.items():
        assert allowed.permits(f"https://{accounts}/oauth/v2/token")
        assert allowed.permits(f"https://{api}/crm/v8/Deals")
        assert allowed.permits(f"https://{api.replace('www', 'sandbox', 1)}/crm/v8/Deals")
        assert api_of(f"https://{accounts}") == f"https://{api}"
    assert api_of("https://accounts.zohocloud.ca") == "https://www.zohoapis.ca"
    assert not allowed.permits("https://accounts.zoho.ca/")
    assert not allowed.permits("http://127.0.0.1:8000/")
    assert hosts("https://proxy.example:8443/zoho", loopback=False).permits(
        "https://proxy.example:8443/zoho/x"
    )


@pytest.mark.parametrize(
    ("accounts", "api", "sentence", "step"),
    [
        ("https://accounts.zoho.ca", "", "no accounts server", "https://accounts.zohocloud.ca"),
        ("https://accounts.zoho.cn", "", "no accounts server", "https://accounts.zoho.com.cn"),
        ("https://www.zohoapis.sa", "", "gives out no tokens", "https://accounts.zoho.sa"),
        ("https://crm.zoho.uk", "", "gives out no tokens", "https://accounts.zoho.uk"),
        ("https://api-console.zoho.com.cn/", "", "gives out no tokens", "https://accounts.zoho.com.cn"),
        ("https://accounts.zoho.eu", "https://accounts.zoho.eu", "serves no API", "Leave it empty"),
        ("https://accounts.zoho.eu", "https://crm.zoho.eu", "serves no API", "Leave it empty"),
        (
            "https://accounts.zoho.com", "https://sandbox.zohoapis.eu", "different data centres",
            "https://accounts.zoho.eu",
        ),
    ],
)  # fmt: skip
def test_addresses_that_cannot_belong_together_are_named_before_anything_is_sent(
    accounts, api, sentence, step
):
    with pytest.raises(Problem, match=sentence) as caught:
        hosts(accounts, api, loopback=False)
    assert step in caught.value.do
    assert caught.value.code == "WRONG_CENTRE"


@pytest.mark.parametrize("kind", ["www", "sandbox", "developer"])
def test_every_environment_of_every_centre_is_allowed(kind):
    for accounts, api in ACCOUNTS_TO_API.items():
        own = f"https://{api.replace('www', kind, 1)}"
        assert hosts(f"https://{accounts}", own, loopback=False).permits(f"{own}/crm/v8/org")


@pytest.mark.parametrize(
    ("path", "scope"),
    [
        ("Deals", "ZohoCRM.modules.READ"),
        ("settings/modules", "ZohoCRM.settings.READ"),
        ("users", "ZohoCRM.users.READ"),
        ("org", "ZohoCRM.org.READ"),
        ("org/currencies", "ZohoCRM.settings.READ"),
    ],
)
def test_a_missing_scope_is_named_exactly(open_api, path, scope):
    # airbytehq/airbyte#23484: "the same credentials work in Postman".
    def refuses(request: Request) -> Answer:
        if request.path == "/oauth/v2/token":
            return as_json({"access_token": "t", "expires_in": 3600})
        return as_json(
            {"code": "OAUTH_SCOPE_MISMATCH", "details": {}, "message": "m", "status": "error"}, 401
        )

    with Server(refuses) as server:
        api, _ = open_api(server.url)
        with pytest.raises(Problem, match=f"without the scope {scope}") as caught:
            api.get(path, {}, bytes)
        with pytest.raises(Problem, match=r"without the scope ZohoCRM\.coql\.READ"):
            api.post("/crm/v8/coql", {}, bytes)
    assert f"with {scope} beside" in caught.value.do
    assert caught.value.actor is Actor.CRM_ADMIN
    assert len(server.requests) == 3, "a missing scope is never asked for again"


def test_what_was_granted_is_compared_with_what_is_needed():
    assert scopes.missing(scopes.NEEDED) == []
    assert scopes.missing(["zohocrm.modules.all", "ZohoCRM.settings.ALL", "ZohoCRM.users.READ"]) == [
        "ZohoCRM.org.READ", "ZohoCRM.bulk.READ", "ZohoCRM.coql.READ",
    ]  # fmt: skip
    assert scopes.missing(["ZohoCRM.modules.deals.READ"]) == list(scopes.NEEDED)
    assert scopes.writing(["ZohoCRM.modules.ALL", "ZohoCRM.users.READ"]) == ["ZohoCRM.modules.ALL"]


@pytest.mark.parametrize(
    ("permissions", "step"),
    [
        (["Crm_Implied_Api_Access"], "'Zoho CRM API Access'"),
        (["Crm_Implied_View_Visits"], "to view Visits"),
        (["Crm_Of_Tomorrow"], "Grant it in the API user's profile"),
        ("odd", "Grant it in the API user's profile"),
    ],
)
def test_a_missing_permission_says_where_it_is_granted(open_api, permissions, step):
    def refuses(request: Request) -> Answer:
        if request.path == "/oauth/v2/token":
            return as_json({"access_token": "t", "expires_in": 3600})
        body = {"code": "NO_PERMISSION", "details": {"permissions": permissions}, "message": "m"}
        return as_json({**body, "status": "error"}, 403)

    with Server(refuses) as server, pytest.raises(Problem) as caught:
        get(open_api(server.url)[0])
    assert step in caught.value.do


def test_a_throttled_token_endpoint_is_left_alone_by_the_next_process_too(open_api):
    # singer-io/tap-zoho-crm: asking goes on, and so does the lock-out.
    throttled = {
        "error": "Access Denied",
        "error_description": "You have made too many requests continuously.",
    }
    zoho, now = Zoho(grant=as_json(throttled)), [1_000_000.0]
    with Server(zoho) as server:
        zoho.url = server.url
        for seconds in (0, 61, 500):
            now[0] = 1_000_000.0 + seconds
            with pytest.raises(Problem, match="no more access tokens for now") as caught:
                get(open_api(server.url, now=lambda: now[0])[0])
            # 600 seconds after 1970-01-12 13:46:40, whenever it is told.
            assert caught.value.do.endswith("and run again after 1970-01-12 13:57 UTC")
        assert (zoho.granted, caught.value.transient, caught.value.code) == (1, True, "access_denied")
        now[0], zoho.grant = 1_000_000.0 + 601, None
        assert get(open_api(server.url, now=lambda: now[0])[0]) == b'{"ok": "token-2"}'


def test_grants_of_all_processes_count(open_api):
    zoho, now = Zoho(good=set()), [1_000_000.0]
    with Server(zoho) as server:
        zoho.url = server.url
        codes = []
        for _ in range(7):
            with pytest.raises(Problem) as caught:
                get(open_api(server.url, now=lambda: now[0])[0])
            codes.append(caught.value.code)
    assert zoho.granted == 5
    assert codes[-1] == "TOKENS_REFUSED"
    assert caught.value.do.endswith("then run again after 1970-01-12 13:57 UTC")


def test_the_budget_opens_when_it_says_so(open_api):
    zoho, now = Zoho(good=set()), [1_000_000.0]
    with Server(zoho) as server:
        zoho.url = server.url
        for minute in range(4):  # the first takes two: the one it has is refused
            now[0] = 1_000_000.0 + 60 * minute
            with pytest.raises(Problem, match="refuses a fresh access token"):
                get(open_api(server.url, now=lambda: now[0])[0])
        now[0] = 1_000_000.0 + 599
        with pytest.raises(Problem, match="5 access tokens were fetched and refused") as caught:
            get(open_api(server.url, now=lambda: now[0])[0])
        assert caught.value.do.endswith("after 1970-01-12 13:57 UTC")
        now[0] += 1
        with pytest.raises(Problem, match="refuses a fresh access token"):
            get(open_api(server.url, now=lambda: now[0])[0])
    assert zoho.granted == 6


def test_a_clock_that_was_set_back_ends_a_lock_out_of_the_future(open_api):
    zoho, now = Zoho(grant=as_json({"error": "Access Denied"})), [1_000_000.0 + 86_400]
    with Server(zoho) as server:
        zoho.url = server.url
        with pytest.raises(Problem, match="no more access tokens for now"):
            get(open_api(server.url, now=lambda: now[0])[0])
        now[0], zoho.grant = 1_000_000.0, None
        assert get(open_api(server.url, now=lambda: now[0])[0]) == b'{"ok": "token-2"}'
