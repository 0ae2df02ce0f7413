"""Facts of a whole package for rules of scope package: DuckDB aggregates, Great Expectations judges."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from pipelines.quality.columns import Operand, Unfit
from pipelines.quality.model import Rule, RuleSet
from pipelines.quality.plan import NotApplicable, arguments, condition, operand, wrong_value
from pipelines.quality.vocabulary import Kind

_WHOLE = Operand("", "", "", Kind.NUMBER)
_SHARE = Operand("", "", "", Kind.NUMBER, None)
_UNIT_OF = {"rows": _WHOLE, "nulls": _WHOLE, "distinct": _WHOLE, "duplicates": _WHOLE, "null_share": _SHARE}


@dataclass(frozen=True, slots=True)
class Fact:
    """A measure ready to run: its SQL aggregate, its arguments, and the unit in which both are.

    The aggregate is NULL, which passes, where there is nothing to measure or less than the rule's min_rows.
    """

    rule: Rule
    sql: str
    kwargs: Mapping[str, Any]
    column: str
    unit: Operand

    def observed(self, value: Any) -> str | None:
        """The measured value as a person reads it."""
        if value is None:
            return None
        match self.unit.kind:
            case Kind.DATE:
                return (date(1970, 1, 1) + timedelta(days=value)).isoformat()
            case Kind.INSTANT:
                return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=value)).isoformat()
            case Kind.NUMBER if self.unit.scale:
                return f"{Decimal(value).scaleb(-self.unit.scale):f}"
        return f"{value:.6g}" if isinstance(value, float) else str(value)


@dataclass(slots=True)
class Facts:
    """The facts that can be measured, and the rules that do not apply."""

    facts: list[Fact] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)


def plan_facts(rules: RuleSet, chosen: Iterable[Rule], columns: Mapping[str, str], timezone: str) -> Facts:
    """The measures for rules of scope package. Raises Problem for a rule whose value does not fit."""
    plan = Facts()
    for rule in chosen:
        try:
            plan.facts.append(_fact(rule, columns, timezone))
        except NotApplicable as reason:
            plan.skipped[rule.name] = str(reason)
        except Unfit as error:
            raise wrong_value(rules, rule, error) from error
    return plan


def _fact(rule: Rule, columns: Mapping[str, str], timezone: str) -> Fact:
    assert rule.measure is not None
    kind, ref = rule.measure.kind, rule.measure.column
    of = operand(ref, columns, timezone) if ref else _WHOLE
    among = condition(rule, columns, timezone)
    if (kind in ("min", "max") and of.kind is Kind.TEXT) or (kind == "sum" and of.kind is not Kind.NUMBER):
        raise NotApplicable(f"{ref} is {of.kind} in this package: it has no {kind}")
    unit = _UNIT_OF.get(kind, of)
    filtered = f"FILTER (WHERE {among})"
    sql = _aggregate(kind, of, filtered)
    if rule.min_rows > 1:
        sql = f"CASE WHEN count(*) {filtered} >= {rule.min_rows} THEN {sql} END"
    return Fact(
        rule=rule,
        sql=sql,
        kwargs=arguments(rule, unit),
        column=f"{kind}({ref})" if ref else kind,
        unit=unit,
    )


def _aggregate(kind: str, of: Operand, among: str) -> str:
    match kind:
        case "rows":
            return f"count(*) {among}"
        case "nulls":
            return f"count(*) {among} - count({of.sql}) {among}"
        case "null_share":
            return f"1 - count({of.sql}) {among} / nullif(count(*) {among}, 0)"
        case "distinct":
            return f"count(DISTINCT {of.sql}) {among}"
        case "duplicates":
            return f"count({of.sql}) {among} - count(DISTINCT {of.sql}) {among}"
        case "sum":
            return f"coalesce(sum({of.unit()}) {among}, 0)"
    return f"{kind}({of.unit()}) {among}"
