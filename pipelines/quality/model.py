"""What a rule is: the models that a rule file must satisfy, and what makes a rule impossible to judge."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, field_validator
from pydantic import model_validator as checked
from pydantic_core import PydanticCustomError

from pipelines.quality.vocabulary import AS_READ, MEASURES, PICKLIST, VOCABULARY, Arg, Kind

# A value of a rule. Strict kinds first: True must not become 1, nor a date a text.
Scalar = (
    Annotated[bool, Field(strict=True)] | Annotated[int, Field(strict=True)] | Decimal | datetime | date | str
)
Text = Annotated[str, Field(min_length=1)]
_ONE_WORD: Mapping[str, Any] = {"type": "string", "minLength": 1}
_ONE_VALUE: Mapping[str, Any] = {"type": ["string", "number", "boolean", "null"]}


def _values(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else [value]


def _one_or_several(one: Mapping[str, Any]) -> WithJsonSchema:
    return WithJsonSchema({"anyOf": [one, {"type": "array", "items": one, "minItems": 1}]})


Columns = Annotated[
    tuple[Text, ...], Field(min_length=1), BeforeValidator(_values), _one_or_several(_ONE_WORD)
]
"""Columns of a row; a single one may stand without brackets."""
_MEASURE_SCHEMA = {
    "anyOf": [
        {"enum": [kind for kind, of in MEASURES.items() if False in of]},
        {
            "type": "object",
            "properties": {kind: {"type": "string"} for kind, of in MEASURES.items() if True in of},
            "additionalProperties": False,
            "minProperties": 1,
            "maxProperties": 1,
        },
    ]
}


class Scope(StrEnum):
    """What a rule looks at: one row, the package as a whole, or other streams too (after load)."""

    ROW = "row"
    PACKAGE = "package"
    CROSS = "cross"


CROSS = ("references", "unique", "overlaps", "sums_to", "freshness", "totals")
"""What a rule of scope cross can ask of the loaded tables."""


class Severity(StrEnum):
    """What follows: the row is set aside, the package waits, or somebody is told."""

    QUARANTINE = "quarantine"
    BLOCK = "block"
    WARN = "warn"


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Measure(_Model):
    """A fact of a package as a whole: its kind, and the column it is about."""

    kind: str
    column: str | None = None


class Reference(_Model):
    """Every filled `column` must be found as `to` in another stream of the same source.

    loosely: width, case and blanks aside, as people write names. deleted_will_do: a record that is gone is found, too;
    else whoever refers to it leads nowhere.
    """

    column: Text
    stream: Text
    to: Text
    loosely: bool = False
    deleted_will_do: bool = False


class Overlaps(_Model):
    """Of one `per` (columns), no two rows may be true at the same time: a row is, from `begin` until before `end`.

    An empty `end` is no end. end_included: `end` is the last day on which the row is true. length_in_days: a column
    that says how long the row was true, instead of `end`: the days on which it began and ended may both be broken
    ones, so a day less is certain; empty, it is not known yet. Rows in which all of `per` is empty belong to nothing.
    """

    per: Columns
    begin: Text
    end: Text | None = None
    end_included: bool = False
    length_in_days: Text | None = None

    @checked(mode="after")
    def _ends_one_way(self) -> Overlaps:
        if (self.end is None) is (self.length_in_days is None):
            raise _fault("", "overlaps needs end or length_in_days, and not both")
        if self.end_included and self.end is None:
            raise _fault("end_included", "end_included is about end, which is not given")
        return self


class SumsTo(_Model):
    """Of all rows with the same `per`, the values of `column` sum to `to`, exactly; empty ones count as nothing. Rows
    in which one of `per` is empty belong to no sum. Every row of a sum that does not close breaks the rule."""

    per: Columns
    column: Text
    to: int
    or_none: bool = False  # a set of zeros is closed too: it ends the one before it


class Freshness(_Model):
    """How old the newest may be when a run ends: the newest record by its stamp, or the newest complete read."""

    of: Literal["record", "read"]
    hours: Annotated[int, Field(ge=1)]


class Totals(_Model):
    """What the source itself counts must be what the warehouse holds: rows, and the sums of money columns."""

    rows: bool = True
    sums: tuple[Text, ...] = ()


def _measure(value: Any) -> Any:
    """`rows`, or `{sum: Amount}`."""
    if isinstance(value, Measure):
        return value
    kind, column = next(iter(value.items())) if isinstance(value, dict) and len(value) == 1 else (value, None)
    if not isinstance(kind, str) or (column is not None) not in MEASURES.get(kind, ()):
        known = ", ".join(
            f"{{{k}: column}}" if of else k for k, ofs in MEASURES.items() for of in sorted(ofs)
        )
        raise ValueError(f"{value!r} is not a measure; known are {known}")
    return {"kind": kind, "column": column}


class Rule(_Model):
    """One rule. `with_` holds the arguments of the expectation `expect`, written as `with:` in the file.

    when: column → values; the rule is about rows where every such column holds one of its values (row and
        package scope). measure, even_if_empty, min_rows (of the rows it is about): package scope only.
    Exactly one of `CROSS`: cross scope only.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    scope: Scope
    severity: Severity
    reason: Annotated[str, Field(min_length=15)]
    owner: str = ""
    expect: str | None = None
    with_: dict[str, Any] = Field(default_factory=dict, alias="with")
    when: dict[
        str, Annotated[tuple[Scalar | None, ...], BeforeValidator(_values), _one_or_several(_ONE_VALUE)]
    ] = Field(default_factory=dict)
    measure: Annotated[Measure, BeforeValidator(_measure), WithJsonSchema(_MEASURE_SCHEMA)] | None = None
    min_rows: Annotated[int, Field(ge=1)] = 1
    even_if_empty: bool = False
    references: Reference | None = None
    unique: Columns | None = None
    overlaps: Overlaps | None = None
    sums_to: SumsTo | None = None
    freshness: Freshness | None = None
    totals: Totals | None = None

    @field_validator("expect")
    @classmethod
    def _known(cls, expect: str | None) -> str | None:
        if expect is not None and expect not in VOCABULARY:
            raise ValueError(f"{expect} is not an expectation we use; known are {', '.join(VOCABULARY)}")
        return expect

    @checked(mode="after")
    def _fits_its_scope(self) -> Rule:
        if self.severity is Severity.QUARANTINE and self.scope is not Scope.ROW:
            raise _fault("severity", "only a rule of scope row can set rows aside; use block or warn")
        package_only = {
            "measure": self.measure,
            "min_rows": self.min_rows > 1,
            "even_if_empty": self.even_if_empty,
        }
        judged_on_rows = {"expect": self.expect, "with": self.with_, "when": self.when}
        if self.scope is not Scope.PACKAGE and (
            given := next((k for k, v in package_only.items() if v), None)
        ):
            raise _fault(given, f"{given} belongs to rules of scope package")
        asked = [name for name in CROSS if getattr(self, name) is not None]
        if len(asked) != (self.scope is Scope.CROSS):
            at = asked[-1] if asked else "scope"
            raise _fault(at, f"a rule of scope cross, and only such a rule, says one of {', '.join(CROSS)}")
        if self.scope is Scope.CROSS:
            if given := next((k for k, v in judged_on_rows.items() if v), None):
                raise _fault(given, f"{given} belongs to rules of scope row or package")
            return self
        if self.expect is None:
            raise _fault("expect", "the rule does not say which expectation judges it")
        if self.scope is Scope.PACKAGE and self.measure is None:
            raise _fault(
                "measure", "a rule of scope package judges a measure such as rows or {null_share: Stage}"
            )
        _check_arguments(self)
        if self.measure is not None:
            _check_measure(self, self.measure)
        return self

    @property
    def picklist(self) -> str | None:
        """The field whose own list of values the rule goes by, instead of values in the rule."""
        values = self.with_.get("value_set")
        return values[PICKLIST] if isinstance(values, dict) else None

    @property
    def columns(self) -> tuple[str, ...]:
        """The references that the rule judges (not those of `when`)."""
        if self.measure is not None:
            return (self.measure.column,) if self.measure.column else ()
        args = VOCABULARY[self.expect].args if self.expect else {}
        found = [
            self.with_[a] for a, kind in args.items() if kind in (Arg.COLUMN, Arg.COLUMNS) and a in self.with_
        ]
        return tuple(c for f in found for c in (f if isinstance(f, list) else [f]))


def _fault(at: str, message: str) -> PydanticCustomError:
    """An error of a rule that knows which key it is about (a dotted path inside the rule)."""
    return PydanticCustomError("rule", "{message}", {"message": message, "at": at})


def _check_arguments(rule: Rule) -> None:
    assert rule.expect is not None
    spec = VOCABULARY[rule.expect]
    args = dict(spec.args)
    required = spec.required
    if rule.scope is Scope.PACKAGE:
        if "column" not in args:
            raise _fault("expect", f"{rule.expect} cannot judge a measure: it compares columns")
        del args["column"]  # the column is the measure
        required = tuple(a for a in required if a != "column")
    for name, value in rule.with_.items():
        if name not in args:
            raise _fault(f"with.{name}", f"{rule.expect} takes no {name}; it takes {', '.join(args)}")
        if (complaint := _complaint(args[name], value)) is not None:
            raise _fault(f"with.{name}", f"{name} {complaint}")
    if missing := [a for a in required if a not in rule.with_]:
        raise _fault("with", f"{rule.expect} needs {' and '.join(missing)}")
    if spec.any_of and not any(a in rule.with_ for a in spec.any_of):
        raise _fault("with", f"{rule.expect} needs {' or '.join(spec.any_of)}")


def _check_measure(rule: Rule, measure: Measure) -> None:
    assert rule.expect is not None
    if measure.kind in AS_READ and rule.when:
        raise _fault(
            "when", f"{measure.kind} is about the package as it was read, not about some of its rows"
        )
    if measure.kind in AS_READ - {"volume"} and rule.min_rows > 1:
        raise _fault(
            "min_rows", f"{measure.kind} is about the package as it was read, however few its rows are"
        )
    kinds = VOCABULARY[rule.expect].kinds
    if measure.kind == "type" and Kind.TEXT not in kinds:
        raise _fault("expect", f"a type is a word; {rule.expect} cannot judge it")
    if rule.picklist is not None:
        raise _fault("with.value_set", "a measure is not a value of a pick list")


def _complaint(kind: Arg, value: Any) -> str | None:
    match kind:
        case Arg.COLUMN if not (isinstance(value, str) and value):
            return "is not the name of a column"
        case Arg.COLUMNS if not (
            isinstance(value, list) and len(value) > 1 and all(isinstance(v, str) for v in value)
        ):
            return "is not a list of two or more columns"
        case Arg.BOUND if isinstance(value, bool) or not isinstance(value, int | Decimal | date | str):
            return "is not a number, a date or a time"
        case Arg.VALUES if isinstance(value, dict):
            named = value.get(PICKLIST)
            if len(value) != 1 or not isinstance(named, str) or not named:
                return "is neither a list of values nor {picklist: Field}"
        case Arg.VALUES if not (isinstance(value, list) and value and all(v is not None for v in value)):
            return "is neither a list of values nor {picklist: Field}"
        case Arg.COUNT if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            return "is not a count"
        case Arg.FLAG if not isinstance(value, bool):
            return "is neither true nor false"
        case Arg.REGEX:
            try:
                re.compile(str(value))
            except re.error as error:
                return f"is not a regular expression: {error}"
    return None


class RuleFile(_Model):
    """What a rule file says. key: the fields that tell one row from all others. owner: who answers for the rules
    that name nobody else."""

    grain: Text
    key: Columns = ("_record_id",)
    owner: Text
    rules: tuple[Rule, ...] = ()


class RuleSet(RuleFile):
    """The rules of one stream. `lines` gives the line of each rule in its file, by rule name."""

    source: str
    stream: str
    path: str = ""
    lines: dict[str, int] = Field(default_factory=dict)

    @checked(mode="after")
    def _distinct_names(self) -> RuleSet:
        names = [rule.name for rule in self.rules]
        if again := next((i for i, name in enumerate(names) if name in names[:i]), None):
            raise _fault(f"rules.{again}.name", f"a rule named {names[again]} is already there")
        return self

    def of(self, scope: Scope) -> tuple[Rule, ...]:
        """The rules of one scope, in file order."""
        return tuple(rule for rule in self.rules if rule.scope is scope)

    def where(self, rule: Rule) -> str:
        """File and line of a rule, for error messages."""
        return f"{self.path}:{self.lines.get(rule.name, 1)}"

    @cached_property
    def digests(self) -> dict[str, str]:
        """Rule → what changes when the rule does."""
        return {
            rule.name: hashlib.sha256(
                json.dumps(rule.model_dump(by_alias=True), sort_keys=True, default=_canonical).encode()
            ).hexdigest()[:12]
            for rule in self.rules
        }

    @cached_property
    def hash(self) -> str:
        """sha256 over what the rules say: layout, comments and place of the file do not count."""
        content = self.model_dump(exclude={"path", "lines"}, by_alias=True)
        text = json.dumps(content, sort_keys=True, ensure_ascii=False, default=_canonical)
        return hashlib.sha256(text.encode()).hexdigest()


def _canonical(value: Any) -> str:
    return f"{value.normalize():f}" if isinstance(value, Decimal) else value.isoformat()
