"""The expectations a rule may name, as data: enough to check a rule file without importing the library.

A test holds this table against the installed Great Expectations. Expectations about a whole table
(uniqueness, sums) are missing on purpose: a chunk is not the table, so those are measures of scope `package`.
https://greatexpectations.io/expectations/ describes each one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """What a column holds, as far as an expectation cares."""

    NUMBER = "number"
    DATE = "date"  # a day
    INSTANT = "point in time"
    TEXT = "text"


class Arg(StrEnum):
    """What an argument of an expectation is."""

    COLUMN = "column"
    COLUMNS = "columns"
    BOUND = "bound"  # in the column's own unit
    VALUES = "values"  # a list in the column's own unit, or {picklist: Field}: what the CRM's own list offers
    REGEX = "regex"
    COUNT = "count"
    FLAG = "flag"


_ORDERED = frozenset({Kind.NUMBER, Kind.DATE, Kind.INSTANT})
_ANY = frozenset(Kind)
_TEXT = frozenset({Kind.TEXT})


@dataclass(frozen=True, slots=True)
class Expectation:
    """How one expectation is written.

    required: arguments that must be there; any_of: at least one of these must be.
    kinds: columns it can judge. judges_null: an empty value can fail it (all others ignore empty values).
    fixed: arguments we always add.
    """

    args: Mapping[str, Arg]
    required: tuple[str, ...]
    any_of: tuple[str, ...] = ()
    kinds: frozenset[Kind] = _ANY
    judges_null: bool = False
    fixed: Mapping[str, str] = field(default_factory=dict)


_ONE: Mapping[str, Arg] = {"column": Arg.COLUMN}
_PAIR: Mapping[str, Arg] = {"column_A": Arg.COLUMN, "column_B": Arg.COLUMN}
_BETWEEN: Mapping[str, Arg] = {
    "min_value": Arg.BOUND,
    "max_value": Arg.BOUND,
    "strict_min": Arg.FLAG,
    "strict_max": Arg.FLAG,
}
# Comparing with an absent value proves nothing: that a value must be there is a rule of its own.
_SKIP_NULLS = {"ignore_row_if": "either_value_is_missing"}

VOCABULARY: Mapping[str, Expectation] = {
    "expect_column_values_to_not_be_null": Expectation(_ONE, ("column",), judges_null=True),
    "expect_column_values_to_be_null": Expectation(_ONE, ("column",), judges_null=True),
    "expect_column_values_to_be_between": Expectation(
        {**_ONE, **_BETWEEN}, ("column",), ("min_value", "max_value"), _ORDERED
    ),
    "expect_column_values_to_be_in_set": Expectation(
        {**_ONE, "value_set": Arg.VALUES}, ("column", "value_set")
    ),
    "expect_column_values_to_not_be_in_set": Expectation(
        {**_ONE, "value_set": Arg.VALUES}, ("column", "value_set")
    ),
    "expect_column_values_to_match_regex": Expectation(
        {**_ONE, "regex": Arg.REGEX}, ("column", "regex"), kinds=_TEXT
    ),
    "expect_column_values_to_not_match_regex": Expectation(
        {**_ONE, "regex": Arg.REGEX}, ("column", "regex"), kinds=_TEXT
    ),
    "expect_column_value_lengths_to_be_between": Expectation(
        {**_ONE, "min_value": Arg.COUNT, "max_value": Arg.COUNT},
        ("column",),
        ("min_value", "max_value"),
        _TEXT,
    ),
    "expect_column_pair_values_a_to_be_greater_than_b": Expectation(
        {**_PAIR, "or_equal": Arg.FLAG}, ("column_A", "column_B"), fixed=_SKIP_NULLS
    ),
    "expect_column_pair_values_to_be_equal": Expectation(_PAIR, ("column_A", "column_B"), fixed=_SKIP_NULLS),
    "expect_select_column_values_to_be_unique_within_record": Expectation(
        {"column_list": Arg.COLUMNS}, ("column_list",), fixed={"ignore_row_if": "any_value_is_missing"}
    ),
}

PICKLIST = "picklist"

_OF_ALL, _OF_A_COLUMN = frozenset({False}), frozenset({True})

# Facts of a whole package; of each, whether it may name a column (True) and whether it may not (False).
MEASURES: Mapping[str, frozenset[bool]] = {
    "rows": _OF_ALL,
    "nulls": _OF_A_COLUMN,
    "null_share": _OF_A_COLUMN,
    "distinct": _OF_A_COLUMN,
    "duplicates": _OF_A_COLUMN,  # filled values beyond the first of their kind
    "sum": _OF_A_COLUMN,
    "min": _OF_A_COLUMN,
    "max": _OF_A_COLUMN,
    "misfits": _OF_ALL | _OF_A_COLUMN,  # cells that their type cannot hold, set-aside rows included
    "retyped": _OF_ALL,  # declared fields that came in another type
    "type": _OF_A_COLUMN,  # the word of `FieldType` in which the field came
    "volume": _OF_ALL,  # rows of the complete read, by the median of recent reads of its kind
}
AS_READ = frozenset({"misfits", "retyped", "type", "volume"})
"""Measures of how the package was read (`Known`), which its rows do not tell; the others DuckDB computes."""
