"""Judging packages: every planted fault is caught where it should be, and nothing else is."""

from __future__ import annotations

import random
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from connectors.core.errors import Actor, Problem
from pipelines.quality import gx, measure
from pipelines.quality.judge import judge
from pipelines.quality.model import RuleSet
from pipelines.quality.verdict import RuleResult, Verdict
from pipelines.quality.vocabulary import VOCABULARY

BETWEEN = "expect_column_values_to_be_between"
NOT_NULL = "expect_column_values_to_not_be_null"
AFTER = "expect_column_pair_values_a_to_be_greater_than_b"

COLUMNS = (
    "_position BIGINT, _record_id VARCHAR, Name VARCHAR, Owner STRUCT(id VARCHAR, name VARCHAR), Stage VARCHAR, "
    "Amount DECIMAL(18,2), Rate DECIMAL(18,4), Probability BIGINT, Weight DOUBLE, Active BOOLEAN, Closing DATE, "
    "Created TIMESTAMPTZ, Modified TIMESTAMPTZ"
)


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"CREATE TABLE deals ({COLUMNS})")
        yield connection


def put(con: duckdb.DuckDBPyConnection, *rows: dict[str, Any]) -> None:
    """Rows at positions 10, 20, …, with ids r10, r20, …, unless they say otherwise."""
    for i, row in enumerate(rows, 1):
        full = {"_position": i * 10, "_record_id": f"r{i * 10}", **row}
        marks = ", ".join("?" for _ in full)
        con.execute(f"INSERT INTO deals ({', '.join(full)}) VALUES ({marks})", list(full.values()))


def rule(name: str, expect: str, with_: dict[str, Any], **other: Any) -> dict[str, Any]:
    said = {"name": name, "expect": expect, "with": with_, "reason": f"The reason of {name}."}
    return {"scope": "row", "severity": "quarantine", **said, **other}


def fact(name: str, measure: Any, with_: dict[str, Any], **other: Any) -> dict[str, Any]:
    return rule(
        name, BETWEEN, with_, **{"scope": "package", "severity": "block", "measure": measure, **other}
    )


def rule_set(*rules: dict[str, Any]) -> RuleSet:
    return RuleSet.model_validate(
        {"source": "zoho", "stream": "deals", "grain": "one row per deal", "owner": "sales", "rules": rules}
    )


def judged(con: duckdb.DuckDBPyConnection, *rules: dict[str, Any], **options: Any) -> Verdict:
    return judge(con, "deals", rule_set(*rules), package_id="p1", **{"pii": (), **options})


def only(verdict: Verdict) -> RuleResult:
    (result,) = verdict.results
    return result


def failing(verdict: Verdict) -> list[int]:
    return [s.position for s in only(verdict).samples]


def test_the_vocabulary_is_what_the_library_offers() -> None:
    gx.load()
    from great_expectations.expectations.registry import get_expectation_impl

    for name, spec in VOCABULARY.items():
        offered = get_expectation_impl(name).__fields__
        assert {*spec.args, *spec.fixed} <= offered.keys(), name


def test_quarantine_sets_a_row_aside_and_blocks_nothing(con: duckdb.DuckDBPyConnection) -> None:
    put(con, {"Amount": 5}, {"Amount": -5}, {"Amount": None})
    verdict = judged(con, rule("amount", BETWEEN, {"column": "Amount", "min_value": 0}))
    (rejection,) = verdict.rejections
    assert (rejection.position, rejection.rule, rejection.column) == (20, "amount", "Amount")
    assert (rejection.value, rejection.reason) == ("-5.00", "The reason of amount.")
    result = only(verdict)
    assert (result.passed, result.checked, result.failing) == (False, 2, 1)
    assert not verdict.blocked and verdict.rows == 3


def test_warn_tells_and_keeps_the_row(con: duckdb.DuckDBPyConnection) -> None:
    put(con, {"Owner": None}, {"Owner": {"id": "7", "name": "Li"}}, {"Owner": {"id": None, "name": "Wang"}})
    verdict = judged(con, rule("owner", NOT_NULL, {"column": "Owner"}, severity="warn"))
    assert verdict.rejections == [] and not verdict.blocked
    assert failing(verdict) == [10]
    assert failing(judged(con, rule("owner", NOT_NULL, {"column": "Owner.id"}, severity="warn"))) == [10, 30]


def test_a_row_rule_may_block_the_package(con: duckdb.DuckDBPyConnection) -> None:
    put(con, {"Stage": "won"}, {"Stage": None})
    verdict = judged(con, rule("stage", NOT_NULL, {"column": "Stage"}, severity="block"))
    assert verdict.blocked and verdict.rejections == [] and failing(verdict) == [20]


@pytest.mark.parametrize(
    ("measure", "bounds", "observed", "passed"),
    [
        ("rows", {"min_value": 4}, "4", True),
        ("rows", {"min_value": 5}, "4", False),
        ({"nulls": "Stage"}, {"max_value": 1}, "2", False),
        ({"null_share": "Stage"}, {"max_value": 0.5}, "0.5", True),
        ({"null_share": "Stage"}, {"max_value": 0.49}, "0.5", False),
        ({"distinct": "Stage"}, {"min_value": 2}, "1", False),
        ({"duplicates": "Stage"}, {"max_value": 0}, "1", False),
        ({"sum": "Amount"}, {"max_value": 0.29}, "0.30", False),
        ({"sum": "Amount"}, {"max_value": 0.3}, "0.30", True),
        ({"sum": "Weight"}, {"max_value": 1}, "0", True),
        ({"min": "Closing"}, {"min_value": "2024-01-02"}, "2024-01-01", False),
        ({"max": "Created"}, {"max_value": "2024-01-01 07:59:59"}, "2024-01-01T00:00:00+00:00", False),
        ({"max": "Created"}, {"max_value": "2024-01-01 08:00:00"}, "2024-01-01T00:00:00+00:00", True),
    ],
)
def test_facts_of_a_package_are_measured_and_judged(
    con: duckdb.DuckDBPyConnection, measure: Any, bounds: dict[str, Any], observed: str, passed: bool
) -> None:
    put(
        con,
        {"Stage": "a", "Amount": "0.10", "Closing": "2024-01-01", "Created": "2024-01-01 00:00:00+00"},
        {"Stage": "a", "Amount": "0.20"},
        {"Stage": " "},
        {},
    )
    exact = {k: Decimal(str(v)) if isinstance(v, float) else v for k, v in bounds.items()}
    verdict = judged(con, fact("fact", measure, exact))
    result = only(verdict)
    assert (result.observed, result.passed, result.checked) == (observed, passed, 1)
    assert verdict.blocked is not passed and verdict.rejections == []


def test_a_fact_that_only_warns_does_not_block(con: duckdb.DuckDBPyConnection) -> None:
    put(con, {})
    assert not judged(con, fact("rows", "rows", {"min_value": 2}, severity="warn")).blocked


def test_a_share_of_too_few_rows_is_not_judged(con: duckdb.DuckDBPyConnection) -> None:
    put(con, {"Stage": None}, {"Stage": None, "Active": True})
    shares = {"measure": {"null_share": "Stage"}, "with_": {"max_value": 0}, "min_rows": 2}
    verdict = judged(
        con,
        fact("all", **shares),
        fact("active", **shares, when={"Active": [True]}),
        fact("inactive", **{**shares, "min_rows": 1}, when={"Active": [None]}),
    )
    assert {r.rule: r.passed for r in verdict.results} == {"all": False, "active": True, "inactive": False}
    assert "fewer than 2 rows" in str(verdict.results[1].not_applicable)


def test_a_row_rejected_twice_is_set_aside_once_with_both_reasons(con: duckdb.DuckDBPyConnection) -> None:
    put(con, {"Amount": -1, "Probability": 300}, {"Amount": -2, "Probability": 3}, {"Amount": 1})
    verdict = judged(
        con,
        rule("amount", BETWEEN, {"column": "Amount", "min_value": 0}),
        rule("chance", BETWEEN, {"column": "Probability", "max_value": 100}),
    )
    assert [r.position for r in verdict.rejections] == [10, 20]
    both = verdict.rejections[0]
    assert both.rule == "amount; chance" and both.value == "-1.00; 300"
    assert both.reason == "The reason of amount.; The reason of chance."
    assert [f.rule for f in both.faults] == ["amount", "chance"]
    assert {r.rule: r.failing for r in verdict.results} == {"amount": 2, "chance": 1}


@pytest.mark.parametrize(
    ("amount", "bounds", "rejected"),
    [
        ("0.00", {"min_value": 0}, False),
        ("-0.01", {"min_value": 0}, True),
        ("0.00", {"min_value": 0, "strict_min": True}, True),
        ("0.01", {"min_value": 0, "strict_min": True}, False),
        ("0.29", {"min_value": "0.295"}, True),  # between two cents: the bound is not rounded away
        ("0.30", {"min_value": "0.295"}, False),
        ("0.30", {"max_value": "0.295"}, True),
        ("0.29", {"max_value": "0.295"}, False),
        ("0.30", {"max_value": "0.295", "strict_max": True}, True),
        ("0.29", {"max_value": "0.295", "strict_max": True}, False),
        ("0.29", {"min_value": "0.295", "strict_min": True}, True),
        ("9999999999999.99", {"max_value": "9999999999999.99"}, False),  # 15 digits
        ("9999999999999.99", {"max_value": "9999999999999.98"}, True),
        ("-9999999999999.99", {"min_value": "-9999999999999.98"}, True),
        ("9999999999999999.99", {"max_value": "9999999999999.99"}, True),  # as large as the column holds
    ],
)
def test_money_is_compared_exactly_to_the_cent(
    con: duckdb.DuckDBPyConnection, amount: str, bounds: dict[str, Any], rejected: bool
) -> None:
    put(con, {"Amount": amount}, {"Amount": None})  # with an empty cell, pandas holds the column as floats
    exact = {k: Decimal(v) if isinstance(v, str) else v for k, v in bounds.items()}
    verdict = judged(con, rule("amount", BETWEEN, {"column": "Amount", **exact}))
    assert [r.value for r in verdict.rejections] == ([amount] if rejected else [])


def test_a_bound_that_cannot_be_compared_exactly_is_a_mistake_in_the_rule(
    con: duckdb.DuckDBPyConnection,
) -> None:
    put(con, {"Amount": 1})
    with pytest.raises(Problem, match="too large"):
        judged(con, rule("amount", BETWEEN, {"column": "Amount", "max_value": 10**15}))
    with pytest.raises(Problem, match="is not a number"):
        judged(con, rule("amount", BETWEEN, {"column": "Amount", "max_value": "2024-01-01"}))


def test_decimals_of_different_scale_and_doubles_compare_in_one_unit(con: duckdb.DuckDBPyConnection) -> None:
    put(
        con,
        {"Amount": "1.50", "Rate": "1.5000", "Weight": 1.5},
        {"Amount": "1.50", "Rate": "1.5001", "Weight": 1.6},
    )
    assert failing(
        judged(con, rule("r", AFTER, {"column_A": "Amount", "column_B": "Rate", "or_equal": True}))
    ) == [20]
    assert failing(
        judged(con, rule("r", AFTER, {"column_A": "Amount", "column_B": "Weight", "or_equal": True}))
    ) == [20]


def test_empty_values_fail_only_the_rules_that_ask_for_a_value(con: duckdb.DuckDBPyConnection) -> None:
    put(con, {"Name": ""}, {"Name": " \u3000\t"}, {"Name": None}, {"Name": " x"})
    assert failing(judged(con, rule("r", NOT_NULL, {"column": "Name"}))) == [10, 20, 30]
    assert failing(judged(con, rule("r", "expect_column_values_to_be_null", {"column": "Name"}))) == [40]
    for expect, args in [
        ("expect_column_values_to_be_in_set", {"value_set": [" x"]}),
        ("expect_column_values_to_match_regex", {"regex": "x$"}),
        ("expect_column_value_lengths_to_be_between", {"min_value": 2}),
    ]:
        result = only(judged(con, rule("r", expect, {"column": "Name", **args})))
        assert (result.passed, result.checked) == (True, 1), expect


def test_every_other_expectation_catches_its_fault(con: duckdb.DuckDBPyConnection) -> None:
    put(
        con,
        {"Name": "bad", "Stage": "bad", "Weight": 0.5, "Active": True},
        {"Name": "good", "Stage": "x", "Active": False},
    )
    caught = {
        "expect_column_values_to_not_be_in_set": {"column": "Name", "value_set": ["bad", "worse"]},
        "expect_column_values_to_not_match_regex": {"column": "Name", "regex": "^b"},
        "expect_column_value_lengths_to_be_between": {"column": "Name", "min_value": 4},
        "expect_select_column_values_to_be_unique_within_record": {"column_list": ["Name", "Stage"]},
        BETWEEN: {"column": "Weight", "min_value": 1},
        "expect_column_values_to_be_in_set": {"column": "Active", "value_set": [False]},
    }
    for expect, args in caught.items():
        assert failing(judged(con, rule("r", expect, args))) == [10], expect
    equal = rule("r", "expect_column_pair_values_to_be_equal", {"column_A": "Name", "column_B": "Stage"})
    assert failing(judged(con, equal)) == [20]


def test_days_are_cut_in_the_business_zone(con: duckdb.DuckDBPyConnection) -> None:
    """17:00 UTC on the 1st is 01:00 on the 2nd in Shanghai: a deal closed on the 1st was closed before."""
    put(
        con,
        {"Closing": "2024-03-01", "Created": "2024-03-01 15:59:59+00"},
        {"Closing": "2024-03-01", "Created": "2024-03-01 17:00:00+00"},
    )
    won = rule("r", AFTER, {"column_A": "Closing", "column_B": "Created.date", "or_equal": True})
    verdict = judged(con, won)
    assert failing(verdict) == [20]
    assert only(verdict).samples[0].value == "Closing=2024-03-01, Created.date=2024-03-02"
    assert only(judged(con, won, timezone="UTC")).passed


def test_points_in_time_are_compared_to_the_microsecond(con: duckdb.DuckDBPyConnection) -> None:
    put(
        con,
        {"Created": "2024-03-01 10:00:00.000001+00", "Modified": "2024-03-01 18:00:00+08"},
        {"Created": "2024-03-01 10:00:00+00", "Modified": "2024-03-01 18:00:00+08"},
        {"Created": "infinity", "Modified": "2024-03-01 18:00:00+08"},
    )
    verdict = judged(con, rule("r", AFTER, {"column_A": "Modified", "column_B": "Created", "or_equal": True}))
    assert failing(verdict) == [10] and only(verdict).checked == 2


def test_a_condition_limits_what_a_rule_is_about(con: duckdb.DuckDBPyConnection) -> None:
    put(
        con,
        {"Stage": "won"},
        {"Stage": "won", "Amount": 1},
        {"Stage": "lost", "Amount": 0},
        {"Stage": "won", "Amount": 0},
        {},
    )
    missing = judged(con, rule("r", NOT_NULL, {"column": "Amount"}, when={"Stage": ["won"]}))
    assert failing(missing) == [10] and only(missing).checked == 3
    zero = judged(
        con,
        rule("r", BETWEEN, {"column": "Amount", "min_value": 0, "strict_min": True}, when={"Stage": "won"}),
    )
    assert failing(zero) == [40] and only(zero).checked == 2
    nowhere = judged(con, rule("r", NOT_NULL, {"column": "Amount"}, when={"Stage": [None], "Active": [True]}))
    assert only(nowhere).checked == 0 and only(nowhere).passed
    share = judged(con, fact("f", {"null_share": "Amount"}, {"max_value": 1}, when={"Stage": ["won"]}))
    assert only(share).observed == "0.333333"


def test_a_column_that_is_missing_or_drifted_is_not_applicable(con: duckdb.DuckDBPyConnection) -> None:
    put(con, {"Amount": -1, "Name": "x"})
    verdict = judged(
        con,
        rule("absent", BETWEEN, {"column": "Budget", "min_value": 0}),
        rule("part", NOT_NULL, {"column": "Name.id"}),
        rule("text", BETWEEN, {"column": "Name", "min_value": 0}),
        rule("kinds", AFTER, {"column_A": "Closing", "column_B": "Created"}),
        rule("condition", NOT_NULL, {"column": "Closing"}, when={"Phase": ["x"]}),
        fact("sum", {"sum": "Name"}, {"max_value": 1}),
    )
    why = {r.rule: r.not_applicable for r in verdict.results}
    assert all(why.values()) and all(r.passed and r.checked == 0 for r in verdict.results)
    assert "no column Budget" in str(why["absent"]) and "is text" in str(why["text"])
    assert verdict.rejections == [] and verdict.evidence is None


def test_no_row_is_lost_between_chunks(con: duckdb.DuckDBPyConnection) -> None:
    """25,001 rows are two chunks; faults sit at the first and last row and around the cut."""
    con.execute(
        "INSERT INTO deals (_position, _record_id, Amount) SELECT i, 'r' || i, "
        "CASE WHEN i IN (1, 24576, 24577, 25000, 25001) THEN -1 ELSE i END FROM range(1, 25002) t(i)"
    )
    verdict = judged(con, rule("amount", BETWEEN, {"column": "Amount", "min_value": 0}))
    assert [r.position for r in verdict.rejections] == [1, 24576, 24577, 25000, 25001]
    assert only(verdict).checked == 25001


def test_chunks_are_never_larger_than_agreed(
    con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    con.execute("INSERT INTO deals (_position, Amount) SELECT i, i - 1 FROM range(60000) t(i)")
    sizes: list[int] = []
    inner = gx.Bench.failing
    monkeypatch.setattr(
        gx.Bench, "failing", lambda self, frame, **how: sizes.append(len(frame)) or inner(self, frame, **how)
    )
    judged(con, rule("amount", BETWEEN, {"column": "Amount", "min_value": 0}))
    assert sum(sizes[1:]) == 60000 and max(sizes) <= 25000
    assert sizes[0] == 2  # the smallest and the largest amount said that some row must fail
    sizes.clear()
    judged(con, rule("amount", BETWEEN, {"column": "Amount", "min_value": -1}))
    assert sizes == [2]


def test_positions_are_as_given_whatever_ids_are(con: duckdb.DuckDBPyConnection) -> None:
    put(
        con,
        {"_position": 2**40, "_record_id": None, "Amount": -1},
        {"_position": 7, "_record_id": None, "Amount": -1},
    )
    verdict = judged(con, rule("amount", BETWEEN, {"column": "Amount", "min_value": 0}))
    assert [r.position for r in verdict.rejections] == [7, 2**40]


def test_a_fault_of_the_library_raises_and_never_looks_like_bad_data(
    con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(con, {"Name": "王伟"})
    # The kinds of columns are checked before; without that check the library compares text with a number.
    spec = VOCABULARY[BETWEEN]
    monkeypatch.setitem(VOCABULARY, BETWEEN, type(spec)(spec.args, spec.required, spec.any_of))
    broken = rule("broken", BETWEEN, {"column": "Name", "min_value": 0})
    with pytest.raises(Problem, match="could not judge the rule broken") as caught:
        judged(con, broken, rule("fine", NOT_NULL, {"column": "Name"}))
    assert caught.value.actor is Actor.DEVELOPER and caught.value.stream == "deals"
    assert "王伟" not in str(caught.value)
    with pytest.raises(Problem, match="could not judge the rule broken"):
        judged(con, rule("broken", BETWEEN, {"column": "Name", "min_value": "not a number"}))


def test_personal_values_are_masked_and_absence_is_not(con: duckdb.DuckDBPyConnection) -> None:
    put(
        con,
        {"_record_id": "5540230000000001", "Name": "李娜"},
        {"_record_id": "name:王伟", "Name": None},
        {"Stage": "x"},
    )
    rules = (
        rule("short", "expect_column_value_lengths_to_be_between", {"column": "Name", "min_value": 3}),
        rule("there", NOT_NULL, {"column": "Name"}),
        rule("stage", "expect_column_values_to_be_in_set", {"column": "Stage", "value_set": ["y"]}),
    )
    verdict = judged(con, *rules, pii={"Name"})
    assert {r.position: r.value for r in verdict.rejections} == {10: "***", 20: None, 30: "x"}
    ids = {s.record_id for r in verdict.results for s in r.samples}
    assert ids == {"5540230000000001", "***"}  # r30 is not long enough to be a made key
    assert "李娜" not in repr(verdict) and "王伟" not in repr(verdict)
    unknown = judged(con, *rules, pii=None)
    assert {r.position: r.value for r in unknown.rejections} == {10: "***", 20: None, 30: "***"}
    assert "李娜" in repr(judged(con, *rules, pii=()))


def test_no_rows_give_zero_counts_without_the_library() -> None:
    """In a process of its own: here the library is loaded already."""
    program = """
import sys, duckdb
from pipelines.quality.judge import judge
from tests.unit.test_quality_judge import BETWEEN, COLUMNS, fact, rule, rule_set
con = duckdb.connect()
con.execute(f"CREATE TABLE deals ({COLUMNS})")
rules = rule_set(rule("amount", BETWEEN, {"column": "Amount", "min_value": 0}), fact("rows", "rows", {"min_value": 1}))
verdict = judge(con, "deals", rules, package_id="p1")
assert [(r.passed, r.checked, r.failing) for r in verdict.results] == [(True, 0, 0)] * 2
assert verdict.rows == 0 and not verdict.blocked and verdict.evidence is None
assert not {"great_expectations", "pandas"} & sys.modules.keys()
"""
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_rule_may_ask_to_judge_even_nothing(con: duckdb.DuckDBPyConnection) -> None:
    verdict = judged(
        con, fact("rows", "rows", {"min_value": 1}, even_if_empty=True), fact("f", "rows", {"min_value": 1})
    )
    assert verdict.blocked and [r.checked for r in verdict.results] == [1, 0]


def test_streams_are_judged_in_parallel() -> None:
    def one(step: int) -> list[int]:
        with duckdb.connect() as con:
            con.execute(
                f"CREATE TABLE deals AS SELECT i AS _position, 'r' AS _record_id, "
                f"CASE WHEN i % {step} = 0 THEN -1 ELSE 1 END::DECIMAL(18,2) AS Amount FROM range(30000) t(i)"
            )
            verdict = judged(con, rule("amount", BETWEEN, {"column": "Amount", "min_value": 0}))
            return [r.position for r in verdict.rejections]

    steps = range(900, 906)
    with ThreadPoolExecutor(4) as pool:
        for step, positions in zip(steps, pool.map(one, steps), strict=True):
            assert positions == list(range(0, 30000, step))


def test_nothing_leaves_the_machine(con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    put(con, {"Amount": -1})
    assert judged(con, rule("amount", BETWEEN, {"column": "Amount", "min_value": 0})).rejections


def test_the_verdict_names_package_and_rules(con: duckdb.DuckDBPyConnection) -> None:
    rules = rule_set(rule("amount", BETWEEN, {"column": "Amount", "min_value": 0}, owner="finance"))
    put(con, {"Amount": -1})
    verdict = judge(con, "deals", rules, package_id="20260101-p1", pii=())
    assert (verdict.source, verdict.stream, verdict.package_id) == ("zoho", "deals", "20260101-p1")
    assert verdict.rules_hash == rules.hash and only(verdict).owner == "finance"
    assert [r.rule for r in verdict.failed] == ["amount"]


def test_digests_decide_as_the_rows_would(
    con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Large packages are judged by a few values first; the outcome must be that of judging every row."""
    dice = random.Random(7)
    for rows in (2, 12):
        con.execute("DELETE FROM deals")
        put(con, *(_random_row(dice) for _ in range(rows)))
        rules = [
            r
            for column in ("Name", "Amount", "Weight", "Closing", "Created")
            for r in _random_rules(dice, column)
        ]
        screened, plain = [], []
        for chunk, verdicts in ((0, screened), (10**9, plain)):
            monkeypatch.setattr(measure, "CHUNK", chunk)
            verdict = judged(con, *rules)
            verdicts += [verdict.results, verdict.rejections]
        assert screened == plain


def _random_row(dice: random.Random) -> dict[str, Any]:
    row = {
        "Name": dice.choice(["a", "bb", "客户", " "]),
        "Amount": dice.randint(-2, 2),
        "Rate": dice.randint(-2, 2),
        "Weight": dice.choice([-1.5, 0.0, 2.5, float("nan"), float("inf")]),
        "Closing": f"2024-01-0{dice.randint(1, 4)}",
        "Created": f"2024-01-0{dice.randint(1, 4)} 20:00:00+00",
        "Modified": f"2024-01-0{dice.randint(1, 4)} 20:00:00+00",
    }
    return {k: v for k, v in row.items() if dice.random() < 0.8}


def _random_rules(dice: random.Random, column: str) -> Iterator[dict[str, Any]]:
    when = {"when": {"Name": ["bb", None]}} if dice.random() < 0.5 else {}
    yield rule(f"{column.lower()}_null", NOT_NULL, {"column": column}, **when)
    yield rule(f"{column.lower()}_none", "expect_column_values_to_be_null", {"column": column}, **when)
    if column == "Name":
        yield rule(
            "name_length",
            "expect_column_value_lengths_to_be_between",
            {"column": column, "max_value": 1},
            **when,
        )
        yield rule(
            "name_in",
            "expect_column_values_to_be_in_set",
            {"column": column, "value_set": ["a", "客户"]},
            **when,
        )
        yield rule(
            "name_out",
            "expect_column_values_to_not_be_in_set",
            {"column": column, "value_set": ["a"]},
            **when,
        )
        return
    low, high = {"Closing": ("2024-01-02", "2024-01-03"), "Created": ("2024-01-02", "2024-01-04")}.get(
        column, (-1, 1)
    )
    yield rule(
        f"{column.lower()}_range", BETWEEN, {"column": column, "min_value": low, "max_value": high}, **when
    )
    other = {"Amount": "Rate", "Weight": "Rate", "Closing": "Created.date", "Created": "Modified"}[column]
    order = {"column_A": column, "column_B": other, "or_equal": dice.random() < 0.5}
    yield rule(f"{column.lower()}_order", AFTER, order, **when)


@pytest.mark.parametrize(
    "kind", ["DECIMAL(18,2)", "DECIMAL(18,9)", "DECIMAL(18,15)", "DECIMAL(38,19)", "HUGEINT"]
)
def test_the_places_of_a_number_stop_no_rule(kind: str) -> None:
    """How many a field has is for the CRM to say, at any time."""
    with duckdb.connect() as con:
        con.execute(
            f"CREATE TABLE deals (_position BIGINT, _record_id VARCHAR, Amount {kind}, Other DECIMAL(18,2))"
        )
        con.execute(
            "INSERT INTO deals VALUES (0, 'a', -1, -2), (1, 'b', 5, 5), (2, 'c', 101, 7), (3, 'd', NULL, 1)"
        )
        rules = [
            {"expect": BETWEEN, "with": {"column": "Amount", "min_value": 0, "max_value": 100}},
            {"expect": BETWEEN, "with": {"column": "Amount", "max_value": 100_000_000_000}},
            {"expect": NOT_NULL, "with": {"column": "Other"}, "when": {"Amount": [5, 10_000_000_000]}},
            {"expect": AFTER, "with": {"column_A": "Amount", "column_B": "Other", "or_equal": True}},
            {"scope": "package", "measure": {"sum": "Amount"}, "expect": BETWEEN, "with": {"max_value": 105}},
            {"scope": "package", "measure": {"max": "Amount"}, "expect": BETWEEN, "with": {"max_value": 100}},
        ]  # fmt: skip
        named = [
            {
                "name": f"r{n}",
                "scope": "row",
                "severity": "warn",
                "reason": "The reason of this rule.",
                **rule,
            }
            for n, rule in enumerate(rules)
        ]
        made = RuleSet.model_validate(
            {"source": "zoho", "stream": "deals", "grain": "a deal", "owner": "sales", "rules": named}
        )
        verdict = judge(con, "deals", made, package_id="p", pii=())
    assert [r.not_applicable for r in verdict.results] == [None] * 6
    assert [r.failing for r in verdict.results] == [2, 0, 0, 0, 0, 1]
