"""Judges the loaded tables of a stream by its rules of scope cross: DuckDB counts what breaks a rule, in one pass for
each, and Great Expectations judges the count. Rules with `totals` are judged where the source's own counts are known.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import duckdb

from connectors.core.errors import Problem
from pipelines.quality.columns import Operand, loose, resolve
from pipelines.quality.evidence import validation_result
from pipelines.quality.measure import judge_facts
from pipelines.quality.model import Freshness, Overlaps, Reference, Rule, RuleSet, Scope, SumsTo
from pipelines.quality.plan import NotApplicable
from pipelines.quality.privacy import Privacy
from pipelines.quality.results import SAMPLES, cross_result, unjudged
from pipelines.quality.verdict import RuleResult, Sample, Verdict
from pipelines.quality.vocabulary import Kind
from pipelines.sql import quote

STANDING = "standing"
_DAY = {Kind.DATE: 1, Kind.INSTANT: 86_400_000_000}  # in the unit of `Operand.unit`
_HOUR = 3_600.0  # seconds
_LONGEST = (
    10_000_000  # days; a longer stay never ends, and in microseconds it leaves the engine's whole numbers
)
# What the engine says of the values or the wording of one query; anything else befell the machine.
_OF_A_RULE = (duckdb.DataError, duckdb.ProgrammingError, duckdb.NotSupportedError)


@dataclass(frozen=True, slots=True)
class _Table:
    """The loaded table of a stream and, of this organisation, the rows that exist. columns: name → engine type."""

    name: str
    columns: Mapping[str, str]
    timezone: str

    @property
    def living(self) -> str:
        """What follows FROM; binds `$org`."""
        return f"{self.known} AND _deleted_at IS NULL"

    @property
    def known(self) -> str:
        """The same with the rows that are gone."""
        return f"{self.name} WHERE _org = $org"

    def operand(self, ref: str) -> Operand:
        """The operand of a reference. Raises NotApplicable when the table has no such column."""
        found = resolve(ref, self.columns, self.timezone)
        if found is None:
            raise NotApplicable(f"{self.name} has no column {ref}")
        return found


@dataclass(frozen=True, slots=True)
class _Question:
    """A rule as SQL over a table; both bind `$org` and nothing else.

    counting: one row (checked, failing). samples: (_record_id, value as text) of failing rows. bases: columns whose
    values the samples show. column: what the rule is about.
    """

    counting: str
    samples: str
    bases: frozenset[str]
    column: str


@dataclass(frozen=True, slots=True)
class _Found:
    """How often a rule was broken. failing NULL-free; observed: the measured fact where there is one."""

    checked: int
    failing: int
    column: str
    samples: tuple[Sample, ...] = ()
    observed: str | None = None


def judge_cross(
    con: duckdb.DuckDBPyConnection,
    rules: RuleSet,
    *,
    org: str,
    now: datetime,
    read_at: datetime | None,
    pii: Collection[str] | None,
    timezone: str,
    clock: datetime | None = None,
    package_id: str = STANDING,
    judged: Mapping[str, int] | None = None,
) -> Verdict:
    """Judge what the warehouse holds of a stream after it and the streams beside it were loaded. Only reads.

    con: of the warehouse. now: what the age of the newest read is measured to. clock: the source's own time, where it
    tells it, for the age of its records. read_at: when the newest complete read of the stream began, None where there
    was none. pii: fields whose values nobody may see; None = not known, then no value is shown. timezone: the business
    zone. package_id: under which the evidence is kept. judged: how often rules were broken when these very rules were
    judged last: the same count need not be judged again, which spares an idle run the library.

    A rule whose table or column does not exist, or whose other stream was never loaded, is not applicable and says so;
    so is one that the engine cannot count on these values, and the others are judged all the same.
    Raises Problem when Great Expectations fails.
    """
    house = _House(con, rules, org, timezone, now, clock or now, read_at, Privacy(pii))
    chosen = [rule for rule in rules.of(Scope.CROSS) if rule.totals is None]
    found: dict[str, _Found] = {}
    skipped: dict[str, str] = {}
    for rule in chosen:
        try:
            found[rule.name] = house.ask(rule)
        except NotApplicable as reason:
            skipped[rule.name] = str(reason)
        except _OF_A_RULE as error:  # its words may quote the values of records
            skipped[rule.name] = f"the engine cannot count what breaks it ({type(error).__name__})"
    try:
        counts = {name: fact.failing for name, fact in found.items()}
        known = {name for name, count in counts.items() if count and (judged or {}).get(name) == count}
        failing = known | judge_facts({name: n for name, n in counts.items() if n and name not in known})
    except Problem as problem:
        raise problem.located(source=rules.source, stream=rules.stream) from problem
    results = tuple(
        _result(rules, rule, found.get(rule.name), skipped.get(rule.name), failing) for rule in chosen
    )
    at = datetime.now(UTC)
    return Verdict(
        rules.source,
        rules.stream,
        package_id,
        rules.hash,
        house.rows(),
        at,
        results,
        evidence=validation_result(rules, results, package_id, at) if found else None,
    )


def _result(
    rules: RuleSet, rule: Rule, found: _Found | None, why: str | None, failing: Collection[str]
) -> RuleResult:
    if found is None:
        return unjudged(rules, rule, why)
    return cross_result(
        rules,
        rule,
        found.column,
        passed=rule.name not in failing,
        checked=found.checked,
        failing=found.failing,
        samples=found.samples,
        observed=found.observed,
    )


class _House:
    """The warehouse as a rule of one stream sees it."""

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        rules: RuleSet,
        org: str,
        timezone: str,
        now: datetime,
        clock: datetime,
        read_at: datetime | None,
        privacy: Privacy,
    ) -> None:
        self._con, self._rules, self._org, self._timezone = con, rules, org, timezone
        self._now, self._clock, self._read_at, self._privacy = now, clock, read_at, privacy

    def rows(self) -> int:
        """Records of the stream that exist; 0 where it has no table."""
        try:
            (rows,) = self._one(f"SELECT count(*) FROM {self._table(self._rules.stream).living}")
        except NotApplicable:
            return 0
        return int(rows)

    def ask(self, rule: Rule) -> _Found:
        """How often a rule is broken. Raises NotApplicable."""
        table = self._table(self._rules.stream)
        if rule.freshness is not None:
            return self._age(table, rule.freshness)
        if rule.references is not None:
            question = _orphans(table, self._loaded(rule.references.stream), rule.references)
        elif rule.unique is not None:
            question = _doubled(table, rule.unique)
        elif rule.sums_to is not None:
            question = _unclosed(table, rule.sums_to)
        else:
            assert rule.overlaps is not None
            question = _overlapping(table, rule.overlaps)
        checked, failing = self._one(question.counting)
        samples = self._samples(question) if failing else ()
        return _Found(int(checked or 0), int(failing or 0), question.column, samples)

    def _samples(self, question: _Question) -> tuple[Sample, ...]:
        rows = self._con.execute(
            f"SELECT * FROM ({question.samples}) ORDER BY ALL LIMIT {SAMPLES}", {"org": self._org}
        ).fetchall()
        privacy = self._privacy
        return tuple(Sample(0, privacy.record_id(i), privacy.value(question.bases, v)) for i, v in rows)

    def _age(self, table: _Table, asked: Freshness) -> _Found:
        if asked.of == "read":
            moment, now = self._read_at, self._now
            if moment is None:
                raise NotApplicable("there was no complete read yet")
            what = "the newest complete read began"
        else:
            (moment,) = self._one(f"SELECT epoch_us(max(_modified_at)) FROM {table.known}")
            if moment is None:
                raise NotApplicable(f"{table.name} holds no record with a stamp")
            moment, now = datetime.fromtimestamp(moment / 1e6, UTC), self._clock
            what = "the newest record is of"
        hours = (now - moment).total_seconds() / _HOUR
        said = f"{what} {moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC, {max(hours, 0):.0f} hours before"
        stale = hours > asked.hours
        return _Found(1, int(stale), f"age of the newest {asked.of}", observed=said)

    def _loaded(self, stream: str) -> _Table:
        """The table of another stream. Raises NotApplicable where nothing was ever loaded into it."""
        table = self._table(stream)
        (known,) = self._one(f"SELECT EXISTS (FROM {table.known})")
        if not known:
            raise NotApplicable(f"no record of {stream} was ever loaded")
        return table

    def _table(self, stream: str) -> _Table:
        schema = f"raw_{self._rules.source}"
        found = self._con.execute(
            "SELECT column_name, data_type FROM duckdb_columns() WHERE database_name = current_database() "
            "AND schema_name = $schema AND table_name = $stream ORDER BY column_index",
            {"schema": schema, "stream": stream},
        ).fetchall()
        if not found:
            raise NotApplicable(f"{schema} has no table {stream}")
        return _Table(f"{quote(schema)}.{quote(stream)}", dict(found), self._timezone)

    def _one(self, query: str) -> tuple[Any, ...]:
        row = self._con.execute(query, {"org": self._org}).fetchone()
        assert row is not None
        return row


def _orphans(table: _Table, other: _Table, asked: Reference) -> _Question:
    """References that lead nowhere. Each distinct value is looked up once."""
    child, parent = table.operand(asked.column), other.operand(asked.to)
    if child.kind is not parent.kind:
        raise NotApplicable(f"{asked.column} is {child.kind} and {asked.to} is {parent.kind}")
    key: Callable[[str], str] = loose if asked.loosely else str
    others = other.known if asked.deleted_will_do else other.living
    orphan = f"{key('value')} NOT IN (SELECT {key(parent.unit())} FROM {others} AND {parent.present()})"
    values = f"SELECT {child.unit()} AS value, count(*) AS rows FROM {table.living} GROUP BY 1"
    return _Question(
        counting=f"SELECT sum(rows), sum(rows) FILTER (WHERE {orphan}) FROM ({values}) WHERE value IS NOT NULL",
        samples=f"SELECT _record_id, shown FROM (SELECT _record_id, {child.unit()} AS value, {child.shown()} AS shown "
        f"FROM {table.living}) WHERE value IS NOT NULL AND {orphan}",
        bases=frozenset({child.base}),
        column=f"{asked.column} → {asked.stream}.{asked.to}",
    )


def _doubled(table: _Table, columns: tuple[str, ...]) -> _Question:
    """Rows beyond the first that hold the same values; rows in which one of them is empty are no rivals."""
    parts = [table.operand(ref) for ref in columns]
    keys = ", ".join(part.unit() for part in parts)
    filled = " AND ".join(part.present() for part in parts)
    shown = " || ' / ' || ".join(part.shown() for part in parts)
    return _Question(
        counting="SELECT sum(rows), sum(rows - 1) FROM "
        f"(SELECT count(*) AS rows FROM {table.living} AND {filled} GROUP BY {keys})",
        samples=f"SELECT _record_id, {shown} FROM {table.living} AND {filled} "
        f"QUALIFY row_number() OVER (PARTITION BY {keys} ORDER BY _record_id) > 1",
        bases=frozenset(part.base for part in parts),
        column=", ".join(columns),
    )


def _unclosed(table: _Table, asked: SumsTo) -> _Question:
    """Rows whose fellows, with themselves, do not sum to what they must."""
    summed, of = table.operand(asked.column), [table.operand(ref) for ref in asked.per]
    if summed.kind is not Kind.NUMBER:
        raise NotApplicable(f"{asked.column} is {summed.kind}: it has no sum")
    per = ", ".join(part.unit() for part in of)
    filled = " AND ".join(part.present() for part in of)
    shown = " || ' / ' || ".join(part.shown() for part in of)
    open_when = f"total <> {asked.to}" + (" AND total <> 0" if asked.or_none else "")
    judged = (
        f"SELECT _record_id, {shown} || ': ' || total AS shown, {open_when} AS open FROM (SELECT *, "
        f"coalesce(sum({summed.sql}) OVER (PARTITION BY {per}), 0) AS total FROM {table.living} AND {filled})"
    )
    return _Question(
        counting=f"SELECT count(*), count(*) FILTER (WHERE open) FROM ({judged})",
        samples=f"SELECT _record_id, shown FROM ({judged}) WHERE open",
        bases=frozenset({summed.base, *(part.base for part in of)}),
        column=f"{asked.column} per {', '.join(asked.per)}",
    )


def _overlapping(table: _Table, asked: Overlaps) -> _Question:
    """Rows that begin before all earlier ones of their `per` have ended."""
    begin, of = table.operand(asked.begin), [table.operand(ref) for ref in asked.per]
    if begin.kind not in _DAY:
        raise NotApplicable(f"{asked.begin} is {begin.kind}: it begins nothing")
    ending, judges, ends = _end(table, begin, asked)
    owned = " OR ".join(part.present() for part in of)
    spans = (
        f"SELECT _record_id, {begin.unit()} AS began, {ending} AS ended, {begin.shown()} AS shown, "
        f"{', '.join(f'{part.unit()} AS per{i}' for i, part in enumerate(of))} "
        f"FROM {table.living} AND {begin.present()} AND ({owned})"
    )
    per = ", ".join(f"per{i}" for i in range(len(of)))
    judged = (
        f"SELECT _record_id, shown, began < max(ended) OVER (PARTITION BY {per} ORDER BY began, ended, _record_id "
        f"ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS early FROM ({spans}) WHERE {judges}"
    )
    return _Question(
        counting=f"SELECT count(*), count(*) FILTER (WHERE early) FROM ({judged})",
        samples=f"SELECT _record_id, shown FROM ({judged}) WHERE early",
        bases=frozenset({begin.base, ends}),
        column=f"{asked.begin} per {', '.join(asked.per)}",
    )


def _end(table: _Table, begin: Operand, asked: Overlaps) -> tuple[str, str, str]:
    """SQL of when a row is true no longer, in the unit of its begin; SQL of which rows are judged; and the column that
    says when."""
    if asked.length_in_days is not None:
        length = table.operand(asked.length_in_days)
        if length.kind is not Kind.NUMBER:
            raise NotApplicable(f"{asked.length_in_days} is {length.kind}: it is no length")
        # Of a point in time: the days on which it began and ended may both be broken ones.
        certain = f"floor({length.plain()})" + (" - 1" if begin.kind is Kind.INSTANT else "")
        # A row of which the length is not known, or short, is over at once as far as anybody can tell.
        days = f"CAST(least(greatest(coalesce({certain}, 0), 0), {_LONGEST}) AS BIGINT) * {_DAY[begin.kind]}"
        return f"CAST({begin.unit()} AS HUGEINT) + {days}", "true", length.base
    assert asked.end is not None
    end = table.operand(asked.end)
    if end.kind is not begin.kind:
        raise NotApplicable(f"{asked.begin} is {begin.kind} and {asked.end} is {end.kind}")
    last = f"CAST({end.unit()} AS HUGEINT) + {_DAY[end.kind]}" if asked.end_included else end.unit()
    return f"coalesce({last}, {2**62})", "ended > began", end.base
