"""The ops tables: what came from where, when, at what cost; and runs that have nothing to do."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from connectors.core.contract import Page, Stream, Window
from connectors.core.limits import Meter
from pipelines.landing.runs import read_runs
from pipelines.warehouse.ops import published_ops
from pipelines.warehouse.publish import publish
from tests.pipeline.conftest import BLOCKING, Bench
from tests.pipeline.scripted import deal

SECOND = "2026-03-02T10:00:00+08:00"


@pytest.fixture
def metered(bench: Bench) -> Bench:
    """Every page costs a call, two credits and a hundred bytes."""
    read, meter = bench.source.read, Meter(bench.source.usage)

    def counted(stream: Stream, window: Window) -> Iterator[Page]:
        for page in read(stream, window):
            meter.add(calls=1, credits=2, size=100)
            yield page

    bench.source.read = counted  # type: ignore[method-assign]
    return bench


def test_a_package_tells_what_it_cost(metered: Bench) -> None:
    bench = metered
    bench.source.pages = [[deal("1"), deal("2")], [deal("3", SECOND)]]
    bench.source.deleted = [{"id": "1", "deleted_time": SECOND}]
    bench.sync()
    costs = "SELECT kind, calls, credits, received, inserted, deleted FROM ops.packages ORDER BY load_order"
    assert bench.query(costs) == [("incremental", 2, 4, 3, 3, 0), ("deleted", 1, 2, 1, 0, 1)]
    (run,) = bench.query("SELECT run_id FROM ops.sync_runs")
    assert bench.query("SELECT DISTINCT run_id FROM ops.packages") == [run]


def test_every_sync_is_in_the_diary_and_idle_ones_reach_the_warehouse_with_the_next_load(
    metered: Bench,
) -> None:
    bench = metered
    bench.source.pages = [[deal("1", Amount=1), deal("2", Amount=-2)]]
    bench.sync()
    bench.sync()  # the overlap brings the same rows again
    bench.source.fail_after = 0
    bench.sync()
    assert [run.streams[0].status for run in read_runs(bench.settings.landing)] == [
        "loaded",
        "unchanged",
        "failed",
    ]
    counted = (
        "SELECT status, calls, credits, bytes, packages, received, accepted, quarantined, known_again, inserted "
        "FROM ops.sync_runs ORDER BY run_id"
    )
    assert bench.query(counted) == [("loaded", 1, 2, 100, 1, 2, 1, 1, 0, 1)]
    bench.source.fail_after, bench.source.pages = None, [[deal("3", SECOND, Amount=3)]]
    bench.sync()
    assert bench.query(counted) == [
        ("loaded", 1, 2, 100, 1, 2, 1, 1, 0, 1),
        ("unchanged", 1, 2, 100, 0, 0, 0, 0, 2, 0),
        ("failed", 0, 0, 0, 0, 0, 0, 0, 0, 0),
        ("loaded", 1, 2, 100, 1, 1, 1, 0, 0, 1),
    ]
    (message,) = bench.query("SELECT message FROM ops.sync_runs WHERE status = 'failed'")
    assert "something unexpected happened: RuntimeError" in str(message[0])


def test_a_diary_line_that_was_cut_by_a_kill_is_no_run(bench: Bench) -> None:
    bench.source.pages = [[deal("1")]]
    bench.sync()
    (path,) = (bench.settings.landing / "_runs").glob("*.jsonl")
    with path.open("ab") as file:
        file.write(b'{"run_id":"half')
    bench.sync()
    assert [run.streams[0].status for run in read_runs(bench.settings.landing)] == ["loaded", "unchanged"]
    assert path.stat().st_mode & 0o777 == 0o600 and path.parent.stat().st_mode & 0o777 == 0o700


def test_the_state_of_a_stream_shows_what_waits_and_since_when(bench: Bench) -> None:
    bench.source.pages = [[deal("1", Amount=1), deal("2", Amount=2)]]
    bench.sync()
    bench.source.pages, bench.source.deleted = (
        [[deal("1", SECOND, Amount=10)]],
        [{"id": "2", "deleted_time": SECOND}],
    )
    bench.sync()
    state = (
        "SELECT records, deleted_records, versions, packages, pending, blocked, waiting_since, "
        "strftime(cursor, '%Y-%m-%d %H:%M') FROM ops.stream_state"
    )
    assert bench.query(state) == [(1, 1, 4, 3, 0, False, None, "2026-03-02 02:00")]
    bench.rules.write_text(BLOCKING)
    bench.source.pages, bench.source.deleted = [[deal("3", "2026-03-03T10:00:00+08:00", Amount=-3)]], []
    assert not bench.sync().ok
    landed = bench.zone.packages()[-1].landed
    assert bench.query("SELECT pending, blocked, waiting_since FROM ops.stream_state") == [
        (1, True, landed.landed_at)
    ]


@pytest.fixture
def holder(bench: Bench) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the warehouse open for writing: whoever opens it fails."""
    bench.source.pages = [[deal("1")]]
    bench.sync()
    program = (
        "import duckdb, sys; con = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", program, str(bench.settings.warehouse)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "open\n"
        yield process
        process.kill()


def test_an_idle_run_does_not_open_the_warehouse(bench: Bench, holder: subprocess.Popen[str]) -> None:
    object.__setattr__(bench.settings, "lock_wait_seconds", 0.0)
    assert bench.sync().ok
    bench.source.pages = [[deal("2", SECOND)]]
    report = bench.sync()
    assert f"open in process {holder.pid}" in report.sentences()[0]
    holder.kill()
    holder.wait()
    assert bench.sync().ok
    assert [key for key, _ in bench.raw()] == ["1", "2"]


def test_a_warehouse_that_was_changed_behind_the_seal_is_looked_into(bench: Bench, tmp_path: Path) -> None:
    """Restored from an older copy under its own name and time: the seal must not vouch for it."""
    bench.source.pages = [[deal("1")]]
    bench.sync()
    older = bench.settings.warehouse.read_bytes()
    bench.source.pages = [[deal("2", SECOND)]]
    bench.sync()
    bench.settings.warehouse.write_bytes(older)
    assert bench.sync().ok
    assert [key for key, _ in bench.raw()] == ["1", "2"]


def test_readers_see_what_came_from_where_but_no_ids_and_no_paths(bench: Bench) -> None:
    bench.source.pages = [[deal("1", Amount=1), deal("2", Amount=-2)]]
    bench.source.deleted = [{"id": "gone-4711", "deleted_time": SECOND}]
    bench.sync()
    publication = publish(
        bench.settings.warehouse, bench.settings.published, tuple(published_ops()), {}, memory_limit="1GB"
    )
    counts = {name.removeprefix("ops."): rows for name, rows in publication.rows.items()}
    assert counts == {
        "packages": 2,
        "schema_changes": 0,
        "sync_runs": 1,
        "stream_state": 1,
        "conservation": 0,
        "quarantine_summary": 1,
        "reconciliation": 0,
    }
    with duckdb.connect(str(publication.path), read_only=True) as con:
        columns = {c for c, *_ in con.execute("DESCRIBE ops.sync_runs").fetchall()}
        assert "credits" in columns and "message" not in columns
        empty = con.execute(
            "SELECT table_name, column_name FROM duckdb_columns() WHERE schema_name = 'ops' AND comment IS NULL"
        ).fetchall()
        assert empty == [], "every column says what it is"
    assert b"gone-4711" not in publication.path.read_bytes()
