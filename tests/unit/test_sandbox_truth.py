"""The truth, folded by hand on a log of a few lines."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from sandbox.company.clock import parse
from sandbox.company.log import Event, Log
from sandbox.truth.fold import fold, fold_visits
from sandbox.truth.summary import identities, summary

ROOT = Path(__file__).resolve().parents[2]


def at(text: str) -> int:
    return parse(f"2026-{text}")


def tiny() -> Log:
    """Two deals: A is won after three stages, B is lost, binned and restored; C of Fxiaoke is won and reopened."""
    log = Log()
    for time, crm, entity, id, kind, by, changes in (
        ("01-01T09:00:00", "zoho", "users", "u1", "create", "", {"full_name": "王伟", "status": "active"}),
        ("01-01T09:00:00", "fxiaoke", "users", "f1", "create", "", {"name": "李娜"}),
        ("01-02T10:00:00", "zoho", "deals", "A", "create", "u1",
         {"Stage": "Qualification", "Probability": 10, "Amount": 1000.5, "Expected_Revenue": 100.05,
          "Closing_Date": "2026-03-01", "Owner": "u1", "_visit": "v1"}),
        ("01-03T10:00:00", "zoho", "deals", "B", "create", "u1",
         {"Stage": "Qualification", "Probability": 10, "Closing_Date": "2026-03-01", "Owner": "u1", "_visit": "v2"}),
        ("01-05T10:00:00", "zoho", "deals", "A", "update", "u1", {"Amount": 2000.25, "Expected_Revenue": 200.03}),
        ("01-09T23:59:59", "zoho", "deals", "A", "update", "u1",
         {"Stage": "Negotiation/Review", "Probability": 90, "Expected_Revenue": 1800.23, "_visit": "v3"}),
        ("01-10T10:00:00", "fxiaoke", "deals", "C", "create", "f1",
         {"sales_stage": "验证客户", "amount": 70.0, "owner": "f1"}),
        ("01-11T00:00:00", "zoho", "deals", "A", "update", "u9",
         {"Stage": "Closed Won", "Probability": 100, "Expected_Revenue": 2000.25, "Closing_Date": "2026-01-11",
          "_visit": "v4"}),
        ("01-12T10:00:00", "zoho", "deals", "B", "update", "u1",
         {"Stage": "Closed Lost", "Probability": 0, "Closing_Date": "2026-01-12", "_visit": "v5"}),
        ("01-13T10:00:00", "zoho", "deals", "B", "delete", "u9", {}),
        ("01-14T10:00:00", "fxiaoke", "deals", "C", "update", "f1",
         {"sales_stage": "赢单", "actual_close_date": "2026-01-14"}),
        ("01-15T10:00:00", "zoho", "deals", "B", "restore", "u9", {}),
        ("01-16T10:00:00", "fxiaoke", "deals", "C", "update", "f1",
         {"sales_stage": "谈判审核", "actual_close_date": None}),
        ("01-17T10:00:00", "zoho", "deals", "A", "delete", "u9", {"_permanent": True}),
    ):  # fmt: skip
        log.append(Event(at(time), crm, entity, id, kind, by, changes))
    return log


def test_a_record_is_what_its_events_made_of_it():
    deals = fold(tiny().of("zoho", "deals"), at("01-11T12:00:00"))
    assert deals.records["A"] == {
        "id": "A", "Stage": "Closed Won", "Probability": 100, "Amount": 2000.25, "Expected_Revenue": 2000.25,
        "Closing_Date": "2026-01-11", "Owner": "u1", "Created_Time": "2026-01-02T02:00:00Z", "Created_By": "u1",
        "Modified_Time": "2026-01-10T16:00:00Z", "Modified_By": "u9",
    }  # fmt: skip
    assert deals.deleted == {}


def test_as_of_includes_its_own_second_and_nothing_later():
    log = tiny().of("zoho", "deals")
    assert fold(log, at("01-09T23:59:58")).records["A"]["Stage"] == "Qualification"
    assert fold(log, at("01-09T23:59:59")).records["A"]["Stage"] == "Negotiation/Review"
    assert fold(log, at("01-02T09:59:59")).records == {}


def test_a_deleted_record_is_gone_until_it_is_restored_with_its_old_stamp():
    log = tiny().of("zoho", "deals")
    binned = fold(log, at("01-14T00:00:00"))
    assert set(binned.records) == {"A"}
    assert binned.deleted == {"B": {"time": "2026-01-13T02:00:00Z", "permanent": False}}
    restored = fold(log, at("01-15T10:00:00"))
    assert restored.deleted == {}
    assert restored.records["B"]["Modified_Time"] == "2026-01-12T02:00:00Z"
    assert fold(log, at("02-01T00:00:00")).deleted == {
        "A": {"time": "2026-01-17T02:00:00Z", "permanent": True}
    }


def test_fxiaoke_and_users_carry_their_own_stamps():
    log = tiny()
    deal = fold(log.of("fxiaoke", "deals"), at("01-14T10:00:00")).records["C"]
    assert deal == {
        "_id": "C", "sales_stage": "赢单", "amount": 70.0, "owner": "f1", "actual_close_date": "2026-01-14",
        "create_time": "2026-01-10T02:00:00Z", "created_by": "f1", "last_modified_time": "2026-01-14T02:00:00Z",
        "last_modified_by": "f1", "version": 2, "stg_changed_time": "2026-01-14T02:00:00Z",
    }  # fmt: skip
    user = fold(log.of("zoho", "users"), at("02-01T00:00:00")).records["u1"]
    assert user["created_time"] == user["Modified_Time"] == "2026-01-01T01:00:00Z"
    assert "Created_Time" not in user


def test_visits_keep_the_terms_and_the_stamp_of_their_entry():
    visits = fold_visits(tiny().of("zoho", "deals"), at("01-12T12:00:00")).records
    assert visits["v1"] == {
        "id": "v1", "Potential_Name": "A", "Stage": "Qualification", "Moved_To__s": "Negotiation/Review",
        "Stage_Duration_Calendar_Days": 7, "Amount": 1000.5, "Probability": 10, "Expected_Revenue": 100.05,
        "Closing_Date": "2026-03-01", "Modified_Time": "2026-01-02T02:00:00Z", "Modified_By": "u1",
    }  # fmt: skip
    assert (visits["v3"]["Amount"], visits["v3"]["Moved_To__s"]) == (2000.25, "Closed Won")
    assert visits["v3"]["Stage_Duration_Calendar_Days"] == 2  # 9 January 23:59:59 to 11 January 00:00
    assert visits["v4"]["Moved_To__s"] is None
    assert visits["v2"]["Amount"] is None


def test_visits_of_a_deleted_deal_lose_their_parent_and_find_it_again():
    log = tiny().of("zoho", "deals")
    assert fold_visits(log, at("01-14T00:00:00")).records["v5"]["Potential_Name"] is None
    assert fold_visits(log, at("01-16T00:00:00")).records["v5"]["Potential_Name"] == "B"


def test_the_summary_counts_and_adds_up():
    log = tiny()
    assert summary(log, "zoho", at("01-16T00:00:00")) == {
        "deals": 2, "open": 0, "won": 1, "lost": 1, "derailed": 0, "deleted": 0, "won_amount": "2000.25",
        "won_by_owner_and_month": [
            {"owner": "u1", "owner_name": "王伟", "month": "2026-01", "deals": 1, "amount": "2000.25"}
        ],
    }  # fmt: skip
    assert summary(log, "fxiaoke", at("01-14T12:00:00"))["won_amount"] == "70.00"
    reopened = summary(log, "fxiaoke", at("01-16T12:00:00"))
    assert (reopened["open"], reopened["won"], reopened["won_amount"]) == (1, 0, "0.00")


def test_identities_pair_accounts_of_one_party():
    log = Log()
    for id, crm, fields in (
        ("a1", "zoho", {"Account_Name": "蓝海科技有限公司", "_party": 4}),
        ("a2", "zoho", {"Account_Name": "孤山贸易有限公司", "_party": 5}),
        ("b1", "fxiaoke", {"name": "蓝海科技", "_party": 4}),
    ):
        log.append(Event(1, crm, "accounts", id, "create", "u", fields))
    assert identities(log, 2) == [
        {"zoho": {"id": "a1", "name": "蓝海科技有限公司"}, "fxiaoke": {"id": "b1", "name": "蓝海科技"}}
    ]


@pytest.mark.parametrize(
    ("room", "banned"),
    [
        ("truth", ("sandbox.zoho", "sandbox.fxiaoke", "sandbox.admin", "sandbox.serving.rows")),
        ("zoho", ("sandbox.truth",)),
        ("fxiaoke", ("sandbox.truth",)),
        ("inputs", ("sandbox.truth",)),
        ("serving", ("sandbox.truth",)),
        ("company", ("sandbox.truth", "sandbox.zoho", "sandbox.fxiaoke", "sandbox.admin", "sandbox.serving")),
    ],
)
def test_truth_and_serving_share_nothing_but_the_log(room, banned):
    for path in (ROOT / "sandbox" / room).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                assert not name.startswith(banned), f"{path.relative_to(ROOT)} imports {name}"
