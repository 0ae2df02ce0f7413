"""What is loaded, built and published is known from the thing itself, never from a file beside it."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from connectors.core.contract import CursorKind, Page
from connectors.core.errors import Problem
from pipelines import flow
from pipelines.build import BuildStamp, begin_build, read_build, read_stamp, stamp_build
from pipelines.fold import rebuild, refold
from pipelines.landing.land import land
from pipelines.warehouse.ops import unbalanced
from tests.pipeline.conftest import Bench
from tests.pipeline.scripted import STREAM, deal

TABLES = ("raw_scripted.deals", "raw_scripted.deals__history", "ops.packages")


def contents(warehouse: Path) -> dict[str, list[tuple[object, ...]]]:
    with duckdb.connect(str(warehouse), read_only=True) as con:
        con.execute("SET TimeZone = 'UTC'")
        return {t: sorted(con.execute(f"SELECT * FROM {t}").fetchall(), key=repr) for t in TABLES}


@pytest.fixture
def three_syncs(bench: Bench) -> Bench:
    """New rows; a change, a row set aside and a deletion; new rows again."""
    bench.source.pages = [[deal("1", Amount=1), deal("2", Amount=2)]]
    bench.sync()
    second = "2026-03-02T10:00:00+08:00"
    bench.source.pages = [[deal("2", second, Amount=20), deal("9", second, Amount=-1)]]
    bench.source.deleted = [{"id": "1", "deleted_time": second}]
    bench.sync()
    bench.source.pages, bench.source.deleted = [[deal("3", "2026-03-03T10:00:00+08:00", Amount=3)]], []
    bench.sync()
    return bench


def test_a_lost_warehouse_is_folded_again_before_anything_else(three_syncs: Bench) -> None:
    bench = three_syncs
    before = contents(bench.settings.warehouse)
    (bench.settings.home / "dbt").mkdir()
    stamp_build(bench.settings, BuildStamp(built_from="x", as_of_date="2026-03-03"))
    bench.settings.warehouse.unlink()
    bench.source.pages = [[deal("4", "2026-03-04T10:00:00+08:00", Amount=4)]]
    assert bench.sync().ok
    assert [key for key, _ in bench.raw()] == ["1", "2", "3", "4"]
    assert read_stamp(bench.settings) is None, "its models went with the lost file"
    after = contents(bench.settings.warehouse)
    for table, rows in before.items():
        assert [r for r in after[table] if r in rows] == rows, f"{table} lost or changed a row"


def test_a_warehouse_from_an_older_backup_catches_up(bench: Bench) -> None:
    bench.source.pages = [[deal("1", Amount=1)]]
    bench.sync()
    backup = bench.settings.warehouse.with_suffix(".backup")
    shutil.copy(bench.settings.warehouse, backup)
    bench.source.pages = [[deal("2", "2026-03-02T10:00:00+08:00", Amount=2)]]
    bench.sync()
    whole = contents(bench.settings.warehouse)
    backup.replace(bench.settings.warehouse)
    with flow.lock(bench.settings, "test"):
        assert refold(bench.settings) == 1
        assert refold(bench.settings) == 0
    assert contents(bench.settings.warehouse) == whole


def test_a_rebuild_gives_the_same_tables_row_for_row(three_syncs: Bench) -> None:
    bench = three_syncs
    before = contents(bench.settings.warehouse)
    sizes = {table: len(rows) for table, rows in before.items()}
    assert sizes == {"raw_scripted.deals": 3, "raw_scripted.deals__history": 5, "ops.packages": 4}
    with flow.lock(bench.settings, "test"):
        assert rebuild(bench.settings) == 4
    assert contents(bench.settings.warehouse) == before
    with duckdb.connect(str(bench.settings.warehouse), read_only=True) as con:
        assert unbalanced(con) == []


def test_a_rebuild_without_a_landing_zone_leaves_the_warehouse(three_syncs: Bench) -> None:
    bench = three_syncs
    before = contents(bench.settings.warehouse)
    shutil.rmtree(bench.settings.landing)
    with pytest.raises(Problem, match="no loaded package"), flow.lock(bench.settings, "test"):
        rebuild(bench.settings)
    assert contents(bench.settings.warehouse) == before


def test_a_corrupt_warehouse_is_a_sentence_that_names_the_way_out(three_syncs: Bench) -> None:
    bench = three_syncs
    before = contents(bench.settings.warehouse)
    bench.settings.warehouse.write_bytes(b"\0" * 8192)
    with pytest.raises(Problem, match="crm-warehouse rebuild"):
        bench.sync()
    with flow.lock(bench.settings, "test"):
        rebuild(bench.settings)
    assert contents(bench.settings.warehouse) == before


def test_checked_rows_that_were_changed_on_disk_are_not_loaded(bench: Bench) -> None:
    bench.source.pages = [[deal("1", Amount=1)]]
    bench.sync()
    bench.settings.warehouse.unlink()
    with (bench.zone.packages()[0].folder / "accepted.parquet").open("ab") as file:
        file.write(b"x")
    with pytest.raises(Problem, match="missing or damaged"):
        bench.sync()


def test_only_a_complete_build_can_be_published(bench: Bench) -> None:
    with pytest.raises(Problem, match="no complete build"):
        flow.publish_built(bench.settings)
    stamp = BuildStamp(built_from="1-a-b", as_of_date="2026-03-01")
    (bench.settings.home / "dbt").mkdir()
    stamp_build(bench.settings, stamp)
    assert read_stamp(bench.settings) == stamp
    begin_build(bench.settings)  # and the build is killed here
    with pytest.raises(Problem, match="no complete build"):
        flow.publish_built(bench.settings)


def test_a_build_that_says_nothing_is_a_failure(bench: Bench) -> None:
    begin_build(bench.settings)
    with pytest.raises(Problem, match="without saying"):
        read_build(bench.settings)


def test_a_file_that_changes_while_it_is_read_is_not_landed(bench: Bench, tmp_path: Path) -> None:
    file = tmp_path / "商机.csv"
    file.write_text("half")
    page = Page(file, 1, file_stamp=datetime(2026, 1, 1, tzinfo=UTC), sha256="0" * 64)
    bench.source.read = lambda stream, window: iter([page])  # type: ignore[method-assign]
    with pytest.raises(Problem, match="changed while it was read"):
        land(bench.source, STREAM, CursorKind.FILE, bench.zone, overlap=bench.settings.overlap)
    assert list(bench.zone.folder.iterdir()) == []
