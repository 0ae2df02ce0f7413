"""Which records exist: by the deleted list, by a sweep of all ids with its brake, and by late rows."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo

import duckdb
import pytest

from connectors.core.errors import Problem
from pipelines import flow
from pipelines import sync as sync_room
from pipelines.fold import rebuild
from pipelines.landing import land as land_room
from pipelines.landing.decisions import drop, release
from pipelines.outcome import Status
from tests.pipeline.conftest import BLOCKING, Bench
from tests.pipeline.scripted import deal

LATER = "2026-03-05T10:00:00+08:00"


def alive(bench: Bench) -> dict[str, bool]:
    with duckdb.connect(str(bench.settings.warehouse), read_only=True) as con:
        return dict(con.execute("SELECT _record_id, _deleted_at IS NULL FROM raw_scripted.deals").fetchall())


@pytest.fixture
def twenty(bench: Bench) -> Bench:
    bench.source.pages = [[deal(str(n), Amount=n) for n in range(1, 21)]]
    assert bench.sync().ok
    bench.source.pages = []
    return bench


def test_a_sweep_buries_what_it_lacks_and_revives_what_it_lists(twenty: Bench) -> None:
    bench = twenty
    bench.source.deleted = [{"id": "7", "deleted_time": LATER}]
    assert bench.sync().ok
    assert alive(bench)["7"] is False
    bench.source.deleted = []
    bench.source.sweeps = [[str(n) for n in range(1, 20)]]  # 20 is gone, 7 was restored without a stamp
    outcome = bench.sync().outcomes[0]
    assert (outcome.status, outcome.deleted) == (Status.LOADED, 1)
    assert alive(bench) == {str(n): n != 20 for n in range(1, 21)}
    package = bench.zone.packages("sweep")[0]
    assert (package.receipt.deleted, package.receipt.restored) == (1, 1)
    evidence = "SELECT _deletion_evidence, _package_id FROM raw_scripted.deals WHERE _record_id = '20'"
    assert bench.query(evidence) == [("sweep", package.id)]
    versions = "SELECT _deleted_at IS NULL FROM raw_scripted.deals__history WHERE _record_id = '7' ORDER BY _loaded_at"
    assert bench.query(versions) == [(True,), (False,), (True,)]


def test_more_than_a_tenth_gone_stops_and_asks(twenty: Bench) -> None:
    bench = twenty
    bench.source.sweeps = [[str(n) for n in range(1, 18)]]  # 3 of 20 are missing
    outcome = bench.sync().outcomes[0]
    assert outcome.status is Status.BLOCKED
    assert "3 of 20 records gone; nothing was marked as deleted" in outcome.messages[0]
    assert "CRM administrator" in outcome.messages[0]
    assert all(alive(bench).values())
    bench.source.sweeps, bench.source.pages = None, [[deal("21", LATER, Amount=21)]]
    assert not bench.sync().ok, "it stays pending and visible"
    assert alive(bench)["21"], "and keeps nothing else waiting"
    bench.source.pages = []

    package = release(bench.zone, bench.zone.packages("sweep")[0], None, by="Wang")
    assert bench.sync().ok
    assert sorted(key for key, lives in alive(bench).items() if not lives) == ["18", "19", "20"]
    assert package.receipt.deleted == 3
    assert bench.query("SELECT * FROM ops.conservation") == []
    before = bench.query("SELECT * FROM raw_scripted.deals ORDER BY _record_id")
    with flow.lock(bench.settings, "test"):
        rebuild(bench.settings)
    assert bench.query("SELECT * FROM raw_scripted.deals ORDER BY _record_id") == before


def test_exactly_a_tenth_is_believed(twenty: Bench) -> None:
    twenty.source.sweeps = [[str(n) for n in range(1, 19)]]
    assert twenty.sync().ok
    assert sum(alive(twenty).values()) == 18


def test_a_chain_of_sweep_packages_is_judged_when_it_is_whole(
    twenty: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = twenty
    monkeypatch.setattr(land_room.land, "__kwdefaults__", {**land_room.land.__kwdefaults__, "max_rows": 10})
    ids = [str(n) for n in range(1, 20)]
    bench.source.sweeps = [ids[:10], ids[10:15], ids[15:]]
    bench.source.fail_after = 2  # the line goes dead before the last page
    assert not bench.sync().ok
    assert all(alive(bench).values()), "half a sweep says nothing"
    assert [p.landed.last for p in bench.zone.packages("sweep")] == [False]
    bench.source.fail_after = None
    assert bench.sync().ok
    assert [p.landed.last for p in bench.zone.packages("sweep")] == [False, False, True]
    assert [key for key, lives in alive(bench).items() if not lives] == ["20"]


def test_a_record_read_after_the_sweep_began_is_not_buried(twenty: Bench) -> None:
    """The sweep's list was drawn before the record was made; only what was known before it began can go."""
    bench = twenty
    bench.source.sweeps = [[str(n) for n in range(1, 21)]]
    assert bench.sync().ok
    swept = bench.zone.packages("sweep")[0]
    bench.source.sweeps, bench.source.pages = None, [[deal("21", LATER, Amount=21)]]
    assert bench.sync().ok
    with flow.lock(bench.settings, "test"), duckdb.connect(str(bench.settings.warehouse)) as con:
        read_at = con.execute("SELECT _read_at FROM raw_scripted.deals WHERE _record_id = '21'").fetchone()
    assert read_at is not None and read_at[0] > swept.landed.started_at
    assert alive(bench)["21"] is True


def test_a_row_folded_late_does_not_rise_from_the_dead(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set aside on the first read, deleted in the CRM since, released by a person before a sync had settled it."""
    monkeypatch.setattr(sync_room, "_settle", lambda *_: None)
    bench.source.pages = [[deal("1", Amount=1), deal("2", Amount=-2)]]
    assert bench.sync().ok
    first = bench.zone.packages()[0]
    bench.source.pages, bench.source.deleted = [], [{"id": "2", "deleted_time": LATER}]
    assert bench.sync().ok
    assert alive(bench) == {"1": True}
    release(bench.zone, first, [1_000_002], by="Wang")
    bench.source.deleted = []
    assert bench.sync().ok
    assert alive(bench) == {"1": True, "2": False}
    states = "SELECT _deleted_at IS NULL, _deletion_evidence FROM raw_scripted.deals__history WHERE _record_id = '2'"
    assert sorted(bench.query(states), key=repr) == [(False, "deleted_list"), (True, None)]
    before = bench.query("SELECT * FROM raw_scripted.deals__history ORDER BY ALL")
    with flow.lock(bench.settings, "test"):
        rebuild(bench.settings)
    assert bench.query("SELECT * FROM raw_scripted.deals__history ORDER BY ALL") == before


def test_an_id_that_could_not_be_read_is_not_one_that_is_gone(twenty: Bench) -> None:
    """Law 4: a sweep with a row set aside proves nothing, and says so."""
    bench = twenty
    bench.source.sweeps = [[*(str(n) for n in range(1, 20)), ""]]
    outcome = bench.sync().outcomes[0]
    assert outcome.status is Status.FAILED
    assert "1 of the ids that a sweep listed could not be read" in outcome.messages[0]
    assert all(alive(bench).values())
    bench.source.sweeps = [[str(n) for n in range(1, 20)]]
    assert bench.sync().ok
    assert [key for key, lives in alive(bench).items() if not lives] == ["20"]


def test_a_row_released_after_a_sweep_that_does_not_list_it_stays_dead(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync_room, "_settle", lambda *_: None)
    bench.source.pages = [[deal(str(n), Amount=n if n != 5 else -5) for n in range(1, 21)]]
    assert bench.sync().ok
    first = bench.zone.packages()[0]
    bench.source.pages, bench.source.sweeps = [], [[str(n) for n in range(1, 21) if n != 5]]
    assert bench.sync().ok
    bench.source.sweeps = None
    release(bench.zone, first, [1_000_005])
    assert bench.sync().ok
    assert [key for key, lives in alive(bench).items() if not lives] == ["5"]
    states = "SELECT _deleted_at IS NULL, _deletion_evidence FROM raw_scripted.deals__history WHERE _record_id = '5'"
    assert sorted(bench.query(states), key=repr) == [(False, "sweep"), (True, None)]
    before = bench.query("SELECT * FROM raw_scripted.deals__history ORDER BY ALL")
    with flow.lock(bench.settings, "test"):
        rebuild(bench.settings)
    assert bench.query("SELECT * FROM raw_scripted.deals__history ORDER BY ALL") == before


def test_a_clock_that_steps_back_loses_no_deletion(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Existence is ordered by read start: a later read must begin later, whatever the wall clock says."""
    bench.source.pages = [[deal("1", Amount=1)]]
    assert bench.sync().ok

    class Yesterday(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return datetime.now(tz) - timedelta(days=1)

    monkeypatch.setattr(land_room, "datetime", Yesterday)
    bench.source.pages, bench.source.deleted = [], [{"id": "1", "deleted_time": LATER}]
    assert bench.sync().ok
    assert alive(bench) == {"1": False}
    starts = [package.landed.started_at for package in bench.zone.packages()]
    assert starts == sorted(starts)


def test_a_newer_sweep_takes_the_place_of_one_that_was_stopped(twenty: Bench) -> None:
    """The API user had lost a right, and has it back."""
    bench = twenty
    bench.source.sweeps = [["1", "2"]]
    assert not bench.sync().ok
    bench.source.sweeps = [[str(n) for n in range(1, 20)]]
    bench.sync()
    bench.source.sweeps = None
    bench.sync()
    assert bench.sync().ok and bench.zone.pending() == []
    assert [key for key, lives in alive(bench).items() if not lives] == ["20"]
    assert bench.query("SELECT * FROM ops.conservation") == []


def test_a_package_is_decided_about_once(bench: Bench) -> None:
    bench.rules.write_text(BLOCKING)
    bench.source.pages = [[deal("1", Amount=-1)]]
    assert not bench.sync().ok
    origin = bench.zone.packages()[0]
    with pytest.raises(Problem, match="decide about the whole package first"):
        release(bench.zone, origin, [1_000_001])
    drop(bench.zone, origin, None)
    with pytest.raises(Problem, match="does not wait"):
        release(bench.zone, origin, None)


def test_what_waited_and_is_loaded_out_of_turn_is_built(bench: Bench) -> None:
    """The newest folder is not the last one loaded: a release made earlier is loaded before what waited."""
    bench.rules.write_text(BLOCKING)
    bench.source.pages = [[deal("1", Amount=-1)]]
    assert not bench.sync().ok
    bench.source.pages = [[deal("2", LATER, Amount=2)]]
    assert not bench.sync().ok
    bench.source.pages = []
    release(bench.zone, bench.zone.packages()[0], None)
    assert bench.sync().ok
    assert bench.zone.last_order() == max(p.receipt.order for p in bench.zone.loaded())
