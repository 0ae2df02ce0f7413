"""A package's judgement as one Great Expectations validation result, in that library's own JSON form.

The library judged chunks, in units of its own; this is the same outcome summed over the chunks and written
in the rules' own words, so that Data Docs show what a rule says and why.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from importlib.metadata import version
from typing import Any

from pipelines.quality.measure import NONE
from pipelines.quality.model import CROSS, Rule, RuleSet, Scope, Severity
from pipelines.quality.verdict import RuleResult


def validation_result(
    rules: RuleSet, results: Sequence[RuleResult], package_id: str, judged_at: datetime
) -> dict[str, Any]:
    """JSON data that `ExpectationSuiteValidationResultSchema` loads; unjudged rules are in its meta."""
    by_name = {rule.name: rule for rule in rules.rules}
    judged = [r for r in results if r.not_applicable is None]
    passed = sum(r.passed for r in judged)
    return {
        "success": passed == len(judged),
        "suite_name": f"{rules.source}.{rules.stream}",
        "suite_parameters": {},
        "statistics": {
            "evaluated_expectations": len(judged),
            "successful_expectations": passed,
            "unsuccessful_expectations": len(judged) - passed,
            "success_percent": 100 * passed / len(judged) if judged else None,
        },
        "results": [_result(by_name[r.rule], r) for r in judged],
        "meta": {
            "great_expectations_version": version("great-expectations"),
            "batch_spec": {"data_asset_name": package_id},
            "run_id": {"run_name": package_id, "run_time": judged_at.isoformat()},
            "not_applicable": {r.rule: r.not_applicable for r in results if r.not_applicable},
            "rules_hash": rules.hash,
            "grain": rules.grain,
            "key": list(rules.key),
        },
    }


def _result(rule: Rule, result: RuleResult) -> dict[str, Any]:
    kwargs = {name: _plain(value) for name, value in rule.with_.items()}
    if rule.scope is Scope.CROSS:
        kwargs = dict(NONE)
    if rule.scope is not Scope.ROW:
        kwargs["column"] = result.column
    return {
        "success": result.passed,
        "expectation_config": {
            "type": result.expectation,
            "kwargs": kwargs,
            "meta": {"rule": result.rule, "severity": result.severity},
            "severity": "warning" if rule.severity is Severity.WARN else "critical",
            "description": _description(rule, result),
        },
        "result": _counts(result),
        "meta": {},
        "exception_info": {"raised_exception": False, "exception_traceback": None, "exception_message": None},
    }


def _description(rule: Rule, result: RuleResult) -> str:
    """What Data Docs say of a rule instead of the library's sentence: its name, reason and exact words."""
    asked = _asked_of_tables(rule) if rule.scope is Scope.CROSS else _expected(rule)
    return f"{result.rule} ({result.severity}, {result.owner})\n{result.reason}\n{asked}"


def _expected(rule: Rule) -> str:
    args = ", ".join(f"{name}: {_plain(value)}" for name, value in rule.with_.items())
    among = " and ".join(
        f"{ref} is {' or '.join('empty' if v is None else str(v) for v in values)}"
        for ref, values in rule.when.items()
    )
    return f"{rule.expect} {{{args}}}{f' where {among}' if among else ''}"


def _asked_of_tables(rule: Rule) -> str:
    asked = rule.model_dump(include=set(CROSS), exclude_none=True, exclude_defaults=True)
    return ", ".join(f"{name}: {json.dumps(said, ensure_ascii=False)}" for name, said in asked.items())


def _counts(result: RuleResult) -> dict[str, Any]:
    share = 100 * result.failing / result.checked if result.checked else 0.0
    values = [s.value if s.value is not None else "(empty)" for s in result.samples]
    if result.observed is not None:
        values = [result.observed]
    return {
        "element_count": result.checked,
        "unexpected_count": result.failing,
        "unexpected_percent": share,
        "missing_count": 0,
        "missing_percent": 0.0,
        "unexpected_percent_total": share,
        "unexpected_percent_nonmissing": share,
        "partial_unexpected_list": values if result.failing else [],
        "partial_unexpected_index_list": [
            {"_position": s.position, "_record_id": s.record_id} for s in result.samples
        ],
    }


def _plain(value: Any) -> Any:
    """A value of a rule as JSON data."""
    if isinstance(value, list):
        return [_plain(v) for v in value]
    if isinstance(value, dict):
        return {name: _plain(v) for name, v in value.items()}
    if isinstance(value, Decimal):
        return float(value)
    return value if isinstance(value, bool | int | str) else value.isoformat()
