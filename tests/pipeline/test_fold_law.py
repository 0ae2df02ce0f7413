"""The fold law: one by one = all in one go = rebuilt; loaded twice = loaded once. For random sequences of reads
(with and without names), deletions, sweeps, and releases of rows that were set aside."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pipelines import flow
from pipelines import fold as fold_room
from pipelines import sync as sync_room
from pipelines.fold import load_checked, prepared_warehouse, rebuild
from pipelines.landing.decisions import release
from pipelines.manifest import LOADED
from pipelines.outcome import SyncReport
from tests.pipeline.conftest import Bench
from tests.pipeline.scripted import STREAM, Scripted, deal

KEYS = tuple("abcdefghijkl")
OF_THE_LOAD = {"_loaded_at", "loaded_at", "load_order"}
TABLES = (
    "raw_scripted.deals",
    "raw_scripted.deals__history",
    "ops.packages",
    "ops.deletions",
    "ops.quarantine",
    "ops.schema_changes",
)
Event = tuple[str, Any]

rows = st.dictionaries(
    st.sampled_from(KEYS), st.tuples(st.integers(1, 28), st.integers(-3, 9)), min_size=1, max_size=6
)
some_keys = st.sets(st.sampled_from(KEYS), min_size=1, max_size=3)
events = st.lists(
    st.one_of(
        st.tuples(st.just("read"), rows),
        st.tuples(st.just("bulk"), rows),
        st.tuples(st.just("delete"), some_keys),
        st.tuples(st.just("sweep"), some_keys),
        st.tuples(st.just("release"), st.none()),
    ),
    min_size=2,
    max_size=6,
)


def sync(bench: Bench) -> SyncReport:
    """As `Bench.sync`, without the data docs, which cost more than the rest."""
    with flow.lock(bench.settings, "test"):
        return flow.sync(bench.settings, [(bench.spec, "default")])


def play(bench: Bench, sequence: list[Event]) -> None:
    """One sync per event."""
    bench.source.pages = [[deal(key, Amount=1, Owner={"id": "7", "name": "Wang"}) for key in KEYS]]
    sync(bench)
    for number, (what, how) in enumerate(sequence, 2):
        source = bench.source
        source.pages, source.deleted, source.sweeps = [], [], None
        if what in ("read", "bulk"):
            owner = {"id": "7", "name": f"Wang {number}"} if what == "read" else {"id": "7"}
            source.pages = [
                [
                    deal(key, f"2026-03-{day:02}T10:00:00+08:00", Amount=amount, Owner=owner, Count=number)
                    for key, (day, amount) in how.items()
                ]
            ]
        elif what == "delete":
            source.deleted = [
                {"id": key, "deleted_time": f"2026-04-{number:02}T00:00:00Z"} for key in sorted(how)
            ]
        elif what == "sweep":  # a tenth at most, or the brake would stop it
            source.sweeps = [sorted(set(KEYS) - {min(how)})]
        else:
            release_oldest(bench)
        sync(bench)
    bench.source.pages, bench.source.deleted, bench.source.sweeps = [], [], None
    sync(bench)  # a sweep that a newer one has replaced is dropped at a sync's end, which the next one notes


def release_oldest(bench: Bench) -> None:
    for package in bench.zone.packages("incremental"):
        decided = {p for d in bench.zone.decisions(package.id) for p in d.positions or ()}
        with duckdb.connect() as con:
            positions = con.execute(
                f"SELECT _position FROM '{package.folder}/quarantined.parquet' ORDER BY 1"
            )
            open_rows = [p for (p,) in positions.fetchall() if p not in decided]
        if open_rows:
            release(bench.zone, package, open_rows[:1])
            return


def contents(bench: Bench, without: set[str] = frozenset()) -> dict[str, list[str]]:
    with duckdb.connect(str(bench.settings.warehouse), read_only=True) as con:
        con.execute("SET TimeZone = 'UTC'")
        found = {}
        for table in TABLES:
            names = [n for n, *_ in con.execute(f"DESCRIBE {table}").fetchall() if n not in without]
            columns = ", ".join(f'"{name}"' for name in sorted(names))
            found[table] = sorted(map(repr, con.execute(f"SELECT {columns} FROM {table}").fetchall()))
        assert con.execute("SELECT * FROM ops.conservation").fetchall() == []
        return found


def assert_the_law(folder: Path, sequence: list[Event]) -> None:
    one_by_one = Bench(folder / "one", Scripted())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sync_room, "EXPECTATIONS", folder / "one" / "expectations")
        patch.setattr(fold_room, "discover", lambda: {"scripted": one_by_one.spec})
        play(one_by_one, sequence)
        expected = contents(one_by_one)

        in_one_go = Bench(folder / "go", Scripted())
        shutil.copytree(one_by_one.settings.landing / "scripted", in_one_go.settings.landing / "scripted")
        for receipt in in_one_go.settings.landing.rglob(LOADED):
            receipt.unlink()
        sync(in_one_go)  # a sweep that hits its brake waits in both, and what lies behind it
        assert contents(in_one_go, OF_THE_LOAD) == contents(one_by_one, OF_THE_LOAD), "one by one = in one go"

        with flow.lock(one_by_one.settings, "test"):
            with prepared_warehouse(one_by_one.settings) as con:
                for package in one_by_one.zone.packages():
                    if package.is_loaded():  # a sweep that its brake holds back is not
                        assert load_checked(con, package, STREAM) == package.receipt
            assert contents(one_by_one) == expected, "twice = once"
            rebuild(one_by_one.settings)
        assert contents(one_by_one) == expected, "rebuilt = folded"


BRAKED = [("delete", {"a", "b", "c"}), ("read", {"e": (1, 0)}), ("sweep", {"e"})]  # one of nine is too many
REPLACED = [("delete", {"a", "b", "c"}), ("sweep", {"e"}), ("sweep", {"a"}), ("read", {"e": (1, 0)})]


@given(sequence=events)
@example(sequence=BRAKED)
@example(sequence=REPLACED)
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_one_by_one_is_in_one_go_is_rebuilt(
    tmp_path_factory: pytest.TempPathFactory, sequence: list[Event]
) -> None:
    assert_the_law(tmp_path_factory.mktemp("law"), sequence)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@given(sequence=events)
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_one_by_one_is_in_one_go_is_rebuilt_many_times(
    tmp_path_factory: pytest.TempPathFactory, sequence: list[Event]
) -> None:
    assert_the_law(tmp_path_factory.mktemp("law"), sequence)


def test_a_missing_name_never_overwrites_a_name(bench: Bench) -> None:
    """Records carry names of what they refer to, bulk files ids only; both ways of reading hash alike."""
    play(bench, [("bulk", {"a": (2, 5), "b": (1, 1)}), ("read", {"a": (2, 5)}), ("bulk", {"c": (3, 9)})])
    with duckdb.connect(str(bench.settings.warehouse), read_only=True) as con:
        owners = con.execute(
            "SELECT _record_id, \"Owner\", \"Amount\"::INT FROM raw_scripted.deals WHERE _record_id IN ('a', 'c') "
            "ORDER BY 1"
        ).fetchall()
    assert owners == [("a", {"id": "7", "name": "Wang 3"}, 5), ("c", {"id": "7", "name": "Wang"}, 9)]


def test_alternating_bulk_and_record_reads_change_nothing(bench: Bench) -> None:
    def records(**owner: str) -> list[list[dict[str, Any]]]:
        return [
            [deal("1", Amount=1, Owner={"id": "7", **owner}, Name="") | ({} if owner else {"$approved": 1})]
        ]

    for owner in ({"name": "Wang"}, {}, {"name": "Wang"}, {}):
        bench.source.pages = records(**owner)
        assert bench.sync().ok
    with duckdb.connect(str(bench.settings.warehouse), read_only=True) as con:
        assert con.execute("SELECT count(*) FROM raw_scripted.deals__history").fetchone() == (1,)
        fates = con.execute(
            "SELECT sum(inserted)::INT, sum(updated)::INT, count(*) FROM ops.packages"
        ).fetchone()
    assert fates == (1, 0, 4), "four packages were landed, because their bytes differ; one made history"


def test_names_follow_what_is_referred_to_without_making_history(bench: Bench) -> None:
    """Bulk first, as a new installation reads: the first read of records fills the names in; a later one renews
    them, and neither a bulk read nor a read before it takes them away."""
    seen = []
    for owner in ({}, {"name": "Wang"}, {}, {"name": "Wang Li"}):
        bench.source.pages = [[deal("1", Amount=1, Owner={"id": "7", **owner}, Name="n")]]
        assert bench.sync().ok
        seen.append(bench.query('SELECT "Owner".id, "Owner".name FROM raw_scripted.deals'))
    assert seen == [[("7", None)], [("7", "Wang")], [("7", "Wang")], [("7", "Wang Li")]]
    assert bench.query("SELECT count(*) FROM raw_scripted.deals__history") == [(1,)]
    with flow.lock(bench.settings, "test"):
        rebuild(bench.settings)
    assert bench.query('SELECT "Owner".name FROM raw_scripted.deals') == [("Wang Li",)]
