"""Builds the parts of a verdict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipelines.quality.facts import Fact
from pipelines.quality.measure import COUNTED
from pipelines.quality.model import Rule, RuleSet
from pipelines.quality.plan import Check
from pipelines.quality.verdict import Fault, Rejection, RuleResult, Sample

SAMPLES = 5  # of failing rows that a result shows


class Rejections:
    """Rows to set aside, each once, whatever number of rules rejects it."""

    def __init__(self) -> None:
        self._faults: dict[int, list[Fault]] = {}

    def add(self, check: Check, rows: Sequence[Sample]) -> None:
        """The rule of `check` rejects these rows."""
        for row in rows:
            fault = Fault(check.rule.name, check.column, row.value, check.rule.reason)
            self._faults.setdefault(row.position, []).append(fault)

    def in_order(self) -> list[Rejection]:
        """By position."""
        return [Rejection(position, tuple(faults)) for position, faults in sorted(self._faults.items())]


def row_result(rules: RuleSet, check: Check, checked: int, failing: int, samples: list[Sample]) -> RuleResult:
    """How a rule over rows fared."""
    return RuleResult(
        **_said(rules, check.rule), column=check.column, passed=not failing, checked=checked, failing=failing,
        samples=tuple(samples),
    )  # fmt: skip


def fact_result(rules: RuleSet, fact: Fact, value: Any, *, passed: bool) -> RuleResult:
    """How a rule over a fact fared."""
    if value is None and fact.rule.min_rows > 1:
        return unjudged(rules, fact.rule, f"it is about fewer than {fact.rule.min_rows} rows of the package")
    return RuleResult(
        **_said(rules, fact.rule), column=fact.column, passed=passed, checked=1, failing=int(not passed),
        samples=(), observed=fact.observed(value),
    )  # fmt: skip


def cross_result(
    rules: RuleSet,
    rule: Rule,
    column: str,
    *,
    passed: bool,
    checked: int,
    failing: int,
    samples: tuple[Sample, ...],
    observed: str | None,
) -> RuleResult:
    """How a rule over the loaded tables fared."""
    return RuleResult(
        **_said(rules, rule) | {"expectation": COUNTED}, column=column, passed=passed, checked=checked,
        failing=failing, samples=samples, observed=observed,
    )  # fmt: skip


def unjudged(rules: RuleSet, rule: Rule, why: str | None) -> RuleResult:
    """A rule that was not judged: it does not apply, or there was nothing to judge."""
    return RuleResult(
        **_said(rules, rule), column=", ".join(rule.columns), passed=True, checked=0, failing=0, samples=(),
        not_applicable=why,
    )  # fmt: skip


def _said(rules: RuleSet, rule: Rule) -> dict[str, str]:
    return {
        "rule": rule.name,
        "scope": rule.scope.value,
        "severity": rule.severity.value,
        "expectation": rule.expect or "",
        "reason": rule.reason,
        "owner": rule.owner or rules.owner,
    }
