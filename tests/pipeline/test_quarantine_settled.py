"""What waits is what somebody must see: a record waits once, and a row goes only where another word speaks for it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from connectors.core.contract import CursorKind, Field
from connectors.core.errors import Problem
from pipelines import aside as aside_room
from pipelines import flow, fold, hygiene, replay
from pipelines.aside import Chosen, decide, faults, waiting
from pipelines.fold import prepared_warehouse
from pipelines.health import read_health
from pipelines.landing import decode as decode_room
from pipelines.landing.decisions import drop, release
from pipelines.landing.retention import OPEN, Held, fates
from pipelines.landing.types import typed
from pipelines.landing.zone import StreamZone
from pipelines.manifest import DROPPED_BEFORE, GONE, MENDED, REPLACED, REPLAYED
from pipelines.outcome import Status
from pipelines.upkeep.forget import Record, erase
from tests.pipeline.conftest import RULES, Bench
from tests.pipeline.scripted import STREAM, deal
from tests.pipeline.test_quarantine_place import (
    MILDER,
    NAMED,
    SECOND,
    THIRD,
    assert_rebuilt_alike_and_sound,
    decided,
    give,
)

FOURTH = "2026-03-04T10:00:00+08:00"
COUNTED = RULES.split("rules:\n")[1].replace("amount_is", "count_is").replace("Amount", "Count")


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch, bench: Bench) -> None:
    monkeypatch.setattr(fold, "stream_of", lambda landed: STREAM)
    monkeypatch.setattr(aside_room, "EXPECTATIONS", bench.rules.parents[1])


def left(bench: Bench) -> list[tuple[str, int]]:
    """Record and position of what waits, by all who say so."""
    rows = bench.query("SELECT record_id, position FROM ops.set_aside WHERE decision = '' ORDER BY ALL")
    assert sum(one.rows for one in waiting(bench.settings)) == len(rows)
    assert read_health(bench.settings.published).streams[0].quarantined == len(rows)
    return rows


def waits(bench: Bench) -> list[str]:
    return [str(one.package) for one in waiting(bench.settings)]


def test_a_record_that_is_edited_and_stays_broken_waits_once_as_it_is_now(bench: Bench) -> None:
    for day in range(1, 5):  # nothing else changes: the package of the day holds no accepted row
        give(bench, deal("2", f"2026-03-0{day}T10:00:00+08:00", Amount=-day))
    assert left(bench) == [("2", 1_000_001)]
    assert waits(bench) == [bench.zone.packages("incremental")[-1].id]
    assert decided(bench) == [("drop", REPLACED, [1_000_001])] * 3
    counts = "set_aside::INT, mended::INT, dropped::INT, lapsed::INT, still_open::INT"
    assert bench.query(f"SELECT {counts} FROM ops.quarantine_summary") == [(4, 0, 0, 3, 1)]
    assert_rebuilt_alike_and_sound(bench)


def test_a_row_that_comes_older_than_the_one_that_waits_does_not_take_its_place(bench: Bench) -> None:
    give(bench, deal("2", SECOND, Amount=-20))
    give(bench, deal("2", Amount=-1))
    assert waits(bench) == [bench.zone.packages("incremental")[0].id]


def test_a_read_of_everything_makes_nothing_wait_twice(bench: Bench) -> None:
    deals = [deal("1", Amount=1), deal("2", Amount=-2)]
    give(bench, *deals)
    for _ in range(2):
        bench.source.pages = [deals]
        with flow.lock(bench.settings, "test"):
            assert flow.sync(bench.settings, [(bench.spec, "default")], full=True).ok
    bench.source.pages = []
    give(bench)
    assert left(bench) == [("2", 1_000_002)]


def test_rows_without_a_key_are_told_apart_by_what_they_hold(bench: Bench) -> None:
    """Two that look alike are two; the same again in a later read is one of them, another one is not."""
    one, other = {"Modified_Time": SECOND, "Amount": -1}, {"Modified_Time": SECOND, "Amount": -9}
    give(bench, deal("1", Amount=1), one, one, other)
    assert len(left(bench)) == 3
    give(bench, deal("4", THIRD, Amount=4), one)
    assert left(bench) == [(None, 1_000_002), (None, 1_000_004)]
    assert decided(bench) == [("drop", REPLACED, [1_000_002, 1_000_003])]


def test_many_packages_that_wait_leave_one_note_of_the_look(bench: Bench) -> None:
    for key in ("2", "3", "4"):
        give(bench, deal(key, Amount=-2))
    notes = {p: p.stat().st_mtime_ns for p in bench.settings.landing.rglob("aside.json")}
    give(bench, deal("9", THIRD, Amount=9))
    after = {p: p.stat().st_mtime_ns for p in bench.settings.landing.rglob("aside.json")}
    assert [p.parent for p in after if notes.get(p) != after[p]] == [bench.zone.folder]


def test_a_row_that_somebody_dropped_stays_dropped_when_it_comes_again(bench: Bench) -> None:
    give(bench, deal("2", Amount=-2), deal("3", Amount=100.005))
    drop(bench.zone, bench.zone.packages()[0], [1_000_001, 1_000_002], by="Wang")
    give(bench, deal("8", SECOND, Amount=8), deal("2", Amount=-2), deal("3", Amount=100.005))
    assert left(bench) == []
    assert decided(bench)[1:] == [("drop", DROPPED_BEFORE, [1_000_002, 1_000_003])]
    assert set(bench.query("SELECT decision FROM ops.set_aside")) == {("dropped",)}
    give(bench, deal("2", SECOND, Amount=-2), deal("3", Amount=100.007))
    assert left(bench) == [("2", 1_000_001), ("3", 1_000_002)], "an edit, and another value that does not fit"
    assert_rebuilt_alike_and_sound(bench)


def test_what_settled_itself_is_no_persons_word(bench: Bench) -> None:
    """-2 was replaced by -5, and then comes back under the same stamp: it waits."""
    for amount in (-2, -5, -2):
        give(bench, deal("2", Amount=amount))
    assert waits(bench) == [bench.zone.packages("incremental")[-1].id]


def test_a_record_never_loaded_that_is_deleted_waits_no_more(bench: Bench) -> None:
    give(bench, deal("1", Amount=1), deal("2", Amount=-2), deal("3", Amount=-3))
    bench.source.deleted = [{"id": "2", "deleted_time": SECOND}]
    give(bench)
    assert left(bench) == [("3", 1_000_003)]
    bench.source.deleted = []
    give(bench, deal("2", SECOND, Amount=-2))  # it is back, and still broken
    assert left(bench) == [("2", 1_000_001), ("3", 1_000_003)]
    give(bench, deal("5", THIRD, Amount=5))
    assert left(bench) == [("2", 1_000_001), ("3", 1_000_003)], "it was read after it was deleted"
    assert_rebuilt_alike_and_sound(bench)


def test_a_record_never_loaded_that_a_sweep_lacks_waits_no_more_and_comes_back_with_one_that_lists_it(
    bench: Bench,
) -> None:
    give(bench, deal("1", Amount=1), deal("2", Amount=-2), deal("3", Amount=-3))
    bench.source.pages = []

    def sweep(*ids: str) -> list[str]:
        bench.source.sweeps = [list(ids)]
        with flow.lock(bench.settings, "test"):
            report = flow.sync(bench.settings, [(bench.spec, "default")], sweep=True)
            flow.reported(bench.settings, flow.RunReport(sync=report))
        return report.sentences()

    assert sweep("1", "3") == []
    assert decided(bench) == [("drop", GONE, [1_000_002])]
    assert left(bench) == [("3", 1_000_003)]
    asked: list[Any] = []
    read = bench.source.read
    bench.source.read = lambda stream, window: asked.append(window) or read(stream, window)  # type: ignore[method-assign]
    sweep("1", "2", "3")
    assert [w.keys for w in asked if w.kind is CursorKind.BACKFILL] == [("2",)], "it is held nowhere any more"


def test_an_edit_that_was_taken_back_under_the_same_stamp_waits_no_more(bench: Bench) -> None:
    for amount in (2, -2, 2):
        give(bench, deal("2", Amount=amount))
    assert left(bench) == [] and decided(bench) == [("drop", MENDED, [1_000_001])]
    assert bench.raw() == [("2", Decimal("2.00"))]


def other_order(field: Field, text: str, *, from_json: bool) -> str:
    """A reader for which what is stamped earlier is later."""
    as_read = typed(field, text, from_json=from_json)
    if field.name != "Modified_Time":
        return as_read
    return f"(TIMESTAMPTZ '2026-03-01 00:00:00+00' + (TIMESTAMPTZ '2026-03-09 00:00:00+00' - {as_read}))"


@pytest.mark.parametrize("amount", [20, -20])
def test_a_row_is_not_settled_by_a_version_that_never_came_in(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, amount: int
) -> None:
    """The third row was superseded by the second, which waits; today's reader has it the other way round."""
    give(bench, deal("1", Amount=1), deal("2", SECOND, Amount=-2), deal("2", Amount=amount))
    bench.source.pages = []
    monkeypatch.setattr(decode_room, "typed", other_order)
    monkeypatch.setattr(replay, "reader", lambda: "another")
    give(bench)
    if amount > 0:
        assert decided(bench) == [("release", REPLAYED, [1_000_002])]
        rows = bench.query('SELECT _record_id, "Amount"::INT, _position FROM raw_scripted.deals ORDER BY 1')
        assert rows == [("1", 1, 1_000_001), ("2", 20, 1_000_003)]
        assert left(bench) == []
        assert_rebuilt_alike_and_sound(bench)
    else:
        assert decided(bench) == [] and left(bench) == [("2", 1_000_002)], "nothing of it may enter"


def test_a_package_that_cannot_be_read_again_is_told_once_and_stops_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    give(bench, deal("1", Amount=1), deal("2", Amount=-2))
    give(bench, deal("3", SECOND, Amount=-3))
    bench.source.pages = []
    bench.rules.write_text(MILDER)
    first = bench.zone.packages()[0]
    real = replay.decode

    def decode(package: Any, *arguments: Any) -> Any:
        if package.id == first.id:
            raise Problem("the header was not found", do="export it again")
        return real(package, *arguments)

    monkeypatch.setattr(replay, "decode", decode)
    report = bench.sync()
    assert report.ok and report.outcomes[0].status is Status.LOADED
    [told] = report.warnings
    assert told.startswith("scripted/deals: the 1 rows that wait in package " + first.id)
    assert "the header was not found" in told and str(first.folder) in told and "export it again" in told
    assert [key for key, _ in bench.raw()] == ["1", "3"], "the later package was judged"
    again = bench.sync()
    assert again.warnings == [] and again.outcomes[0].status is Status.UNCHANGED


def test_rows_of_a_package_are_decided_at_once(bench: Bench) -> None:
    bench.rules.write_text(RULES + COUNTED)
    give(
        bench, deal("1", Amount=-1), deal("2", Amount=-2, Count=-2), deal("3", Count=-3), deal("4", Count=-4)
    )
    bench.source.pages = []
    package = bench.zone.packages()[0].id
    with pytest.raises(Problem, match=r"does not wait as a whole: 4 of its rows do.*--row N.*--rule.*--all"):
        decide(bench.settings, package, let=False, by="Wang")
    with pytest.raises(Problem, match="one of them"):
        decide(bench.settings, package, [1_000_001], rules=["count_is_not_negative"], let=False, by="Wang")
    with pytest.raises(Problem, match="because of nonsense"):
        decide(bench.settings, package, rules=["nonsense"], let=False, by="Wang")
    decide(bench.settings, package, rules=["amount_is_not_negative"], let=False, by="Wang")
    assert [one.rules for one in waiting(bench.settings)] == [{"count_is_not_negative": 2}]
    assert list(waiting(bench.settings, Chosen(rules=["amount_is_not_negative"]))) == []
    decide(bench.settings, package, every=True, let=True, by="Wang")
    give(bench)
    assert [key for key, _ in bench.raw()] == ["3", "4"] and left(bench) == []
    with pytest.raises(Problem, match="no row of package"):
        decide(bench.settings, package, every=True, let=True, by="Wang")


def test_what_an_erased_person_left_waits_nowhere(bench: Bench) -> None:
    give(bench, deal("1", Amount=1), deal("2", Amount=-2, Name="Zhang San"), deal("3", Amount=-3))
    bench.source.pages = []
    package = bench.zone.packages()[0]
    with flow.lock(bench.settings, "test"):
        erase(bench.settings, bench.spec, "default", [Record("deals", "2")])
    give(bench)
    assert left(bench) == [("3", 1_000_003)]
    assert [one.rules for one in waiting(bench.settings)] == [{"amount_is_not_negative": 1}]
    assert [fault.row for fault in faults(bench.settings, package.id)] == [1_000_003]
    with pytest.raises(Problem, match="no undecided row at position 1000002"):
        release(bench.zone, package, [1_000_002], by="Wang")
    decide(bench.settings, package.id, every=True, let=False, by="Wang")
    assert list(bench.zone.undecided()) == [] and list(waiting(bench.settings)) == []
    give(bench)
    held = Held({package.id}, ())
    assert OPEN not in [fate.stays for fate in fates(bench.zone, None, held)]


def test_the_list_reads_the_decisions_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    for key in ("2", "3", "4"):
        give(bench, deal(key, Amount=-2))
    real, calls = StreamZone.decisions, []

    def counted(zone: StreamZone, *arguments: Any) -> Any:
        calls.append(arguments)
        return real(zone, *arguments)

    monkeypatch.setattr(StreamZone, "decisions", counted)
    assert sum(one.rows for one in waiting(bench.settings)) == 3
    assert len(calls) <= 2, "what is blocked, and what was decided"


def test_a_released_row_behind_a_blocked_package_waits_for_nobody(bench: Bench) -> None:
    give(bench, deal("1", Amount=1), deal("2", Amount=-2))
    bench.rules.write_text(RULES + COUNTED.replace("severity: quarantine", "severity: block"))
    bench.source.pages = [[deal("5", SECOND, Amount=1, Count=-1)]]
    bench.sync()
    bench.source.pages = []
    release(bench.zone, bench.zone.packages()[0], [1_000_002], by="Wang")
    assert not bench.sync().ok
    assert [one.rows for one in waiting(bench.settings)] == [0], "only the blocked package waits"
    assert read_health(bench.settings.published).streams[0].quarantined == 0


def test_a_record_that_a_sweep_restored_keeps_its_warning(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hygiene, "_streams", lambda con: [STREAM])

    def warned() -> list[tuple[Any, ...]]:
        with flow.lock(bench.settings, "test"), prepared_warehouse(bench.settings) as con:
            hygiene.note_hygiene(con, bench.rules.parents[1])
        return bench.query("SELECT rule, records FROM ops.warnings")

    bench.rules.write_text(RULES + NAMED)
    give(bench, deal("1", Amount=1), deal("2", Amount=2, Name="two"))
    bench.source.deleted = [{"id": "1", "deleted_time": SECOND}]
    give(bench)
    assert warned() == []
    bench.source.deleted, bench.source.sweeps = [], [["1", "2"]]
    with flow.lock(bench.settings, "test"):
        flow.sync(bench.settings, [(bench.spec, "default")], sweep=True)
    assert bench.query("SELECT count(*) FROM raw_scripted.deals WHERE _deleted_at IS NULL") == [(2,)]
    assert warned() == [("name_is_given", 1)]
