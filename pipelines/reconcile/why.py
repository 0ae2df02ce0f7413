"""Why a record is not the same here and in the CRM: what the landing zone, the history and the CRM's own list of
deletes say about it. What nothing explains is a loss until somebody shows that it is none."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import takewhile

import duckdb
import msgspec

from connectors.core.contract import CursorKind, Source, Stream
from connectors.core.errors import Problem
from pipelines.landing.zone import Package, StreamZone
from pipelines.reconcile.held import Holding, Odd
from pipelines.reconcile.waiting import pending_deletes
from pipelines.tally import BY_FULL_READ, BY_SWEEP, Because, Item, Measure, What
from pipelines.warehouse.schema import history_table, raw_table

_LOOKED_UP = 500  # records of which the reason is looked up; the others stand without one that excuses them
_FEW = 20
_DAY = timedelta(days=1)
_BY_NEXT_SYNC = frozenset({Because.CHANGED_SINCE, Because.DELETED_SINCE})


@dataclass(frozen=True, slots=True)
class _Known:
    """What the tables know of a record. current: it has a row, buried or living; said: when the CRM was last heard to
    call it deleted; newest: of its versions; loaded: the values with which its current row came."""

    current: bool = False
    buried: bool = False
    read_at: datetime | None = None
    said: datetime | None = None
    newest: datetime | None = None
    in_history: bool = False
    loaded: tuple[Decimal | None, ...] | None = None


@dataclass(slots=True)
class Reasons:
    """Tells of each odd record what it is and why. exact: field → SQL. before: what the last reconciliation found;
    before_at: when its run had ended. sweeps, refreshes: whether such a read is ever due of itself."""

    con: duckdb.DuckDBPyConnection
    source: Source
    stream: Stream
    zone: StreamZone
    org: str
    exact: Mapping[str, str]
    holding: Holding
    before: Sequence[Measure]
    overlap: timedelta
    table: bool
    before_at: datetime | None = None
    sweeps: bool = True
    refreshes: bool = True
    trouble: str = ""  # why the CRM could not be asked about what it lacks
    _known: dict[str, _Known] = field(default_factory=dict)
    _waits: dict[str, str] = field(default_factory=dict)
    _cursor: datetime | None = None
    _tail: Collection[str] = ()

    def of(self, odd: Sequence[Odd]) -> dict[Odd, tuple[What, Because]]:
        """What each of them is, and why."""
        looked_up = odd[:_LOOKED_UP]
        ids = list(dict.fromkeys(one.id for one in looked_up))
        self._known = self._look_up(ids)
        self._waits = dict(
            self.con.execute("SELECT id, because FROM waits WHERE list_contains(?, id)", [ids]).fetchall()
        )
        newest = self.zone.newest(CursorKind.INCREMENTAL)
        self._cursor = newest.cursor_after if newest and not self.stream.whole else None
        self._tail = newest.tail if newest else ()
        lacking = [one.id for one in looked_up if one.theirs is None]
        twice = self.holding.holds(lacking) if lacking else set()
        gone = self._gone([id for id in lacking if id not in twice])
        behind = pending_deletes(self.zone) if lacking else set()
        found: dict[Odd, tuple[What, Because]] = {}
        for one in odd:
            if one.theirs is None:
                what, why = What.MISSING_THERE, self._missing_there(one, one.id in twice, gone, behind)
            elif one.ours is None:
                what, why = What.MISSING_HERE, self._missing_here(one)
            else:
                what, why = What.DIFFERS, self._differs(one)
            found[one] = (what, why)
        if sum(why is Because.GONE_WITHOUT_TRACE for _, why in found.values()) > self._few():
            shown = (
                What.MISSING_THERE,
                Because.SHOWN_NEITHER,
            )  # rather a right that was lost than a clean-up
            found = {o: shown if f[1] is Because.GONE_WITHOUT_TRACE else f for o, f in found.items()}
        return found

    def _few(self) -> int:
        """Records that may go without a trace between two sweeps without anybody being told."""
        return max(_FEW, self.holding.ours().rows // 100)

    def kept_their_word(self, items: Sequence[Item]) -> list[Item]:
        """The same items; where the last reconciliation said that a read would mend one, and such a read came since
        and did not, that; and where no such read ever comes, that."""
        if not items:
            return []
        promised = {_same(item): item.because for measure in self.before for item in measure.items}
        mended = {
            **dict.fromkeys(BY_SWEEP, self._swept_since()),
            **dict.fromkeys(BY_FULL_READ, self._refreshed_since()),
        }
        return [self._kept(item, promised.get(_same(item)), mended) for item in items]

    def _kept(self, item: Item, before: Because | None, mended: Mapping[Because, bool]) -> Item:
        because = item.because
        if because in _BY_NEXT_SYNC:
            return (
                _otherwise(item, Because.NOT_BROUGHT)
                if before in _BY_NEXT_SYNC | {Because.NOT_BROUGHT}
                else item
            )
        if because not in mended:
            return item
        if before is Because.NOT_MENDED or (before is because and mended[because]):
            return _otherwise(item, Because.NOT_MENDED)
        if because in BY_SWEEP and not self._sweeps():
            return _otherwise(item, Because.NEVER_SWEPT)
        if because in BY_FULL_READ and not self.refreshes:
            return _otherwise(item, Because.NEVER_REFRESHED)
        return item

    def _sweeps(self) -> bool:
        """Whether a sweep ever comes of itself."""
        if CursorKind.SWEEP in self.source.kinds(self.stream):
            return True
        return self.sweeps and self.source.can_sweep(self.stream)

    def _swept_since(self) -> bool:
        whole = self._whole_since(CursorKind.SWEEP)
        return any(self.zone.readable_chain(package.landed.read) for package in whole)

    def _refreshed_since(self) -> bool:
        return any(package.landed.full for package in self._whole_since(CursorKind.INCREMENTAL))

    def _whole_since(self, kind: CursorKind) -> Iterator[Package]:
        """The last packages of loaded reads that began, with their first part, after the last reconciliation."""
        if (since := self.before_at) is None:
            return
        for package in takewhile(lambda p: p.landed.started_at > since, reversed(self.zone.packages(kind))):
            first = Package(self.zone.folder / (package.landed.read or package.id))
            began = first.landed.started_at if first.is_landed() else package.landed.started_at
            if package.landed.last and package.is_loaded() and began > since:
                yield package

    def _missing_here(self, one: Odd) -> Because:
        assert one.theirs is not None
        known, stamp = self._known.get(one.id, _Known()), one.theirs[0]
        if waits := self._waits.get(one.id):
            return Because(waits)
        if known.current:  # buried, or it would not be missing
            if known.said is None:
                return Because.LOST_HERE
            if self._comes(stamp) and (known.newest is None or stamp is None or stamp > known.newest):
                return Because.CHANGED_SINCE
            swept = self.source.can_sweep(self.stream)
            return Because.RESTORED_WITHOUT_STAMP if swept else Because.NEVER_RECEIVED
        if known.in_history or f"{one.id}#0" in self._tail:
            return Because.LOST_HERE
        return Because.CHANGED_SINCE if self._comes(stamp) else Because.NEVER_RECEIVED

    def _missing_there(
        self, one: Odd, twice: bool, gone: Mapping[str, datetime | None], behind: Collection[str]
    ) -> Because:
        known = self._known.get(one.id, _Known())
        if twice:
            return Because.DOUBLED
        if one.id in behind:
            return Because.WAITING
        if known.said and known.read_at and known.said > known.read_at:
            return Because.BURIED_ONLY_IN_NAME
        if one.id in gone:
            return self._when_deleted(gone[one.id])
        if not known.in_history:
            return Because.SHOWN_NEITHER  # no package brought it
        if CursorKind.DELETED not in self.source.kinds(self.stream) and self.source.can_sweep(self.stream):
            return Because.NO_DELETED_LIST
        told = self.trouble or self.source.tells_all_deletes
        return Because.SHOWN_NEITHER if told else Because.GONE_WITHOUT_TRACE

    def _differs(self, one: Odd) -> Because:
        assert one.theirs is not None and one.ours is not None
        if waits := self._waits.get(one.id):
            return Because(waits)
        known, ours, theirs = self._known.get(one.id, _Known()), one.ours, one.theirs
        if known.loaded is not None and known.loaded != ours[1]:
            return Because.ALTERED_HERE
        newer = theirs[0] is not None and (ours[0] is None or theirs[0] > ours[0])
        if newer and known.newest is not None and theirs[0] is not None and known.newest >= theirs[0]:
            return Because.LOST_HERE  # this version is in the history
        if newer or self._cursor is None:
            return Because.CHANGED_SINCE if self._comes(theirs[0]) else Because.STALE_HERE
        return Because.CHANGED_WITHOUT_STAMP

    def _comes(self, stamp: datetime | None) -> bool:
        """Whether the next read brings a version of this stamp."""
        if self._cursor is None:
            return True  # it reads everything
        return stamp is not None and stamp >= self._cursor - self.overlap

    def _when_deleted(self, stamp: datetime | None) -> Because:
        newest = self.zone.newest(CursorKind.DELETED)
        starts = [moment for moment in (newest and newest.cursor_after, self.zone.swept()) if moment]
        comes = not starts or (stamp is not None and stamp >= max(starts) - self.overlap)
        return Because.DELETED_SINCE if comes else Because.DELETED_WITHOUT_STAMP

    def _gone(self, ids: Sequence[str]) -> Mapping[str, datetime | None]:
        if not ids or CursorKind.DELETED not in self.source.kinds(self.stream):
            return {}
        newest = self.zone.newest(CursorKind.DELETED) or self.zone.newest(CursorKind.INCREMENTAL)
        since = (newest.cursor_after or newest.started_at if newest else datetime.now(UTC)) - _DAY
        try:
            return self.source.gone(self.stream, frozenset(ids), since)
        except Problem as problem:
            self.trouble = f"its list of deleted records could not be asked: {problem.what}"
            return {}

    def _look_up(self, ids: Sequence[str]) -> dict[str, _Known]:
        if not ids or not self.table:
            return {}
        named = {"org": self.org, "ids": list(ids)}
        values = "".join(f", {sql}" for sql in self.exact.values())
        current, history = (of(self.stream.source, self.stream.name) for of in (raw_table, history_table))
        rows = self.con.execute(
            "SELECT c._record_id, bool_or(c._deleted_at IS NOT NULL), max(c._read_at), any_value(c._package_id), "
            f"any_value(c._position) FROM {current} c WHERE c._org = $org AND list_contains($ids, c._record_id) "
            "GROUP BY 1",
            named,
        ).fetchall()
        versions = self.con.execute(
            f"SELECT _record_id, _modified_at, _package_id, _position{values} FROM {history} "
            "WHERE _org = $org AND list_contains($ids, _record_id)",
            named,
        ).fetchall()
        said = dict(
            self.con.execute(
                "SELECT record_id, max(read_at) FROM ops.deletions WHERE source = $source AND org = $org "
                "AND stream = $stream AND list_contains($ids, record_id) GROUP BY 1",
                {**named, "source": self.stream.source, "stream": self.stream.name},
            ).fetchall()
        )
        newest: dict[str, datetime | None] = {}
        loaded: dict[tuple[str, str, int], tuple[Decimal | None, ...]] = {}
        for id, stamp, package, position, *own in versions:
            held = newest.get(id)
            newest[id] = max(held, stamp) if held and stamp else held or stamp
            loaded[id, package, position] = tuple(own)
        found = {id: _Known(said=said.get(id), newest=newest[id], in_history=True) for id in newest}
        for id, buried, read_at, package, position in rows:
            found[id] = _Known(
                True,
                buried,
                read_at,
                said.get(id),
                newest.get(id),
                id in newest,
                loaded.get((id, package, position)),
            )
        return found


def _same(item: Item) -> tuple[object, ...]:
    """What makes a difference the one that was told before."""
    return item.record, item.what, item.field, item.theirs, item.stamp


def _otherwise(item: Item, because: Because) -> Item:
    return msgspec.structs.replace(item, because=because)
