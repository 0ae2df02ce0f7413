"""Releasing and dropping what was set aside: a package of its own, in the original's place; folded again alike."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from connectors.core.errors import Problem
from pipelines import flow
from pipelines import sync as sync_room
from pipelines.aside import waiting
from pipelines.fold import rebuild
from pipelines.landing.decisions import drop, release
from tests.pipeline.conftest import BLOCKING, RULES, Bench
from tests.pipeline.scripted import deal

SECOND = "2026-03-02T10:00:00+08:00"
TABLES = (
    "raw_scripted.deals",
    "raw_scripted.deals__history",
    "ops.packages",
    "ops.quarantine",
    "ops.deletions",
    "ops.set_aside",
    "ops.findings",
)


def summary(bench: Bench) -> list[tuple[object, ...]]:
    counts = "rule, set_aside::INT, released::INT, dropped::INT, still_open::INT"
    return bench.query(f"SELECT {counts} FROM ops.quarantine_summary ORDER BY rule")


def assert_rebuilt_alike(bench: Bench) -> None:
    before = {t: sorted(bench.query(f"SELECT * FROM {t}"), key=repr) for t in TABLES}
    with flow.lock(bench.settings, "test"):
        rebuild(bench.settings)
    assert {t: sorted(bench.query(f"SELECT * FROM {t}"), key=repr) for t in TABLES} == before
    assert bench.query("SELECT * FROM ops.conservation") == []


@pytest.fixture
def set_aside(bench: Bench) -> Bench:
    """Rows 2, 3 and 4 of the first package wait in quarantine."""
    bench.source.pages = [
        [deal("1", Amount=1), deal("2", Amount=-2), deal("3", Amount=-3), deal("4", Amount=-4)]
    ]
    assert bench.sync().ok
    bench.source.pages = []
    return bench


def test_released_rows_are_loaded_and_dropped_ones_never(set_aside: Bench) -> None:
    bench, origin = set_aside, set_aside.zone.packages()[0]
    assert summary(bench) == [("amount_is_not_negative", 3, 0, 0, 3)]
    release(bench.zone, origin, [1_000_002], by="Wang")
    drop(bench.zone, origin, [1_000_003], by="Wang")
    assert bench.sync().ok
    assert bench.raw() == [("1", Decimal("1.00")), ("2", Decimal("-2.00"))]
    assert summary(bench) == [("amount_is_not_negative", 3, 1, 1, 1)]
    kinds = "SELECT kind, received, accepted, skipped, inserted FROM ops.packages ORDER BY load_order"
    assert bench.query(kinds) == [
        ("incremental", 4, 1, 0, 1),
        ("release", 1, 1, 0, 1),
        ("drop", 1, 0, 1, 0),
    ]
    assert [d.decided_by for d in bench.zone.decisions(origin.id)] == ["Wang", "Wang"]
    assert_rebuilt_alike(bench)


def test_a_release_keeps_the_originals_place(set_aside: Bench) -> None:
    """Row 2 was changed in the CRM before the release of its old version was folded: the newer one stays."""
    bench, origin = set_aside, set_aside.zone.packages()[0]
    decision = release(bench.zone, origin, [1_000_002])
    elsewhere = decision.folder.rename(bench.settings.home / decision.id)
    bench.source.pages = [[deal("2", SECOND, Amount=20)]]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sync_room, "_settle", lambda *_: None)  # as if killed before it settled row 2
        assert bench.sync().ok
    bench.source.pages = []
    elsewhere.rename(decision.folder)
    assert bench.sync().ok
    assert bench.raw() == [("1", Decimal("1.00")), ("2", Decimal("20.00"))]
    amounts = (
        "SELECT \"Amount\"::INT FROM raw_scripted.deals__history WHERE _record_id = '2' ORDER BY _modified_at"
    )
    assert bench.query(amounts) == [(-2,), (20,)]
    assert_rebuilt_alike(bench)


def test_a_decision_is_taken_once_and_about_rows_that_exist(set_aside: Bench) -> None:
    bench, origin = set_aside, set_aside.zone.packages()[0]
    drop(bench.zone, origin, [1_000_003])
    for positions, named in (([1_000_003], "1000003"), ([1_000_001], "1000001"), ([77], "77"), ([], "–")):
        with pytest.raises(Problem, match=f"no undecided row at position {named}"):
            release(bench.zone, origin, positions)
    with pytest.raises(Problem, match="does not wait"):
        drop(bench.zone, origin, None)
    assert len(bench.zone.packages("release")) == 0


def test_a_row_whose_value_could_not_be_read_is_not_released(bench: Bench) -> None:
    bench.source.pages = [[deal("1", Amount=100.005)]]
    assert bench.sync().ok
    with pytest.raises(Problem, match="could not be read"):
        release(bench.zone, bench.zone.packages()[0], [1_000_001])
    drop(bench.zone, bench.zone.packages()[0], [1_000_001])
    assert bench.sync().ok
    assert summary(bench) == [("fits_type", 1, 0, 1, 0)]


@pytest.fixture
def blocked(bench: Bench) -> Bench:
    """A blocked package, and a good one behind it."""
    bench.rules.write_text(BLOCKING)
    bench.source.pages = [[deal("1", Amount=-1), deal("2", Amount=2)]]
    assert not bench.sync().ok
    bench.source.pages = [[deal("1", SECOND, Amount=10)]]
    assert not bench.sync().ok
    bench.source.pages = []
    return bench


def test_a_released_package_is_loaded_before_what_waited_behind_it(blocked: Bench) -> None:
    bench, origin = blocked, blocked.zone.packages()[0]
    package = release(bench.zone, origin, None, by="Wang")
    assert bench.sync().ok
    assert bench.raw() == [("1", Decimal("10.00")), ("2", Decimal("2.00"))]
    assert package.receipt.order < bench.zone.packages("incremental")[1].receipt.order
    assert bench.zone.pending() == [] and not origin.is_loaded()
    assert bench.sync().ok, "the blocked original is settled for good"
    assert_rebuilt_alike(bench)


def test_a_dropped_package_is_never_loaded_and_accounted_for(blocked: Bench) -> None:
    bench = blocked
    drop(bench.zone, bench.zone.packages()[0], None, by="Wang")
    assert bench.sync().ok
    assert bench.raw() == [("1", Decimal("10.00"))]
    fates = "SELECT received, accepted, skipped FROM ops.packages WHERE kind = 'drop'"
    assert bench.query(fates) == [(2, 0, 2)]
    assert_rebuilt_alike(bench)


def test_rows_set_aside_in_a_released_package_can_still_be_decided(bench: Bench, tmp_path: Path) -> None:
    second_rule = RULES.split("rules:\n")[1].replace("amount_is_not_negative", "count_is_not_negative").replace(
        "column: Amount", "column: Count"
    )  # fmt: skip
    bench.rules.write_text(BLOCKING + second_rule)
    bench.source.pages = [[deal("1", Amount=-1), deal("2", Amount=2, Count=-1)]]
    assert not bench.sync().ok
    bench.source.pages = []
    released = release(bench.zone, bench.zone.packages()[0], None)
    assert bench.sync().ok
    assert bench.raw() == [("1", Decimal("-1.00"))]
    [listed] = waiting(bench.settings)
    assert (listed.package, listed.rows, listed.why) == (released.id, 1, "count_is_not_negative")
    release(bench.zone, released, [1_000_002])
    assert list(waiting(bench.settings)) == []
    assert bench.sync().ok
    assert bench.raw() == [("1", Decimal("-1.00")), ("2", Decimal("2.00"))]
    assert summary(bench) == [("count_is_not_negative", 1, 1, 0, 0)]
    assert_rebuilt_alike(bench)


def test_a_decision_that_was_killed_before_it_landed_never_was(set_aside: Bench) -> None:
    bench, origin = set_aside, set_aside.zone.packages()[0]
    (release(bench.zone, origin, [1_000_002]).folder / "landed.json").unlink()
    assert bench.sync().ok
    assert [key for key, _ in bench.raw()] == ["1"]
    release(bench.zone, origin, [1_000_002])
    assert bench.sync().ok
    assert [key for key, _ in bench.raw()] == ["1", "2"]
