"""The published copy: whole or not at all, without personal columns; readers keep the version they hold."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import duckdb
import pytest
from pydantic import ValidationError

from connectors.core.errors import Problem
from pipelines.settings import Settings
from pipelines.warehouse import publish as room
from pipelines.warehouse.publish import PublishedColumn, PublishedTable, publish

TABLES = (
    PublishedTable(
        "core", "dim_user", "One row per user's \"name\".",
        (PublishedColumn("user_key", "Key (键)."), PublishedColumn("name")),
    ),
    PublishedTable("mart", "kpi", "One row per month.", (PublishedColumn("month"), PublishedColumn("won_amount"))),
)  # fmt: skip


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute("CREATE SCHEMA core; CREATE SCHEMA mart")
        con.execute(
            "CREATE TABLE core.dim_user AS SELECT 'u1' AS user_key, '王芳' AS name, 'w@example.com' AS email"
        )
        con.execute(
            "CREATE TABLE mart.kpi AS SELECT DATE '2026-01-01' AS month, 5.00::DECIMAL(18,2) AS won_amount"
        )
        con.execute("CREATE TABLE mart.internal AS SELECT 1 AS x")
    (tmp_path / "published").mkdir()
    return path


def published(warehouse: Path, keep: int = 3, wait_seconds: float = 0) -> room.Publication:
    folder, about = warehouse.parent / "published", {"as_of_date": "2026-01-31"}
    return publish(warehouse, folder, TABLES, about, memory_limit="1GB", keep=keep, wait_seconds=wait_seconds)


def test_what_is_published_and_what_is_not(warehouse: Path) -> None:
    publication = published(warehouse)
    assert publication.rows == {"core.dim_user": 1, "mart.kpi": 1}
    with duckdb.connect(str(warehouse.parent / "published" / "bi.duckdb"), read_only=True) as con:
        tables = con.execute(
            "SELECT schema_name || '.' || table_name FROM duckdb_tables() ORDER BY 1"
        ).fetchall()
        assert tables == [("core.dim_user",), ("main.about",), ("mart.kpi",)]
        assert [c for c, *_ in con.execute("DESCRIBE core.dim_user").fetchall()] == ["user_key", "name"]
        about = dict(con.execute("SELECT * FROM about").fetchall())
        assert (about["version"], about["as_of_date"]) == (publication.version, "2026-01-31")
        comments = con.execute(
            "SELECT comment FROM duckdb_columns() WHERE column_name = 'user_key'"
        ).fetchall()
        assert comments == [("Key (键).",)]
    assert b"w@example.com" not in publication.path.read_bytes()


def test_a_reader_keeps_its_version_while_new_ones_come(warehouse: Path) -> None:
    first = published(warehouse)
    reader = duckdb.connect(str(first.path), read_only=True)
    with duckdb.connect(str(warehouse)) as con:
        con.execute("UPDATE mart.kpi SET won_amount = 6")
    second = published(warehouse)
    assert reader.execute("SELECT won_amount::INT FROM mart.kpi").fetchone() == (5,)
    reader.close()
    with duckdb.connect(str(second.path), read_only=True) as con:
        assert con.execute("SELECT won_amount::INT FROM mart.kpi").fetchone() == (6,)
    folder = warehouse.parent / "published"
    assert (folder / "bi.duckdb").samefile(second.path)
    assert not list(folder.glob("*.wal")) and not list(folder.glob(".*"))


@pytest.mark.parametrize("keep", [1, 3])
def test_the_last_versions_are_kept(warehouse: Path, keep: int) -> None:
    versions = [published(warehouse, keep).path for _ in range(5)]
    folder = warehouse.parent / "published"
    assert sorted(folder.glob("bi.*.duckdb")) == versions[-keep:]
    assert (folder / "bi.duckdb").samefile(versions[-1])


def test_how_many_are_kept_is_a_setting(monkeypatch: pytest.MonkeyPatch, warehouse: Path) -> None:
    assert Settings(_env_file=None).keep_published == 3
    monkeypatch.setenv("CRM_WAREHOUSE_KEEP_PUBLISHED", "7")
    assert Settings(_env_file=None).keep_published == 7
    monkeypatch.setenv("CRM_WAREHOUSE_KEEP_PUBLISHED", "0")
    with pytest.raises(ValidationError):
        Settings(_env_file=None)
    with pytest.raises(ValueError, match="at least"):
        published(warehouse, keep=0)


def test_the_bytes_are_durable_before_the_name_appears(
    warehouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    story: list[str] = []
    fsync, rename = os.fsync, Path.rename

    def synced(descriptor: int) -> None:
        story.append("sync " + Path(f"/proc/self/fd/{descriptor}").readlink().suffix)
        fsync(descriptor)

    def renamed(path: Path, target: Path) -> Path:
        story.append("rename " + path.suffix)
        return rename(path, target)

    monkeypatch.setattr("pipelines.files.os.fsync", synced)
    monkeypatch.setattr(Path, "rename", renamed)
    published(warehouse)
    assert story == ["sync .building", "rename .building", "sync "]  # the folder last


def test_what_a_killed_publication_left_is_cleared(warehouse: Path) -> None:
    folder = warehouse.parent / "published"
    (folder / ".bi.20260101T000000000000Z.building").write_bytes(b"half")
    (folder / ".bi.20260101T000000000000Z.building.tmp").mkdir()  # where older versions of ours let it spill
    (folder / ".bi.20260101T000000000000Z.building.tmp" / "duckdb_temp_storage_S32K-0.tmp").write_bytes(
        b"half"
    )
    published(warehouse)
    assert not list(folder.glob(".*"))


def test_an_analyst_who_writes_in_the_warehouse_is_waited_for_then_named(warehouse: Path) -> None:
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(warehouse)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as analyst:
        assert analyst.stdout is not None and analyst.stdin is not None
        assert analyst.stdout.readline() == "open\n"
        with pytest.raises(Problem, match=f"process {analyst.pid}"):
            published(warehouse, wait_seconds=0.3)
        assert not list((warehouse.parent / "published").iterdir())
        threading.Timer(0.5, analyst.stdin.close).start()
        assert published(warehouse, wait_seconds=30).rows["mart.kpi"] == 1


def test_a_publication_that_fails_leaves_the_last_version(
    warehouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published(warehouse)
    before = {p.name: p.read_bytes() for p in (warehouse.parent / "published").iterdir()}
    with duckdb.connect(str(warehouse)) as con:
        con.execute("DROP TABLE mart.kpi")
    with pytest.raises(duckdb.Error):
        published(warehouse)
    monkeypatch.setattr(
        room, "_same_count", lambda con, name: (_ for _ in ()).throw(Problem("0 rows", do="report"))
    )
    with pytest.raises(Problem):
        published(warehouse)
    assert {p.name: p.read_bytes() for p in (warehouse.parent / "published").iterdir()} == before
