"""A file declared to be a full list: what it lacks is gone, what it merely names in another way is not."""

from __future__ import annotations

import csv
import os
import shutil
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from connectors import discover
from connectors.core.contract import Block, Shape, Stream, Table
from connectors.core.files import bundle as bundle_room
from connectors.fxiaoke.export_files.source import FxiaokeExport
from pipelines import flow, replay
from pipelines import sync as sync_room
from pipelines.aside import decide, waiting
from pipelines.fold import rebuild
from pipelines.landing.decisions import drop
from pipelines.landing.zone import StreamZone, Zone
from pipelines.manifest import LISTED, NO_RECORD
from pipelines.outcome import Status, SyncReport
from pipelines.settings import Settings

HEADER = ("唯一性ID", "客户编号", "客户名称", "1级行业")
ALL = range(1, 21)
Row = Sequence[str]


def row(n: int, industry: str = "零售") -> Row:
    return (f"id{n}", f"KH{n}", f"客户{n}", industry)


class Home:
    """A home that reads account files only."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(home=folder / "home", _env_file=None)
        self.settings.prepare_home()
        self.inbox = self.settings.inbox("fxiaoke_export")

    def put(self, stamp: str, rows: Sequence[Row], header: Row = HEADER, *, folder: str = "") -> None:
        path = self.inbox / folder / f"客户对象导出结果_{stamp}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([header, *rows])
        late = datetime(2026, 12, 1, tzinfo=UTC).timestamp()
        os.utime(path, (late, late))

    def sync(self) -> SyncReport:
        with flow.lock(self.settings, "test"):
            return flow.sync(
                self.settings, [(discover()["fxiaoke_export"], "default")], streams=["account_obj"]
            )

    def query(self, sql: str) -> list[tuple[object, ...]]:
        with duckdb.connect(str(self.settings.warehouse), read_only=True) as con:
            con.execute("SET TimeZone = 'UTC'")
            return con.execute(sql).fetchall()

    def gone(self) -> set[object]:
        """Keys of the dead, minus what says so by a full list."""
        rows = self.query(
            "SELECT _record_id, _deletion_evidence FROM raw_fxiaoke_export.account_obj WHERE _deleted_at IS NOT NULL"
        )
        assert {evidence for _, evidence in rows} <= {"full_list"}
        return {key for key, _ in rows}

    @property
    def zone(self) -> StreamZone:
        return Zone(self.settings.landing).stream("fxiaoke_export", "default", "account_obj")

    def assert_rebuilt_alike(self) -> None:
        tables = ("account_obj", "account_obj__history")
        queries = [f"SELECT * FROM raw_fxiaoke_export.{t} ORDER BY ALL" for t in tables]
        queries += ["SELECT * FROM ops.packages ORDER BY ALL", "SELECT * FROM ops.deletions ORDER BY ALL"]
        before = [self.query(q) for q in queries]
        with flow.lock(self.settings, "test"):
            rebuild(self.settings)
        assert [self.query(q) for q in queries] == before
        assert self.query("SELECT * FROM ops.conservation") == []


@pytest.fixture(scope="module", autouse=True)
def _no_rules(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What the rules say of these rows is not asked here, and costs more than all the rest."""
    folder = tmp_path_factory.mktemp("expectations")
    (folder / "fxiaoke_export").mkdir()
    rules = folder / "fxiaoke_export" / "account_obj.yml"
    rules.write_text("grain: one row per account\nowner: tests\nrules: []\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sync_room, "EXPECTATIONS", folder)
        yield


@pytest.fixture(scope="module")
def twenty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that has read twenty accounts."""
    folder = tmp_path_factory.mktemp("twenty")
    made = Home(folder)
    made.put("20260301", [row(n) for n in ALL])
    assert made.sync().ok
    return folder


@pytest.fixture
def home(twenty: Path, tmp_path: Path) -> Home:
    """A copy of it for each test."""
    shutil.copytree(twenty, tmp_path, dirs_exist_ok=True)
    return Home(tmp_path)


@pytest.mark.parametrize("folder", ["2026/全量/三月"])
def test_what_a_full_list_lacks_is_gone_and_comes_back_in_a_later_file(home: Home, folder: str) -> None:
    home.put("20260401", [row(n) for n in ALL if n not in (7, 8)], folder=folder)
    outcome = home.sync().outcomes[0]
    assert (outcome.status, outcome.deleted) == (Status.LOADED, 2)
    assert home.gone() == {"id7", "id8"}
    said = "SELECT DISTINCT deleted_at, evidence FROM ops.deletions"
    assert home.query(said) == [(datetime(2026, 3, 31, 16, tzinfo=UTC), "full_list")], "when it was exported"
    home.put("20260501", [row(8)])
    assert home.sync().ok
    assert home.gone() == {"id7"}
    home.assert_rebuilt_alike()


def test_a_row_of_a_file_waits_until_a_full_list_speaks_for_every_record(home: Home) -> None:
    """A row without a key is the only word about whatever it was: another file that lacks it says nothing of it."""
    home.put("20260310", [row(1, "制造"), ("", "", "", "无主")])
    assert home.sync().ok
    home.put("20260320", [row(1)])
    assert home.sync().ok
    assert [one.rows for one in waiting(home.settings)] == [1]
    home.put("20260401", [row(n, "制造") for n in ALL if n > 3], folder="full")
    home.sync()
    rows = [(one.rows, one.why[:10]) for one in waiting(home.settings)]
    assert [n for n, _ in rows] == [1, 0], "the list is stopped: nobody has agreed to its word"
    home.put("20260501", [row(n, "金融") for n in ALL], folder="full")
    assert home.sync().outcomes[0].deleted == 0
    assert [one.rows for one in waiting(home.settings)] == [0], "what is left is the word of the stopped list"
    [said] = [d for d in home.zone.decisions() if d.kind == "drop"]
    assert (said.decided_by, said.positions) == (LISTED, [3])
    assert home.query("SELECT decision FROM ops.set_aside") == [("lapsed",)]
    home.assert_rebuilt_alike()


def test_a_row_that_is_a_total_by_todays_reader_waits_no_more(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.put("20260310", [row(1, "制造"), ("", "", "", "总数")])
    assert home.sync().ok
    assert [one.rows for one in waiting(home.settings)] == [1]
    real = FxiaokeExport.tabulate

    def tabulate(self: FxiaokeExport, path: Path, stream: Stream) -> tuple[Shape, Table]:
        shape, table = real(self, path, stream)
        blocks = [
            Block(
                [p for p in block.positions if p != 3],
                [[v for v, p in zip(c, block.positions, strict=True) if p != 3] for c in block.columns],
            )
            for block in table.blocks
        ]
        return shape, replace(table, blocks=blocks, skipped=[*table.skipped, (3, "total")])

    monkeypatch.setattr(FxiaokeExport, "tabulate", tabulate)
    monkeypatch.setattr(replay, "reader", lambda: "another")
    assert home.sync().ok
    assert list(waiting(home.settings)) == []
    assert [d.decided_by for d in home.zone.decisions()] == [NO_RECORD]
    home.assert_rebuilt_alike()


def test_an_ordinary_file_never_deletes(home: Home) -> None:
    home.put("20260401", [row(1)], folder="fully")
    assert home.sync().ok
    assert home.gone() == set()


def test_more_than_a_tenth_stops_and_asks_while_its_rows_go_on(home: Home) -> None:
    home.put("20260401", [row(n, "制造") for n in ALL if n > 3], folder="full")
    outcome = home.sync().outcomes[0]
    package = home.zone.packages("file")[-1]
    assert outcome.status is Status.BLOCKED
    [sentence] = outcome.messages
    assert "lacks 3 of 20 records; its rows are loaded, nothing was marked as deleted" in sentence
    assert f"crm-warehouse quarantine release {package.id}" in sentence
    assert "full/客户对象导出结果_20260401.csv" in sentence
    assert home.gone() == set()
    industries = "SELECT industry_level1, count(*) FROM raw_fxiaoke_export.account_obj GROUP BY 1 ORDER BY 1"
    assert home.query(industries) == [("制造", 17), ("零售", 3)]
    home.put("20260402", [row(21)])
    again = home.sync().outcomes[0]
    assert (again.status, again.inserted) == (Status.BLOCKED, 1), (
        "visible until somebody decides; nothing waits"
    )
    assert again.messages == [sentence]
    [listed] = waiting(home.settings)
    assert (listed.package, listed.rows) == (package.id, 0)
    assert "lacks 3 of 20 records" in listed.why
    decide(home.settings, package.id, [], let=True, by="Wang")
    assert home.sync().ok
    assert home.gone() == {"id1", "id2", "id3"}
    assert list(waiting(home.settings)) == []
    assert home.sync().ok
    home.assert_rebuilt_alike()


def test_a_stopped_list_may_be_dropped_or_replaced(home: Home) -> None:
    home.put("20260401", [row(n) for n in ALL if n > 3], folder="full")
    assert not home.sync().ok
    drop(home.zone, home.zone.packages("file")[-1], None, by="Wang")
    assert home.sync().ok
    assert home.gone() == set()
    home.put("20260402", [row(n) for n in ALL if n > 4], folder="full")
    assert not home.sync().ok
    home.put("20260403", [row(n) for n in ALL if n > 1], folder="full")
    assert home.sync().ok, "it takes the place of the one that waits"
    assert home.gone() == {"id1"}
    home.assert_rebuilt_alike()


def test_exactly_a_tenth_is_believed(home: Home) -> None:
    home.put("20260401", [row(n) for n in ALL if n > 2], folder="full")
    assert home.sync().ok
    assert home.gone() == {"id1", "id2"}


def test_a_row_that_was_set_aside_exists(home: Home) -> None:
    odd = (*row(5)[:3], "零售", "多少?")
    home.put("20260401", [*((*row(n), "") for n in ALL if n != 5), odd], (*HEADER, "员工人数"), folder="full")
    outcome = home.sync().outcomes[0]
    assert (outcome.quarantined, outcome.deleted) == (1, 0)
    assert home.gone() == set()


def test_a_row_that_may_be_anybodys_makes_it_stop(home: Home) -> None:
    rows = [row(n) for n in ALL if n not in (5, 6)]
    home.put("20260401", [*rows, (*row(5), "一格太多")], folder="full")
    outcome = home.sync().outcomes[0]
    assert outcome.status is Status.BLOCKED
    assert (
        "lacks 1 of 20 records, but holds rows that could not be read and may be theirs"
        in outcome.messages[0]
    )
    assert home.gone() == set()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("ids", "names"),
        ("numbers", "ids"),
        *(
            pytest.param(before, after, marks=pytest.mark.slow)
            for before, after in (
                ("ids", "numbers"),
                ("numbers", "names"),
                ("names", "ids"),
                ("names", "numbers"),
            )
        ),
    ],
)
def test_a_record_that_is_keyed_in_another_way_has_not_gone(tmp_path: Path, before: str, after: str) -> None:
    """The first files know ids, numbers or names only; then the tenant exports in another way."""
    home = Home(tmp_path)
    kinds = {"ids": (0, 1, 2, 3), "numbers": (1, 2, 3), "names": (2, 3)}

    def put(stamp: str, kind: str, numbers: Sequence[int], folder: str = "") -> None:
        places = kinds[kind]
        rows = [[row(n)[i] for i in places] for n in numbers]
        home.put(stamp, rows, [HEADER[i] for i in places], folder=folder)

    put("20260301", before, ALL)
    assert home.sync().ok
    put("20260401", after, [n for n in ALL if n != 9], folder="full")
    assert home.sync().ok
    key = {"ids": "id9", "numbers": "number:KH9", "names": "name:客户9"}[before]
    assert home.gone() == {key}, "only the one that is nowhere"


def test_only_what_was_known_before_the_export_was_made_goes(home: Home) -> None:
    """An older list that arrives late: a newer file has shown records that it could not know."""
    home.put("20260501", [row(21), row(3)])
    assert home.sync().ok
    home.put("20260401", [row(n) for n in ALL if n not in (3, 4)], folder="full")
    assert home.sync().ok
    assert home.gone() == {"id4"}, "3 was seen unchanged after it, 21 is younger"
    home.assert_rebuilt_alike()


def test_an_older_file_that_arrives_late_raises_no_dead(home: Home) -> None:
    home.put("20260401", [row(n) for n in ALL if n not in (3, 4)], folder="full")
    assert home.sync().ok
    home.put("20260302", [row(3, "别的"), row(30)])
    outcome = home.sync().outcomes[0]
    assert outcome.status is Status.LOADED, outcome.messages
    assert home.gone() == {"id3", "id4", "id30"}, "the list was made later and knows none of them"
    home.put("20260402", [row(3), row(30)])
    assert home.sync().ok
    assert home.gone() == {"id4"}
    home.assert_rebuilt_alike()


STATES = (
    "SELECT _record_id, industry_level1, _modified_at, _deleted_at, _deletion_evidence FROM "
    "raw_fxiaoke_export.account_obj ORDER BY ALL"
)


def test_two_lists_and_a_file_between_them_say_the_same_in_any_order(home: Home, twenty: Path) -> None:
    def put_list(stamp: str, *more: Row) -> None:
        home.put(stamp, [*(row(n) for n in ALL if n != 20), *more], folder="full")

    put_list("20260305")
    assert home.sync().ok
    put_list("20260320", row(30))
    assert home.sync().ok
    home.put("20260310", [row(20, "金融")])
    assert home.sync().ok
    assert home.gone() == {"id20"}, "the newest list does not hold it"
    home.assert_rebuilt_alike()
    states = home.query(STATES)
    shutil.rmtree(home.settings.home)
    shutil.copytree(twenty / "home", home.settings.home)
    put_list("20260305")
    assert home.sync().ok
    home.put("20260310", [row(20, "金融")])
    assert home.sync().ok
    assert home.gone() == set()
    put_list("20260320", row(30))
    assert home.sync().ok
    assert home.query(STATES) == states


def test_a_list_that_is_released_late_speaks_of_older_files_read_meanwhile(home: Home) -> None:
    home.put("20260305", [row(n) for n in ALL if n > 3], folder="full")
    assert not home.sync().ok
    home.put("20260304", [row(50)])
    home.put("20260306", [row(51)])
    home.sync()
    assert home.gone() == set()
    decide(home.settings, home.zone.packages("file")[1].id, [], let=True, by="Wang")
    assert home.sync().ok
    assert home.gone() == {"id1", "id2", "id3", "id50"}, "51 is younger"
    home.put("20260307", [row(50, "金融")])
    assert home.sync().ok
    assert home.gone() == {"id1", "id2", "id3"}
    home.assert_rebuilt_alike()


def test_a_name_that_tells_the_day_alone_may_mean_its_evening(home: Home) -> None:
    home.put("20260305180000", [row(n) for n in ALL if n != 20], folder="full")
    assert home.sync().ok
    home.put("20260305", [row(20, "金融"), row(99)])
    assert home.sync().ok
    assert home.gone() == set()
    home.put("20260304", [row(98)])
    assert home.sync().ok
    assert home.gone() == {"id98"}
    home.assert_rebuilt_alike()


def test_parts_of_one_list_bury_nothing_of_each_other(home: Home) -> None:
    home.put("20260401100000", [row(n) for n in range(1, 12)], folder="full")
    home.put("20260401100130", [row(n) for n in range(12, 20)], folder="full")
    outcome = home.sync().outcomes[0]
    assert (outcome.status, outcome.deleted) == (Status.LOADED, 1)
    assert home.gone() == {"id20"}
    assert [p.landed.full for p in home.zone.packages("file")] == [False, False, True]
    home.put("20260401104500", [row(20)], folder="full")  # a part that was forgotten
    assert home.sync().ok
    assert home.gone() == set()
    home.assert_rebuilt_alike()


def test_a_list_beside_what_cannot_be_read_is_an_ordinary_file(home: Home) -> None:
    home.put("20260401100000", [row(1)], folder="full")
    (home.inbox / "full" / "客户对象导出结果_20260401100100.xlsx").write_bytes(b"PK no workbook")
    report = home.sync()
    assert any("may be a part of the list" in sentence for sentence in report.sentences())
    assert home.gone() == set()
    assert report.outcomes[0].status is not Status.BLOCKED


ID20 = "唯一性ID,客户编号,客户名称\nid20,KH20,客户20\n"


def _link(folder: Path) -> None:
    (folder / "客户对象导出结果_2.csv").symlink_to("/nowhere")


def _unrecognised(folder: Path) -> None:
    part = folder / "客户对象导出结果_20260401100100.csv"
    part.write_text("报表\n" * 11 + ID20)


def _large(folder: Path) -> None:
    with (folder / "客户对象导出结果_20260401100100.csv").open("wb") as part:
        part.truncate((512 << 20) + 1)


@pytest.mark.parametrize("refused", [_link, _unrecognised, _large])
def test_a_list_beside_what_was_refused_is_an_ordinary_file(
    home: Home, refused: Callable[[Path], None]
) -> None:
    home.put("20260401100000", [row(n) for n in range(1, 20)], folder="full")
    refused(home.inbox / "full")
    assert any("may be a part of the list" in sentence for sentence in home.sync().sentences())
    assert home.gone() == set()


def test_a_list_in_a_zip_that_breaks_off_is_an_ordinary_file(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = home.inbox / "full"
    folder.mkdir()
    text = ID20.replace("20", "{0}")
    head, line = text.split("\n", 1)
    with zipfile.ZipFile(folder / "x.zip", "w") as archive:
        archive.writestr("客户对象导出结果_1.csv", "\n".join([head, *(line.format(n) for n in range(1, 20))]))
        archive.writestr("客户对象导出结果_2.csv", ID20)
    whole = bundle_room._unpacked

    def break_off(archive: object, info: zipfile.ZipInfo, *more: object) -> object:
        if info.filename.endswith("_2.csv"):
            raise zipfile.BadZipFile
        return whole(archive, info, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(bundle_room, "_unpacked", break_off)
    assert any("may be a part of the list" in sentence for sentence in home.sync().sentences())
    assert home.gone() == set()


def test_a_file_of_another_time_that_cannot_be_read_silences_no_list(home: Home) -> None:
    home.put("20260401100000", [row(n) for n in range(1, 20)], folder="full")
    old = home.inbox / "full" / "客户对象导出结果_20260401080000.csv"
    old.write_text("报表\n" * 11)
    home.sync()
    assert home.gone() == {"id20"}
