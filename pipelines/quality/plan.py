"""Which rules can be judged on a package, and the SQL that feeds Great Expectations for each.

A rule whose column the package lacks, or holds in a type the expectation cannot judge, is not applicable:
files may lack columns, and a column that drifted to text must not stop a stream. A rule whose *value* does
not fit its column is a mistake in the file, and stops.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from connectors.core.errors import Problem
from pipelines.quality.columns import Operand, Unfit, members, resolve
from pipelines.quality.known import UNKNOWN, Known
from pipelines.quality.model import Rule, RuleSet
from pipelines.quality.vocabulary import VOCABULARY, Arg, Kind
from pipelines.sql import literal

_IN_SET = "expect_column_values_to_be_in_set"


class NotApplicable(Exception):
    """The package cannot be judged by this rule; the text says why."""


@dataclass(frozen=True, slots=True)
class Check:
    """A rule ready to run.

    feeds: SQL of the values that Great Expectations compares, one per column it names. arguments: the
    others. column: what the rule names. counted: SQL aggregate of the rows the rule is about. shown: SQL of
    a failing value as text. bases: the package's columns whose values `shown` reveals. kind: of the feeds.
    """

    rule: Rule
    feeds: tuple[str, ...]
    arguments: Mapping[str, Any]
    column: str
    counted: str
    shown: str
    bases: frozenset[str]
    kind: Kind

    @property
    def expect(self) -> str:
        assert self.rule.expect is not None
        return self.rule.expect

    def kwargs(self, columns: list[str]) -> dict[str, Any]:
        """The expectation's arguments when the feeds are these columns of a frame."""
        args = VOCABULARY[self.expect].args
        if Arg.COLUMNS in args.values():
            named: dict[str, Any] = {next(a for a, kind in args.items() if kind is Arg.COLUMNS): columns}
        else:
            named = dict(zip((a for a, kind in args.items() if kind is Arg.COLUMN), columns, strict=True))
        return named | dict(self.arguments)


@dataclass(slots=True)
class Plan:
    """The row checks of a package, and the rules that do not apply, with the reason."""

    checks: list[Check] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)


def plan_rows(
    rules: RuleSet,
    chosen: Iterable[Rule],
    columns: Mapping[str, str],
    timezone: str,
    known: Known = UNKNOWN,
) -> Plan:
    """The plan for rules of scope row. columns: name → engine type. Raises Problem for a wrong value."""
    plan = Plan()
    for rule in chosen:
        try:
            plan.checks.append(_row_check(rule, columns, timezone, known))
        except NotApplicable as reason:
            plan.skipped[rule.name] = str(reason)
        except Unfit as error:
            raise wrong_value(rules, rule, error) from error
    return plan


def wrong_value(rules: RuleSet, rule: Rule, error: Unfit) -> Problem:
    """A rule compares a column with something of another kind."""
    return Problem(
        f"the rule {rule.name} cannot be judged: {error}",
        do="correct the value in the rule file",
        source=rules.source, stream=rules.stream, where=rules.where(rule),
    )  # fmt: skip


def operand(ref: str, columns: Mapping[str, str], timezone: str) -> Operand:
    """The operand of a reference. Raises NotApplicable when the package has no such column."""
    found = resolve(ref, columns, timezone)
    if found is None:
        raise NotApplicable(f"the package has no column {ref}")
    return found


def given_values(rule: Rule) -> list[Any]:
    """Every single value that the rule compares with."""
    given = rule.with_.values()
    return [v for value in given for v in (value if isinstance(value, list | tuple) else (value,))]


def condition(rule: Rule, columns: Mapping[str, str], timezone: str) -> str:
    """SQL of the rule's `when`: true for the rows that the rule is about."""
    tests = [operand(ref, columns, timezone).is_one_of(values) for ref, values in rule.when.items()]
    return " AND ".join(tests) or "true"


def arguments(rule: Rule, target: Operand | None, known: Known = UNKNOWN) -> dict[str, Any]:
    """The rule's arguments other than columns, in the unit of `target` (None: they are not in any). Raises
    NotApplicable where they are those of a list that the CRM did not give."""
    assert rule.expect is not None
    args: dict[str, Any] = {}
    for name, value in rule.with_.items():
        match VOCABULARY[rule.expect].args[name]:
            case Arg.BOUND if target is not None:
                strict = bool(rule.with_.get("strict_min" if name == "min_value" else "strict_max"))
                args[name] = target.value(value, up=strict is (name == "max_value"))
            case Arg.VALUES if target is not None:
                args[name] = [target.value(v) for v in _offered(rule, target, known) or value]
            case Arg.COUNT | Arg.FLAG | Arg.REGEX:
                args[name] = value
    return args


def _offered(rule: Rule, target: Operand, known: Known) -> Sequence[str]:
    """The values of the pick list that the rule names; nothing where it names none."""
    if rule.picklist is None:
        return ()
    if target.kind is not Kind.TEXT:
        raise NotApplicable(f"{target.ref} is {target.kind} in this package, and a pick list holds texts")
    offered = known.options.get(rule.picklist)
    if not offered:
        raise NotApplicable(f"the source gives no list of values of {rule.picklist}")
    return offered


def _row_check(rule: Rule, columns: Mapping[str, str], timezone: str, known: Known) -> Check:
    assert rule.expect is not None
    spec = VOCABULARY[rule.expect]
    operands = [operand(ref, columns, timezone).judged_by(given_values(rule)) for ref in rule.columns]
    for o in operands:
        if o.kind not in spec.kinds:
            raise NotApplicable(f"{o.ref} is {o.kind} in this package, which {rule.expect} cannot judge")
    among = condition(rule, columns, timezone)
    filled = " AND ".join(o.present() for o in operands)
    given = {**arguments(rule, operands[0] if len(operands) == 1 else None, known), **spec.fixed}
    if operands[0].base in known.lists and "value_set" in given:
        member = _deciding_member(operands[0], given["value_set"], wanted=rule.expect == _IN_SET)
        operands = [replace(operands[0], sql=member, presence=operands[0].presence or operands[0].sql)]
        shown = [resolve(rule.columns[0], columns, timezone) or operands[0]]
    else:
        shown = operands
    if spec.judges_null:
        feeds = [_null_feed(rule.expect, among, filled)]
        counted = among
    else:
        feeds = [f"CASE WHEN {among} THEN {sql} END" if rule.when else sql for sql in _alike(operands)]
        counted = f"{among} AND {filled}"
    return Check(
        rule=rule,
        feeds=tuple(feeds),
        arguments=given,
        column=", ".join(rule.columns),
        counted=f"count(*) FILTER (WHERE {counted})",
        shown=_shown(shown),
        bases=frozenset(o.base for o in operands),
        kind=operands[0].kind,
    )


def _deciding_member(of: Operand, values: Sequence[str], *, wanted: bool) -> str:
    """SQL of the one value of a list that decides: the first that fails, or else the first.

    wanted: each must be one of `values`; else none may be.
    """
    found = members(of.sql)
    listed = f"m {'NOT ' if wanted else ''}IN ({', '.join(map(literal, values))})"
    return f"coalesce(list_filter({found}, lambda m: {listed})[1], {found}[1])"


def _null_feed(expect: str, among: str, filled: str) -> str:
    """1 or nothing: only whether there is a value matters, and rows the rule is not about must pass."""
    if expect == "expect_column_values_to_not_be_null":
        return f"CASE WHEN NOT ({among}) OR {filled} THEN 1 END"
    return f"CASE WHEN {among} AND {filled} THEN 1 END"


def _alike(operands: list[Operand]) -> list[str]:
    """The operands in one unit. Raises NotApplicable when they are of different kinds."""
    first = operands[0]
    if other := next((o for o in operands if o.kind is not first.kind), None):
        raise NotApplicable(
            f"{first.ref} is {first.kind} and {other.ref} is {other.kind}: write X.date for days"
        )
    if len(operands) == 1 or first.kind is not Kind.NUMBER:
        return [o.unit() for o in operands]
    scales = [o.scale for o in operands]
    if None in scales:
        return [o.plain() for o in operands]
    return [o.unit(max(s for s in scales if s is not None)) for o in operands]


def _shown(operands: list[Operand]) -> str:
    if len(operands) == 1:
        return operands[0].shown()
    parts = [f"{literal(o.ref + '=')} || coalesce({o.shown()}, '')" for o in operands]
    return " || ', ' || ".join(parts)
