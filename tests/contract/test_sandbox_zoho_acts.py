"""Acts of a test on the sandbox's Zoho: merges, restores, re-created records, edits of one second; token life, credits.

Facts: https://www.zoho.com/crm/developer/docs/api/v8/merge-records.html, …/get-deleted-records.html,
…/get-records.html (page_token), …/api-limits.html.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest

from tests.conftest import Sandbox
from tests.contract.zoho_client import Client, refused

DEAL = {
    "Deal_Name": "样品单", "Stage": "Qualification", "Probability": 10, "Closing_Date": "2026-09-01", "Amount": 12.5,
}  # fmt: skip
FIELDS = "Deal_Name,Stage,Amount,Account_Name,Modified_Time"


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Sandbox, Client]]:
    served = Sandbox(seed=21, size=150)
    served.set(extras=True)
    yield served, Client(served.url)
    served.close()


@pytest.fixture
def own(served) -> Iterator[tuple[Sandbox, Client]]:
    yield served
    served[0].set(credits=5_000_000, token_life=86_400)


def rows(client: Client, module: str, fields: str = FIELDS, since: str | None = None) -> dict[str, dict]:
    if client.get(module, since, fields=fields).status_code in (204, 304):
        return {}
    return {row["id"]: row for row in client.walk(module, since, fields=fields)}


def gone(client: Client, module: str) -> set[str]:
    answer = client.get(f"{module}/deleted")
    return {row["id"] for row in answer.json()["data"]} if answer.status_code == 200 else set()


def same_as_truth(sandbox: Sandbox, client: Client, module: str, entity: str, field: str) -> None:
    """A reference to a record that is gone is served empty (a child that came back from the bin after a merge)."""
    truth = sandbox.truth("zoho", entity)["records"]
    gone = sandbox.truth("zoho", "accounts")["deleted"]
    found = rows(client, module, f"{field},Modified_Time")
    assert set(found) == set(truth)
    for id, record in truth.items():
        value = found[id][field]
        expected = None if record.get(field) in gone else record.get(field)
        assert (value["id"] if isinstance(value, dict) else value) == expected, id
        assert datetime.fromisoformat(found[id]["Modified_Time"]) == datetime.fromisoformat(
            record["Modified_Time"]
        )


def test_two_edits_of_one_second_carry_one_stamp(own):
    sandbox, client = own
    before = sandbox.clock()
    sandbox.step(1)
    first = sandbox.act("create", "deals", changes=DEAL)
    sandbox.act("edit", "deals", id=first, changes={"Amount": 13.5})
    second = sandbox.act("create", "deals", changes=DEAL)
    sandbox.act(
        "edit", "deals", id=first, changes={"Amount": 14.5, "Stage": "Closed Won", "Probability": 100}
    )
    found = rows(client, "Deals", since=sandbox.clock())
    assert {first, second} <= set(found)
    assert found[first]["Modified_Time"] == found[second]["Modified_Time"] == sandbox.clock() > before
    assert found[first]["Amount"] == 14.5
    visits = [
        row for row in client.walk("DealHistory", fields="Potential_Name,Stage") if row["Potential_Name"]
    ]
    assert [v["Stage"] for v in visits if v["Potential_Name"]["id"] == first][::-1] == [
        "Qualification",
        "Closed Won",
    ]
    same_as_truth(sandbox, client, "Deals", "deals", "Amount")


def test_a_restore_is_silent_unless_stamped(own):
    sandbox, client = own
    ids = [sandbox.act("create", "deals", changes=DEAL) for _ in range(2)]
    for id in ids:
        sandbox.act("delete", "deals", id=id)
    assert set(ids) <= gone(client, "Deals")
    sandbox.step(60)
    sandbox.act("restore", "deals", id=ids[0])
    sandbox.act("restore", "deals", id=ids[1], stamp=True)
    assert not set(ids) & gone(client, "Deals")
    changed = rows(client, "Deals", since=sandbox.clock())
    assert ids[0] not in changed
    assert ids[1] in changed
    assert set(ids) <= set(rows(client, "Deals"))
    same_as_truth(sandbox, client, "Deals", "deals", "Stage")


def test_a_purged_record_is_permanent_and_stays_away(own):
    sandbox, client = own
    id = sandbox.act("create", "deals", changes=DEAL)
    sandbox.act("delete", "deals", id=id, permanent=True)
    (row,) = [row for row in client.page("Deals/deleted")["data"] if row["id"] == id]
    assert row["type"] == "permanent"
    with pytest.raises(ValueError, match="not in the recycle bin"):
        sandbox.act("restore", "deals", id=id)


def test_a_record_made_again_has_another_id(own):
    sandbox, client = own
    id = sandbox.act("create", "deals", changes=DEAL)
    again = sandbox.act("recreate", "deals", id=id)
    assert again > id
    found = rows(client, "Deals")
    assert id not in found
    assert found[again]["Deal_Name"] == "样品单"
    assert id in gone(client, "Deals")


@pytest.mark.parametrize("stamp", [False, True])
def test_a_merge_takes_the_loser_and_moves_its_children(own, stamp):
    sandbox, client = own
    deals = rows(client, "Deals")
    parents = sorted({row["Account_Name"]["id"] for row in deals.values() if row["Account_Name"]})
    winner, loser = parents[0], parents[1]
    children = {id for id, row in deals.items() if row["Account_Name"] and row["Account_Name"]["id"] == loser}
    contacts = rows(client, "Contacts", "Account_Name,Modified_Time")
    people = {
        id for id, row in contacts.items() if row["Account_Name"] and row["Account_Name"]["id"] == loser
    }
    assert children and people
    sandbox.step(60)
    sandbox.act("merge", "accounts", id=winner, loser=loser, stamp=stamp)
    after = rows(client, "Deals")
    assert {after[id]["Account_Name"]["id"] for id in children} == {winner}
    moved = rows(client, "Contacts", "Account_Name,Modified_Time")
    assert {moved[id]["Account_Name"]["id"] for id in people} == {winner}
    accounts = rows(client, "Accounts", "Account_Name,Modified_Time")
    assert loser not in accounts
    assert loser in gone(client, "Accounts")
    assert accounts[winner]["Modified_Time"] == sandbox.clock()
    with pytest.raises(ValueError, match="not in the recycle bin"):
        sandbox.act("restore", "accounts", id=loser)
    stamped = {id for id in children if after[id]["Modified_Time"] == sandbox.clock()}
    assert stamped == (children if stamp else set())
    same_as_truth(sandbox, client, "Deals", "deals", "Account_Name")
    same_as_truth(sandbox, client, "Contacts", "contacts", "Account_Name")


def test_the_company_lives_on_after_acts_on_its_own_records(fresh_sandbox):
    """Records that the company still has plans for are deleted and merged; what it planned for them is void."""
    sandbox = fresh_sandbox(seed=3, size=80)
    sandbox.set(extras=True)
    client = Client(sandbox.url)
    lost = list(rows(client, "Deals"))[:30]
    for id in lost:
        sandbox.act("delete", "deals", id=id, permanent=True)
    accounts = list(rows(client, "Accounts", "Account_Name,Modified_Time"))
    for loser in accounts[1:6]:
        sandbox.act("merge", "accounts", id=accounts[0], loser=loser)
    people = list(rows(client, "Contacts", "Full_Name,Modified_Time"))
    sandbox.act("merge", "contacts", id=people[0], loser=people[1])
    for module, entity in (
        ("Leads", "leads"),
        ("Quotes", "quotes"),
        ("Equipment", "equipment"),
        ("Notes", "notes"),
    ):
        for id in list(rows(client, module, f"{'Company' if module == 'Leads' else 'Owner'},Modified_Time"))[
            :3
        ]:
            sandbox.act("delete", entity, id=id)
    sandbox.advance(40)
    client.login()
    same_as_truth(sandbox, client, "Deals", "deals", "Account_Name")
    same_as_truth(sandbox, client, "Contacts", "contacts", "Account_Name")
    assert not set(lost) & set(rows(client, "Deals"))
    assert not set(accounts[1:6]) & set(rows(client, "Accounts", "Account_Name,Modified_Time"))
    client.session.close()


@pytest.mark.parametrize(
    ("act", "entity", "more", "sentence"),
    [
        ("vanish", "deals", {}, "is none of create, edit"),
        ("edit", "deals", {"id": "1", "changes": {}}, "there is no deals 1"),
        ("edit", "deals", {"id": "1"}, "does not take that"),
        ("create", "wonders", {"changes": {}}, "there is no wonders"),
        ("merge", "products", {"id": "1", "loser": "2"}, "cannot be merged"),
    ],
)
def test_acts_that_cannot_be_are_one_sentence(own, act, entity, more, sentence):
    with pytest.raises(ValueError, match=sentence):
        own[0].act(act, entity, **more)


def test_page_tokens_can_be_made_to_expire_at_once(own):
    sandbox, client = own
    token = client.page("Deals", fields=FIELDS, per_page=20)["info"]["next_page_token"]
    sandbox.set(token_life=0)
    assert client.refusal("Deals", fields=FIELDS, per_page=20, page_token=token)[:2] == (400, "EXPIRED_VALUE")
    sandbox.set(token_life=3600)
    assert client.page("Deals", fields=FIELDS, per_page=20, page_token=token)["info"]["page"] == 2


def test_credits_are_one_budget_for_records_queries_and_jobs(own):
    sandbox, client = own
    sandbox.set(credits=60)
    client.page("Deals", fields=FIELDS)
    client.post("v8/coql", {"select_query": "select Stage from Deals where id is not null limit 2000"})
    answer = client.post("bulk/v8/read", {"query": {"module": {"api_name": "Deals"}}})
    assert answer.headers["X-API-CREDITS-REMAINING"] == str(60 - 1 - 3 - 50)
    for _ in range(6):
        client.page("org")
    for refusal in (
        client.get("org"),
        client.post("v8/coql", {"select_query": "select id from Deals where id is not null"}),
        client.post("bulk/v8/read", {"query": {"module": {"api_name": "Deals"}}}),
    ):
        assert refused(refusal)[:2] == (429, "TOO_MANY_REQUESTS")
        assert refusal.headers["X-API-CREDITS-REMAINING"] == "0"
    sandbox.step(60)
    assert client.get("org").status_code == 429  # a minute frees nothing, a day does
    sandbox.advance(1)
    client.login()
    assert client.get("org").status_code == 200
