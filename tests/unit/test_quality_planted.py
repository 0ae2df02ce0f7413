"""For each severity and each kind of rule a planted fault, caught where it should be: a kind without one fails here."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from pipelines.quality.cross import judge_cross
from pipelines.quality.judge import judge
from pipelines.quality.known import Known
from pipelines.quality.model import CROSS, RuleSet, Severity
from pipelines.quality.verdict import RuleResult, Verdict
from pipelines.quality.vocabulary import MEASURES, VOCABULARY

BETWEEN = "expect_column_values_to_be_between"
IN_SET = "expect_column_values_to_be_in_set"
NOW = datetime(2026, 3, 1, tzinfo=UTC)

# Of four rows, the third is at fault for each expectation, in a column of its own.
ROWS = """
    (1, 'r1', 'x',  NULL, 5,  'new',  'ok',   'a@b', 'abc', 1, 0, 'e', 'e', 'p', 'q'),
    (2, 'r2', 'y',  NULL, 0,  'won',  'fine', 'c@d', 'abd', 2, 2, 'f', 'f', 'p', NULL),
    (3, 'r3', NULL, 'z',  -1, 'lost', 'bad',  'e',   'a',   1, 2, 'e', 'f', 'p', 'p'),
    (4, 'r4', 'w',  NULL, 9,  'new',  NULL,   NULL,  NULL,  3, 1, NULL, 'g', 'q', 'p')
"""
COLUMNS = (
    "_position, _record_id, filled, empty, low, listed, barred, mail, long, later, sooner, one, same, a, b"
)
ROW_FAULTS: dict[str, dict[str, Any]] = {
    "expect_column_values_to_not_be_null": {"column": "filled"},
    "expect_column_values_to_be_null": {"column": "empty"},
    BETWEEN: {"column": "low", "min_value": 0},
    IN_SET: {"column": "listed", "value_set": ["new", "won"]},
    "expect_column_values_to_not_be_in_set": {"column": "barred", "value_set": ["bad"]},
    "expect_column_values_to_match_regex": {"column": "mail", "regex": "@"},
    "expect_column_values_to_not_match_regex": {"column": "barred", "regex": "^b"},
    "expect_column_value_lengths_to_be_between": {"column": "long", "min_value": 2},
    "expect_column_pair_values_a_to_be_greater_than_b": {
        "column_A": "later",
        "column_B": "sooner",
        "or_equal": True,
    },
    "expect_column_pair_values_to_be_equal": {"column_A": "one", "column_B": "same"},
    "expect_select_column_values_to_be_unique_within_record": {"column_list": ["a", "b"]},
}
KNOWN = Known(
    options={"listed": ["new", "won"]},
    declared={"low": "integer", "listed": "text"},
    arrived={"low": "text", "listed": "text"},
    misfits={"low": 2, "long": 1},
    rows=40,
    recent=[100, 90, 110],
)
# Each measure: how it is written, what is expected of it, and what is observed where that fails.
FACT_FAULTS: dict[tuple[str, bool], tuple[Any, dict[str, Any], str]] = {
    ("rows", False): ("rows", {"min_value": 5}, "4"),
    ("nulls", True): ({"nulls": "b"}, {"max_value": 0}, "1"),
    ("null_share", True): ({"null_share": "b"}, {"max_value": Decimal("0.2")}, "0.25"),
    ("distinct", True): ({"distinct": "a"}, {"min_value": 3}, "2"),
    ("duplicates", True): ({"duplicates": "a"}, {"max_value": 1}, "2"),
    ("sum", True): ({"sum": "low"}, {"max_value": 12}, "13"),
    ("min", True): ({"min": "low"}, {"min_value": 0}, "-1"),
    ("max", True): ({"max": "low"}, {"max_value": 8}, "9"),
    ("misfits", False): ("misfits", {"max_value": 2}, "3: 2 in low, 1 in long"),
    ("misfits", True): ({"misfits": "long"}, {"max_value": 0}, "1"),
    ("retyped", False): ("retyped", {"max_value": 0}, "1: low (text, not integer)"),
    ("type", True): ({"type": "low"}, {"value_set": ["integer"]}, "text"),
    ("volume", False): (
        "volume",
        {"min_value": Decimal("0.5")},
        "0.4: 40 rows, and 100 at the median of 3 reads before",
    ),
}
TABLE_FAULTS: dict[str, dict[str, Any]] = {
    "references": {"references": {"column": "owner", "stream": "users", "to": "id"}},
    "unique": {"unique": ["code"]},
    "overlaps": {"overlaps": {"per": ["owner"], "begin": "since", "end": "till"}},
    "freshness": {"freshness": {"of": "record", "hours": 24}},
    "sums_to": {"sums_to": {"per": ["owner"], "column": "share", "to": 1}},
}


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE rows AS SELECT * FROM (VALUES {ROWS}) t({COLUMNS})")
        yield connection


def rules(*given: dict[str, Any]) -> RuleSet:
    said = {"severity": "warn", "reason": "The reason of this rule."}
    written = [{"name": f"rule{n}", **said, **rule} for n, rule in enumerate(given, 1)]
    data = {"source": "zoho", "stream": "deals", "grain": "a deal", "owner": "sales", "rules": written}
    return RuleSet.model_validate(data)


def judged(con: duckdb.DuckDBPyConnection, rule: dict[str, Any]) -> tuple[Verdict, RuleResult]:
    verdict = judge(con, "rows", rules(rule), package_id="p", pii=(), known=KNOWN)
    return verdict, verdict.results[0]


def test_every_kind_of_rule_has_a_planted_fault() -> None:
    assert ROW_FAULTS.keys() == VOCABULARY.keys()
    assert FACT_FAULTS.keys() == {(kind, of) for kind, ofs in MEASURES.items() for of in ofs}
    # Totals are judged by what the source counts: tests/pipeline holds faults of those.
    assert TABLE_FAULTS.keys() == {*CROSS} - {"totals"}
    assert SEVERITIES.keys() == {*Severity}


@pytest.mark.parametrize("expect", ROW_FAULTS)
def test_a_row_at_fault_is_found(con: duckdb.DuckDBPyConnection, expect: str) -> None:
    _, result = judged(con, {"scope": "row", "expect": expect, "with": ROW_FAULTS[expect]})
    assert [s.position for s in result.samples] == [3] and result.failing == 1


@pytest.mark.parametrize("kind", FACT_FAULTS, ids=str)
def test_a_package_at_fault_is_found(con: duckdb.DuckDBPyConnection, kind: tuple[str, bool]) -> None:
    measure, bounds, observed = FACT_FAULTS[kind]
    expect = IN_SET if "value_set" in bounds else BETWEEN
    rule = {"scope": "package", "measure": measure, "expect": expect, "with": bounds}
    _, result = judged(con, rule)
    assert (result.passed, result.observed) == (False, observed)


SEVERITIES: dict[str, tuple[bool, list[int]]] = {
    "quarantine": (False, [3]),
    "block": (True, []),
    "warn": (False, []),
}


@pytest.mark.parametrize("severity", SEVERITIES)
def test_a_severity_does_what_it_says(con: duckdb.DuckDBPyConnection, severity: str) -> None:
    rule = {"scope": "row", "severity": severity, "expect": BETWEEN, "with": ROW_FAULTS[BETWEEN]}
    verdict, result = judged(con, rule)
    assert not result.passed
    assert (verdict.blocked, [r.position for r in verdict.rejections]) == SEVERITIES[severity]


@pytest.mark.parametrize("severity", ["block", "warn"])
@pytest.mark.parametrize("kind", TABLE_FAULTS)
def test_tables_at_fault_are_found(con: duckdb.DuckDBPyConnection, kind: str, severity: str) -> None:
    con.execute("CREATE SCHEMA raw_zoho")
    kept = "'acme' AS _org, NULL::TIMESTAMPTZ AS _deleted_at"
    con.execute(f"CREATE TABLE raw_zoho.users AS SELECT {kept}, 'u1' AS _record_id, 'u1' AS id")
    con.execute(
        f"CREATE TABLE raw_zoho.deals AS SELECT {kept}, TIMESTAMPTZ '2026-02-01' AS _modified_at, * FROM (VALUES "
        "('r1', 'u1', 'k1', DATE '2026-01-01', DATE '2026-01-09', 0.5), "
        "('r2', 'u1', 'k2', DATE '2026-01-09', NULL, 0.5), "
        "('r3', 'u2', 'k1', DATE '2026-01-01', DATE '2026-01-09', 0.7), ('r4', 'u1', NULL, DATE '2026-01-05', NULL, 0)"
        ") t(_record_id, owner, code, since, till, share)"
    )
    rule = {"scope": "cross", "severity": severity, **TABLE_FAULTS[kind]}
    asked = {"org": "acme", "read_at": None, "pii": (), "timezone": "UTC"}
    verdict = judge_cross(con, rules(rule), now=NOW, **asked)
    (result,) = verdict.results
    found = {
        "references": ["r3"],
        "unique": ["r3"],
        "overlaps": ["r2", "r4"],
        "freshness": [],
        "sums_to": ["r3"],
    }
    at_fault = found[kind]
    assert [s.record_id for s in result.samples] == at_fault
    assert (result.failing, verdict.blocked) == (max(len(at_fault), 1), severity == "block")
    con.execute("DELETE FROM raw_zoho.deals WHERE _record_id IN ('r3', 'r4')")
    healed = judge_cross(con, rules(rule), now=NOW - timedelta(days=28), **asked)
    assert healed.failed == () and not healed.blocked


def test_what_nobody_knows_is_not_judged(con: duckdb.DuckDBPyConnection) -> None:
    asked = [
        {"scope": "package", "measure": "misfits", "expect": BETWEEN, "with": {"max_value": 0}},
        {"scope": "package", "measure": "retyped", "expect": BETWEEN, "with": {"max_value": 0}},
        {"scope": "package", "measure": {"type": "low"}, "expect": IN_SET, "with": {"value_set": ["text"]}},
        {"scope": "package", "measure": "volume", "expect": BETWEEN, "with": {"min_value": Decimal("0.5")}},
        {"scope": "row", "expect": IN_SET, "with": {"column": "listed", "value_set": {"picklist": "listed"}}},
    ]
    verdict = judge(con, "rows", rules(*asked), package_id="p", pii=())
    assert all(r.not_applicable and r.passed for r in verdict.results) and verdict.evidence is None
    verdict = judge(con, "rows", rules(*asked), package_id="p", pii=(), known=KNOWN)
    assert not any(r.not_applicable for r in verdict.results)


@pytest.mark.parametrize(
    ("known", "why"),
    [
        (Known(rows=None, recent=[9, 9, 9]), "does not end a read of everything"),
        (Known(rows=1, recent=[9, 9]), "fewer than 3 complete reads"),
        (Known(rows=1, recent=[9, 9, 0, 0, 0]), "an ordinary read of this kind brings fewer than 1 rows"),
    ],
)
def test_volume_is_judged_only_where_it_says_something(
    con: duckdb.DuckDBPyConnection, known: Known, why: str
) -> None:
    rule = {"scope": "package", "measure": "volume", "expect": BETWEEN, "with": {"min_value": Decimal("0.5")}}
    result = judge(con, "rows", rules(rule), package_id="p", pii=(), known=known).results[0]
    assert why in str(result.not_applicable)
    small = {**rule, "min_rows": 101}
    result = judge(con, "rows", rules(small), package_id="p", pii=(), known=KNOWN).results[0]
    assert "fewer than 101 rows" in str(result.not_applicable)


def test_a_value_that_the_crms_list_does_not_offer_is_found(con: duckdb.DuckDBPyConnection) -> None:
    rule = {
        "scope": "row",
        "expect": IN_SET,
        "with": {"column": "listed", "value_set": {"picklist": "listed"}},
    }
    _, result = judged(con, rule)
    assert [(s.position, s.value) for s in result.samples] == [(3, "lost")] and result.checked == 4
    drifted = {**rule, "with": {"column": "low", "value_set": {"picklist": "listed"}}}
    _, result = judged(con, drifted)
    assert result.not_applicable == "low is number in this package, and a pick list holds texts"


def test_of_a_field_with_several_values_each_is_looked_at(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(
        "CREATE OR REPLACE TABLE rows AS SELECT * FROM (VALUES (1, 'r1', '[\"a\",\"b\"]'), (2, 'r2', '[\"a\",\"x\"]'), "
        '(3, \'r3\', \'[]\'), (4, \'r4\', NULL), (5, \'r5\', \'[{"id":"b","name":"x"},{"id":"a"}]\'), '
        "(6, 'r6', '[{\"id\":\"x\",\"name\":\"a\"}]'), (7, 'r7', 'x'), (8, 'r8', '[\"it''s\"]')) "
        "t(_position, _record_id, many)"
    )
    known = Known(options={"many": ["a", "b", "it's"]}, lists=frozenset({"many"}))
    among = {"scope": "row", "expect": IN_SET, "with": {"column": "many", "value_set": {"picklist": "many"}}}
    barred = {
        **among,
        "expect": "expect_column_values_to_not_be_in_set",
        "with": {**among["with"], "value_set": ["b"]},
    }
    verdict = judge(con, "rows", rules(among, barred), package_id="p", pii=(), known=known)
    found = [[(s.position, s.value) for s in result.samples] for result in verdict.results]
    assert found[0] == [(2, '["a","x"]'), (6, '[{"id":"x","name":"a"}]'), (7, "x")]
    assert [position for position, _ in found[1]] == [1, 5]
