"""Whatever happens to a file of the landing zone, `verify` says which, and nothing is made of damaged bytes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import duckdb
import msgspec
import pytest
import zstandard

from connectors.core.contract import CursorKind
from connectors.core.errors import Problem
from pipelines import flow
from pipelines import sync as sync_room
from pipelines.landing.intact import require_intact
from pipelines.landing.land import land
from pipelines.landing.zone import Package
from pipelines.manifest import LANDED, LOADED, file_entry, write_manifest
from pipelines.upkeep.verify import Audit, audit
from tests.pipeline.conftest import BLOCKING, Bench
from tests.pipeline.scripted import STREAM, Scripted, deal

PAGES = "pages-0001.jsonl.zst"
LATER = "2026-03-02T10:00:00+08:00"


def verified(bench: Bench) -> Audit:
    with flow.lock(bench.settings, "test"):
        return audit(bench.settings)


def wrong(bench: Bench) -> list[str]:
    return [problem.what for problem in verified(bench).wrong]


def notes(bench: Bench) -> list[str]:
    return [problem.what for problem in verified(bench).notes]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with two packages of records (3 + 1, one set aside) and a deleted list."""
    folder = tmp_path_factory.mktemp("template")
    bench = Bench(folder, Scripted())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sync_room, "EXPECTATIONS", folder / "expectations")
        chunk = (1, [{"id": "1", "Count": 4}, {"id": "2"}])  # further fields of the same records
        bench.source.pages = [[deal("1", Amount=1), deal("2", Amount=2)], chunk, [deal("9", Amount=-1)]]
        assert bench.sync().ok
        bench.source.pages = [[deal("2", LATER, Amount=20)]]
        bench.source.deleted = [{"id": "1", "deleted_time": LATER}]
        assert bench.sync().ok
    return bench.settings.home


@pytest.fixture
def synced(bench: Bench, template: Path) -> Bench:
    """A copy of it for each test."""
    shutil.rmtree(bench.settings.home)
    shutil.copytree(template, bench.settings.home)
    bench.source.pages = [[deal("2", LATER, Amount=20)]]
    bench.source.deleted = [{"id": "1", "deleted_time": LATER}]
    return bench


def first(bench: Bench) -> Package:
    return bench.zone.packages()[0]


def test_a_sound_home_has_nothing_wrong(synced: Bench) -> None:
    result = verified(synced)
    assert (result.findings, result.packages, result.records, result.warehouse) == ([], 3, 5, True)
    assert result.files == 3 * 3, "pages, accepted and quarantined of each package"
    on_disk = [p for p in synced.zone.folder.rglob("*") if p.suffix in {".zst", ".parquet"}]
    assert result.bytes == sum(path.stat().st_size for path in on_disk)


def test_an_empty_home_is_sound(bench: Bench) -> None:
    result = verified(bench)
    assert (result.findings, result.packages, result.warehouse) == ([], 0, False)


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


@pytest.mark.parametrize("name", [PAGES, "accepted.parquet", "quarantined.parquet", "shape.json"])
@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (flip, "not hold what was written"),
        (truncate, "bytes instead of|not hold"),
        (Path.unlink, "is missing"),
    ],
)
def test_a_damaged_file_is_named(synced: Bench, name: str, harm: Callable[[Path], None], words: str) -> None:
    harm(first(synced).folder / name)
    (found,) = verified(synced).wrong
    assert found.what.startswith(f"{name} of package {first(synced).id} ")
    assert any(word in found.what for word in words.split("|"))
    assert found.where == str(first(synced).folder / name)
    assert "from a backup" in found.do


@pytest.mark.parametrize("name", [PAGES, "shape.json"])
@pytest.mark.parametrize("harm", [flip, truncate, Path.unlink])
def test_damaged_bytes_are_not_decoded(bench: Bench, name: str, harm: Callable[[Path], None]) -> None:
    bench.source.pages = [[deal("1", Amount=1)]]
    package = land(
        bench.source, STREAM, CursorKind.INCREMENTAL, bench.zone, overlap=timedelta(minutes=5)
    ).packages[0]  # fmt: skip
    whole = (package.folder / name).read_bytes()
    harm(package.folder / name)
    bench.source.pages = []
    (sentence,) = bench.sync().sentences()
    assert f"{name} of package {package.id}" in sentence and "nothing of it was loaded" in sentence
    assert not (package.folder / "checked.json").exists() and not bench.settings.warehouse.exists()
    (package.folder / name).write_bytes(whole)
    assert bench.sync().ok
    assert [key for key, _ in bench.raw()] == ["1"]


def test_a_copied_file_that_was_damaged_is_not_decoded(synced: Bench) -> None:
    package = first(synced)
    (package.folder / "file.csv").write_text("a,b\n1,2\n")
    entry = file_entry(package.folder / "file.csv")
    landed = msgspec.structs.replace(package.landed, kind=CursorKind.FILE, files=[entry])
    require_intact(package, landed)
    (package.folder / "file.csv").write_text("a,b\n1,3\n")
    with pytest.raises(Problem, match=r"file\.csv of package .* does not hold what was written"):
        require_intact(package, landed)


def test_a_page_file_that_its_manifest_vouches_for_is_still_counted(synced: Bench) -> None:
    """Digest and size agree, but a page is gone: whoever wrote both is found out by the counts."""
    package = first(synced)
    path = package.folder / PAGES
    lines = zstandard.ZstdDecompressor().stream_reader(path.read_bytes()).read().splitlines(keepends=True)
    path.write_bytes(zstandard.ZstdCompressor().compress(lines[0]))
    landed = msgspec.structs.replace(package.landed, files=[file_entry(path)])
    write_manifest(package.folder, LANDED, landed)
    (found,) = wrong(synced)
    assert found == f"package {package.id} holds 2 records on 1 pages, its manifest says 3 on 2"


def test_rows_that_do_not_add_up(synced: Bench) -> None:
    package = first(synced)
    assert package.checked is not None and package.receipt is not None
    write_manifest(package.folder, "checked.json", msgspec.structs.replace(package.checked, superseded=1))
    write_manifest(package.folder, LOADED, msgspec.structs.replace(package.receipt, unchanged=1))
    found = [what for what in wrong(synced) if package.id in what]
    assert found == [
        f"-1 rows of package {package.id} were received but without a fate",
        f"-1 rows of package {package.id} were accepted but not folded in",
        f"package {package.id} was folded otherwise than its receipt says",
    ]


def test_a_parquet_file_with_other_rows_than_its_manifest_says(synced: Bench) -> None:
    package = first(synced)
    path = package.folder / "accepted.parquet"
    duckdb.execute(f"COPY (SELECT * FROM '{path}' LIMIT 1) TO '{path}.x' (FORMAT parquet)")
    Path(f"{path}.x").replace(path)
    path.chmod(0o600)
    assert package.checked is not None
    files = [file_entry(package.folder / file.name) for file in package.checked.files]
    write_manifest(package.folder, "checked.json", msgspec.structs.replace(package.checked, files=files))
    assert wrong(synced) == [f"accepted.parquet of package {package.id} holds 1 rows, its manifest says 2"]


@pytest.mark.parametrize(("name", "mode"), [(PAGES, 0o640), ("landed.json", 0o604), (".", 0o755)])
def test_what_others_may_read(synced: Bench, name: str, mode: int) -> None:
    path = first(synced).folder / name
    path.chmod(mode)
    (found,) = wrong(synced)
    assert f"has mode {mode:04o} instead of {0o700 if name == '.' else 0o600:04o}" in found


def test_a_stream_folder_that_others_may_read(synced: Bench) -> None:
    synced.zone.folder.parent.chmod(0o755)
    assert wrong(synced) == ["default has mode 0755 instead of 0700"]


@pytest.mark.parametrize("depth", range(5), ids=["package", "stream", "org", "source", "zone"])
def test_a_foreign_file_is_named_wherever_it_lies(synced: Bench, depth: int) -> None:
    folder = [first(synced).folder, *first(synced).folder.parents][depth]
    path = folder / "notes.txt"
    path.write_text("x")
    path.chmod(0o600)
    (found,) = verified(synced).wrong
    assert found.what.startswith("notes.txt ") and found.where == str(path)


def test_a_foreign_folder_is_named_and_left_alone(synced: Bench) -> None:
    (synced.zone.folder / "copy of a package").mkdir(mode=0o700)
    assert wrong(synced) == ["copy of a package is no package of ours"]
    assert synced.sync().ok
    assert (synced.zone.folder / "copy of a package").is_dir()


def test_files_without_manifest_are_an_unfinished_read(synced: Bench) -> None:
    package = synced.zone.new_package(CursorKind.INCREMENTAL, first(synced).landed.started_at)
    (package.folder / PAGES).touch(mode=0o600)
    result = verified(synced)
    assert (result.wrong, [n.what for n in result.notes]) == (
        [],
        [f"package {package.id} was left unfinished by a crash"],
    )
    synced.sync()
    assert not package.folder.exists() and verified(synced).findings == []


def test_a_package_that_lost_its_first_manifest_is_never_removed(synced: Bench) -> None:
    """Its bytes are the only ones: it is no unfinished read, and the next sync must not take it for one."""
    package, before = first(synced), (first(synced).folder / LANDED).read_bytes()
    (package.folder / LANDED).unlink()
    assert f"package {package.id} has lost its landed.json" in wrong(synced)
    report = synced.sync()
    assert not report.ok and package.id in report.sentences()[0]
    assert (package.folder / PAGES).exists()
    (package.folder / LANDED).write_bytes(before)
    (package.folder / LANDED).chmod(0o600)
    assert synced.sync().ok and verified(synced).findings == []


@pytest.mark.parametrize("name", [LANDED, "checked.json", LOADED])
def test_a_damaged_manifest_is_named(synced: Bench, name: str) -> None:
    (first(synced).folder / name).write_text('{"format": 2, "package": ')
    assert any(
        f"the manifest {name} of package {first(synced).id} cannot be read" in w for w in wrong(synced)
    )


def test_a_manifest_of_a_newer_format(synced: Bench) -> None:
    path = first(synced).folder / LANDED
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 99}))
    assert any("newer crm-warehouse (format 99)" in what for what in wrong(synced))


def test_a_lost_receipt_is_written_again(synced: Bench) -> None:
    (first(synced).folder / LOADED).unlink()
    found = notes(synced)
    assert f"package {first(synced).id} is in the warehouse, its receipt was not written" in found
    assert wrong(synced) == []
    synced.sync()
    assert verified(synced).findings == []


def test_two_packages_with_one_place_in_the_fold(synced: Bench) -> None:
    one, two, _ = synced.zone.packages()
    assert one.receipt is not None and two.receipt is not None
    write_manifest(two.folder, LOADED, msgspec.structs.replace(two.receipt, order=one.receipt.order))
    assert f"packages {one.id} and {two.id} both have place 1 in the fold" in wrong(synced)


def test_a_cursor_that_goes_back(synced: Bench) -> None:
    package = synced.zone.packages(CursorKind.INCREMENTAL)[1]
    landed = package.landed
    back = msgspec.structs.replace(landed, cursor_after=landed.cursor_before - timedelta(days=9))
    write_manifest(package.folder, LANDED, back)
    (found,) = wrong(synced)
    assert found.startswith("the incremental cursor goes back from 2026-03-01 02:00:00+00:00")


def test_a_lost_package_is_missed_three_times(synced: Bench) -> None:
    """By the warehouse that holds it, by its place in the fold, by the cursor of the next."""
    package = first(synced)
    shutil.rmtree(package.folder)
    assert f"the warehouse holds package {package.id}, the landing zone has lost it" in wrong(synced)
    found = notes(synced)
    assert "no package has place 1 in the fold: it is gone" in found
    assert any("the one before it ends at None: a package between them is gone" in note for note in found)


def test_a_copied_package_folder_is_found_out(synced: Bench) -> None:
    package = first(synced)
    copy = package.folder.with_name(package.id[:-8] + "00000000")
    shutil.copytree(package.folder, copy)
    found = wrong(synced)
    assert f"the landed.json in this folder is that of scripted/default/deals/{package.id}" in found


@pytest.mark.parametrize(
    ("harm", "what"),
    [
        ("INSERT INTO {c} SELECT * FROM {c} LIMIT 1", "holds 3 rows of 2 records: some are doubled"),
        ("DELETE FROM {c} WHERE _record_id = '2'", "holds 1 rows, its packages inserted 2"),
        ("DELETE FROM {h} WHERE _record_id = '2'", "has 2 versions in its history, its packages made 4"),
        ("INSERT INTO {h} SELECT * FROM {h}", "has 8 versions in its history, its packages made 4"),
        ("UPDATE {c} SET _package_id = 'x'", "holds 2 rows of packages that were never loaded"),
        ("UPDATE ops.packages SET superseded = 1", "-1 rows of package"),
    ],
)
def test_a_warehouse_that_disagrees_with_its_packages(synced: Bench, harm: str, what: str) -> None:
    with duckdb.connect(str(synced.settings.warehouse)) as con:
        con.execute(harm.format(c="raw_scripted.deals", h="raw_scripted.deals__history"))
    found = verified(synced).wrong
    assert any(what in problem.what and "rebuild" in problem.do for problem in found)


def test_a_lost_or_broken_warehouse(synced: Bench) -> None:
    synced.settings.warehouse.write_bytes(b"\0" * 8192)
    assert any("the warehouse file cannot be opened" in what for what in wrong(synced))
    synced.settings.warehouse.unlink()
    assert wrong(synced) == ["there is no warehouse although packages were loaded"]


def test_a_blocked_package_is_sound(bench: Bench) -> None:
    bench.rules.write_text(BLOCKING)
    bench.source.pages = [[deal("1", Amount=-1)]]
    assert not bench.sync().ok
    assert verified(bench).wrong == []


def test_only_some_streams(synced: Bench) -> None:
    (first(synced).folder / PAGES).unlink()
    with flow.lock(synced.settings, "test"):
        assert len(audit(synced.settings, sources=["scripted"], streams=["deals"]).wrong) == 1
        with pytest.raises(Problem, match="holds nothing of dealz"):
            audit(synced.settings, streams=["dealz"])
