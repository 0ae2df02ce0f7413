"""Where a CRM's totals and ours differ: by halving ranges of ids until a range can be listed.

One call counts the lower half of a range, the upper half is the rest. A range is listed where that is no dearer than
halving on, or where one more halving would leave too few calls to list what is left.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from connectors.core.contract import Listed, Source, Stream, Totals, Untold
from connectors.core.errors import Problem
from pipelines.reconcile.held import Held, Holding

_SPARE = 3  # calls: to halve once more, for the half page that halving may add, and to ask for all of it in the end
_DIGITS = 15  # that a double holds, and with it a sum that comes as a JSON number


def slack_of(theirs: Decimal) -> Decimal:
    """How far a sum may be off because it came as a double: half a unit of its fifteenth digit."""
    return Decimal(5).scaleb(theirs.adjusted() - _DIGITS) if theirs else Decimal(0)


@dataclass(frozen=True, slots=True)
class Counted:
    """Their totals of a range. sums: in the order of the fields, None of one that is not told; slack: how far each may
    be off. asked: it is their own word; else what is left of a larger range."""

    rows: int
    sums: tuple[Decimal | None, ...]
    slack: tuple[Decimal, ...]
    asked: bool = True

    def less(self, part: Counted) -> Counted:
        """The rest of the range behind a part of it."""
        sums = tuple(
            None if a is None or b is None else a - b for a, b in zip(self.sums, part.sums, strict=True)
        )
        slack = tuple(a + b for a, b in zip(self.slack, part.slack, strict=True))
        return Counted(self.rows - part.rows, sums, slack, asked=False)

    def apart(self, held: Held, skipped: frozenset[int] = frozenset()) -> list[int]:
        """Which totals differ: 0 for the rows, 1.. for the sums; those to skip are not looked at."""
        found = [0] if self.rows != held.rows and 0 not in skipped else []
        for place, (theirs, slack, ours) in enumerate(zip(self.sums, self.slack, held.sums, strict=True), 1):
            if theirs is not None and abs(theirs - ours) > slack and place not in skipped:
                found.append(place)
        return found


def counted(totals: Totals, fields: Sequence[str]) -> Counted:
    """A CRM's answer."""
    sums = tuple(totals.sums.get(name) for name in fields)
    return Counted(totals.rows, sums, tuple(slack_of(s) if s is not None else Decimal(0) for s in sums))


@dataclass(frozen=True, slots=True)
class _Span:
    """A range of places in which totals differ. after, until: its ends as ids, "" without end."""

    low: int
    high: int
    after: str
    until: str
    theirs: Counted


@dataclass(slots=True)
class Search:
    """One search, or several one after the other. left: calls that may still be made.

    unsearched: records in ranges that differ and could not be looked at; stopped: why. unlike: totals (0 rows, 1.. for
    sums) that a CRM gives otherwise than its own list of the same range adds up to, and the sentence.
    """

    source: Source
    stream: Stream
    fields: Sequence[str]
    holding: Holding
    left: Callable[[], int]
    skipped: frozenset[int] = frozenset()  # totals that are not compared
    unsearched: int = 0
    stopped: str = ""
    unlike: dict[int, str] = field(default_factory=dict)
    ran: bool = False
    answered: int = 0  # ranges that the CRM counted or listed
    _open: list[_Span] = field(default_factory=list)

    @property
    def blind(self) -> bool:
        """The CRM gave one count of everything and not a range of it: nobody can tell which records differ."""
        return bool(self.stopped) and not self.answered

    def run(self, theirs: Counted) -> None:
        """Make the holding what the CRM has, wherever it differs. theirs: of all records."""
        high = self.holding.order()
        self._open = [_Span(0, high, "", "", theirs)]
        self.unsearched, self.stopped, self.ran = 0, "", True
        try:
            while self._open:
                if self.left() < 1:
                    self.stopped = "the calls for one search are used up"
                    break
                # Downwards first: a leaf shows early what the CRM's totals are worth.
                self._step(self._open[-1])
        except Problem as problem:
            self.stopped = problem.what
        self.unsearched += sum(self._size(span) for span in self._open)

    def _step(self, span: _Span) -> None:
        rest = self._open[:-1]
        cost, others = self._cost(span), sum(map(self._cost, rest))
        spare = self.left() - cost - others
        last_chance = 0 <= spare < _SPARE
        if span.high - span.low < 2 or cost <= self._worth(span) or last_chance:
            self._list(span)
        else:
            self._halve(span)

    def _halve(self, span: _Span) -> None:
        middle = (span.low + span.high) // 2
        border = self.holding.id_at(middle)
        totals = self.source.totals(self.stream, self.fields, span.after, border)
        if isinstance(totals, Untold):
            raise Problem(totals.why, do="run the sync again later", transient=True)
        self.answered += 1
        below = counted(totals, self.fields)
        halves = [
            _Span(span.low, middle, span.after, border, below),
            _Span(middle, span.high, border, span.until, span.theirs.less(below)),
        ]
        self._open.remove(span)
        self._open += [half for half in halves if self._differs(half)]

    def _list(self, span: _Span) -> None:
        """Take over what the CRM lists of a range; of one that cannot be listed to its end, the part before."""
        listed: list[Listed] = []
        after, ended = span.after, False
        while not ended and self.left() >= 1:
            try:
                page = self.source.listed(self.stream, self.fields, after, span.until)
            except Problem as problem:
                self._take(span, listed, ended=False)
                self._open.remove(span)
                self.unsearched += self._size(span) - min(len(listed), self._size(span))
                raise problem
            self.answered += 1
            listed += page.records
            # A short page may have others behind it, unless no more were counted.
            short = len(page.records) < self.source.listed_at_once and len(listed) >= span.theirs.rows
            ended = page.ended or short
            after = listed[-1].id if listed else after
        self._open.remove(span)
        changed = self._take(span, listed, ended=ended)
        if not ended:
            self.unsearched += max(0, self._size(span) - len(listed))
            self.stopped = "the calls for one search are used up"
        elif not changed:
            self._check_against_its_list(span, listed)

    def _take(self, span: _Span, listed: Sequence[Listed], *, ended: bool) -> bool:
        if not ended and not listed:
            return False
        high = span.high if ended else self.holding.place_of(listed[-1].id)
        return self.holding.replace(span.low, high, listed)

    def _check_against_its_list(self, span: _Span, listed: Sequence[Listed]) -> None:
        """The totals of this range differ from ours and its list does not: either somebody was quicker than we, or the
        CRM's totals are not those of its records, and then the search for their difference has no end."""
        own = Held(len(listed), tuple(_sum(listed, name) for name in self.fields))
        apart = span.theirs.apart(own, self._passed_over())
        if not apart or self.left() < 1 + sum(map(self._cost, self._open)):
            return
        totals = self.source.totals(self.stream, self.fields, span.after, span.until)
        if isinstance(totals, Untold):
            return
        again = counted(totals, self.fields)
        for place in again.apart(own, self._passed_over()):
            name = self.fields[place - 1] if place else "records"
            says = again.sums[place - 1] if place else again.rows
            lists = own.sums[place - 1] if place else own.rows
            self.unlike[place] = (
                f"its total of {name} in a range of ids is {says:,} and its list of them adds up to {lists:,}"
            )
        self._open = [one for one in self._open if self._differs(one)]

    def _differs(self, span: _Span) -> bool:
        return bool(span.theirs.apart(self.holding.between(span.low, span.high), self._passed_over()))

    def _passed_over(self) -> frozenset[int]:
        return self.skipped | self.unlike.keys()

    def _size(self, span: _Span) -> int:
        return max(span.high - span.low, span.theirs.rows)

    def _cost(self, span: _Span) -> int:
        """Calls that listing takes."""
        return max(1, math.ceil(self._size(span) / self.source.listed_at_once))

    def _worth(self, span: _Span) -> int:
        """Calls that halving is likely to take: as many ways down as there are differences at least."""
        differing = max(1, abs(span.theirs.rows - (span.high - span.low)))
        return differing * (1 + math.ceil(math.log2(self._cost(span))))


def _sum(listed: Sequence[Listed], name: str) -> Decimal:
    return sum((value for one in listed if (value := one.values.get(name)) is not None), Decimal(0))
