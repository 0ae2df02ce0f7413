"""Rule files: what is accepted, what is refused at which line, and what the hash counts."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from textwrap import dedent

import pytest

from connectors.core.errors import Problem
from pipelines.quality.model import RuleSet, Scope, Severity
from pipelines.quality.rules import load_rules

HEAD = "grain: one row per deal\nowner: sales operations\nrules:\n"
RULE = """\
  - name: amount_is_not_negative
    scope: row
    severity: quarantine
    expect: expect_column_values_to_be_between
    with: {column: Amount, min_value: 0.10}
    reason: A negative amount would lower revenue.
"""


def load(folder: Path, text: str) -> RuleSet:
    (folder / "zoho").mkdir(exist_ok=True)
    (folder / "zoho" / "deals.yml").write_text(text, "utf-8")
    return load_rules(folder, "zoho", "deals")


def refused(folder: Path, text: str) -> Problem:
    with pytest.raises(Problem) as caught:
        load(folder, text)
    return caught.value


def test_a_rule_keeps_what_was_written(tmp_path: Path) -> None:
    rules = load(tmp_path, HEAD + RULE)
    (rule,) = rules.of(Scope.ROW)
    assert (rule.name, rule.severity, rule.columns) == (
        "amount_is_not_negative",
        Severity.QUARANTINE,
        ("Amount",),
    )
    assert rule.with_["min_value"] == Decimal("0.10")  # exact, not the nearest double
    assert rules.where(rule).endswith("/zoho/deals.yml:4")


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("severity: quarantine", "severity: drop", 6, "severity"),
        ("scope: row", "scope: table", 5, "scope"),
        ("expect_column_values_to_be_between", "expect_column_to_be_nice", 7, "expect_column_to_be_nice"),
        ("min_value: 0.10", "min: 0", 8, "takes no min"),
        ("min_value: 0.10", "min_value: [1]", 8, "min_value is not a number"),
        (", min_value: 0.10", "", 8, "needs min_value or max_value"),
        ("column: Amount, ", "", 8, "needs column"),
        ("    reason: A negative amount would lower revenue.\n", "", 4, "reason"),
        ("reason: A negative amount would lower revenue.", "reason: bad", 9, "reason"),
        ("name: amount_is_not_negative", "name: Amount!", 4, "name"),
        ("severity: quarantine", "severity: quarantine\n    mostly: 0.9", 7, "mostly"),
        ("severity: quarantine", "severity: quarantine\n    measure: rows", 7, "scope package"),
        ("severity: quarantine", "severity: quarantine\n    severity: warn", 7, "given twice"),
        ("scope: row", "scope: package\n    measure: rows", 7, "only a rule of scope row"),
        ("row\n    severity: quarantine", "cross\n    severity: warn", 5, "says one of references"),
        ("reason: A", "reason: [A", 10, ""),
    ],
)
def test_a_wrong_rule_is_an_error_with_its_line(
    tmp_path: Path, old: str, new: str, line: int, said: str
) -> None:
    problem = refused(tmp_path, HEAD + RULE.replace(old, new))
    assert problem.where.endswith(f"/zoho/deals.yml:{line}")
    assert said in problem.what
    assert (problem.source, problem.stream) == ("zoho", "deals")


CROSS = """\
  - name: stays_do_not_overlap
    scope: cross
    severity: warn
    overlaps:
      per: [Deal.id]
      begin: Entered
      end: Left
    reason: A deal is in one stage at a time.
"""


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("      end: Left\n", "", 7, "needs end or length_in_days"),
        ("end: Left", "length_in_days: Days\n      end: Left", 7, "and not both"),
        ("end: Left", "length_in_days: Days\n      end_included: true", 11, "end_included is about end"),
        ("per: [Deal.id]", "per: []", 8, "per"),
        ("per: [Deal.id]", "by: Deal.id", 7, "per"),
        ("severity: warn", "severity: quarantine", 6, "only a rule of scope row"),
        ("    reason", "    expect: expect_column_values_to_be_null\n    reason", 11, "scope row or package"),
        ("    reason", "    when: {Stage: [x]}\n    reason", 11, "scope row or package"),
        ("    reason", "    unique: [Code]\n    reason", 7, "one of references"),
        ("    reason", "    freshness: {of: sync, hours: 3}\n    reason", 11, "freshness.of"),
        ("scope: cross", "scope: row", 7, "only such a rule"),
    ],
)
def test_a_wrong_question_to_the_tables_is_an_error_with_its_line(
    tmp_path: Path, old: str, new: str, line: int, said: str
) -> None:
    load(tmp_path, HEAD + CROSS)
    problem = refused(tmp_path, HEAD + CROSS.replace(old, new))
    assert said in problem.what and problem.where.endswith(f"/zoho/deals.yml:{line}")


LISTED = RULE.replace("to_be_between", "to_be_in_set").replace(
    "min_value: 0.10", "value_set: {picklist: Stage}"
)
READ = """\
  - name: amount_is_money
    scope: package
    severity: warn
    measure: {type: Amount}
    expect: expect_column_values_to_be_in_set
    with: {value_set: [decimal]}
    reason: Amounts that are texts are not exact.
"""


@pytest.mark.parametrize(
    ("text", "old", "new", "line", "said"),
    [
        (LISTED, "{picklist: Stage}", "{picklist: }", 8, "neither a list of values nor {picklist: Field}"),
        (LISTED, "{picklist: Stage}", "{list: Stage}", 8, "neither a list of values nor {picklist: Field}"),
        (LISTED, "{picklist: Stage}", "Stage", 8, "neither a list of values nor {picklist: Field}"),
        (READ, "[decimal]", "{picklist: Amount}", 9, "a measure is not a value of a pick list"),
        (READ, "{type: Amount}", "type", 7, "is not a measure"),
        (READ, "{type: Amount}", "{volume: Amount}", 7, "is not a measure"),
        (READ, "    reason", "    when: {Stage: [x]}\n    reason", 10, "as it was read"),
        (READ, "    reason", "    min_rows: 9\n    reason", 10, "however few its rows"),
        (
            READ,
            "_in_set\n    with: {value_set: [decimal]}",
            "_between\n    with: {max_value: 1}",
            8,
            "a type is a word",
        ),
    ],
)
def test_a_wrong_list_or_measure_is_an_error_with_its_line(
    tmp_path: Path, text: str, old: str, new: str, line: int, said: str
) -> None:
    load(tmp_path, HEAD + text)
    problem = refused(tmp_path, HEAD + text.replace(old, new))
    assert said in problem.what and problem.where.endswith(f"/zoho/deals.yml:{line}")


def test_a_key_may_be_one_column_or_several(tmp_path: Path) -> None:
    assert load(tmp_path, HEAD + RULE).key == ("_record_id",)
    assert load(tmp_path, "key: id\n" + HEAD + RULE).key == ("id",)
    assert load(tmp_path, "key: [axis, team]\n" + HEAD + RULE).key == ("axis", "team")
    assert refused(tmp_path, "key: []\n" + HEAD + RULE).where.endswith(":1")


def test_package_rules_name_a_measure(tmp_path: Path) -> None:
    package = """\
      - name: stages_did_not_vanish
        scope: package
        severity: block
        measure: {null_share: Stage}
        expect: expect_column_values_to_be_between
        with: {max_value: 0.5}
        reason: A lost field permission, not bad entry.
    """
    text = HEAD + dedent(package).replace("\n", "\n  ").replace("- name", "  - name", 1)
    rule = load(tmp_path, text).rules[0]
    assert (rule.measure.kind, rule.measure.column, rule.columns) == ("null_share", "Stage", ("Stage",))
    assert "is not a measure" in refused(tmp_path, text.replace("{null_share: Stage}", "average")).what
    assert "is not a measure" in refused(tmp_path, text.replace("{null_share: Stage}", "null_share")).what
    assert (
        "judges a measure" in refused(tmp_path, text.replace("    measure: {null_share: Stage}\n", "")).what
    )
    pair = text.replace("values_to_be_between", "pair_values_to_be_equal")
    assert "cannot judge a measure" in refused(tmp_path, pair).what


def test_several_mistakes_are_counted_and_the_first_is_shown(tmp_path: Path) -> None:
    problem = refused(tmp_path, HEAD + RULE.replace("row", "table").replace("quarantine", "drop"))
    assert problem.where.endswith(":5") and "(and 1 more)" in problem.what


def test_two_rules_of_one_name_are_refused_at_the_second(tmp_path: Path) -> None:
    problem = refused(tmp_path, HEAD + RULE + RULE)
    assert problem.where.endswith(":10") and "already there" in problem.what


def test_a_stream_without_rules_is_a_mistake_and_an_empty_list_a_decision(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="has no rules") as caught:
        load_rules(tmp_path, "zoho", "deals")
    assert "rules: []" in caught.value.do
    assert load(tmp_path, HEAD.replace("rules:", "rules: []")).rules == ()
    assert refused(tmp_path, "- just a list\n").where.endswith(":1")
    assert "known from" in refused(tmp_path, "source: zoho\n" + HEAD + RULE).what


def test_the_hash_counts_what_rules_say_and_not_how_they_are_laid_out(tmp_path: Path) -> None:
    first = load(tmp_path, HEAD + RULE).hash
    assert len(first) == 64
    same = (
        HEAD
        + "\n  # a comment\n"
        + RULE.replace("{column: Amount, min_value: 0.10}", "{min_value: 0.1, column: Amount}")
    )
    assert load(tmp_path, same).hash == first
    assert load(tmp_path, HEAD + RULE.replace("0.10", "0.11")).hash != first
    assert load(tmp_path, HEAD + RULE.replace("severity: quarantine", "severity: warn")).hash != first
