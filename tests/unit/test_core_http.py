"""Every way an HTTP call can go wrong, against a real socket."""

from __future__ import annotations

import gzip
import json
import pickle
import socket
import threading
import time

import pytest

from connectors.core.contract import Usage
from connectors.core.errors import Actor, Problem
from connectors.core.hosts import HostList
from connectors.core.http import BadBody, HttpClient, Policy, Reply
from connectors.core.limits import Limiter, Meter
from tests.unit.wire import Answer, Server, as_json


class Nap:
    """A sleep that only remembers."""

    def __init__(self) -> None:
        self.naps: list[float] = []

    def __call__(self, seconds: float) -> None:
        self.naps.append(seconds)


@pytest.fixture
def nap() -> Nap:
    return Nap()


@pytest.fixture
def usage() -> Usage:
    return Usage()


@pytest.fixture
def client(nap, usage):
    made = HttpClient(
        hosts=HostList(frozenset(), loopback=True),
        limiter=Limiter(4),
        meter=Meter(usage),
        policy=Policy(connect=1, read=1, deadline=30, attempts=4, first_pause=1.0, largest_body=1 << 20),
        sleep=nap,
        rand=lambda: 1.0,
    )
    yield made
    made.close()


def data(reply: Reply):
    try:
        return json.loads(reply.body)
    except ValueError as error:
        raise BadBody("it is not JSON") from error


def test_a_reply_is_parsed_and_counted(client, usage):
    with Server([as_json({"a": 1})]) as server:
        assert client.call("GET", server.url + "/x", parse=data, params={"q": "1"}, credits=2) == {"a": 1}
    assert server.requests[0].query == {"q": "1"}
    assert (usage.calls, usage.credits, usage.bytes) == (1, 2, len(b'{"a": 1}'))


def test_a_compressed_body_arrives_whole(client):
    body = json.dumps({"text": "线索" * 60_000}).encode()
    packed = Answer(200, gzip.compress(body), {"Content-Encoding": "gzip"})
    with Server([packed]) as server:
        assert client.call("GET", server.url, parse=lambda r: r.body) == body


def test_a_body_shorter_than_its_length_is_asked_for_again(client, nap):
    with Server([Answer(200, b'{"a"', length=500), as_json({"a": 1})]) as server:
        assert client.call("GET", server.url, parse=data) == {"a": 1}
    assert (len(server.requests), nap.naps) == (2, [1.0])


def test_a_body_that_stays_truncated_is_a_problem(client, nap):
    with Server([Answer(200, b'{"a"', length=500)]) as server, pytest.raises(Problem) as caught:
        client.call("GET", server.url + "/crm/v8/Deals", parse=data, params={"q": "hidden"})
    assert caught.value.code == "BROKEN_CONNECTION"
    assert caught.value.transient
    assert nap.naps == [1.0, 2.0, 4.0]
    assert "GET /crm/v8/Deals" in str(caught.value)
    assert "hidden" not in str(caught.value)


def test_a_body_cut_in_its_chunks_is_truncated(client):
    def serve(listener: socket.socket) -> None:
        for _ in range(4):
            peer, _ = listener.accept()
            with peer:
                peer.recv(65536)
                peer.sendall(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{"a": 1}\r\n')

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        with pytest.raises(Problem) as caught:
            client.call("GET", f"http://127.0.0.1:{listener.getsockname()[1]}/", parse=data)
        thread.join()
    assert caught.value.code == "BROKEN_CONNECTION"


def test_html_instead_of_json_is_asked_for_again_then_a_problem(client):
    page = Answer(200, b"<html>Sign in</html>", {"Content-Type": "text/html", "X-Request-Id": "r-77"})
    with Server([page, page, as_json([7])]) as server:
        assert client.call("GET", server.url, parse=data) == [7]
    with Server([page]) as server, pytest.raises(Problem) as caught:
        client.call("GET", server.url, parse=data)
    assert str(caught.value).startswith("[request r-77] the server's answer cannot be used: it is not JSON")
    assert "Sign in" not in str(caught.value)


def test_retry_after_is_honoured_where_it_is_longer(client, nap):
    busy = as_json({}, 429, Retry_After="17")
    with Server([busy, as_json({}, 503, Retry_After="0"), as_json(1)]) as server:
        assert client.call("GET", server.url, parse=data) == 1
    assert nap.naps == [17.0, 2.0]


def test_retry_after_as_a_date(client, nap):
    then = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 20))
    with Server([as_json({}, 429, Retry_After=then), as_json(1)]) as server:
        client.call("GET", server.url, parse=data)
    assert 18 < nap.naps[0] <= 20


def test_a_pause_beyond_the_deadline_is_not_begun(client, nap):
    with Server([as_json({}, 429, Retry_After="31")]) as server, pytest.raises(Problem) as caught:
        client.call("GET", server.url, parse=data)
    assert (len(server.requests), nap.naps) == (1, [])
    assert caught.value.code == "429"
    assert caught.value.transient


def test_jitter_takes_between_half_and_all_of_the_pause(usage):
    naps = Nap()
    client = HttpClient(
        hosts=HostList(frozenset(), loopback=True),
        limiter=Limiter(1),
        meter=Meter(usage),
        policy=Policy(attempts=3, first_pause=4.0),
        sleep=naps,
        rand=iter([0.0, 0.5, 0.9]).__next__,
    )
    with Server([as_json({}, 500)]) as server, pytest.raises(Problem):
        client.call("GET", server.url, parse=data)
    client.close()
    assert naps.naps == [2.0, 6.0]


@pytest.mark.parametrize(
    ("status", "actor", "requests"),
    [
        (302, Actor.OPERATOR, 1),
        (400, Actor.DEVELOPER, 1),
        (401, Actor.OPERATOR, 1),
        (403, Actor.CRM_ADMIN, 1),
        (404, Actor.OPERATOR, 1),
        (418, Actor.DEVELOPER, 1),
        (408, Actor.OPERATOR, 4),
        (500, Actor.OPERATOR, 4),
        (503, Actor.OPERATOR, 4),
    ],
)
def test_each_status_says_who_acts_and_whether_it_was_tried_again(client, status, actor, requests):
    elsewhere = {"Location": "/elsewhere"} if status == 302 else {}
    with Server([Answer(status, b"{}", elsewhere)]) as server, pytest.raises(Problem) as caught:
        client.call("GET", server.url + "/p", parse=data)
    assert (caught.value.actor, len(server.requests)) == (actor, requests)
    assert f"GET /p, HTTP {status}" in str(caught.value)
    assert [r.path for r in server.requests] == ["/p"] * requests


def test_a_dripping_body_ends_at_the_deadline(usage):
    client = HttpClient(
        hosts=HostList(frozenset(), loopback=True),
        limiter=Limiter(1),
        meter=Meter(usage),
        policy=Policy(read=1.0, deadline=0.3),
    )
    started = time.monotonic()
    with Server([Answer(200, b"x" * 200, drip=0.02)]) as server, pytest.raises(Problem) as caught:
        client.call("GET", server.url, parse=data)
    client.close()
    assert caught.value.code == "TOO_SLOW"
    assert time.monotonic() - started < 1.0


def test_a_silent_server_ends_at_the_read_timeout(usage):
    client = HttpClient(
        hosts=HostList(frozenset(), loopback=True),
        limiter=Limiter(1),
        meter=Meter(usage),
        policy=Policy(read=0.1, attempts=1),
    )
    with Server([Answer(200, b"x", drip=1.0)]) as server, pytest.raises(Problem) as caught:
        client.call("GET", server.url, parse=data)
    client.close()
    assert caught.value.code == "BROKEN_CONNECTION"


def test_a_body_larger_than_the_cap_is_refused_even_when_compressed(client):
    bomb = gzip.compress(b"0" * (3 << 20))
    with (
        Server([Answer(200, bomb, {"Content-Encoding": "gzip"})]) as server,
        pytest.raises(Problem) as caught,
    ):
        client.call("GET", server.url, parse=data)
    assert (caught.value.code, len(server.requests)) == ("TOO_LARGE", 1)


def test_a_dead_server_is_one_sentence(client):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(Problem) as caught:
        client.call("GET", f"http://127.0.0.1:{port}/x", parse=data, params={"q": "hidden"})
    assert caught.value.code == "UNREACHABLE"
    assert "cannot be reached" in str(caught.value)
    assert "hidden" not in str(caught.value)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.code, again.transient) == (str(caught.value), "UNREACHABLE", True)


def test_cookies_are_not_kept(client):
    with Server([as_json(1, Set_Cookie="session=abc; Path=/"), as_json(2)]) as server:
        client.call("GET", server.url, parse=data)
        client.call("GET", server.url, parse=data)
    assert "Cookie" not in server.requests[1].headers


def test_the_environment_names_no_proxy(client, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")
    with Server([as_json(1)]) as server:
        assert client.call("GET", server.url, parse=data) == 1


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://www.zohoapis.com/crm", True),
        ("https://WWW.zohoapis.com:443/crm", True),
        ("https://www.zohoapis.com:8443/crm", False),
        ("http://www.zohoapis.com/crm", False),
        ("https://www.zohoapis.com.evil.example/crm", False),
        ("https://evil.example\\@www.zohoapis.com/", False),
        ("https://user@www.zohoapis.com/", False),
        ("ftp://www.zohoapis.com/", False),
        ("https://169.254.169.254/latest", False),
        ("https://proxy.example:8443/x", True),
        ("http://127.0.0.1:8080/", False),
        ("http://[::1]:8080/", False),
        ("www.zohoapis.com", False),
    ],
)
def test_the_host_list_is_closed(url, allowed):
    assert HostList(frozenset({"www.zohoapis.com", "proxy.example:8443"})).permits(url) is allowed


def test_loopback_needs_leave_and_a_refused_host_gets_nothing(nap, usage):
    assert HostList(frozenset(), loopback=True).permits("http://localhost:1/")
    assert not HostList(frozenset(), loopback=True).permits("http://10.0.0.1/")
    client = HttpClient(hosts=HostList(frozenset()), limiter=Limiter(1), meter=Meter(usage), sleep=nap)
    with Server([as_json(1)]) as server, pytest.raises(Problem, match="CRM_WAREHOUSE_ALLOW_LOOPBACK"):
        client.call("GET", server.url, parse=data)
    client.close()
    assert (server.requests, usage.calls) == ([], 0)
