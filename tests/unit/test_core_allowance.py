"""Credits: what the vendor says is left, what other calls under way will take, and the part never spent."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Lock

import pytest

from connectors.core.allowance import Allowance, Reserve
from connectors.core.contract import Usage
from connectors.core.errors import Problem
from connectors.core.hosts import HostList
from connectors.core.http import HttpClient, Policy
from connectors.core.limits import Limiter, Meter
from connectors.core.verdicts import Verdict
from connectors.zoho.credits import allowance as of_settings
from tests.unit.wire import Answer, Request, Server, as_json

STOP = Verdict("no more", "wait", transient=True, code="STOP")


class Bank:
    """Serves calls of `price` credits until none are left; says what is left from half of `daily` on."""

    def __init__(self, daily: int, price: int = 1, spent: int = 0) -> None:
        self.daily, self.price, self.spent, self._lock = daily, price, spent, Lock()

    def __call__(self, request: Request) -> Answer:
        with self._lock:
            self.spent += self.price
            left = self.daily - self.spent
            assert left >= 0
            told = {"X_API_CREDITS_REMAINING": str(left)} if 2 * self.spent >= self.daily else {}
        return as_json({}, **told)


def client(allowance: Allowance) -> HttpClient:
    hosts = HostList(frozenset(), loopback=True)
    return HttpClient(
        hosts=hosts, limiter=Limiter(8), meter=Meter(Usage()), allowance=allowance, policy=Policy(attempts=1)
    )


def hear(allowance: Allowance, left: str, header: str) -> None:
    """One call whose reply says so."""
    with allowance.spending(1, "GET /x") as told:
        told({header: left})


def spend(server: Server, allowance: Allowance, price: int = 1, threads: int = 1) -> str:
    """Calls until refused; returns the sentence."""
    http = client(allowance)

    def until_refused(_: int) -> str:
        for _ in range(10_000):
            try:
                http.call("GET", server.url + "/x", parse=lambda reply: None, credits=price)
            except Problem as problem:
                assert (problem.code, problem.transient) == ("STOP", True)
                return problem.what
        raise AssertionError("never refused")

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(until_refused, range(threads)))[-1]


@pytest.mark.parametrize(
    ("reserve", "daily", "spent_before", "spent"),
    [
        (Reserve(share=0.1), 0, 0, 90),  # learned: the header comes when 50 are left
        (Reserve(share=0.1), 100, 80, 90),  # known: what is left says nothing about the day
        (Reserve(least=25), 0, 0, 75),
        (Reserve(), 0, 0, 100),
        (Reserve(share=0.5), 100, 70, 71),  # one call is needed to hear it
    ],
)
def test_the_reserve_is_never_spent(reserve, daily, spent_before, spent):
    bank = Bank(100, spent=spent_before)
    with Server(bank) as server:
        told = spend(server, Allowance(reserve, header="X-API-CREDITS-REMAINING", stop=STOP, daily=daily))
    assert bank.spent == spent
    assert f"{100 - spent} are left" in told


def test_the_reserve_outlives_the_run(tmp_path):
    bank, clock = Bank(1_000), [1e9]

    def run() -> int:
        before = bank.spent
        kept = Allowance(
            Reserve(share=0.1), header="X-API-CREDITS-REMAINING", stop=STOP, memory=tmp_path / "c" / "credits.json",
            now=lambda: clock[0],
        )  # fmt: skip
        spend(server, kept)
        return bank.spent - before

    with Server(bank) as server:
        assert run() == 900
        assert run() == 1, "one call is needed to hear what is left"
        clock[0] += 29 * 86_400
        assert run() == 1
        clock[0] += 2 * 86_400  # the organisation may be a smaller one by now: 98 left, 20 of 196 kept
        assert run() == 98 - 20
    kept = tmp_path / "c" / "credits.json"
    assert kept.stat().st_mode & 0o777 == 0o600 and kept.parent.stat().st_mode & 0o777 == 0o700
    kept.write_text("{")
    assert Allowance(Reserve(share=0.1), header="H", stop=STOP, memory=kept).kept == 0


def test_two_programs_remember_the_more(tmp_path):
    first, second = (
        Allowance(Reserve(share=0.1), header="H", stop=STOP, memory=tmp_path / "credits.json") for _ in "12"
    )
    hear(first, "5000", "H")
    hear(second, "4000", "H")
    assert (first.kept, second.kept) == (1_000, 1_000)


def test_a_call_that_would_touch_the_reserve_is_not_made():
    bank = Bank(1_000, price=50)
    with Server(bank) as server:
        spend(server, Allowance(Reserve(least=130), header="X-API-CREDITS-REMAINING", stop=STOP), price=50)
    assert bank.spent == 850, "900 would leave 100"


def test_threads_do_not_spend_it_together():
    bank = Bank(400)
    with Server(bank) as server:
        spend(server, Allowance(Reserve(share=0.1), header="X-API-CREDITS-REMAINING", stop=STOP), threads=6)
    assert bank.spent <= 360
    assert bank.spent > 350


def test_what_costs_nothing_goes_on():
    allowance = Allowance(Reserve(least=10), header="H", stop=STOP)
    hear(allowance, "10", "H")
    sentence = "10 are left of the last 24 hours, 10 are never spent"
    with pytest.raises(Problem, match=sentence), allowance.spending(1, "GET /x"):
        pass
    with allowance.spending(0, "POST /token"):
        pass
    assert (allowance.left, allowance.kept) == (10, 10)


def test_a_window_that_frees_is_believed():
    allowance = Allowance(Reserve(least=10), header="H", stop=STOP)
    hear(allowance, "11", "H")
    hear(allowance, "5000", "H")
    assert allowance.left == 5_000


@pytest.mark.parametrize(
    ("settings", "kept"),
    [
        ({}, 100),
        ({"ZOHO_CREDIT_RESERVE": "5 %"}, 50),
        ({"ZOHO_CREDIT_RESERVE": "0"}, 0),
        ({"ZOHO_CREDIT_RESERVE": "70"}, 70),
        ({"ZOHO_DAILY_CREDITS": "4000"}, 400),
    ],
)
def test_settings(settings, kept):
    found = of_settings(settings)
    hear(found, "500", "X-API-CREDITS-REMAINING")
    assert found.kept == kept


@pytest.mark.parametrize(
    ("name", "text"),
    [("ZOHO_CREDIT_RESERVE", "much"), ("ZOHO_CREDIT_RESERVE", "101%"), ("ZOHO_DAILY_CREDITS", "-1")],
)
def test_wrong_settings_are_named(name, text):
    with pytest.raises(Problem, match=name):
        of_settings({name: text})


def test_news_that_was_overtaken_does_not_give_credits_back():
    allowance = Allowance(Reserve(least=10), header="H", stop=STOP)
    with allowance.spending(1, "GET /slow") as late:
        with allowance.spending(1, "GET /fast") as told:
            told({"H": "40"})
        late({"H": "41"})
    assert allowance.left == 39, "40 less the slow call, which may not have been counted"
