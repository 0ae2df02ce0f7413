"""A backup is whole or nothing, costs what changed, and a home restored from it goes on as if never lost."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from connectors.core.contract import Page, Stream, Window
from connectors.core.errors import Problem
from pipelines import flow
from pipelines import sync as sync_room
from pipelines.build import BuildStamp, read_stamp, stamp_build
from pipelines.landing import standing
from pipelines.settings import Settings
from pipelines.upkeep import backup as backup_module
from pipelines.upkeep import restore as restore_module
from pipelines.upkeep.backup import MANIFEST, Backup, backup, read_backup
from pipelines.upkeep.restore import restore
from pipelines.upkeep.verify import audit
from tests.pipeline.conftest import Bench
from tests.pipeline.scripted import Scripted, deal, moment, page

COLUMNS = '_record_id, "Amount", "Name", _modified_at, _deleted_at, _deletion_evidence'


class Crm(Scripted):
    """Answers like a CRM: what is stamped at or after the window's beginning, a page per record."""

    def __init__(self) -> None:
        super().__init__()
        self.records: dict[str, dict[str, Any]] = {}

    def put(self, key: str, day: int, **values: Any) -> None:
        self.records[key] = deal(key, f"2026-03-{day:02d}T10:00:00+08:00", **values)

    def read(self, stream: Stream, window: Window) -> Iterator[Page]:
        if window.kind == "deleted":
            yield from super().read(stream, window)
            return
        for record in sorted(self.records.values(), key=lambda r: r["Modified_Time"]):
            if window.since is None or moment(record["Modified_Time"]) >= window.since:
                yield page([record])


def first_days(crm: Crm) -> None:
    crm.put("1", 1, Amount=1, Name="安徽")
    crm.put("2", 2, Amount=2)
    crm.put("9", 2, Amount=-9)  # set aside by a rule


def later_days(crm: Crm) -> None:
    crm.put("2", 5, Amount=20)
    crm.put("3", 6, Amount=3)
    del crm.records["1"]
    crm.deleted = [{"id": "1", "deleted_time": "2026-03-06T10:00:00+08:00"}]


def last_days(crm: Crm) -> None:
    crm.put("3", 8, Amount=30)
    crm.put("4", 9, Amount=4)


@pytest.fixture
def homes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Bench, Bench]:
    """A home and its twin that nothing ever happens to, each with a CRM that tells the same story."""
    monkeypatch.setattr(sync_room, "EXPECTATIONS", tmp_path / "one" / "expectations")
    return Bench(tmp_path / "one", Crm()), Bench(tmp_path / "twin", Crm())


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that was synced once, with a published version of its own and secrets beside."""
    folder = tmp_path_factory.mktemp("template")
    bench = Bench(folder, Crm())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sync_room, "EXPECTATIONS", folder / "expectations")
        first_days(bench.source)  # type: ignore[arg-type]
        assert bench.sync().ok
    home = bench.settings.home
    (home / "published" / "bi.20260301T000000000000Z.duckdb").write_bytes(b"marts" * 1000)
    os.link(home / "published" / "bi.20260301T000000000000Z.duckdb", home / "published" / "bi.duckdb")
    for name in ("cache/scripted/token.json", "scratch/check-1/cells.csv", "warehouse/spill/x.tmp", ".env"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text("secret")
    (home / "published" / ".bi.x.building").write_text("half")
    return home


@pytest.fixture
def home(bench: Bench, template: Path) -> Bench:
    """A copy of it for each test. `copytree` would make two files of a hard link."""
    shutil.rmtree(bench.settings.home)
    subprocess.run(["cp", "-a", str(template), str(bench.settings.home)], check=True)
    return bench


def saved(bench: Bench, target: Path) -> Backup:
    with flow.lock(bench.settings, "test"):
        return backup(bench.settings, target)


def restored(settings: Settings, folder: Path) -> None:
    with flow.lock(settings, "test"):
        restore(settings, folder)


def rows(bench: Bench) -> dict[str, list[tuple[object, ...]]]:
    with duckdb.connect(str(bench.settings.warehouse), read_only=True) as con:
        con.execute("SET TimeZone = 'UTC'")
        return {
            table: con.execute(f"SELECT {COLUMNS} FROM raw_scripted.{table} ORDER BY ALL").fetchall()
            for table in ("deals", "deals__history")
        }


def sound(bench: Bench) -> bool:
    with flow.lock(bench.settings, "test"):
        return not audit(bench.settings).findings


def inodes(folder: Path) -> dict[str, int]:
    return {
        path.relative_to(folder).as_posix(): path.stat().st_ino
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_restore_drill(homes: tuple[Bench, Bench], tmp_path: Path) -> None:
    """Sync, back up, sync more, lose the home, restore: the next sync brings everything the twin has."""
    bench, twin = homes
    for home in homes:
        first_days(home.source)  # type: ignore[arg-type]
        assert home.sync().ok
    made = saved(bench, tmp_path / "backups")
    then = rows(bench)
    for home in homes:
        later_days(home.source)  # type: ignore[arg-type]
        assert home.sync().ok
    assert rows(bench) != then
    shutil.rmtree(bench.settings.home)
    restored(bench.settings, made.path)
    assert rows(bench) == then and sound(bench)
    for home in homes:
        last_days(home.source)  # type: ignore[arg-type]
        assert home.sync().ok
    assert [key for key, *_ in rows(bench)["deals"]] == ["1", "2", "3", "4"]
    assert rows(bench)["deals"] == rows(twin)["deals"]
    assert sound(bench) and sound(twin)


def test_history_of_a_drill_without_versions_in_between(homes: tuple[Bench, Bench], tmp_path: Path) -> None:
    """What changed once since the backup is read again, so that history is the twin's too."""
    bench, twin = homes
    for home in homes:
        first_days(home.source)  # type: ignore[arg-type]
        home.sync()
    made = saved(bench, tmp_path / "backups")
    for home in homes:
        later_days(home.source)  # type: ignore[arg-type]
        home.sync()
    shutil.rmtree(bench.settings.home)
    restored(bench.settings, made.path)
    bench.sync()
    assert rows(bench) == rows(twin)


def test_what_is_in_a_backup_and_what_never_is(home: Bench, tmp_path: Path) -> None:
    made = saved(home, tmp_path / "backups")
    names = set(inodes(made.path)) - {MANIFEST}
    landed = {n for n in inodes(home.settings.home) if n.startswith("landing/")}
    assert names == landed | {
        "warehouse/warehouse.duckdb",
        "published/health.json",
        "published/bi.20260301T000000000000Z.duckdb",
        "published/bi.duckdb",
    }
    manifest = json.loads((made.path / MANIFEST).read_text())
    assert {f["path"] for f in manifest["files"]} == names
    for file in manifest["files"]:
        content = (home.settings.home / file["path"]).read_bytes()
        assert (file["bytes"], file["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    assert made.files == len(names) and made.bytes == sum(f["bytes"] for f in manifest["files"])
    folders = [p for p in [made.path, *made.path.rglob("*")] if p.is_dir()]
    assert {stat.S_IMODE(p.stat().st_mode) for p in folders} == {0o700}
    assert {stat.S_IMODE(p.stat().st_mode) for p in made.path.rglob("*") if p.is_file()} == {0o600}


def test_the_write_ahead_log_is_in_the_saved_warehouse(home: Bench, tmp_path: Path) -> None:
    """Committed, never checkpointed, killed: the rows are in the log only."""
    code = (
        "import duckdb, os; con = duckdb.connect(os.environ['FILE']); "
        "con.execute('CREATE TABLE late AS SELECT 7 AS n'); os._exit(0)"
    )
    file = home.settings.warehouse
    subprocess.run([sys.executable, "-c", code], env={**os.environ, "FILE": str(file)}, check=True)
    assert file.with_name(file.name + ".wal").stat().st_size > 0
    made = saved(home, tmp_path / "backups")
    assert not file.with_name(file.name + ".wal").exists()
    with duckdb.connect(str(made.path / "warehouse" / "warehouse.duckdb"), read_only=True) as con:
        assert con.execute("SELECT n FROM late").fetchall() == [(7,)]


def test_a_second_backup_shares_what_did_not_change(home: Bench, tmp_path: Path) -> None:
    first = saved(home, tmp_path / "backups")
    home.source.pages = [[deal("7", "2026-03-07T10:00:00+08:00", Amount=7)]]
    assert home.sync().ok
    second = saved(home, tmp_path / "backups")
    before, after = inodes(first.path), inodes(second.path)
    shared = {name for name in before if after.get(name) == before[name]}
    moving = ("/aside.json", f"/{standing.NAME}")
    changed = {name for name in before if name.startswith("landing/_runs/") or name.endswith(moving)}
    assert shared == before.keys() - changed - {
        MANIFEST,
        "warehouse/warehouse.duckdb",
        "published/health.json",
    }
    assert second.shared == sum((second.path / name).stat().st_size for name in shared)
    assert not set(before.values()) & set(inodes(home.settings.home).values()), "never the home's own file"
    shutil.rmtree(first.path)
    shutil.rmtree(home.settings.home)
    restored(home.settings, second.path)
    assert [key for key, _ in home.raw()] == ["1", "2", "7"] and sound(home)


def test_an_idle_home_costs_nothing(home: Bench, tmp_path: Path) -> None:
    first = saved(home, tmp_path / "backups")
    second = saved(home, tmp_path / "backups")
    assert (second.bytes, second.shared) == (first.bytes, second.bytes)
    assert first.shared == 5000, "bi.duckdb is its version under a second name"


def test_a_file_that_was_written_to_is_copied_even_at_the_same_size(home: Bench, tmp_path: Path) -> None:
    saved(home, tmp_path / "backups")
    health = home.settings.published / "health.json"
    health.write_bytes(health.read_bytes()[::-1])
    second = saved(home, tmp_path / "backups")
    assert (second.path / "published" / "health.json").read_bytes() == health.read_bytes()


@pytest.mark.parametrize("inside", [".", "backups", "landing/x"])
def test_a_backup_inside_the_home_is_refused(home: Bench, inside: str) -> None:
    with pytest.raises(Problem, match="lost with it"):
        saved(home, home.settings.home / inside)
    assert not (home.settings.home / "backups").exists()


def test_no_room(home: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(backup_module.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(Problem, match="1,000 are free"):
        saved(home, tmp_path / "backups")
    assert list((tmp_path / "backups").glob("crm-warehouse-*")) == []


def test_a_killed_backup_leaves_nothing_that_looks_whole(home: Bench, tmp_path: Path) -> None:
    target = tmp_path / "backups"
    code = """if True:
        import os, signal
        from pathlib import Path
        from pipelines.upkeep import backup
        from pipelines.settings import load_settings
        copied, copy = [], backup.copy_digested
        def dying(source, target):
            copied.append(copy(source, target))
            if len(copied) == 5:
                os.kill(os.getpid(), signal.SIGKILL)
            return copied[-1]
        backup.copy_digested = dying
        backup.backup(load_settings(), Path(os.environ["TARGET"]))
    """
    environment = {**os.environ, "CRM_WAREHOUSE_HOME": str(home.settings.home), "TARGET": str(target)}
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", code], env=environment, cwd=root, check=False)
    assert done.returncode == -9
    (left,) = target.glob("crm-warehouse-*")
    assert left.name.endswith(".partial") and len(inodes(left)) == 5
    with pytest.raises(Problem, match="never completed"):
        read_backup(left)
    made = saved(home, target)
    assert list(target.glob("crm-warehouse-*")) == [made.path], "the next backup removes what was left"


def harm_flip(folder: Path) -> str:
    path = next(folder.rglob("*.zst"))
    content = bytearray(path.read_bytes())
    content[9] ^= 1
    path.write_bytes(content)
    return rf"{path.name} does not hold what was written there"


def harm_short(folder: Path) -> str:
    path = folder / "warehouse" / "warehouse.duckdb"
    os.truncate(path, path.stat().st_size - 1)
    return r"warehouse\.duckdb has .* bytes instead of"


def harm_missing(folder: Path) -> str:
    next(folder.rglob("accepted.parquet")).unlink()
    return r"accepted\.parquet is missing"


def harm_manifest(folder: Path) -> str:
    (folder / MANIFEST).write_text('{"format": 1')
    return r"backup\.json of this backup cannot be read"


def harm_newer(folder: Path) -> str:
    manifest = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps({**manifest, "format": 2}))
    return r"newer crm-warehouse \(format 2\)"


def harm_escape(folder: Path) -> str:
    text = (folder / MANIFEST).read_text()
    (folder / MANIFEST).write_text(text.replace("published/health.json", "published/../../x"))
    return "names a file outside"


HARMS = (harm_flip, harm_short, harm_missing, harm_manifest, harm_newer, harm_escape)


@pytest.mark.parametrize("harm", HARMS)
def test_a_damaged_backup_is_refused_and_the_home_stays_empty(home: Bench, tmp_path: Path, harm: Any) -> None:
    made = saved(home, tmp_path / "backups")
    words = harm(made.path)
    settings = Settings(home=tmp_path / "new", _env_file=None)
    with pytest.raises(Problem, match=words):
        restored(settings, made.path)
    assert {n for n in inodes(settings.home) if not n.startswith("logs/")} == {"run.lock"}


def test_a_home_that_holds_data_is_not_overwritten(home: Bench, tmp_path: Path) -> None:
    made = saved(home, tmp_path / "backups")
    before = inodes(home.settings.home)
    with pytest.raises(Problem, match="holds data already"):
        restored(home.settings, made.path)
    assert inodes(home.settings.home) == before


def test_a_restored_home_is_as_private_as_it_was(home: Bench, tmp_path: Path) -> None:
    made = saved(home, tmp_path / "backups")
    home_before = home.settings.home
    settings = Settings(home=tmp_path / "new", _env_file=None)
    restored(settings, made.path)

    def modes(folder: Path) -> dict[str, str]:
        return {
            p.relative_to(folder).as_posix(): oct(p.stat().st_mode)
            for room in ("landing", "warehouse/warehouse.duckdb", "published")
            for p in [folder / room, *(folder / room).rglob("*")]
            if not p.name.startswith(".")
        }

    expected = modes(home_before)
    expected["published/bi.duckdb"] = expected["published/bi.20260301T000000000000Z.duckdb"] = oct(0o100644)
    assert modes(settings.home) == expected
    published = inodes(settings.published)
    assert published["bi.duckdb"] == published["bi.20260301T000000000000Z.duckdb"]


def test_a_restore_that_fails_half_way_leaves_the_home_empty(
    home: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = saved(home, tmp_path / "backups")
    settings = Settings(home=tmp_path / "new", _env_file=None)
    copied: list[Path] = []

    def full(source: Path, target: Path) -> tuple[int, str]:
        copied.append(source)
        if len(copied) == 3:
            raise OSError(28, "No space left on device")
        return backup_module.copy_digested(source, target)

    monkeypatch.setattr(restore_module, "copy_digested", full)
    with pytest.raises(Problem, match="disk is full"):
        restored(settings, made.path)
    assert {n for n in inodes(settings.home) if not n.startswith("logs/")} == {"run.lock"}
    monkeypatch.undo()
    restored(settings, made.path)
    assert (settings.home / "landing").is_dir() and not (settings.home / ".restoring").exists()


def test_what_was_built_in_a_home_before_is_not_what_it_holds_now(home: Bench, tmp_path: Path) -> None:
    made = saved(home, tmp_path / "backups")
    for room in ("landing", "warehouse", "published"):
        shutil.rmtree(home.settings.home / room)
    (home.settings.home / "dbt").mkdir(exist_ok=True)
    stamp_build(home.settings, BuildStamp(built_from="9-x-y", as_of_date="2026-03-09"))
    restored(home.settings, made.path)
    assert read_stamp(home.settings) is None
