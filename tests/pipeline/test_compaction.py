"""Opening the warehouse, and writing it anew without its dead space: the same rows, comments and views, or nothing."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import time
from collections import namedtuple
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from connectors import discover
from connectors.core.errors import Problem
from pipelines.fold import columns
from pipelines.warehouse import compact as room
from pipelines.warehouse.compact import compact, measure_space, wants_compaction
from pipelines.warehouse.connect import open_warehouse, read_warehouse
from pipelines.warehouse.ops import ensure_ops
from pipelines.warehouse.schema import declare
from tests.pipeline.conftest import Bench
from tests.pipeline.scripted import deal

ROWS = 200_000
Usage = namedtuple("Usage", "total used free")
HOLD = (
    "import duckdb, sys, time; c = duckdb.connect(sys.argv[1], read_only=sys.argv[2] == 'r'); "
    "print('open', flush=True); sys.stdin.read()"
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A warehouse whose table of 200,000 rows lost every second one, with all that dbt leaves beside it."""
    path = tmp_path / "warehouse" / "warehouse.duckdb"
    with open_warehouse(path, memory_limit="1GB", threads=2) as con:
        con.execute("CREATE SCHEMA raw_zoho; CREATE SCHEMA mart; CREATE SCHEMA staging")
        con.execute(
            "CREATE TABLE raw_zoho.deals AS SELECT range AS k, md5(CAST(range AS VARCHAR)) AS name, "
            f"struct_pack(id := 'i' || range, name := '王芳''s \"deal\"') AS \"Ow\"\"ner\" FROM range({ROWS})"
        )
        con.execute('CREATE VIEW staging.stg AS SELECT k, "Ow""ner".id AS id FROM warehouse.raw_zoho.deals')
        con.execute("CREATE VIEW staging.a_view_of_a_view AS SELECT count(*) AS n FROM warehouse.staging.stg")
        con.execute("CREATE TABLE mart.kpi AS SELECT DATE '2026-01-01' AS month, 5.25::DECIMAL(18,2) AS won")
        con.execute("COMMENT ON TABLE mart.kpi IS 'One row per month''s end (月).'")
        con.execute("COMMENT ON COLUMN mart.kpi.won IS 'Won amount (赢单金额).'")
    with open_warehouse(path, memory_limit="1GB", threads=2) as con:
        con.execute("DELETE FROM raw_zoho.deals WHERE k % 2 = 0")
    return path


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "DEAD_BYTES", 1 << 20)


def rows(path: Path) -> list[tuple[int, str]]:
    with duckdb.connect(str(path), read_only=True) as con:
        return con.execute("SELECT k, CAST(d AS VARCHAR) FROM raw_zoho.deals d").fetchall()


@contextmanager
def analyst(path: Path, mode: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the file open until its input ends."""
    command = [sys.executable, "-c", HOLD, str(path), mode]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdin is not None
        assert process.stdout.readline() == "open\n"
        try:
            yield process
        finally:
            process.stdin.close()


def test_half_of_the_rows_dead_is_seen_and_compacted_away(path: Path, small: None) -> None:
    with read_warehouse(path) as con:
        space = measure_space(con)
    assert wants_compaction(path)
    before = rows(path)
    assert [k for k, _ in before] == list(range(1, ROWS, 2))  # hand-worked: the odd ones, in order
    done = compact(path, memory_limit="1GB", threads=2)
    assert done is not None and done.warning == ""
    assert (done.after_bytes, oct(path.stat().st_mode)[-3:]) == (path.stat().st_size, "600")
    assert done.after_bytes < 0.65 * done.before_bytes
    assert done.after_bytes == pytest.approx(space.total - space.dead, rel=0.15)  # what was measured is true
    assert rows(path) == before
    assert not wants_compaction(path)
    assert sorted(p.name for p in path.parent.iterdir()) == ["spill", "warehouse.duckdb"]


def test_views_and_comments_move_too_and_the_warehouse_can_be_written_on(path: Path) -> None:
    compact(path, memory_limit="1GB", threads=2)
    with open_warehouse(path, memory_limit="1GB", threads=2) as con:
        assert con.execute("SELECT n FROM staging.a_view_of_a_view").fetchone() == (ROWS // 2,)
        assert con.execute("SELECT won FROM mart.kpi").fetchall()[0][0].as_tuple().exponent == -2
        comments = con.execute(
            "SELECT comment FROM duckdb_tables() WHERE table_name = 'kpi' "
            "UNION ALL SELECT comment FROM duckdb_columns() WHERE column_name = 'won'"
        ).fetchall()
        assert comments == [("One row per month's end (月).",), ("Won amount (赢单金额).",)]
        con.execute("CREATE OR REPLACE TABLE mart.kpi AS SELECT count(*) AS n FROM staging.stg")
        con.execute("INSERT INTO raw_zoho.deals BY NAME SELECT -1 AS k")
    assert len(rows(path)) == ROWS // 2 + 1


def test_free_blocks_count_as_dead(path: Path, small: None) -> None:
    with open_warehouse(path, memory_limit="1GB", threads=2) as con:
        con.execute("CREATE TABLE mart.old AS SELECT range, md5(CAST(range AS VARCHAR)) FROM range(300000)")
        con.execute("CREATE TABLE mart.new AS SELECT range, md5(CAST(range AS VARCHAR)) FROM range(1000)")
    with open_warehouse(path, memory_limit="1GB", threads=2) as con:
        con.execute("DROP TABLE mart.old")
        con.execute("CHECKPOINT")
        free = con.execute("SELECT free_blocks * block_size FROM pragma_database_size()").fetchone()
        space = measure_space(con)
    assert free is not None and space.dead > free[0] > 1 << 20


def test_a_warehouse_without_dead_space_is_left_alone(path: Path, small: None, tmp_path: Path) -> None:
    compact(path, memory_limit="1GB", threads=2)
    with open_warehouse(path, memory_limit="1GB", threads=2) as con:
        con.execute("DELETE FROM raw_zoho.deals WHERE k < 20000")  # a tenth
    assert not wants_compaction(path)
    assert not wants_compaction(tmp_path / "none.duckdb")
    assert compact(tmp_path / "none.duckdb", memory_limit="1GB", threads=2) is None


def test_without_room_on_disk_it_is_a_warning(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = path.read_bytes()
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(10 << 30, 10 << 30, 1 << 20))
    done = compact(path, memory_limit="1GB", threads=2)
    assert done is not None and "1 MB are free" in done.warning
    assert path.read_bytes() == before


def test_a_disk_that_fails_half_way_leaves_the_old_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = rows(path)

    def full(fresh: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(room, "swap_in", full)
    done = compact(path, memory_limit="1GB", threads=2)
    assert done is not None and "No space left on device" in done.warning
    assert rows(path) == before
    assert not path.with_name("compacting.duckdb").exists()


def test_a_copy_that_lacks_a_row_is_not_swapped_in(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, count = rows(path), room._count
    monkeypatch.setattr(
        room, "_count", lambda con, table: count(con, table) - (table == '"compacting"."mart"."kpi"')
    )
    with pytest.raises(Problem, match=r"differs from the old one in mart\.kpi"):
        compact(path, memory_limit="1GB", threads=2)
    assert rows(path) == before


def test_leftovers_of_a_killed_process_are_cleared(path: Path) -> None:
    for name in ("compacting.duckdb", "compacting.duckdb.wal", "spill/duckdb_temp_storage_S32K-0.tmp"):
        (path.parent / name).write_bytes(b"half")
    (path.parent / "warehouse.duckdb.tmp").mkdir()  # where the engine spills when nobody tells it (dbt)
    (path.parent / "warehouse.duckdb.tmp" / "duckdb_temp_storage_S32K-0.tmp").write_bytes(b"half")
    with open_warehouse(path, memory_limit="1GB", threads=2):
        assert sorted(str(p.relative_to(path.parent)) for p in path.parent.rglob("*")) == [
            "spill",
            "warehouse.duckdb",
        ]


def test_the_engine_is_told_its_limits_and_spills_in_private(path: Path) -> None:
    with open_warehouse(path, memory_limit="40MiB", threads=1) as con:
        limits = (
            "SELECT current_setting('memory_limit'), current_setting('threads'), current_setting('TimeZone')"
        )
        assert con.execute(limits).fetchone() == ("40.0 MiB", 1, "UTC")
        spill = path.parent / "spill"
        assert con.execute("SELECT current_setting('temp_directory')").fetchone() == (str(spill),)
        con.execute(
            "CREATE TEMP TABLE t AS SELECT md5(CAST(range AS VARCHAR)) a, md5(CAST(range + 1 AS VARCHAR)) b "
            "FROM range(500000) ORDER BY a"
        )
        assert list(spill.iterdir())
        assert oct(spill.stat().st_mode)[-3:] == "700"
    assert not list(spill.iterdir())


@pytest.mark.parametrize("mode", ["r", "w"])
def test_an_analyst_makes_the_run_wait_and_is_named_in_the_end(path: Path, mode: str) -> None:
    with analyst(path, mode) as holder:
        began = time.monotonic()
        with (
            pytest.raises(Problem, match=f"open in process {holder.pid}"),
            open_warehouse(path, memory_limit="1GB", threads=1, wait_seconds=0.5),
        ):
            pass
        assert 0.5 <= time.monotonic() - began < 3
    with open_warehouse(path, memory_limit="1GB", threads=1):
        pass


def test_the_run_goes_on_when_the_analyst_leaves(path: Path) -> None:
    with analyst(path, "w") as holder:
        assert holder.stdin is not None
        leave = threading.Timer(0.7, holder.stdin.close)
        leave.start()
        with read_warehouse(path, wait_seconds=30) as con:
            assert con.execute("SELECT count(*) FROM raw_zoho.deals").fetchone() == (ROWS // 2,)
        leave.join()


def test_a_damaged_file_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "warehouse" / "warehouse.duckdb"
    path.parent.mkdir()
    path.write_bytes(b"not a database" * 1000)
    began = time.monotonic()
    with (
        pytest.raises(Problem, match="cannot be opened") as caught,
        open_warehouse(path, memory_limit="1GB", threads=1, wait_seconds=30),
    ):
        pass
    assert time.monotonic() - began < 5 and "rebuild" in caught.value.do


def test_no_table_that_is_loaded_has_an_index_or_a_constraint(tmp_path: Path) -> None:
    with open_warehouse(tmp_path / "w" / "warehouse.duckdb", memory_limit="1GB", threads=1) as con:
        ensure_ops(con)
        declare(con, ((stream, columns(stream)) for spec in discover().values() for stream in spec.streams()))
        tables = con.execute("SELECT count(*) FROM duckdb_tables() WHERE schema_name LIKE 'raw_%'").fetchone()
        assert tables is not None and tables[0] > 20
        assert con.execute("SELECT schema_name, table_name FROM duckdb_indexes()").fetchall() == []
        found = "SELECT table_name, constraint_type FROM duckdb_constraints() WHERE NOT starts_with(schema_name, 'pg_')"
        assert con.execute(found).fetchall() == []


def test_a_sync_compacts_when_it_is_worth_it_and_warns_when_there_is_no_room(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.source.pages = [[deal("1", Amount=1)]]
    bench.sync()
    lacks = iter(["there is no room", ""])
    monkeypatch.setattr(room, "_lack_of_room", lambda con, path: next(lacks))
    monkeypatch.setattr(room, "DEAD_BYTES", 0)
    with duckdb.connect(str(bench.settings.warehouse)) as con:
        con.execute("CREATE TABLE main.ballast AS SELECT md5(CAST(range AS VARCHAR)) AS x FROM range(300000)")
        con.execute("CHECKPOINT")
        con.execute("DROP TABLE main.ballast")
    ballast = bench.settings.warehouse.stat().st_size
    bench.source.pages = [[deal("2", "2026-03-02T10:00:00+08:00", Amount=2)]]
    report = bench.sync()
    assert report.ok and report.warnings == ["there is no room"]
    bench.source.pages = [[deal("3", "2026-03-03T10:00:00+08:00", Amount=3)]]
    report = bench.sync()
    assert report.ok and report.warnings == []
    assert bench.settings.warehouse.stat().st_size < ballast / 2
    assert [key for key, _ in bench.raw()] == ["1", "2", "3"]
