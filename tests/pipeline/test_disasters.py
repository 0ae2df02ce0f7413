"""Full disks, torn files, dead and living holders: a sentence that a person can act on, nothing half-loaded, the
published version stays, other streams go on, and the run after the repair brings everything."""

from __future__ import annotations

import logging
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import duckdb
import msgspec
import pytest

from connectors.core.contract import SourceSpec
from connectors.core.errors import Problem
from pipelines import cli, flow
from pipelines import sync as sync_room
from pipelines.build import read_build, target_path
from pipelines.fold import rebuild
from pipelines.health import read_health
from pipelines.landing.zone import Package, StreamZone, Zone
from pipelines.outcome import Status
from pipelines.settings import Settings
from pipelines.warehouse.ops import unbalanced
from pipelines.warehouse.publish import PublishedColumn, PublishedTable, publish
from tests.pipeline.disasters import OTHER, Disk, Limit, Pair, at_line, holding, tmpfs
from tests.pipeline.scripted import STREAM, deal

NO_RULES = "grain: one row per record\nowner: sales operations\nrules: []\n"
STREAMS = ("accounts", "deals")
T = PublishedTable("core", "t", "Numbers.", (PublishedColumn("n"),))
FULL = [
    *(
        ("tmpfs", f"package {line}")
        for line in ("begun", "landed", "split", "checked", "loading", "folded", "loaded")
    ),
    *(("limit", f"package {line}") for line in ("landed", "loading")),
]
Contents = dict[str, list[tuple[object, ...]]]


class Two:
    """A home with two streams."""

    def __init__(self, folder: Path) -> None:
        self.source = Pair()
        for stream in STREAMS:
            rules = folder / "expectations" / "scripted" / f"{stream}.yml"
            rules.parent.mkdir(parents=True, exist_ok=True)
            rules.write_text(NO_RULES)
        self.settings = Settings(home=folder / "home", lock_wait_seconds=0.5, threads=1, _env_file=None)  # type: ignore[call-arg]
        self.settings.prepare_home()
        self.spec = SourceSpec(
            "scripted", "Scripted", (), lambda: (OTHER, STREAM), lambda context: self.source
        )

    def deliver(self, day: int, count: int = 3) -> None:
        """What every stream answers from now on: the same keys with that day's values; noise does not compress."""
        noise = random.Random(day)
        self.source.pages = [
            [
                deal(str(i), f"2026-03-{day:02d}T10:00:00+08:00", Amount=day, Name=noise.randbytes(300).hex())
                for i in range(count)
            ]
        ]

    def sync(self) -> flow.RunReport:
        with flow.lock(self.settings, "test"):
            return flow.sync_and_report(self.settings, [(self.spec, "default")])

    def zone(self, stream: str) -> StreamZone:
        return Zone(self.settings.landing).stream("scripted", "default", stream)

    def amounts(self, stream: str) -> list[int]:
        with duckdb.connect(str(self.settings.warehouse), read_only=True) as con:
            assert unbalanced(con) == []
            table = f"raw_scripted.{stream}"
            return [int(a) for (a,) in con.execute(f'SELECT DISTINCT "Amount" FROM {table}').fetchall()]

    def contents(self) -> Contents:
        """Everything that the fold makes."""
        with duckdb.connect(str(self.settings.warehouse), read_only=True) as con:
            con.execute("SET TimeZone = 'UTC'")
            tables = [f"raw_scripted.{s}{h}" for s in STREAMS for h in ("", "__history")] + ["ops.packages"]
            return {t: sorted(con.execute(f"SELECT * FROM {t}").fetchall(), key=repr) for t in tables}


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Two:
    monkeypatch.setattr(sync_room, "EXPECTATIONS", tmp_path / "expectations")
    return Two(tmp_path)


@pytest.fixture(params=["tmpfs", "limit"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disk]:
    """A disk that can be filled; the second way needs no right to mount."""
    path = tmp_path / "disk"
    path.mkdir()
    if request.param == "limit":
        yield Limit(path)
        return
    with tmpfs(path, 12) as made:
        if made is None:
            pytest.skip("this user may not mount a disk")
        yield made


@pytest.mark.parametrize(("disk", "line"), FULL, indirect=["disk"])
def test_a_disk_that_fills_up_while_a_package_is_made(
    disk: Disk, line: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sync_room, "EXPECTATIONS", disk.path / "expectations")
    two = Two(disk.path)
    two.deliver(1)
    assert two.sync().ok
    before = two.contents()
    two.deliver(2, 300)
    with disk.full(from_line=line):
        report = two.sync()
    sentences = report.sentences()
    assert sentences and all("the disk is full" in s and "make room" in s for s in sentences), sentences
    assert "Traceback" not in capfd.readouterr().err
    after = two.contents()
    for stream in STREAMS:
        assert two.amounts(stream) in ([1], [2]) or two.amounts(stream) == [1, 2]
        whole = after[f"raw_scripted.{stream}"]
        assert whole == before[f"raw_scripted.{stream}"] or len(whole) == 300, "half a package was loaded"
    assert two.sync().ok
    for stream in STREAMS:
        assert two.amounts(stream) == [2]
        assert two.zone(stream).pending() == []
        assert len(two.contents()[f"raw_scripted.{stream}"]) == 300
        assert len(two.contents()[f"raw_scripted.{stream}__history"]) == 303


def test_a_disk_that_is_full_before_there_is_a_warehouse(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync_room, "EXPECTATIONS", disk.path / "expectations")
    two = Two(disk.path)
    two.deliver(1)
    with disk.full(from_line="package checked"):
        report = two.sync()
    assert report.sentences() and all("the disk is full" in s for s in report.sentences()), report.sentences()
    assert two.sync().ok
    assert [two.amounts(s) for s in STREAMS] == [[1], [1]]


def test_a_disk_that_fills_up_while_publishing(disk: Disk) -> None:
    settings = Settings(home=disk.path / "home", _env_file=None)  # type: ignore[call-arg]
    settings.prepare_home()
    with duckdb.connect(str(settings.warehouse)) as con:
        con.execute("CREATE SCHEMA core; CREATE TABLE core.t AS SELECT range AS n FROM range(1000)")
    go = partial(publish, settings.warehouse, settings.published, (T,), {}, memory_limit="1GB")
    first = go()
    with (
        pytest.raises(Problem, match="the disk is full"),
        disk.full(),
        flow.lock(settings, "publish"),
    ):
        go()
    assert {p.name for p in settings.published.iterdir()} == {"bi.duckdb", first.path.name}
    with duckdb.connect(str(settings.published / "bi.duckdb"), read_only=True) as con:
        assert con.execute("SELECT sum(n) FROM core.t").fetchone() == (499500,)
        assert con.execute("SELECT value FROM about WHERE name = 'version'").fetchone() == (first.version,)
    assert go().version > first.version


def test_a_disk_too_full_for_health_does_not_swallow_what_the_run_has_to_say(disk: Disk) -> None:
    settings = Settings(home=disk.path / "home", _env_file=None)  # type: ignore[call-arg]
    report = flow.RunReport(problems=["the CRM is gone"])
    with flow.lock(settings, "test"), disk.full():
        flow.reported(settings, report)
    assert report.sentences()[0] == "the CRM is gone"
    assert len(report.sentences()) == 2 and "the disk is full" in report.sentences()[1]


def test_models_that_found_no_room_are_one_sentence(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", _env_file=None)  # type: ignore[call-arg]
    target_path(settings).mkdir(parents=True)
    message = 'Runtime Error in model x\n  IO Error: Could not write file "/d/w.duckdb.wal": No space left on device'
    results = [
        {"unique_id": f"model.crm_warehouse.m{i}", "status": "error", "message": message} for i in range(40)
    ]
    (target_path(settings) / "run_results.json").write_bytes(msgspec.json.encode({"results": results}))
    with pytest.raises(Problem, match=r"the disk is full \(/d/w.duckdb.wal\)"):
        read_build(settings)


@pytest.mark.parametrize(
    "error",
    [
        OSError(28, "No space left on device", "/home/x"),
        duckdb.IOException('IO Error: Could not write file "/home/x": No space left on device'),
    ],
)
def test_the_command_line_says_what_befell_the_machine(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def app() -> None:
        raise error

    monkeypatch.setattr(cli, "app", app)
    monkeypatch.setattr(logging.getLogger("crm_warehouse"), "disabled", True)
    with pytest.raises(SystemExit, match="1"):
        cli.main()
    said = " ".join(capsys.readouterr().err.split())
    assert "the disk is full (/home/x)" in said and "Traceback" not in said


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Contents]]:
    """A home whose third sync was killed when its receipts were written, before the warehouse was checkpointed, and
    what its warehouse must hold. What a process wrote outlives SIGKILL in the page cache: a copy is the same."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("killed")
        patch.setattr(sync_room, "EXPECTATIONS", folder / "expectations")
        two = Two(folder)
        warehouse, aside = two.settings.warehouse, folder / "aside"
        aside.mkdir()

        def keep() -> None:
            for path in (warehouse, _wal(warehouse)):
                shutil.copy(path, aside)

        for day in (1, 2, 3):
            two.deliver(day)
            with at_line("receipt written", keep, nth=2):
                assert two.sync().ok
        whole = two.contents()
        for path in aside.iterdir():
            shutil.copy(path, warehouse.parent)
        yield two.settings.home, whole


@pytest.fixture
def torn(two: Two, killed: tuple[Path, Contents]) -> Contents:
    """`two` is in the state of `killed`; what its warehouse must hold."""
    shutil.rmtree(two.settings.home)
    shutil.copytree(killed[0], two.settings.home)
    assert _wal(two.settings.warehouse).stat().st_size > 1000
    return killed[1]


def _wal(warehouse: Path) -> Path:
    return warehouse.with_name(warehouse.name + ".wal")


@pytest.mark.parametrize(("kept", "lost"), [(None, 2), (0, 2), (1, 2), (0.5, 2), (0.9, 1), (-1, 1)], ids=str)
def test_a_torn_write_ahead_log_loses_nothing(
    two: Two, torn: Contents, kept: float | None, lost: int
) -> None:
    """The receipts are there, the log has lost its tail. DuckDB 1.5.5 says nothing of it; the fold knows."""
    log = _wal(two.settings.warehouse)
    size = log.stat().st_size
    if kept is None:
        log.unlink()
    else:
        os.truncate(log, int(size * kept) if 0 < kept < 1 else int(kept) % size)
    assert len(two.contents()["ops.packages"]) == 6 - lost, "DuckDB opens it as if nothing had happened"
    two.source.pages = []
    assert two.sync().ok
    assert two.contents() == torn


def test_a_write_ahead_log_that_outlived_its_process_is_taken_in(two: Two, torn: Contents) -> None:
    assert two.contents() == torn
    two.deliver(4)
    assert two.sync().ok
    assert [two.amounts(s) for s in STREAMS] == [[4], [4]]


def _flip(path: Path, share: float) -> None:
    content = bytearray(path.read_bytes())
    content[int(len(content) * share)] ^= 0xFF
    path.write_bytes(content)


@pytest.mark.parametrize(
    "harm",
    [
        lambda w: _flip(_wal(w), 0.5),
        lambda w: _wal(w).write_bytes(b"\0" * 5000),
        lambda w: _wal(w).write_bytes(random.Random(1).randbytes(5000)),
        lambda w: os.truncate(w, w.stat().st_size // 2),
        lambda w: os.truncate(w, 100),
        lambda w: os.truncate(w, 0),
        lambda w: w.write_bytes(b"\0" * w.stat().st_size),
        lambda w: w.unlink(),
    ],
    ids=[
        "log flipped",
        "log zero",
        "log noise",
        "file half",
        "file headless",
        "file empty",
        "file zero",
        "file gone",
    ],
)
def test_a_damaged_warehouse_is_made_anew(two: Two, torn: Contents, harm: Callable[[Path], None]) -> None:
    harm(two.settings.warehouse)
    two.deliver(4)
    report = two.sync()
    if not report.ok:
        assert all("crm-warehouse rebuild" in s for s in report.sentences()), report.sentences()
        health = read_health(two.settings.published)
        assert health is not None and not health.ok and "rebuild" in health.problems[0].sentence
        with flow.lock(two.settings, "test"):
            rebuild(two.settings)
        rows = two.contents()
        assert {t: r for t, r in rows.items() if t.startswith("raw")} == {
            t: r for t, r in torn.items() if t.startswith("raw")
        } or [two.amounts(s) for s in STREAMS] == [[4], [4]]
        assert two.sync().ok
    assert [two.amounts(s) for s in STREAMS] == [[4], [4]]
    for stream in STREAMS:
        assert len(two.contents()[f"raw_scripted.{stream}__history"]) == 12


def _pages(package: Package) -> Path:
    return next(package.folder.glob("pages-*"))


@pytest.mark.parametrize(
    ("line", "harm"),
    [
        ("package landed", lambda p: os.truncate(_pages(p), 20)),
        ("package landed", lambda p: _pages(p).unlink()),
        ("package landed", lambda p: (p.folder / "shape.json").unlink()),
        ("package checked", lambda p: (p.folder / "accepted.parquet").write_bytes(b"PAR1")),
        ("package checked", lambda p: (p.folder / "accepted.parquet").unlink()),
    ],
    ids=["pages cut", "pages gone", "shape gone", "rows damaged", "rows gone"],
)
def test_a_damaged_package_stops_its_stream_and_no_other(
    two: Two, tmp_path: Path, line: str, harm: Callable[[Package], None]
) -> None:
    two.deliver(1)
    assert two.sync().ok
    before = two.contents()["raw_scripted.accounts"]
    two.deliver(2)
    backup = tmp_path / "backup"

    def damage() -> None:  # accounts is the first of the two streams
        package = two.zone("accounts").packages()[-1]
        shutil.copytree(package.folder, backup)
        harm(package)

    with at_line(line, damage):
        report = two.sync()
    fared = {o.stream: o.status for o in report.sync.outcomes}
    assert fared == {"accounts": Status.FAILED, "deals": Status.LOADED}
    package = two.zone("accounts").packages()[-1]
    (sentence,) = report.sentences()
    assert package.id in sentence and "unexpected" not in sentence and "backup" in sentence, sentence
    assert two.contents()["raw_scripted.accounts"] == before
    assert two.amounts("deals") == [2]
    two.deliver(3)
    assert two.zone("accounts").pending()[0].id == package.id, "it waits"
    shutil.rmtree(package.folder)
    shutil.copytree(backup, package.folder)
    assert two.sync().ok
    assert [two.amounts(s) for s in STREAMS] == [[3], [3]]
    assert len(two.contents()["raw_scripted.accounts__history"]) == 9


def test_files_without_a_manifest_are_read_again(two: Two) -> None:
    two.deliver(1)
    with at_line("package landed", partial(_forget_manifest, two)):
        two.sync()
    assert two.zone("accounts").packages() == [], "what has no manifest is no package"
    assert two.sync().ok
    assert [two.amounts(s) for s in STREAMS] == [[1], [1]]
    assert len(two.zone("accounts").packages()) == 1


def _forget_manifest(two: Two) -> None:
    (two.zone("accounts").packages()[-1].folder / "landed.json").unlink()


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is unreadable to root")
def test_an_unreadable_folder_names_itself(two: Two) -> None:
    two.deliver(1)
    assert two.sync().ok
    folder = two.zone("accounts").folder
    folder.chmod(0)
    try:
        report = two.sync()
    finally:
        folder.chmod(0o700)
    assert any(str(folder) in s and "right" in s for s in report.sentences())
    assert two.sync().ok


@pytest.mark.parametrize("content", [b"", b"[]"])
def test_a_damaged_health_file_is_replaced(two: Two, content: bytes) -> None:
    """What it said of the streams is asked for again; the version that readers open says itself which it is."""
    two.deliver(1)
    assert two.sync().ok
    with duckdb.connect(str(two.settings.warehouse)) as con:
        con.execute("CREATE SCHEMA core; CREATE TABLE core.t AS SELECT 1 AS n")
    about = {"as_of_date": "2026-03-01", "built_from": "1-a-b"}
    version = publish(two.settings.warehouse, two.settings.published, (T,), about, memory_limit="1GB").version
    (two.settings.published / "health.json").write_bytes(content)
    assert two.sync().ok
    health = read_health(two.settings.published)
    assert health is not None and health.ok
    assert [s.stream for s in health.streams] == list(STREAMS)
    published = health.published
    assert published is not None
    assert (published.version, published.path) == (version, f"bi.{version}.duckdb")
    assert (published.as_of_date, published.built_from) == ("2026-03-01", "1-a-b")


def test_the_version_that_health_names_outlives_publications_that_health_never_heard_of(two: Two) -> None:
    with duckdb.connect(str(two.settings.warehouse)) as con:
        con.execute("CREATE SCHEMA core; CREATE TABLE core.t AS SELECT 1 AS n")
    go = partial(
        publish, two.settings.warehouse, two.settings.published, (T,), {}, memory_limit="1GB", keep=2
    )
    told = go().path
    others = [go(spare=told.name).path for _ in range(4)]
    assert set(two.settings.published.glob("bi.*.duckdb")) == {told, *others[-2:]}
    assert go().path in set(two.settings.published.glob("bi.*.duckdb")) and not told.exists()


def test_a_run_waits_for_another_process_then_says_which(two: Two) -> None:
    code = (
        "import fcntl, json, os, sys; f = open(sys.argv[1], 'w'); fcntl.flock(f, fcntl.LOCK_EX); "
        "json.dump({'pid': os.getpid(), 'purpose': 'run'}, f); f.flush(); "
        "print('held', flush=True); sys.stdin.read()"
    )
    lock = two.settings.home / "run.lock"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None and holder.stdin is not None
        assert holder.stdout.readline() == "held\n"
        began = time.monotonic()
        with pytest.raises(Problem, match=rf"process {holder.pid} \(run\).*wait for it to end"):
            two.sync()
        assert time.monotonic() - began >= two.settings.lock_wait_seconds
        holder.kill()  # SIGKILL: its number stays in the file, the lock does not
        holder.wait()
        assert str(holder.pid) in lock.read_text()
        began = time.monotonic()
        two.deliver(1)
        assert two.sync().ok
        holder.stdin.close()
    assert two.amounts("deals") == [1]


@pytest.mark.parametrize("read_only", [True, False])
def test_an_analyst_in_the_warehouse_is_waited_for_then_named(two: Two, read_only: bool) -> None:
    two.deliver(1)
    assert two.sync().ok
    two.deliver(2)
    with holding(two.settings.warehouse, read_only=read_only) as analyst:
        began = time.monotonic()
        report = two.sync()
        assert time.monotonic() - began >= two.settings.lock_wait_seconds
    assert report.sentences() and all(f"process {analyst}" in s for s in report.sentences()), (
        report.sentences()
    )
    assert all("published/bi.duckdb" in s for s in report.sentences())
    two.settings = two.settings.model_copy(update={"lock_wait_seconds": 20})
    with holding(two.settings.warehouse, read_only=read_only, seconds=1):
        assert two.sync().ok
    assert [two.amounts(s) for s in STREAMS] == [[2], [2]]
