"""Our count and money totals of a stream against the CRM's own, and where they differ, record by record.

One call where all agrees. Where not, the difference is searched by ranges of ids within a budget of calls, the ranges
are listed, and each record that is not the same is told with its reason. A CRM moves while it is counted: what it
changed after it was read is explained, never an alarm; what should have come and did not is an alarm, also where the
last run promised it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

import duckdb
import msgspec

from connectors.core.contract import CursorKind, Source, Stream, Totals, Untold, Usage
from connectors.core.errors import Problem
from connectors.core.limits import spending
from pipelines.landing.runs import last_reconciled
from pipelines.landing.zone import StreamZone
from pipelines.quality.model import Rule
from pipelines.quality.model import Totals as RuleTotals
from pipelines.quality.verdict import RuleResult, Sample
from pipelines.reconcile.files import measures_of_files
from pipelines.reconcile.held import Holding, Odd, money_columns
from pipelines.reconcile.search import Counted, Search, counted
from pipelines.reconcile.waiting import lay_out
from pipelines.reconcile.why import Reasons
from pipelines.tally import Because, Item, Measure, Verdict, What, itemised
from pipelines.warehouse.schema import raw_table

BUDGET = 60  # calls of one stream
_ROUNDS = 3  # of search: what the CRM changes meanwhile is looked for again
_OVERLAP = timedelta(minutes=5)
_FEW = 20  # records that change between a read and a count of them
_WORST_FIRST = (Verdict.DIFFERS, Verdict.EXPLAINED, Verdict.AGREES, Verdict.NOT_ASKED)


@dataclass(frozen=True, slots=True)
class Reconciled:
    """One stream. usage: what it cost."""

    measures: list[Measure]
    usage: Usage = field(default_factory=Usage)

    @property
    def verdict(self) -> Verdict:
        """The worst of all measures."""
        return min((m.verdict for m in self.measures), key=_WORST_FIRST.index, default=Verdict.NOT_ASKED)

    @property
    def observed(self) -> str:
        """A sentence of all measures."""
        return "; ".join(map(_sentence, self.measures))

    def result(self, rule: Rule, owner: str = "") -> RuleResult:
        """As the result of the rule that asked for it. owner: of the rules, where the rule names none."""
        wrong = max((m.counts[1] for m in self.measures), default=0)  # of the items kept not all may be here
        samples = {item.record: item for m in self.measures for item in m.items if not item.explained}
        asked = next((m.theirs for m in self.measures if m.measure == ROWS and m.theirs is not None), None)
        untold = self.verdict is Verdict.NOT_ASKED
        return RuleResult(
            rule=rule.name,
            scope=str(rule.scope),
            severity=str(rule.severity),
            expectation="totals",
            column=", ".join(rule.totals.sums) if rule.totals else "",
            passed=self.verdict is not Verdict.DIFFERS,
            checked=0 if untold else int(asked or 0),
            failing=0 if untold else max(wrong, len(samples)),
            samples=tuple(Sample(0, record, None) for record in list(samples)[:_SAMPLES]),
            reason=rule.reason,
            owner=rule.owner or owner,
            observed=None if untold else self.observed,
            not_applicable="; ".join(dict.fromkeys(m.why for m in self.measures)) or None if untold else None,
        )


ROWS = "rows"
_SAMPLES = 5
_MOST_SHOWN = 38  # digits that are written out


def reconcile(
    con: duckdb.DuckDBPyConnection,
    source: Source,
    stream: Stream,
    rule: Rule,
    zone: StreamZone,
    *,
    org: str,
    overlap: timedelta = _OVERLAP,
    budget: int = BUDGET,
    sweeps: bool = True,
    refreshes: bool = True,
) -> Reconciled:
    """Compare a stream that was just loaded with the CRM's own totals. con: the warehouse, which is only looked at
    (temp tables are made and removed). overlap: of incremental reads. sweeps, refreshes: whether sweeps and full reads
    come of themselves. Never raises for what the CRM says or does not say."""
    if tuple(source.kinds(stream)) == (CursorKind.FILE,):
        return Reconciled(measures_of_files(zone, rule))
    with spending() as usage:
        run = _Run(
            con, source, stream, rule, zone, org, overlap, lambda: budget - usage.calls, sweeps, refreshes
        )
        measures = run.measures()
    if measures:
        measures[0] = _with_calls(measures[0], usage.calls)
    return Reconciled(measures, usage)


class _Run:
    """One reconciliation. left: calls that may still be made."""

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        source: Source,
        stream: Stream,
        rule: Rule,
        zone: StreamZone,
        org: str,
        overlap: timedelta,
        left: Callable[[], int],
        sweeps: bool,
        refreshes: bool,
    ) -> None:
        self._sweeps, self._refreshes = sweeps, refreshes
        self._con, self._source, self._stream, self._rule = con, source, stream, rule
        self._zone, self._org, self._overlap, self._left = zone, org, overlap, left
        asked = rule.totals or RuleTotals()
        self._sums, self._rows = asked.sums, asked.rows
        self._table = _is_loaded(con, stream)

    def measures(self) -> list[Measure]:
        if why := self._source.can_total(self._stream) or self._half_read():
            return self._untold(why)
        exact, self._wrong = self._columns()
        lay_out(self._con, self._zone, self._stream, self._org, list(exact), table=self._table)
        table = raw_table(self._stream.source, self._stream.name) if self._table else None
        self._holding = Holding(self._con, table, self._org, exact, numeric=self._source.numbers_as_ids)
        try:
            return self._compared(exact)
        finally:
            self._holding.drop()

    def _compared(self, exact: Mapping[str, str]) -> list[Measure]:
        first = self._ask(exact)
        if isinstance(first, Untold):
            return self._untold(first)
        totals, fields = first, list(exact)
        skipped = frozenset() if self._rows else frozenset({0})
        theirs = counted(totals, fields)
        search = Search(self._source, self._stream, fields, self._holding, self._left, skipped)
        moved = False
        for _ in range(_ROUNDS):
            if not theirs.apart(self._holding.now(), skipped | search.unlike.keys()) or search.stopped:
                break
            before = self._holding.now()
            search.run(theirs)
            again = self._ask(exact) if self._left() > 0 and not search.stopped else None
            if not isinstance(again, Totals):
                break
            known, totals, theirs = theirs, again, counted(again, fields)
            moved |= theirs != known
            if theirs == known and self._holding.now() == before:
                break  # looked at everything, and nothing is otherwise
        return self._told(exact, totals, theirs, search, moved)

    def _told(
        self, exact: Mapping[str, str], totals: Totals, theirs: Counted, search: Search, moved: bool
    ) -> list[Measure]:
        odd = self._holding.odd() if search.ran or self._holding.waiting() else []
        kept = (
            last_reconciled(self._zone.root, self._stream.source, self._org, self._stream.name)
            if odd
            else None
        )
        reasons = Reasons(
            self._con, self._source, self._stream, self._zone, self._org, exact, self._holding,
            kept[1] if kept else [], self._overlap, self._table, kept[0].ended_at if kept else None,
            self._sweeps, self._refreshes,
        )  # fmt: skip
        causes = reasons.of(odd) if odd else {}
        ours, waiting = self._holding.ours(), self._holding.waiting()
        apart = theirs.apart(self._holding.now(), search.skipped)
        newer = self._may_be_newer() if search.blind else 0
        blind = search.blind and abs(theirs.rows - self._holding.now().rows) <= newer
        measures = []
        for place, name in enumerate([ROWS, *exact]):
            if place in search.skipped:
                continue
            items = reasons.kept_their_word(_items(odd, causes, place, name))
            said = Decimal(theirs.rows) if place == 0 else theirs.sums[place - 1]
            untold = "" if said is not None else totals.untold
            if blind and place in apart:
                untold = (
                    f"it counts {theirs.rows:,} and {self._holding.now().rows:,} were read; no range of ids could be "
                    f"asked ({search.stopped}), and up to {newer:,} records may have changed "
                    "since they were read"
                )
            unseen = place in apart and not blind
            notes = _notes(search, place, unseen, moved, reasons.trouble if items else "")
            measures.append(
                Measure(
                    rule=self._rule.name,
                    measure=name,
                    verdict=_verdict(items, untold, place in search.unlike, place in apart, moved, search),
                    ours=Decimal(ours.rows) if place == 0 else ours.sums[place - 1],
                    theirs=said,
                    set_aside=waiting,
                    why="; ".join(filter(None, [untold, *notes])),
                    **itemised(items),
                )
            )
        return measures + [self._not_asked(name, why) for name, why in self._wrong.items()]

    def _may_be_newer(self) -> int:
        """Records that the CRM may well have got or lost since the last read: some, or as many as that read brought
        since the one before it."""
        newest = self._zone.newest(CursorKind.INCREMENTAL)
        increment = newest is not None and newest.cursor_before is not None and not newest.full
        return max(_FEW, newest.received if newest and increment else 0)

    def _ask(self, exact: Mapping[str, str]) -> Totals | Untold:
        try:
            return self._source.totals(self._stream, list(exact))
        except Problem as problem:
            return Untold(problem.what)

    def _columns(self) -> tuple[dict[str, str], dict[str, str]]:
        if self._table:
            return money_columns(self._con, raw_table(self._stream.source, self._stream.name), self._sums)
        return dict.fromkeys(self._sums, "NULL"), {}

    def _half_read(self) -> Untold | None:
        """A stream of which the first part alone was read lacks the rest for a reason that everybody knows."""
        newest = self._zone.newest(CursorKind.INCREMENTAL)
        if newest is None or newest.last:
            return None
        return Untold("its last read was stopped before its end, and the next sync goes on from there")

    def _untold(self, why: Untold) -> list[Measure]:
        names = [*([ROWS] if self._rows else []), *self._sums]
        return [self._not_asked(name, why.why) for name in names]

    def _not_asked(self, name: str, why: str) -> Measure:
        return Measure(rule=self._rule.name, measure=name, verdict=Verdict.NOT_ASKED, why=why)


def _items(
    odd: Sequence[Odd], causes: Mapping[Odd, tuple[What, Because]], place: int, name: str
) -> list[Item]:
    """Of the rows: records that one of the two lacks. Of a sum: values that are not the same."""
    items = []
    for one in odd:
        what, because = causes[one]
        ours, theirs = (side[1][place - 1] if side and place else None for side in (one.ours, one.theirs))
        if (what is What.DIFFERS) if place == 0 else ((ours or 0) == (theirs or 0)):
            continue
        stamp = one.theirs[0] if one.theirs else None
        items.append(
            Item(
                record=one.id,
                what=what,
                because=because,
                field=name if place else "",
                ours=ours,
                theirs=theirs,
                stamp=stamp,
            )
        )
    return items


def _verdict(
    items: Sequence[Item], untold: str, unlike: bool, apart: bool, moved: bool, search: Search
) -> Verdict:
    if any(not item.explained for item in items):
        return Verdict.DIFFERS
    if unlike or untold:
        return Verdict.NOT_ASKED
    if apart:
        return Verdict.EXPLAINED if moved and not search.stopped else Verdict.DIFFERS
    return Verdict.EXPLAINED if items else Verdict.AGREES


def _notes(search: Search, place: int, apart: bool, moved: bool, trouble: str) -> list[str]:
    found = [search.unlike[place]] if place in search.unlike else []
    if apart and search.stopped:
        found.append(
            f"{search.unsearched:,} records of ranges that differ were not looked at: {search.stopped}"
        )
    elif apart and moved:
        found.append("it changes while it is counted")
    elif apart and place not in search.unlike:
        found.append("every range of ids was looked at and no record shows the difference")
    return [*found, trouble] if trouble else found


def _sentence(measure: Measure) -> str:
    """`5,204 of 5,206 records: 1 set aside, 1 changed since`."""
    unit = "records" if measure.measure == ROWS else measure.measure
    if measure.verdict is Verdict.NOT_ASKED:
        return f"{unit} not compared, because {measure.why}"
    ours, theirs = _shown(measure.ours), _shown(measure.theirs)
    text = f"{ours} of {theirs} {unit}" if ours != theirs else f"{ours} {unit}"
    counts: dict[str, int] = {}
    for item in measure.items:
        said = str(item.because).replace("_", " ")
        counts[said] = counts.get(said, 0) + 1
    if measure.more:
        counts["more"] = measure.more
    told = ", ".join(f"{count:,} {said}" for said, count in counts.items())
    return "; ".join(filter(None, [f"{text}: {told}" if told else text, measure.why]))


def _shown(value: Decimal | None) -> str:
    """With thousands apart, and no more digits than it has."""
    if value is None:
        return "an unknown number"
    if value.adjusted() > _MOST_SHOWN:
        return f"{value:.3E}"
    text = f"{value:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _with_calls(measure: Measure, calls: int) -> Measure:
    return msgspec.structs.replace(measure, calls=calls)


def _is_loaded(con: duckdb.DuckDBPyConnection, stream: Stream) -> bool:
    found = con.execute(
        "SELECT 1 FROM duckdb_tables() WHERE schema_name = ? AND table_name = ?",
        [f"raw_{stream.source}", stream.name],
    ).fetchone()
    return found is not None
