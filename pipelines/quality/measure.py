"""Runs the checks of a package: facts and digests in one small frame, then rows chunk by chunk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import duckdb

from pipelines.quality.digest import Digest, digest
from pipelines.quality.facts import Fact
from pipelines.quality.gx import POSITION, Expectation, bench
from pipelines.quality.plan import Check
from pipelines.sql import quote

if TYPE_CHECKING:
    import pandas as pd

COUNTED: str = "expect_column_values_to_be_between"
NONE: Mapping[str, int] = {"max_value": 0}
"""What is expected of how often a rule of scope cross is broken."""

# DuckDB hands out whole vectors of 2,048 rows; twelve of them stay below the 25,000 rows of a chunk.
_VECTORS = 12
CHUNK = _VECTORS * 2048


@dataclass(slots=True)
class Measured:
    """failing: positions by rule (a fact that fails has position 0). counts: rows per check. values: facts."""

    failing: dict[str, list[int]] = field(default_factory=dict)
    counts: Sequence[int] = ()
    values: Sequence[Any] = ()


def measure(
    con: duckdb.DuckDBPyConnection,
    relation: str,
    rows: int,
    checks: Sequence[Check],
    facts: Sequence[Fact],
) -> Measured:
    """Judge `checks` on the rows and `facts` on the whole. Raises Problem when Great Expectations fails."""
    if not checks and not facts:
        return Measured()
    names = _feed_names(checks)
    digests = [d for c in checks if (d := digest(c, _named(c, names))) is not None] if rows > CHUNK else []
    # count(*) makes it an aggregate even where every fact is handed in.
    sql = ["count(*)"] + [c.counted for c in checks] + [f.sql for f in facts] + [d.sql for d in digests]
    # The feeds are computed once, below the aggregates that use them several times.
    feeds = "".join(f", {sql} AS {name}" for sql, name in names.items()) if digests else ""
    _, *found = con.execute(
        f"SELECT {', '.join(sql)} FROM (SELECT *{feeds} FROM {quote(relation)})"
    ).fetchall()[0]
    counts, rest = found[: len(checks)], found[len(checks) :]
    values, digested = rest[: len(facts)], rest[len(facts) :]
    failing, passed = _judge_small(facts, values, digests, digested)
    left = [c for c in checks if c.rule.name not in passed]
    return Measured(failing | _judge_rows(con, relation, left, suspected=bool(digests)), counts, values)


def judge_facts(counts: Mapping[str, int]) -> set[str]:
    """Which of these counts of broken rows, by rule, are more than none. Raises Problem when Great Expectations
    fails."""
    frame = _SmallFrame()
    for rule, count in counts.items():
        (column,) = frame.add([[count]], 0)
        frame.expect(rule, COUNTED, {"column": column, **NONE})
    return set(frame.failing())


def _feed_names(checks: Sequence[Check]) -> dict[str, str]:
    """A name for each distinct feed; no column of a CRM is called like that."""
    return {feed: f"_feed{i}" for i, feed in enumerate(dict.fromkeys(f for c in checks for f in c.feeds))}


def _named(check: Check, names: Mapping[str, str]) -> list[str]:
    return [names[feed] for feed in check.feeds]


def _judge_small(
    facts: Sequence[Fact], values: Sequence[Any], digests: Sequence[Digest], digested: Sequence[Any]
) -> tuple[dict[str, list[int]], set[str]]:
    """The facts that fail, and the rules whose digest passes."""
    frame = _SmallFrame()
    for fact, value in zip(facts, values, strict=True):
        (column,) = frame.add([[value]], None)
        frame.expect(fact.rule.name, fact.rule.expect or "", {"column": column, **fact.kwargs})
    screened = set()
    for made, rows in zip(digests, digested, strict=True):
        if (columns := made.columns(rows)) is not None:
            names = frame.add(columns, made.filler)
            frame.expect(made.check.rule.name, made.check.expect, made.check.kwargs(names))
            screened.add(made.check.rule.name)
    failing = frame.failing()
    return {
        f.rule.name: failing[f.rule.name] for f in facts if f.rule.name in failing
    }, screened - failing.keys()


class _SmallFrame:
    """Columns of unlike length side by side, filled up with values that pass."""

    def __init__(self) -> None:
        self._columns: dict[str, tuple[list[Any], Any]] = {}
        self._expectations: list[Expectation] = []

    def add(self, columns: Sequence[list[Any]], filler: Any) -> list[str]:
        names = [f"c{len(self._columns) + i}" for i in range(len(columns))]
        self._columns.update({name: (values, filler) for name, values in zip(names, columns, strict=True)})
        return names

    def expect(self, rule: str, type: str, kwargs: Mapping[str, Any]) -> None:
        self._expectations.append(Expectation(rule, type, kwargs))

    def failing(self) -> dict[str, list[int]]:
        if not self._expectations:
            return {}
        import pandas as pd

        height = max(len(values) for values, _ in self._columns.values())
        data = {
            n: values + [filler] * (height - len(values)) for n, (values, filler) in self._columns.items()
        }
        frame = pd.DataFrame(data)
        frame.index.name = POSITION
        with bench(self._expectations) as judging:
            return judging.failing(frame)


def _judge_rows(
    con: duckdb.DuckDBPyConnection, relation: str, checks: Sequence[Check], *, suspected: bool
) -> dict[str, list[int]]:
    if not checks:
        return {}
    names = _feed_names(checks)
    expectations = [Expectation(c.rule.name, c.expect, c.kwargs(_named(c, names))) for c in checks]
    failing: dict[str, list[int]] = {}
    with bench(expectations) as judging:
        for frame in _frames(con, relation, names):
            for rule, positions in judging.failing(frame, suspected=suspected).items():
                failing.setdefault(rule, []).extend(positions)
    return failing


def _frames(
    con: duckdb.DuckDBPyConnection, relation: str, names: Mapping[str, str]
) -> Iterator[pd.DataFrame]:
    """The needed values in chunks. The connection must not be used for anything else meanwhile."""
    selects = ", ".join(f"{sql} AS {name}" for sql, name in names.items())
    con.execute(f"SELECT {POSITION}, {selects} FROM {quote(relation)}")
    while len(frame := con.fetch_df_chunk(_VECTORS)):
        yield frame.set_index(POSITION)
