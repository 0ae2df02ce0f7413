"""What other people's connectors lost, played on the served company and held against its truth.

Which trap is covered where: tests/contract/README.md. Those here have no other home.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import pytest

from tests.contract.zoho_truth import ZohoTruth
from tests.pipeline.test_sync_truth import Synced, synced

__all__ = ["synced"]  # the fixture
pytestmark = pytest.mark.timeout(180)


@pytest.fixture(autouse=True)
def only_these(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOHO_MODULES", "deals,accounts,deal_history")


def versions(home: Synced, stream: str, id: str) -> int:
    return home.query(f"SELECT count(*) FROM raw_zoho.{stream}__history WHERE _record_id = '{id}'")[0][0]


def two_deals(home: Synced) -> list[tuple[str, str]]:
    """(deal, customer) of two deals of different customers."""
    deals = ZohoTruth(home.sandbox).records("deals")
    by_customer = {deal["Account_Name"]: id for id, deal in deals.items() if deal["Account_Name"]}
    return [(id, customer) for customer, id in by_customer.items()][:2]


@pytest.mark.slow
def test_what_moves_no_stamp_is_seen_by_a_full_read_and_not_before(synced: Synced) -> None:
    assert synced.sync().ok
    (computed, _), (named, customer) = two_deals(synced)
    before, (sandbox, act) = synced.rows("deals"), (synced.sandbox, synced.sandbox.act)
    sandbox.step(60)
    act("recompute", "deals", id=computed, changes={"Expected_Revenue": 1234.5})
    act("recompute", "deals", id=computed, changes={"Last_Activity_Time": sandbox.clock()})
    act("edit", "accounts", id=customer, changes={"Account_Name": "改名后的客户"})
    assert synced.sync().ok
    assert {id: synced.rows("deals")[id] for id in (computed, named)} == {
        id: before[id] for id in (computed, named)
    }
    assert synced.rows("accounts")[customer]["Account_Name"] == "改名后的客户"
    assert synced.sync(full=True).ok
    after = synced.rows("deals")
    assert after[computed] == before[computed] | {
        "Expected_Revenue": Decimal("1234.5"), "Last_Activity_Time": datetime.fromisoformat(sandbox.clock()),
    }  # fmt: skip
    # The name beside a reference may be old (references are compared by id): models take it from the record itself.
    assert after[named] | {"Account_Name": customer} == before[named] | {"Account_Name": customer}
    assert after[named]["Account_Name"]["id"] == customer
    assert (versions(synced, "deals", computed), versions(synced, "deals", named)) == (2, 1)


def test_a_stamp_that_moves_alone_is_a_version_of_the_same_content(synced: Synced) -> None:
    """Mass updates and automation write what was there already."""
    assert synced.sync().ok
    (id, _), _ = two_deals(synced)
    before = synced.rows("deals")[id]
    synced.sandbox.step(60)
    synced.sandbox.act("edit", "deals", id=id, changes={"Next_Step": before["Next_Step"]})
    assert synced.sync().ok
    after = synced.rows("deals")[id]
    moved = {name for name in after if after[name] != before[name]}
    assert moved <= {"Modified_Time", "Modified_By"}
    assert after["Modified_Time"] == datetime.fromisoformat(synced.sandbox.clock())
    assert synced.sync().ok
    assert versions(synced, "deals", id) == 2, "one for each stamp, however often it is read"
    calls = synced.sandbox.stats()["calls"]
    assert not [path for path in calls if "search" in path], "its index lags, and it ends at 2,000"
