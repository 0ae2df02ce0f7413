"""Facts of a whole package for rules of scope package: DuckDB aggregates, or somebody who saw the package read knows
(`Known`); Great Expectations judges."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from pipelines.quality.columns import Operand, Unfit
from pipelines.quality.known import FEWEST_READS, UNKNOWN, Known
from pipelines.quality.model import Rule, RuleSet
from pipelines.quality.plan import NotApplicable, arguments, condition, given_values, operand, wrong_value
from pipelines.quality.vocabulary import AS_READ, Kind
from pipelines.sql import literal

_WHOLE = Operand("", "", "", Kind.NUMBER)
_SHARE = Operand("", "", "", Kind.NUMBER, None)
_WORD = Operand("", "", "", Kind.TEXT)
_UNIT_OF = {"rows": _WHOLE, "nulls": _WHOLE, "distinct": _WHOLE, "duplicates": _WHOLE, "null_share": _SHARE}


@dataclass(frozen=True, slots=True)
class Fact:
    """A measure ready to run: its SQL aggregate, its arguments, and the unit in which both are.

    The aggregate is NULL, which passes, where there is nothing to measure or less than the rule's min_rows. said:
    the measured value in words, where the value alone would not tell what to look at.
    """

    rule: Rule
    sql: str
    kwargs: Mapping[str, Any]
    column: str
    unit: Operand
    said: str = ""

    def observed(self, value: Any) -> str | None:
        """The measured value as a person reads it."""
        if value is None or self.said:
            return self.said or None
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


def plan_facts(
    rules: RuleSet,
    chosen: Iterable[Rule],
    columns: Mapping[str, str],
    timezone: str,
    known: Known = UNKNOWN,
) -> Facts:
    """The measures for rules of scope package. Raises Problem for a rule whose value does not fit."""
    plan = Facts()
    for rule in chosen:
        try:
            plan.facts.append(_fact(rule, columns, timezone, known))
        except NotApplicable as reason:
            plan.skipped[rule.name] = str(reason)
        except Unfit as error:
            raise wrong_value(rules, rule, error) from error
    return plan


def _fact(rule: Rule, columns: Mapping[str, str], timezone: str, known: Known) -> Fact:
    assert rule.measure is not None
    kind, ref = rule.measure.kind, rule.measure.column
    if kind in AS_READ:
        return _known_fact(rule, kind, ref, known)
    of = operand(ref, columns, timezone).judged_by(given_values(rule)) if ref else _WHOLE
    among = condition(rule, columns, timezone)
    if (kind in ("min", "max") and of.kind is Kind.TEXT) or (kind == "sum" and of.kind is not Kind.NUMBER):
        raise NotApplicable(f"{ref} is {of.kind} in this package: it has no {kind}")
    unit = _UNIT_OF.get(kind, of)
    filtered = f"FILTER (WHERE {among})"
    sql = _aggregate(kind, of, filtered)
    if rule.min_rows > 1:
        sql = f"CASE WHEN count(*) {filtered} >= {rule.min_rows} THEN {sql} END"
    return Fact(rule, sql, arguments(rule, unit), _named(kind, ref), unit)


def _named(kind: str, ref: str | None) -> str:
    return f"{kind}({ref})" if ref else kind


def _known_fact(rule: Rule, kind: str, ref: str | None, known: Known) -> Fact:
    """A fact of how the package was read. Raises NotApplicable where nobody knows it."""
    sql, unit, said = _READ[kind](rule, ref or "", known)
    return Fact(rule, sql, arguments(rule, unit), _named(kind, ref), unit, said)


def _misfits(rule: Rule, ref: str, known: Known) -> tuple[str, Operand, str]:
    if known.misfits is None:
        raise NotApplicable("nobody counted the cells that did not fit")
    cells = {name: n for name, n in known.misfits.items() if not ref or name == ref}
    where = ", ".join(f"{n} in {name}" for name, n in cells.items())
    total = sum(cells.values())
    return str(total), _WHOLE, f"{total}: {where}" if cells and not ref else ""


def _retyped(rule: Rule, ref: str, known: Known) -> tuple[str, Operand, str]:
    if not known.arrived:
        raise NotApplicable("nobody knows in which types the fields came")
    changed = known.retyped
    return str(len(changed)), _WHOLE, f"{len(changed)}: {', '.join(changed)}" if changed else ""


def _type(rule: Rule, ref: str, known: Known) -> tuple[str, Operand, str]:
    if ref not in known.arrived:
        raise NotApplicable(f"the package does not say in which type {ref} came")
    return literal(known.arrived[ref]), _WORD, ""


def _volume(rule: Rule, ref: str, known: Known) -> tuple[str, Operand, str]:
    if known.rows is None:
        raise NotApplicable("the package does not end a read of everything")
    if len(known.recent) < FEWEST_READS:
        raise NotApplicable(f"there were fewer than {FEWEST_READS} complete reads of this kind before")
    if known.usual < max(rule.min_rows, 1):
        raise NotApplicable(f"an ordinary read of this kind brings fewer than {max(rule.min_rows, 1)} rows")
    share = known.rows / known.usual
    said = f"{share:.3g}: {known.rows} rows, and {known.usual:g} at the median of {len(known.recent)} reads before"
    return f"CAST({share!r} AS DOUBLE)", _SHARE, said


_READ: Mapping[str, Callable[[Rule, str, Known], tuple[str, Operand, str]]] = {
    "misfits": _misfits,
    "retyped": _retyped,
    "type": _type,
    "volume": _volume,
}


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
