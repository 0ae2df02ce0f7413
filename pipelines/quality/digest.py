"""The few values that decide a rule: if these pass, all rows pass.

Great Expectations spends some seven milliseconds per rule and chunk before it looks at a value. In packages
of several chunks DuckDB therefore first finds the values that would fail if any did: the extremes for a
range, the distinct values for a set, the pair least in order. Great Expectations judges those; only
rules that fail there, or have no such digest, are judged row by row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.quality.plan import Check
from pipelines.quality.vocabulary import Kind

_MOST_DISTINCT = 1000  # beyond, judging the rows is no dearer


@dataclass(frozen=True, slots=True)
class Digest:
    """sql: an aggregate giving a list of rows, each a list of one value per feed. filler: a passing value."""

    check: Check
    sql: str
    filler: Any = None

    def columns(self, rows: Sequence[Sequence[Any]]) -> list[list[Any]] | None:
        """The values by feed; None when there are too many to be a digest."""
        if len(rows) > _MOST_DISTINCT:
            return None
        return (
            [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in self.check.feeds]
        )


def digest(check: Check, feeds: Sequence[str]) -> Digest | None:
    """The digest of a check, whose feeds are these columns; None where no few values decide it."""
    first = feeds[0]
    match check.expect:
        case "expect_column_values_to_not_be_null":
            return Digest(check, f"CASE WHEN count({first}) < count(*) THEN [[NULL]] ELSE [[1]] END", 1)
        case "expect_column_values_to_be_null":
            return Digest(check, f"[[max({first})]]")
        case "expect_column_values_to_be_between":
            return Digest(check, f"[[min({first})], [max({first})]]")
        case "expect_column_value_lengths_to_be_between":
            return Digest(
                check, f"[[arg_min({first}, length({first}))], [arg_max({first}, length({first}))]]"
            )
        case "expect_column_values_to_be_in_set" | "expect_column_values_to_not_be_in_set":
            values = f"list(DISTINCT {first})[:{_MOST_DISTINCT + 1}]"
            return Digest(check, f"list_transform(coalesce({values}, []), lambda v: [v])")
        case "expect_column_pair_values_a_to_be_greater_than_b" if check.kind is not Kind.TEXT:
            a, b = feeds
            order = f"CASE WHEN {a} < {b} THEN 0 WHEN {a} = {b} THEN 1 WHEN {a} > {b} THEN 2 END"
            return Digest(check, f"[coalesce(arg_min([{a}, {b}], {order}), [NULL, NULL])]")
    return None
