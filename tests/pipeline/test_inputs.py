"""From a spreadsheet to the raw tables: wrong cells, corrections, people who are erased. What staging makes of the same
workbook: tests/e2e/test_dagster.py."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal as D
from pathlib import Path
from typing import Any

import duckdb
import pytest

from connectors import discover
from connectors.core.contract import Source, Stream
from connectors.core.files.probe import look_at_sheets_here
from connectors.inputs.schema import load_schemas
from connectors.inputs.source import Inputs
from pipelines import flow
from pipelines.fold import rebuild
from pipelines.landing.redaction.redact import kept_fields
from pipelines.landing.redaction.sheets import blanked, find_cells
from pipelines.landing.zone import Zone
from pipelines.manifest import QUARANTINED
from pipelines.outcome import SyncReport
from pipelines.settings import Settings
from pipelines.upkeep.verify import audit
from tests.unit.inputs_files import CORRECTED_BOOK, FIRST_BOOK, cut, source, stream, workbook


class Home:
    """A home with an inbox of inputs."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(home=folder / "home", _env_file=None)
        self.settings.prepare_home()
        self.inbox = self.settings.inbox("inputs")
        self.inbox.mkdir(parents=True)

    def put(self, name: str, sheets: dict[str, Sequence[Sequence[Any]]], day: int) -> Path:
        """A workbook saved on a day of March."""
        path = workbook(self.inbox / name, sheets)
        moment = datetime(2026, 3, day, 1, tzinfo=UTC).timestamp()
        os.utime(path, (moment, moment))
        return path

    def sync(self) -> SyncReport:
        with flow.lock(self.settings, "test"):
            return flow.sync(self.settings, [(discover()["inputs"], "default")])

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.settings.warehouse), read_only=True) as con:
            con.execute("SET TimeZone = 'UTC'")
            return con.execute(sql).fetchall()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """Two versions of a workbook, the first of them with a wrong cell."""
    made = Home(tmp_path_factory.mktemp("inputs"))
    made.put("台账.xlsx", FIRST_BOOK, day=1)
    made.first = made.sync()
    made.put("台账.xlsx", CORRECTED_BOOK, day=2)
    made.second = made.sync()
    made.third = made.sync()
    return made


def outcome(report: SyncReport, name: str) -> tuple[int, ...]:
    found = next(o for o in report.outcomes if o.stream == name)
    return (
        found.landed,
        found.received,
        found.accepted,
        found.quarantined,
        found.inserted,
        found.updated,
        found.unchanged,
    )


def test_a_wrong_cell_sets_its_row_aside_and_says_where(home: Home) -> None:
    assert outcome(home.first, "targets") == (1, 3, 2, 1, 2, 0, 0)
    [sentence] = home.first.sentences()
    assert 'cell I4 (目标值): "三十" is no number (台账.xlsx)' in sentence
    package = Zone(home.settings.landing).stream("inputs", "default", "targets").packages()[0]
    [(faults, cells)] = duckdb.sql(
        f"SELECT list_transform(_faults, f -> f.reason), _cells FROM '{package.folder / QUARANTINED}'"
    ).fetchall()
    assert faults == ['sheet 目标, cell I4 (目标值): "三十" is no number']
    assert '"目标值（万元）":"三十"' in cells


def test_a_correction_is_a_new_version_and_the_same_bytes_are_read_once(home: Home) -> None:
    assert outcome(home.second, "targets") == (1, 3, 3, 0, 1, 1, 1)
    assert outcome(home.second, "team_memberships") == (1, 2, 2, 0, 0, 0, 2)
    assert home.second.sentences() == []
    assert outcome(home.third, "targets") == (0, 0, 0, 0, 0, 0, 0)
    east = "axis=region|team=华东|product_line=软件|channel=直销"
    assert home.rows(
        "SELECT _modified_at, target_value, locked FROM raw_inputs.targets__history "
        f"WHERE _record_id = 'version=v1|metric=won_amount|year=2026|period=Q1|level=team|{east}' ORDER BY 1"
    ) == [
        (datetime(2026, 3, 1, 1, tzinfo=UTC), D("300000.0000"), False),
        (datetime(2026, 3, 2, 1, tzinfo=UTC), D("350000.0000"), True),
    ]


def test_the_warehouse_is_folded_again_from_what_was_landed(home: Home) -> None:
    """Runs last: the landed copies have no names, and the inbox is gone."""
    shown = "SELECT COLUMNS(c -> c <> '_loaded_at') FROM raw_inputs.targets__history ORDER BY ALL"
    before = home.rows(shown)
    with flow.lock(home.settings, "test"):
        rebuild(home.settings)
        assert audit(home.settings).wrong == []
    assert home.rows(shown) == before


RATINGS = ["人员", "年度", "期间", "评价人", "评分", "评语", "手机"]


@pytest.mark.parametrize("name", ["主管评分.xlsx", "主管评分.csv"])
def test_the_words_about_a_person_go_and_everything_else_stays(tmp_path: Path, name: str) -> None:
    rows = [
        ["甲", "2026", "一季度", "乙", "85", "Too quiet", "138"],
        ["丙", "2026", "一季度", "乙", "90", "Fine", "139"],
    ]
    file = tmp_path / name
    if file.suffix == ".xlsx":
        workbook(file, {"汇率": [["币种"]], "主管评分": [RATINGS, *rows]})
    else:
        file.write_text("\n".join(",".join(row) for row in [RATINGS, *rows]), "utf-8-sig")
    opened, ratings = source(tmp_path), stream(source(tmp_path), "manager_ratings")
    copy = _without(opened, ratings, file, "person=甲|year=2026|period=Q1|aspect=总体|rater=乙")
    now, _ = cut(opened, "manager_ratings", copy)
    assert [(r["person"], r["score"], r["comment"], r["手机"]) for r in now] == [
        ("甲", "85", None, None),
        ("丙", "90", "Fine", "139"),
    ]
    assert b"Too quiet" not in copy.read_bytes()


def _without(opened: Source, of: Stream, file: Path, key: str) -> Path:
    found = find_cells(opened, of, file, lambda k: k if k == key else None, kept_fields(of), frozenset())
    return blanked(opened, of, file, found, {}, file.with_name("copy" + file.suffix))


def test_inputs_are_looked_at_as_the_house_opens_them(tmp_path: Path) -> None:
    """In processes of their own where they are workbooks: the same is seen there."""
    made = Home(tmp_path)
    made.put("台账.xlsx", FIRST_BOOK, day=1)
    context = made.settings.context(discover()["inputs"], "default")
    apart, here = (
        discover()["inputs"].open(context),
        Inputs(context, load_schemas(), look=look_at_sheets_here),
    )
    assert [str(p) for p in apart.problems()] == [str(p) for p in here.problems()] != []
    assert [f.sentence for f in apart.examine()] == [f.sentence for f in here.examine()]


def test_a_file_among_full_lists_is_the_whole_list(tmp_path: Path) -> None:
    """Twelve rates; the next version corrects a mistyped currency, which is a key, and lacks the wrong one."""
    made = Home(tmp_path)
    (made.inbox / "full").mkdir()
    header = ("币种（必填）", "本币", "日期（必填）", "汇率（必填）")
    days = [f"2026-{month:02}-01" for month in range(1, 13)]
    wrong = [header, *(("USD" if n else "USB", "CNY", day, 7.1) for n, day in enumerate(days))]
    right = [header, *(("USD", "CNY", day, 7.1) for day in days)]
    made.put("full/汇率.xlsx", {"汇率": wrong}, day=1)
    made.sync()
    made.put("full/汇率.xlsx", {"汇率": right}, day=2)
    made.sync()
    living = "SELECT currency, count(*) FROM raw_inputs.exchange_rates WHERE _deleted_at IS NULL GROUP BY 1"
    assert made.rows(living) == [("USD", 12)]
    gone = "SELECT currency, _deletion_evidence FROM raw_inputs.exchange_rates WHERE _deleted_at IS NOT NULL"
    assert made.rows(gone) == [("USB", "full_list")]
    made.put("汇率.xlsx", {"汇率": right[:3]}, day=3)  # an ordinary file
    made.sync()
    assert made.rows(living) == [("USD", 12)]
