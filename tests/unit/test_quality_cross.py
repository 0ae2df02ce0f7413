"""Rules over the loaded tables: every planted fault is counted where it lies, and nothing else is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pytest

from pipelines.quality import cross
from pipelines.quality.cross import judge_cross
from pipelines.quality.model import RuleSet
from pipelines.quality.verdict import RuleResult, Verdict

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
META = "_org VARCHAR, _record_id VARCHAR, _modified_at TIMESTAMPTZ, _deleted_at TIMESTAMPTZ"


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("CREATE SCHEMA raw_zoho")
        connection.execute(
            f"CREATE TABLE raw_zoho.deals ({META}, id VARCHAR, Owner STRUCT(id VARCHAR, name VARCHAR), "
            "Code VARCHAR, Region VARCHAR, Since DATE, Till DATE, Entered TIMESTAMPTZ, Days BIGINT, Amount BIGINT)"
        )
        connection.execute(f"CREATE TABLE raw_zoho.users ({META}, id VARCHAR, name VARCHAR)")
        yield connection


def put(con: duckdb.DuckDBPyConnection, table: str, *rows: dict[str, Any]) -> None:
    """Rows r1, r2, … of the organisation acme, unless they say otherwise."""
    for number, row in enumerate(rows, 1):
        full = {"_org": "acme", "_record_id": f"r{number}", **row}
        marks = ", ".join("?" for _ in full)
        con.execute(f"INSERT INTO raw_zoho.{table} ({', '.join(full)}) VALUES ({marks})", list(full.values()))


def rule_set(*asked: dict[str, Any]) -> RuleSet:
    rules = [
        {"name": f"rule{n}", "scope": "cross", "severity": "warn", "reason": "The reason of this rule.", **a}
        for n, a in enumerate(asked, 1)
    ]
    return RuleSet.model_validate(
        {"source": "zoho", "stream": "deals", "grain": "a deal", "owner": "sales", "rules": rules}
    )


def judged(con: duckdb.DuckDBPyConnection, *asked: dict[str, Any], **other: Any) -> Verdict:
    given = {"org": "acme", "now": NOW, "read_at": None, "pii": (), "timezone": "Asia/Shanghai", **other}
    return judge_cross(con, rule_set(*asked), **given)


def only(verdict: Verdict) -> RuleResult:
    (result,) = verdict.results
    return result


def told(result: RuleResult) -> tuple[bool, int, int, list[tuple[str | None, str | None]]]:
    return (
        result.passed,
        result.checked,
        result.failing,
        [(s.record_id, s.value) for s in result.samples],
    )


def owner(key: str | None) -> dict[str, Any]:
    return {"Owner": {"id": key, "name": "x"}}


OWNER = {"references": {"column": "Owner.id", "stream": "users", "to": "id"}}
GONE = datetime(2026, 2, 1, tzinfo=UTC)


def test_references_that_lead_nowhere_are_counted(con: duckdb.DuckDBPyConnection) -> None:
    """Deleted and other organisations' records neither refer nor are there to be referred to."""
    put(
        con, "deals", owner("u1"), owner("u2"), owner("u2"), owner(None), owner("u3"), {"Owner": None},
        {**owner("u9"), "_deleted_at": GONE}, {**owner("u9"), "_org": "other"},
    )  # fmt: skip
    put(con, "users", {"id": "u1"}, {"id": "u2", "_deleted_at": GONE}, {"id": "u3", "_org": "other"})
    known = {"references": {**OWNER["references"], "deleted_will_do": True}}
    assert told(only(judged(con, known))) == (False, 4, 1, [("r5", "u3")])
    result = only(judged(con, OWNER))
    assert told(result) == (False, 4, 3, [("r2", "u2"), ("r3", "u2"), ("r5", "u3")])
    assert (result.column, result.severity, result.not_applicable) == (
        "Owner.id → users.id",
        "warn",
        None,
    )


def test_a_reference_to_what_was_never_loaded_is_not_judged(con: duckdb.DuckDBPyConnection) -> None:
    put(con, "deals", owner("u1"))
    put(con, "users", {"id": "u1", "_org": "other"})
    verdict = judged(
        con,
        OWNER,
        {"references": {"column": "Owner.id", "stream": "people", "to": "id"}},
        {"references": {"column": "Manager.id", "stream": "deals", "to": "id"}},
        {"references": {"column": "Amount", "stream": "deals", "to": "id"}},
    )
    assert [r.not_applicable for r in verdict.results] == [
        "no record of users was ever loaded",
        "raw_zoho has no table people",
        '"raw_zoho"."deals" has no column Manager.id',
        "Amount is number and id is text",
    ]
    assert all(r.passed and not r.checked for r in verdict.results) and verdict.evidence is None
    put(con, "users", {"id": "u0", "_deleted_at": GONE})  # known, and gone
    assert only(judged(con, OWNER)).failing == 1


def test_names_are_compared_as_people_write_them_where_the_rule_says_so(
    con: duckdb.DuckDBPyConnection,
) -> None:
    put(con, "deals", {"Region": "ＧＴＸ Pro"}, {"Region": "gtx\u3000pro"}, {"Region": "GTX-Pro"})
    put(con, "users", {"name": "GTX Pro"})
    strictly = {"references": {"column": "Region", "stream": "users", "to": "name"}}
    assert only(judged(con, strictly)).failing == 3
    loosely = {"references": {**strictly["references"], "loosely": True}}
    assert told(only(judged(con, loosely))) == (False, 3, 1, [("r3", "GTX-Pro")])


def test_values_that_two_records_share_are_counted_beyond_the_first(con: duckdb.DuckDBPyConnection) -> None:
    put(
        con, "deals", {"Code": "a", "Region": "e"}, {"Code": "a", "Region": "w"}, {"Code": "a", "Region": "e"},
        {"Code": "b"}, {"Code": "b"}, {}, {}, {"Code": "c"}, {"Code": "c", "_deleted_at": GONE},
        {"Code": "a", "_org": "other"},
    )  # fmt: skip
    verdict = judged(con, {"unique": ["Code"]}, {"unique": ["Code", "Region"]}, {"unique": "id"})
    assert told(verdict.results[0]) == (False, 6, 3, [("r2", "a"), ("r3", "a"), ("r5", "b")])
    assert told(verdict.results[1]) == (False, 3, 1, [("r3", "a / e")])
    assert told(verdict.results[2]) == (True, 0, 0, [])


def day(number: int) -> str:
    return f"2026-01-{number:02}"


def test_times_of_one_owner_must_not_overlap(con: duckdb.DuckDBPyConnection) -> None:
    """Hand-worked: (region, since, till); a row is true from since until before till."""
    spans = [
        ("e", 1, 10), ("e", 10, 12), ("e", 11, 13),  # the third begins before the second has ended
        ("w", 1, None), ("w", 5, 6),  # the first goes on for ever
        ("n", 1, 20), ("n", 2, 3), ("n", 4, 5), ("n", 20, None),  # two within the first; the last follows it
        ("s", 5, 5), ("s", 5, 6), ("s", 9, 8), ("s", 8, 10),  # no time at all, and an end before its begin
        (None, 1, 9), (None, 2, 3),  # nobody's
    ]  # fmt: skip
    put(con, "deals", *({"Region": r, "Since": day(a), "Till": b and day(b)} for r, a, b in spans))
    asked = {"per": ["Region"], "begin": "Since", "end": "Till"}
    result = only(judged(con, {"overlaps": asked}))
    assert told(result) == (
        False,
        11,
        4,
        [("r3", day(11)), ("r5", day(5)), ("r7", day(2)), ("r8", day(4))],
    )
    # Where the last day counts, the second begins while the first lasts, and a day may be a whole time.
    included = only(judged(con, {"overlaps": {**asked, "end_included": True}}))
    assert [s.record_id for s in included.samples] == ["r11", "r2", "r3", "r5", "r7"]
    assert (included.checked, included.failing) == (12, 7)


def test_lengths_in_days_are_believed_as_far_as_they_are_certain(con: duckdb.DuckDBPyConnection) -> None:
    """Of a stay of two calendar days, from the evening of the 1st to the 3rd, one whole day is certain."""
    stays = [
        ("a", "01 23:00", 2), ("a", "03 01:00", None), ("a", "03 01:00", 0),  # as a CRM writes it
        ("b", "01 00:00", 5), ("b", "04 23:59", 1),  # four days are certain: until the 5th
        ("c", "01 00:00", 5), ("c", "05 00:00", 1),
        ("d", "01 00:00", None), ("d", "02 00:00", None),  # the end of the first is not written yet
    ]  # fmt: skip
    put(con, "deals", *({"Region": r, "Entered": f"2026-01-{t}:00+08", "Days": n} for r, t, n in stays))
    asked = {"overlaps": {"per": ["Region"], "begin": "Entered", "length_in_days": "Days"}}
    assert told(only(judged(con, asked))) == (False, 9, 1, [("r5", "2026-01-04 23:59:00")])


def test_the_newest_record_and_the_newest_read_may_be_too_old(con: duckdb.DuckDBPyConnection) -> None:
    put(
        con,
        "deals",
        {"_modified_at": NOW - timedelta(hours=30)},
        {"_modified_at": NOW - timedelta(hours=25), "_deleted_at": NOW},  # its end was a sign of life
        {"_modified_at": NOW, "_org": "other"},
    )
    by = {"of": "record", "hours": 25}
    fresh, stale = judged(con, {"freshness": by}, {"freshness": {**by, "hours": 24}}).results
    assert fresh.passed and not stale.passed and (stale.checked, stale.failing) == (1, 1)
    assert stale.observed == "the newest record is of 2026-02-28 11:00 UTC, 25 hours before"
    read = {"freshness": {"of": "read", "hours": 3}}
    assert "no complete read" in str(only(judged(con, read)).not_applicable)
    for hours, passed in ((3, True), (3.1, False), (-5, True)):  # a clock may be behind the CRM's
        assert only(judged(con, read, read_at=NOW - timedelta(hours=hours))).passed is passed
    con.execute("DELETE FROM raw_zoho.deals")
    assert "no record with a stamp" in str(only(judged(con, {"freshness": by})).not_applicable)


def test_a_rule_may_block_and_its_evidence_says_what_it_asks(con: duckdb.DuckDBPyConnection) -> None:
    put(con, "deals", owner("u1"), owner("u7"), {**owner("u7"), "_deleted_at": GONE})
    put(con, "users", {"id": "u1"})
    verdict = judged(con, {**OWNER, "severity": "block"}, {"totals": {"rows": True}}, package_id="p9")
    assert verdict.blocked and verdict.rows == 2 and verdict.package_id == "p9"
    (shown,) = verdict.evidence["results"]  # totals are judged elsewhere
    assert shown["success"] is False and shown["result"]["unexpected_count"] == 1
    assert shown["expectation_config"]["kwargs"] == {"max_value": 0, "column": "Owner.id → users.id"}
    assert '"stream": "users"' in shown["expectation_config"]["description"]
    put(con, "users", {"id": "u7"})
    assert not judged(con, {**OWNER, "severity": "block"}).blocked


def test_samples_are_few_and_without_personal_data(con: duckdb.DuckDBPyConnection) -> None:
    put(con, "deals", *({"Region": "李娜", "_record_id": f"name:{n}"} for n in range(9)))
    put(con, "users", {"name": "王伟"})
    asked = {"references": {"column": "Region", "stream": "users", "to": "name"}}
    for pii in ({"Region"}, None):
        result = only(judged(con, asked, pii=pii))
        assert [(s.record_id, s.value) for s in result.samples] == [("***", "***")] * 5
        assert result.failing == 9 and "李娜" not in repr(result)
    assert "李娜" in repr(only(judged(con, asked)))


def test_a_table_that_was_never_made_is_told(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("DROP TABLE raw_zoho.deals")
    verdict = judged(con, OWNER, {"unique": ["Code"]}, {"totals": {}})
    assert [r.not_applicable for r in verdict.results] == ["raw_zoho has no table deals"] * 2
    assert verdict.rows == 0 and not verdict.blocked


def test_a_stay_without_end_and_a_late_time_are_judged(con: duckdb.DuckDBPyConnection) -> None:
    last = "290000-01-01 00:00:00+00"  # the engine's times end in 294247
    put(
        con, "deals", {"Code": "a", "Since": day(1), "Entered": day(1), "Days": 999_999_999},
        {"Code": "a", "Since": day(2), "Entered": day(2), "Days": 1},
        {"Code": "b", "Since": day(3), "Entered": last, "Days": 2**62},
    )  # fmt: skip
    for begin in ("Since", "Entered"):
        stays = {"overlaps": {"per": "Code", "begin": begin, "length_in_days": "Days"}}
        result = only(judged(con, stays))
        assert (result.not_applicable, result.checked, result.failing) == (None, 3, 1), begin


def test_a_rule_that_the_engine_cannot_count_does_not_stop_the_others(
    con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = cross._doubled

    def broken(table: Any, columns: tuple[str, ...]) -> Any:
        question = asked(table, columns)
        if columns != ("Region",):
            return question
        return replace(question, counting=f"SELECT count(*), CAST('secret' AS INTEGER) FROM {table.living}")

    put(con, "deals", {"Code": "a", "Region": "e"}, {"Code": "a", "Region": "e"})
    monkeypatch.setattr(cross, "_doubled", broken)
    first, second = judged(con, {"unique": ["Region"]}, {"unique": ["Code"]}).results
    assert (first.not_applicable, first.passed) == (
        "the engine cannot count what breaks it (ConversionException)",
        True,
    )
    assert second.failing == 1
    monkeypatch.setattr(cross, "_doubled", lambda *_: (_ for _ in ()).throw(duckdb.OutOfMemoryException("x")))
    with pytest.raises(duckdb.OutOfMemoryException):  # what befalls the machine is no matter of a rule
        judged(con, {"unique": ["Code"]})


@pytest.mark.parametrize(
    ("kind", "values", "twice"),
    [
        (
            "DECIMAL(38,9)",
            ["98765432109876.123456789", "98765432109876.123456788", "98765432109876.123456789"],
            1,
        ),
        ("DECIMAL(38,19)", ["5.5", "5.5", "-5.5", "9999999999999999999.5"], 1),
        ("HUGEINT", ["170141183460469231731687303715884105727", "-1", "-1"], 1),
        ("DECIMAL(38,0)", ["9" * 38, "9" * 37 + "8"], 0),
    ],
)
def test_numbers_of_many_digits_are_told_apart(
    con: duckdb.DuckDBPyConnection, kind: str, values: list[str], twice: int
) -> None:
    con.execute(f"ALTER TABLE raw_zoho.deals ALTER Amount TYPE {kind}")
    for number, value in enumerate(values):
        con.execute(
            f"INSERT INTO raw_zoho.deals (_org, _record_id, Amount) VALUES ('acme', 'r{number}', '{value}')"
        )
    result = only(judged(con, {"unique": ["Amount"]}))
    assert (result.not_applicable, result.checked, result.failing) == (None, len(values), twice)


def test_rows_of_a_sum_that_does_not_close_are_counted(con: duckdb.DuckDBPyConnection) -> None:
    """60 + 40 closes; 60 + 30, 50 + 51 and a lone 99 do not; an empty value is nothing, and a row of nobody is in no
    sum. Deleted rows and those of others are not there."""
    con.execute("ALTER TABLE raw_zoho.deals ADD COLUMN Share DECIMAL(18,6)")
    shares = [
        ("A", "east", "0.6"), ("A", "east", "0.4"), ("A", "west", "0.6"), ("A", "west", "0.3"), ("B", "east", "0.5"),
        ("B", "east", "0.51"), ("C", "east", "0.99"), ("D", "east", "1"), ("D", "east", None), (None, "east", "0.2"),
    ]  # fmt: skip
    put(con, "deals", *({"Code": code, "Region": region, "Share": share} for code, region, share in shares))
    others = {"Code": "A", "Region": "east", "Share": "0.5"}
    put(con, "deals", {**others, "_record_id": "gone", "_deleted_at": GONE}, {**others, "_org": "other"})
    asked = {"sums_to": {"per": ["Code", "Region"], "column": "Share", "to": 1}}
    result = only(judged(con, asked))
    assert told(result) == (
        False, 9, 5,
        [("r3", "A / west: 0.900000"), ("r4", "A / west: 0.900000"), ("r5", "B / east: 1.010000"),
         ("r6", "B / east: 1.010000"), ("r7", "C / east: 0.990000")],
    )  # fmt: skip
    assert result.column == "Share per Code, Region"


def test_a_set_of_zeros_may_be_closed(con: duckdb.DuckDBPyConnection) -> None:
    """50 + 50 is ended by 0 + 0; 0 + 90 stays open."""
    con.execute("ALTER TABLE raw_zoho.deals ADD COLUMN Share DECIMAL(18,6)")
    shares = [("A", "0.5"), ("A", "0.5"), ("B", "0"), ("B", "0"), ("C", "0"), ("C", "0.9")]
    put(con, "deals", *({"Code": code, "Share": share} for code, share in shares))
    asked = {"sums_to": {"per": ["Code"], "column": "Share", "to": 1, "or_none": True}}
    assert told(only(judged(con, asked)))[1:3] == (6, 2)
    assert told(only(judged(con, {"sums_to": {**asked["sums_to"], "or_none": False}})))[1:3] == (6, 4)


def test_what_is_no_number_has_no_sum(con: duckdb.DuckDBPyConnection) -> None:
    put(con, "deals", {"Code": "A", "Region": "east"})
    result = only(judged(con, {"sums_to": {"per": ["Code"], "column": "Region", "to": 1}}))
    assert result.not_applicable == "Region is text: it has no sum"
