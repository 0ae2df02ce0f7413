"""Retention takes out old bytes that nothing needs any more, says so first, and never anything else."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import msgspec
import pytest

from connectors.core.errors import Problem
from pipelines import flow
from pipelines import sync as sync_room
from pipelines.fold import rebuild
from pipelines.landing import retention
from pipelines.landing.decisions import drop, release
from pipelines.landing.zone import Package
from pipelines.manifest import LANDED, THINNED, write_manifest
from pipelines.settings import Settings
from pipelines.upkeep.prune import Pruning, prune
from pipelines.upkeep.verify import audit
from tests.pipeline.conftest import BLOCKING, RULES, Bench
from tests.pipeline.scripted import Scripted, deal
from tests.pipeline.test_recovery import contents

PAGES = "pages-0001.jsonl.zst"
PARQUET = {"accepted.parquet", "quarantined.parquet"}
BROKEN = {"findings.parquet"}  # of a package with a row set aside
MANIFESTS = {"landed.json", "checked.json", "loaded.json", "shape.json"}


def at(day: int) -> str:
    return f"2026-03-{day:02d}T10:00:00+08:00"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five packages: new rows; one row set aside; a deletion; nothing new; a new row."""
    folder = tmp_path_factory.mktemp("template")
    bench = Bench(folder, Scripted())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sync_room, "EXPECTATIONS", folder / "expectations")
        bench.source.pages = [[deal("1", at(1), Amount=1), deal("2", at(1), Amount=2)]]
        bench.sync()
        bench.source.pages = [[deal("3", at(2), Amount=3), deal("9", at(2), Amount=-1)]]
        bench.source.deleted = [{"id": "1", "deleted_time": at(2)}]
        bench.sync()
        # an older version's stamp moved, its content did not: a package of which every row is unchanged
        bench.source.pages = [[deal("2", at(1), Amount=2), deal("3", at(2), Amount=3)]]
        bench.sync()
        bench.source.pages = [[deal("4", at(4), Amount=4)]]
        bench.sync()
    return bench.settings.home


@pytest.fixture
def old(bench: Bench, template: Path) -> Bench:
    shutil.rmtree(bench.settings.home)
    shutil.copytree(template, bench.settings.home)
    kinds = [(p.kind, p.receipt.changed) for p in bench.zone.packages() if p.receipt]
    assert kinds == [
        ("incremental", 2),
        ("incremental", 1),
        ("deleted", 1),
        ("incremental", 0),
        ("incremental", 1),
    ]
    return bench


def pruned(bench: Bench, *, days: int | None = 30, after: int = 31, apply: bool = True) -> Pruning:
    """What `prune` does `after` days from now."""
    with flow.lock(bench.settings, "test"):
        return prune(
            bench.settings, older_than=days, apply=apply, now=datetime.now(UTC) + timedelta(days=after)
        )


def files(package: Package) -> set[str]:
    return {path.name for path in package.folder.iterdir()}


def stays(result: Pruning) -> dict[str, int]:
    return dict(result.streams[0].stays)


def sound(bench: Bench) -> bool:
    with flow.lock(bench.settings, "test"):
        return not audit(bench.settings).findings


def test_a_dry_run_touches_nothing_and_says_what_would_go(old: Bench) -> None:
    before = {path: path.stat().st_mtime_ns for path in old.settings.landing.rglob("*")}
    result = pruned(old, apply=False)
    (stream,) = result.streams
    packages = old.zone.packages()
    expected = sum(
        (p.folder / name).stat().st_size
        for p, names in zip(packages, ([PAGES], [], [PAGES], [PAGES, *PARQUET], [PAGES]), strict=True)
        for name in names
    )
    assert (stream.packages, stream.files, stream.bytes) == (4, 6, expected)
    assert stays(result) == {retention.OPEN: 1}
    assert {path: path.stat().st_mtime_ns for path in old.settings.landing.rglob("*")} == before


def test_old_bytes_go_rows_that_changed_something_stay(old: Bench) -> None:
    pruned(old)
    first, aside, deleted, idle, last = map(files, old.zone.packages())
    assert first == deleted == last == MANIFESTS | {THINNED} | PARQUET
    assert idle == MANIFESTS | {THINNED}
    assert aside == MANIFESTS | PARQUET | BROKEN | {PAGES}
    assert sound(old)
    thinned = old.zone.packages()[3].thinned
    assert thinned is not None and {f.name for f in thinned.files} == {PAGES, *PARQUET}
    assert thinned.reason == "landed more than 30 days before"


def test_a_rebuild_after_retention_gives_the_same_tables(old: Bench) -> None:
    before = contents(old.settings.warehouse)
    pruned(old)
    with flow.lock(old.settings, "test"):
        assert rebuild(old.settings) == 5
    assert contents(old.settings.warehouse) == before
    assert sound(old)


def test_what_is_young_stays(old: Bench) -> None:
    assert stays(pruned(old, after=29)) == {retention.YOUNG: 4, retention.OPEN: 1}
    assert all(PAGES in files(package) for package in old.zone.packages())


def test_without_a_limit_everything_stays(old: Bench) -> None:
    assert old.settings.keep_pages_days is None
    assert stays(pruned(old, days=None, after=9999)) == {retention.YOUNG: 4, retention.OPEN: 1}


def test_the_limit_is_a_setting(old: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRM_WAREHOUSE_KEEP_PAGES_DAYS", "400")
    old.settings = Settings(home=old.settings.home, _env_file=None)
    assert pruned(old, days=None, after=399, apply=False).streams[0].packages == 0
    assert pruned(old, days=None, after=401, apply=False).streams[0].packages == 4


def test_a_receipt_is_not_enough_the_warehouse_itself_must_hold_it(old: Bench) -> None:
    old.settings.warehouse.unlink()
    assert stays(pruned(old)) == {retention.NOT_HELD: 5}


@pytest.mark.parametrize("decide", [release, drop])
def test_a_package_that_a_decision_refers_to_stays(old: Bench, decide: Callable[..., Package]) -> None:
    aside = old.zone.packages()[1]
    decide(old.zone, aside, [1_000_002])  # the second record of the first page
    assert old.sync().ok
    result = pruned(old)
    assert stays(result) == {retention.DECIDED: 1, retention.DECISIONS: 1}
    assert files(aside) == MANIFESTS | PARQUET | BROKEN | {PAGES}


def test_blocked_and_pending_packages_stay(bench: Bench) -> None:
    bench.rules.write_text(BLOCKING)
    bench.source.pages = [[deal("1", at(1), Amount=-1)]]
    bench.sync()
    bench.source.pages = [[deal("2", at(2), Amount=1)]]
    bench.sync()
    assert stays(pruned(bench)) == {retention.WAITING: 2}
    bench.rules.write_text(RULES)
    assert bench.sync().ok, "repaired rules: everything that was kept is there to be checked again"
    assert bench.raw() == [("2", 1)]


def test_raw_bytes_stay_while_the_rows_made_from_them_are_damaged(old: Bench) -> None:
    first = old.zone.packages()[0]
    with (first.folder / "accepted.parquet").open("ab") as file:
        file.write(b"x")
    assert stays(pruned(old))[retention.DAMAGED] == 1
    assert PAGES in files(first)


def test_a_package_that_changed_columns_only_keeps_its_rows(old: Bench) -> None:
    """Its rows are unchanged, but a rebuild without it would lack the column and its line in ops."""
    idle = old.zone.packages()[3]
    with duckdb.connect(str(old.settings.warehouse)) as con:
        con.execute(
            "INSERT INTO ops.schema_changes (source, stream, field, package_id) "
            f"VALUES ('scripted', 'deals', 'New', '{idle.id}')"
        )
    pruned(old)
    assert files(idle) == MANIFESTS | {THINNED} | PARQUET


def test_rows_without_a_change_that_a_rebuild_needs_all_the_same(old: Bench) -> None:
    """A late older version is history only; a sweep that finds everybody is read again with its chain."""
    old.source.pages = [[deal("4", at(3), Amount=44)]]
    old.source.sweeps = [["2", "3"], ["4", "9"]]  # 9 waits in quarantine
    assert old.sync().ok
    late, sweep = old.zone.packages()[5:]
    assert late.receipt is not None and (late.receipt.changed, late.receipt.stale) == (0, 1)
    assert sweep.receipt is not None and (sweep.kind, sweep.receipt.changed) == ("sweep", 0)
    before = contents(old.settings.warehouse)
    pruned(old)
    assert files(late) == files(sweep) == MANIFESTS | {THINNED} | PARQUET
    with flow.lock(old.settings, "test"):
        rebuild(old.settings)
    assert contents(old.settings.warehouse) == before and sound(old)


def test_what_was_said_is_done_by_the_next_prune(old: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed between `thinned.json` and the first unlink."""

    def killed(self: Path, missing_ok: bool = False) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Path, "unlink", killed)
        pruned(old)
    first = old.zone.packages()[0]
    assert THINNED in files(first) and PAGES in files(first)
    with flow.lock(old.settings, "test"):
        result = audit(old.settings)
    assert result.wrong == []
    assert [n.what for n in result.notes] == [
        f"{PAGES} of package {first.id} was being removed when a prune was interrupted"
    ]
    again = pruned(old, days=None)
    assert (again.streams[0].packages, again.streams[0].files) == (1, 1), (
        "no limit: only what was said before"
    )
    assert PAGES not in files(first) and sound(old)


def test_a_second_prune_finds_nothing(old: Bench) -> None:
    pruned(old)
    result = pruned(old)
    assert (result.streams[0].packages, result.bytes) == (0, 0)
    assert stays(result) == {retention.THIN: 4, retention.OPEN: 1}


def test_a_damaged_manifest_stops_everything(old: Bench) -> None:
    (old.zone.packages()[4].folder / "checked.json").write_text("{")
    with pytest.raises(Problem, match=r"checked\.json of package .* cannot be read"):
        pruned(old)
    assert all(PAGES in files(package) for package in old.zone.packages())


def test_a_thinned_file_package_is_still_known(old: Bench) -> None:
    """The file in the inbox must not be landed again because its copy is gone: its digest stays."""
    package = old.zone.packages()[0]
    folder = package.folder.with_name(package.id.replace("incremental", "file"))
    package.folder.rename(folder)
    landed = msgspec.structs.replace(Package(folder).landed, kind="file", package=folder.name)
    write_manifest(folder, LANDED, landed)
    retention.thin(retention.Fate(Package(folder), tuple(landed.files)), "test")
    assert not (folder / PAGES).exists()
    assert old.zone.known_files() == {landed.files[0].sha256}
