"""What a comparison of totals says and writes down, against a scripted CRM: hand-worked numbers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from connectors.core.contract import CursorKind, Listed, Listing, Stream, Totals, Untold
from connectors.core.errors import Problem
from pipelines import flow, fold
from pipelines.landing.runs import last_reconciled
from pipelines.outcome import SyncReport
from pipelines.reconcile.files import _wrong_totals
from pipelines.settings import Settings
from pipelines.tally import Measure
from tests.pipeline.conftest import Bench
from tests.pipeline.scripted import Scripted, deal

RULE = """
grain: one row per deal
owner: sales operations
rules:
  - name: adds_up
    scope: cross
    severity: warn
    totals: {rows: true}
    reason: What the CRM counts and we do not hold is lost.
"""
OLD, READ = datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 3, 1, 2, tzinfo=UTC)


class Counting(Scripted):
    """Counts and lists `kept` (id → stamp). ranges: whether it does so by ranges too. swept: it can sweep."""

    listed_at_once = 2_000

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[str, datetime] = {}
        self.ranges, self.swept = True, False
        self.rows: int | None = None

    def can_total(self, stream: Stream) -> Untold | None:
        return None

    def can_sweep(self, stream: Stream) -> bool:
        return self.swept

    def totals(
        self, stream: Stream, sums: Sequence[str] = (), after: str = "", until: str = ""
    ) -> Totals | Untold:
        if (after or until) and not self.ranges:
            return Untold("it counts no ranges")
        within = [id for id in self.kept if id > after and (not until or id <= until)]
        return Totals(len(within) if self.rows is None else self.rows)

    def listed(self, stream: Stream, fields: Sequence[str], after: str = "", until: str = "") -> Listing:
        if not self.ranges:
            raise Problem("it lists no ranges", do="nothing")
        within = sorted(id for id in self.kept if id > after and (not until or id <= until))
        return Listing([Listed(id, self.kept[id], {}) for id in within], ended=True)


@pytest.fixture
def counting(bench: Bench) -> Counting:
    """The CRM of the bench, which holds what was read of it."""
    bench.rules.write_text(RULE)
    bench.source = source = Counting()
    source.pages, source.kept = [[deal("9")]], {"9": READ}
    return source


def rows(report: SyncReport) -> Measure:
    (measure,) = report.outcomes[0].reconciled
    return measure


def missing(count: int) -> dict[str, datetime]:
    """Old records that no read brought."""
    return {f"{number:05d}": OLD for number in range(count)}


def test_what_nothing_explains_is_counted_before_it_is_cut(bench: Bench, counting: Counting) -> None:
    counting.kept |= missing(400)
    report = bench.sync()
    (result,) = report.outcomes[0].checks
    assert (result["failing"], result["passed"]) == (400, False)
    assert bench.query("SELECT differing, unexplained FROM ops.reconciliation") == [(400, 400)]
    assert bench.query("SELECT count(*) FROM ops.reconciliation_items") == [(100,)]


def test_a_difference_that_stays_is_written_down_once(bench: Bench, counting: Counting) -> None:
    counting.kept |= missing(3)
    first = bench.sync()
    again, third = bench.sync(), bench.sync()
    assert rows(third).items == rows(again).items == rows(first).items, "people are told every time"
    (path,) = (bench.settings.landing / "_runs").glob("*.jsonl")
    written = [json.loads(line)["streams"][0]["reconciled"][0] for line in path.read_text().splitlines()]
    assert [len(one["items"]) for one in written] == [3, 0, 0]
    assert [one.get("items_of", "") for one in written] == ["", first.run_id, first.run_id]
    known = last_reconciled(bench.settings.landing, "scripted", "default", "deals")
    assert known and known[0].run_id == third.run_id and known[1][0].items == rows(first).items
    counting.kept |= {"00009": OLD}
    counting.pages = [[deal("8", "2026-03-02T10:00:00+08:00")]]
    counting.kept |= {"8": datetime(2026, 3, 2, 2, tzinfo=UTC)}
    other = bench.sync()
    assert len(json.loads(path.read_text().splitlines()[-1])["streams"][0]["reconciled"][0]["items"]) == 4
    query = "SELECT run_id, differing, unexplained, items_of FROM ops.reconciliation ORDER BY run_id"
    shown = bench.query(query)
    assert shown == [
        (first.run_id, 3, 3, first.run_id), (again.run_id, 3, 3, first.run_id),
        (third.run_id, 3, 3, first.run_id), (other.run_id, 4, 4, other.run_id),
    ]  # fmt: skip
    fold.rebuild(bench.settings)
    assert bench.query(query) == shown


def test_a_kill_while_the_diary_is_noted_loses_none_of_it(
    bench: Bench, counting: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kill(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(fold, "note_reconciled", kill)
        bench.sync()
    counting.pages = [[deal("8", "2026-03-02T10:00:00+08:00")]]
    counting.kept |= {"8": READ}
    bench.sync()
    assert bench.query("SELECT ours FROM ops.reconciliation ORDER BY run_id") == [(1,), (2,)]


@pytest.mark.parametrize(
    "number", ["9" * 40, "1E+900000", "-1E+29", "0.1234567890123456789012345678901234567"]
)
def test_a_number_that_no_column_holds_keeps_nothing_out(
    bench: Bench, counting: Counting, number: str
) -> None:
    counting.rows = int(number) if number.isdigit() else None
    bench.sync()
    with fold.prepared_warehouse(bench.settings) as con:
        names = {"run_id": "r", "source": "s", "org": "o", "stream": "t"}
        said = Measure(rule="x", measure="Amount", verdict="differs", ours=Decimal(1), theirs=Decimal(number))  # type: ignore[arg-type]
        fold.note_reconciled(con, [(names, said)])
    (found,) = bench.query("SELECT ours, theirs, difference FROM ops.reconciliation WHERE run_id = 'r'")
    small = abs(Decimal(number)) < 1
    assert found == (1, *((Decimal("0.123456789"), Decimal("-0.876543211")) if small else (None, None)))


def test_where_only_a_count_is_to_be_had_a_few_newer_records_are_no_alarm(
    bench: Bench, counting: Counting
) -> None:
    counting.ranges, counting.rows = False, 2
    few = rows(bench.sync())
    assert (few.verdict, few.ours, few.theirs) == ("not_asked", 1, 2)
    assert "it lists no ranges" in few.why and "20 records" in few.why
    counting.rows = 21
    assert rows(bench.sync()).verdict == "not_asked"
    counting.rows = 22
    assert rows(bench.sync()).verdict == "differs", "more than can have come since it was read"


def without(bench: Bench, **days: int) -> None:
    bench.settings = Settings(home=bench.settings.home, _env_file=None, **days)  # type: ignore[call-arg]


def test_what_only_a_sweep_mends_is_explained_only_where_one_is_due(bench: Bench, counting: Counting) -> None:
    counting.swept = True
    counting.pages, counting.kept = [[deal("8"), deal("9")]], {"9": READ}
    counting.gone = lambda stream, ids, since: dict.fromkeys(ids)  # type: ignore[method-assign]
    bench.source.deleted = [{"id": "1", "deleted_time": "2026-03-03T10:00:00+08:00"}]
    found = rows(bench.sync())
    assert (found.verdict, [i.because for i in found.items]) == ("explained", ["deleted_without_stamp"])
    without(bench, sweep_days=0)
    found = rows(bench.sync())
    assert (found.verdict, [i.because for i in found.items]) == ("differs", ["never_swept"])


def test_what_a_sweep_was_to_mend_and_did_not_is_an_alarm(bench: Bench, counting: Counting) -> None:
    counting.swept, counting.sweeps = True, [["8", "9"]]  # it lists the record that it counts no more
    counting.kinds = lambda stream: (CursorKind.INCREMENTAL, CursorKind.DELETED)  # type: ignore[method-assign]
    counting.pages, counting.kept = [[deal("8"), deal("9")]], {"9": READ}
    counting.gone = lambda stream, ids, since: dict.fromkeys(ids)  # type: ignore[method-assign]
    counting.deleted = [{"id": "1", "deleted_time": "2026-03-03T10:00:00+08:00"}]
    assert [i.because for i in rows(bench.sync()).items] == ["deleted_without_stamp"]
    assert [i.because for i in rows(bench.sync()).items] == ["deleted_without_stamp"], "no sweep came since"
    with flow.lock(bench.settings, "test"):
        swept = flow.sync(bench.settings, [(bench.spec, "default")], sweep=True)
    assert [i.because for i in rows(swept).items] == ["not_mended"]
    assert [i.because for i in rows(bench.sync()).items] == ["not_mended"], "until it is mended"


def test_what_only_a_full_read_renews_is_explained_only_where_one_is_due(
    bench: Bench, counting: Counting
) -> None:
    bench.rules.write_text(RULE.replace("rows: true", "rows: true, sums: [Amount]"))
    counting.pages = [[deal("9", Amount=5)]]

    def totals(*_: object) -> Totals:
        return Totals(1, {"Amount": Decimal(7)})

    def listed(*_: object) -> Listing:
        return Listing([Listed("9", READ, {"Amount": Decimal(7)})], ended=True)

    counting.totals, counting.listed = totals, listed  # type: ignore[method-assign, assignment]

    def because(**options: bool) -> list[str]:
        with flow.lock(bench.settings, "test"):
            report = flow.sync(bench.settings, [(bench.spec, "default")], **options)
        return [str(item.because) for m in report.outcomes[0].reconciled for item in m.items]

    assert because() == because() == ["changed_without_stamp"]
    without(bench, refresh_days=0)
    assert because() == ["never_refreshed"]
    without(bench)
    assert because() == ["changed_without_stamp"]
    assert because(full=True) == ["not_mended"], "the full read brought 5 again"


def test_rows_of_totals_cost_one_walk() -> None:
    cells = {at: Decimal(1) for at in range(1, 20_001) if at % 10}
    said = {at: Decimal(9) for at in range(10, 20_001, 10)} | {20_000: Decimal(5)}
    started = datetime.now(UTC)
    (wrong,) = _wrong_totals(cells, said, "Amount", "f.csv")
    assert datetime.now(UTC) - started < timedelta(seconds=1), "2,000 walks over 20,000 cells take ten"
    assert (wrong.record, wrong.ours, wrong.theirs) == ("f.csv row 20000", Decimal(18_000), Decimal(5))
