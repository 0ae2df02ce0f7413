"""The sandbox's COQL, held against the vendor's rules with plain requests, and against the truth.

Facts: https://www.zoho.com/crm/developer/docs/api/v8/COQL-Overview.html, …/COQL-Limitations.html.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.conftest import Sandbox
from tests.contract.zoho_client import Client, refused

DEFAULTS = {"coql_rows": 2000, "coql_count": True, "coql_names": False, "latency": 0.0, "sub_concurrency": 10}


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Sandbox, Client]]:
    served = Sandbox(seed=21, size=700)
    yield served, Client(served.url)
    served.close()


@pytest.fixture
def zoho(served) -> Iterator[Client]:
    yield served[1]
    served[0].set(credits=5_000_000, **DEFAULTS)
    served[0].clear_faults()


@pytest.fixture(scope="module")
def deals(served) -> dict[str, dict[str, Any]]:
    return served[0].truth("zoho", "deals")["records"]


def ask(client: Client, query: str) -> dict[str, Any]:
    answer = client.post("v8/coql", {"select_query": query})
    if answer.status_code == 204:
        assert answer.content == b""
        return {"data": [], "info": {"count": 0, "more_records": False}}
    assert answer.status_code == 200, answer.text
    return answer.json()


def ids(client: Client, where: str, module: str = "Deals") -> set[str]:
    return {row["id"] for row in ask(client, f"select id from {module} where {where} limit 2000")["data"]}


def refusal(client: Client, query: str) -> tuple[int, str]:
    return refused(client.post("v8/coql", {"select_query": query}))[:2]


def test_rows_come_in_the_order_of_ids_200_at_a_time_unless_asked(zoho, deals):
    found = ask(zoho, "select Stage from Deals where id is not null")
    assert found["info"] == {"count": 200, "more_records": True}
    assert [row["id"] for row in found["data"]] == sorted(deals)[:200]
    assert set(found["data"][0]) == {"Stage", "id"}  # no `$` properties
    rest = ask(zoho, "SELECT Stage FROM Deals WHERE id IS NOT NULL LIMIT 600, 2000")
    assert [row["id"] for row in rest["data"]] == sorted(deals)[600:]
    assert rest["info"]["more_records"] is False


def test_a_key_set_walk_meets_every_record_once(zoho, deals):
    last, walked = None, []
    while True:
        where = f"id > '{last}'" if last else "id is not null"
        page = ask(zoho, f"select id, Modified_Time from Deals where {where} order by id asc limit 0, 90")
        walked += [row["id"] for row in page["data"]]
        if not page["info"]["more_records"]:
            break
        last = walked[-1]
    assert walked == sorted(deals)
    assert ids(zoho, f"id > '{walked[-1]}'") == set()
    assert ids(zoho, f"id >= '{walked[-1]}'") == {walked[-1]}
    assert ids(zoho, f"id < '{walked[3]}'") == set(walked[:3])
    assert ids(zoho, f"(id > '{walked[2]}' and id <= '{walked[9]}')") == set(walked[3:10])
    assert ids(zoho, f"((id > '{walked[2]}' and Stage is not null) and id is not null)") == set(walked[3:])
    assert ids(zoho, f"id between '{walked[3]}' and '{walked[5]}'") == set(walked[3:6])


CONDITIONS = [
    ("Stage = 'Closed Won'", lambda d: d["Stage"] == "Closed Won"),
    ("Stage != 'Closed Won'", lambda d: d["Stage"] != "Closed Won"),
    ("Stage in ('Closed Won', 'Closed Lost')", lambda d: d["Stage"] in ("Closed Won", "Closed Lost")),
    ("Stage not in ('Closed Won')", lambda d: d["Stage"] != "Closed Won"),
    ("Stage like '%Lost%'", lambda d: "Lost" in d["Stage"]),
    ("Stage like 'closed%'", lambda d: d["Stage"].startswith("Closed")),
    ("Stage not like '%Lost%'", lambda d: "Lost" not in d["Stage"]),
    ("Amount is null", lambda d: d.get("Amount") is None),
    ("Amount > 500000.5", lambda d: (d.get("Amount") or 0) > 500000),
    ("Amount between 10000 and 90000", lambda d: 10000 <= (d.get("Amount") or 0) <= 90000),
    ("Key_Account = 'true'", lambda d: d["Key_Account"]),
    ("Key_Account = false", lambda d: not d["Key_Account"]),
    ("Closing_Date >= '2026-05-01'", lambda d: d["Closing_Date"] >= "2026-05-01"),
    (
        "Modified_Time >= '2026-06-01T00:00:00+00:00'",
        lambda d: _time(d["Modified_Time"]) >= _time("2026-06-01T00:00:00+00:00"),
    ),
    (
        "((Amount > 100000 and Stage = 'Closed Won') or Contact_Name is null)",
        lambda d: (
            ((d.get("Amount") or 0) > 100000 and d["Stage"] == "Closed Won") or d.get("Contact_Name") is None
        ),
    ),
]


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(("where", "meant"), CONDITIONS, ids=[where for where, _ in CONDITIONS])
def test_conditions_choose_what_they_say(zoho, deals, where, meant):
    expected = {id for id, deal in deals.items() if meant(deal)}
    assert 0 < len(expected) < len(deals)
    assert ids(zoho, where) == expected


def test_lookups_are_ids_or_names_too_and_parents_have_dots(served, zoho, deals):
    query = "select Owner, Account_Name.Account_Name, Account_Name.Industry as trade from Deals where id is not null"
    row = ask(zoho, query + " limit 1")["data"][0]
    deal = deals[row["id"]]
    assert row["Owner"] == {"id": deal["Owner"]}
    account = served[0].truth("zoho", "accounts")["records"][deal["Account_Name"]]
    assert (row["Account_Name.Account_Name"], row["trade"]) == (account["Account_Name"], account["Industry"])
    served[0].set(coql_names=True)
    assert set(ask(zoho, query + " limit 1")["data"][0]["Owner"]) == {"name", "id", "email"}
    owner = deal["Owner"]
    assert ids(zoho, f"Owner = '{owner}'") == {id for id, d in deals.items() if d["Owner"] == owner}


def test_order_by_several_fields(zoho, deals):
    found = ask(
        zoho,
        "select Stage, Amount from Deals where id is not null order by Stage desc, Amount asc limit 2000",
    )
    keys = [(row["Stage"], row["Amount"] or -1) for row in found["data"]]
    assert [key[0] for key in keys] == sorted((d["Stage"] for d in deals.values()), reverse=True)
    for stage in {key[0] for key in keys}:
        amounts = [amount for found_stage, amount in keys if found_stage == stage]
        assert amounts == sorted(amounts)


def test_aggregates_and_groups(served, zoho, deals):
    found = ask(
        zoho, "select Stage, count(id), sum(Amount) as total from Deals where id is not null group by Stage"
    )
    counts = Counter(deal["Stage"] for deal in deals.values())
    assert {row["Stage"]: row["COUNT(id)"] for row in found["data"]} == counts
    won = sum((d.get("Amount") or 0) for d in deals.values() if d["Stage"] == "Closed Won")
    (total,) = (row["total"] for row in found["data"] if row["Stage"] == "Closed Won")
    assert Decimal(str(total)) == won
    one = "select count(id) as n, max(Modified_Time) as newest from Deals where id is not null"
    (row,) = ask(zoho, one)["data"]
    assert row["n"] == len(deals)
    assert _time(row["newest"]) == max(_time(d["Modified_Time"]) for d in deals.values())
    served[0].set(coql_count=False)
    assert refusal(zoho, one) == (400, "INVALID_QUERY")
    assert refusal(zoho, "select Stage, count(id) from Deals where id is not null group by Owner") == (
        400, "INVALID_QUERY",
    )  # fmt: skip


def test_converted_leads_and_visits_without_a_deal_are_in_it(served, zoho):
    assert ids(zoho, "id is not null", "Leads") == set(served[0].truth("zoho", "leads")["records"])
    visits = served[0].truth("zoho", "deal_history")["records"]
    orphans = {id for id, visit in visits.items() if visit["Potential_Name"] is None}
    assert ids(zoho, "Potential_Name is null", "DealHistory") == orphans != set()


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("select Stage from Deals", "SYNTAX_ERROR"),
        ("select Stage from Deals where", "SYNTAX_ERROR"),
        ("select Stage from Deals where Stage is null and Amount > 1 and Amount < 2", "SYNTAX_ERROR"),
        ("select Stage from Deals where id is not null limit x", "SYNTAX_ERROR"),
        ("select Stage from Deals where Stage ~ 'x'", "SYNTAX_ERROR"),
        ("select Stage from Deals where id is not null; drop", "SYNTAX_ERROR"),
        ("select Wonder from Deals where id is not null", "INVALID_QUERY"),
        ("select Stage from Deals where Wonder = 1", "INVALID_QUERY"),
        ("select Stage from Deals where Description = 'x'", "INVALID_QUERY"),
        ("select Stage from Deals where Modified_Time > 'soon'", "INVALID_QUERY"),
        ("select Stage from Wonders where id is not null", "INVALID_MODULE"),
        ("select Stage, Stage from Deals where id is not null", "DUPLICATE_DATA"),
        ("select Stage from Deals where id is not null limit 2001", "LIMIT_EXCEEDED"),
        ("select Stage from Deals where id is not null limit 99000, 2000", "LIMIT_EXCEEDED"),
        (f"select {','.join(f'F{i}' for i in range(51))} from Deals where id is not null", "LIMIT_EXCEEDED"),
        (f"select Stage from Deals where id in ({','.join(['1'] * 51)})", "LIMIT_EXCEEDED"),
    ],
)
def test_queries_that_cannot_be_are_refused(zoho, query, code):
    assert refusal(zoho, query) == (400, code)


def test_a_syntax_error_says_where(zoho):
    status, code, details = refused(
        zoho.post("v8/coql", {"select_query": "select Stage from Deals where Stage ~ 1"})
    )
    assert (status, code) == (400, "SYNTAX_ERROR")
    assert details == {"clause": "where", "line": 1, "column": 37, "near": "~ 1"}
    assert refused(zoho.post("v8/coql", {"query": "x"})) == (
        400, "MANDATORY_NOT_FOUND", {"api_name": "select_query"},
    )  # fmt: skip


def test_quotes_double_and_reserved_words_stand_in_quotes(zoho):
    assert ids(zoho, "Deal_Name = 'it''s'") == set()
    assert ask(zoho, "select 'Stage' from Deals where id is not null limit 1")["data"][0]["Stage"]


def test_credits_follow_the_limit(served, zoho):
    for limit, cost in ((200, 1), (201, 2), (1000, 2), (1001, 3), (2000, 3)):
        served[0].set(credits=1000)
        ask(zoho, f"select id from Deals where id is not null limit {limit}")
        assert served[0].stats()["credits"]["spent"] == cost
    served[0].set(coql_rows=200)
    assert refusal(zoho, "select id from Deals where id is not null limit 201") == (400, "LIMIT_EXCEEDED")


def test_more_than_ten_at_once_are_refused(served, zoho):
    served[0].set(latency=0.4, sub_concurrency=3)
    query = {"select_query": "select id from Deals where id is not null"}
    with ThreadPoolExecutor(5) as pool:
        statuses = Counter(pool.map(lambda _: zoho.post("v8/coql", query).status_code, range(5)))
    assert statuses == {200: 3, 429: 2}
    served[0].set(**DEFAULTS)
    assert zoho.post("v8/coql", query).status_code == 200


def test_other_posts_are_no_urls(zoho):
    assert refused(zoho.post("v8/Deals", {}))[:2] == (404, "INVALID_URL_PATTERN")
