"""Forgetting a person who came in files: his cells go, every other cell reads as it did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pytest

from connectors import discover
from connectors.core.contract import Source, SourceContext, Stream
from connectors.core.errors import Problem
from connectors.core.files.probe import look_here
from connectors.fxiaoke.export_files.source import FxiaokeExport
from pipelines import flow
from pipelines.fold import rebuild
from pipelines.landing.redaction.erased import list_path
from pipelines.landing.redaction.redact import kept_fields
from pipelines.landing.redaction.sheets import blanked, find_cells
from pipelines.landing.zone import Package, Zone
from pipelines.manifest import ACCEPTED
from pipelines.settings import Settings
from pipelines.upkeep.forget import Record, erase
from tests.pipeline.test_forget import texts_under
from tests.unit.fxiaoke_workbooks import cut, open_tame, stream, xls, xlsb, xlsx

HEADER = ["唯一性ID", "姓名", "客户名称_唯一性ID", "客户名称", "手机", "邮件", "职务", "最后修改时间", "爱好"]
NAME, PHONE, MAIL, HOBBY = "庄周梦蝶", "13800138777", "butterfly@dream.example", "collecting-butterflies"
HIM = ["c7", NAME, "a1", "逍遥公司", PHONE, MAIL, "Sage", "2026-03-01 10:00:00", HOBBY]
HER = [
    "c8",
    "Hui Shi",
    "a2",
    "=1+1",
    "13900000000",
    "hui@x.example",
    "Logician",
    "2026-03-01 11:00:00",
    "fish",
]
ROWS = [HEADER, HIM, HER]


def write(path: Path, rows: Sequence[Sequence[Any]]) -> Path:
    """A file of the kind that its suffix says; `.gb.csv` is GB18030 with semicolons."""
    if path.suffix == ".xlsx":
        return xlsx(path, rows, sheet="联系人")
    if path.suffix == ".xls":
        return xls(path, "联系人", rows)
    if path.suffix == ".xlsb":
        return xlsb(path, "联系人", rows)
    semicolon = path.name.endswith(".gb.csv")
    lines = [(";" if semicolon else ",").join(map(str, row)) for row in rows]
    path.write_bytes("\r\n".join([*lines, ""]).encode("gb18030" if semicolon else "utf-8-sig"))
    return path


def without(
    source: Source, contacts: Stream, file: Path, key: str, referred: frozenset[str] = frozenset()
) -> Path:
    found = find_cells(
        source, contacts, file, lambda k: k if k == key else None, kept_fields(contacts), referred
    )
    return blanked(source, contacts, file, found, {}, file.with_name("copy" + file.suffix))


@pytest.mark.parametrize("name", ["f.xlsx", "f.xls", "f.xlsb", "f.csv", "f.gb.csv"])
def test_the_cells_of_one_row_go_in_every_format(tmp_path: Path, name: str) -> None:
    source = open_tame(tmp_path)
    contacts = stream(source, "contact_obj")
    file = write(tmp_path / name, ROWS)
    copy = without(source, contacts, file, "c7", frozenset({"a2"}))
    rows = cut(source, "contact_obj", copy)[2]
    kept = ("_id", "name", "mobile1", "email", "爱好", "job_title", "account_id.id", "account_id.name")
    assert [[row[c] for c in kept] for row in rows] == [
        ["c7", None, None, None, None, "Sage", "a1", "逍遥公司"],
        ["c8", "Hui Shi", "13900000000", "hui@x.example", "fish", "Logician", "a2", None],
    ]
    assert copy.stat().st_mode & 0o777 == 0o600
    if name.endswith("gb.csv"):
        assert "逍遥公司".encode("gb18030") in copy.read_bytes()
    else:
        assert copy.suffix == (".csv" if name.endswith("csv") else ".xlsx")


def test_cells_that_are_no_text_stay_what_they_were(tmp_path: Path) -> None:
    """Numbers, truth, dates, a text like a formula, and an id that a spreadsheet has already cut."""
    source = open_tame(tmp_path)
    typed = [10**16, "=not a formula", "", "", 13900000001, True, 12.5, datetime(2026, 3, 1, 11, 5), "x"]
    file = xlsx(tmp_path / "f.xlsx", [HEADER, HIM, typed], sheet="联系人")
    book = openpyxl.load_workbook(file)
    book.active["B3"].data_type = "s"  # a text, as an export writes it
    book.save(file)
    before = cut(source, "contact_obj", file)[2][1]
    after = cut(source, "contact_obj", without(source, stream(source, "contact_obj"), file, "c7"))[2][1]
    assert after == before
    assert (before["name"], before["mobile1"], before["last_modified_time"]) == (
        "=not a formula", "13900000001", "2026-03-01 11:05:00",
    )  # fmt: skip
    assert "15 digits" in before["misfit"]


@pytest.mark.parametrize(
    "rows",
    [
        [["c7", "", "a1", "逍遥公司", "", "", "Sage", HIM[7], ""], [*HER[:8], "x"]],
        [["c7", "", "a1", "逍遥公司", "", "", "Fool", HIM[7], ""], HER],
        [["c7", "", "a1", "逍遥公司", PHONE, "", "Sage", HIM[7], ""], HER],
        [["c6", "", "a1", "逍遥公司", "", "", "Sage", HIM[7], ""], HER],
        [["c7", "", "a1", "逍遥公司", "", "", "Sage", HIM[7], ""]],
    ],
    ids=["another row", "a cell that stays", "a cell that goes", "the key", "a row less"],
)
def test_a_copy_that_reads_differently_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: list[list[str]]
) -> None:
    source = open_tame(tmp_path)
    file = write(tmp_path / "f.csv", ROWS)
    monkeypatch.setattr(source, "blank", lambda *facts: write(facts[-1], [HEADER, *rows]))
    with pytest.raises(Problem, match="does not read as the file does"):
        without(source, stream(source, "contact_obj"), file, "c7")
    assert not (tmp_path / "copy.csv").exists()


class Inbox:
    """A home that reads export files."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(home=folder / "home", _env_file=None)
        self.settings.prepare_home()
        self.inbox = self.settings.inbox("fxiaoke_export")
        self.inbox.mkdir(parents=True)
        spec = discover()["fxiaoke_export"]
        self.spec = replace(spec, open=self._open)

    def _open(self, context: SourceContext) -> Source:
        return FxiaokeExport(context, discover()["fxiaoke_export"].streams(), look=look_here)

    def sync(self) -> None:
        with flow.lock(self.settings, "test"):
            report = flow.sync(self.settings, [(self.spec, "default")])
        assert report.ok, report.sentences()

    def erase(self, key: str) -> None:
        with flow.lock(self.settings, "test"):
            erase(self.settings, self.spec, "default", [Record("contact_obj", key)])

    def packages(self) -> list[Package]:
        return Zone(self.settings.landing).stream("fxiaoke_export", "default", "contact_obj").packages()

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.settings.warehouse), read_only=True) as con:
            return con.execute(sql).fetchall()

    def holds(self, *texts: str) -> set[str]:
        """Which files hold one of the texts, in one of the encodings that we write."""
        needles = [text.encode(code) for text in texts for code in ("utf-8", "gb18030", "utf-16-le")]
        return {
            p.name for p, content in texts_under(self.settings.home) if any(n in content for n in needles)
        }


CONTACTS = (
    "SELECT _record_id, name, mobile1, job_title, account_id.name, _cells FROM raw_fxiaoke_export.contact_obj "
    "ORDER BY 1"
)


def test_a_person_with_an_id_leaves_files_rows_and_warehouse_and_stays_out(tmp_path: Path) -> None:
    home = Inbox(tmp_path)
    write(home.inbox / "联系人20260302.xlsx", ROWS)
    write(home.inbox / "联系人20260303.gb.csv", [HEADER, [*HIM[:6], "Dreamer", *HIM[7:]], HER])
    home.sync()
    assert len(home.holds(NAME)) >= 4  # the search finds it where it is
    original = [p.landed.files[0].sha256 for p in home.packages()]
    her = home.ask("SELECT * FROM raw_fxiaoke_export.contact_obj__history WHERE _record_id = 'c8'")
    home.erase("c7")
    assert home.holds(NAME, PHONE, MAIL, HOBBY) == set()
    assert home.ask("SELECT * FROM raw_fxiaoke_export.contact_obj__history WHERE _record_id = 'c8'") == her
    him, _ = home.ask(CONTACTS)
    assert him[:5] == ("c7", None, None, "Dreamer", "逍遥公司")
    assert him[5] is not None and "2026-03-01 10:00" in him[5]
    assert [p.landed.originals[0].sha256 for p in home.packages()] == original
    home.sync()  # the same originals are still in the inbox
    assert len(home.packages()) == 2
    write(home.inbox / "联系人20260304.xlsx", [HEADER, [*HIM[:6], "Butterfly", *HIM[7:]]])
    home.sync()
    assert len(home.packages()) == 3 and home.holds(NAME, PHONE, MAIL, HOBBY) == set()
    assert home.packages()[-1].landed.redactions[0].name == "c7"
    assert home.ask(CONTACTS)[0][3] == "Butterfly"
    home.sync()
    assert len(home.packages()) == 3


def test_where_the_name_is_the_key_an_alias_takes_its_place(tmp_path: Path) -> None:
    home = Inbox(tmp_path)
    write(home.inbox / "联系人20260302.xlsx", [row[1:] for row in ROWS])
    home.sync()
    assert [row[0] for row in home.ask(CONTACTS)] == ["name:hui shi", f"name:{NAME}"]
    versions = "SELECT count(*) FROM raw_fxiaoke_export.contact_obj__history"
    before = home.ask(versions)
    home.erase(f"name:{NAME}")
    assert home.holds(NAME, PHONE, MAIL, HOBBY) == set()
    noted = list_path(home.settings.landing, "fxiaoke_export", "default", "contact_obj").read_text()
    key = home.ask(CONTACTS)[0][0]
    assert key.startswith("name:erased-") and key.removeprefix("name:") in noted
    write(home.inbox / "联系人20260303.csv", [row[1:] for row in ROWS[:2]])
    home.sync()
    assert home.holds(NAME, PHONE, MAIL, HOBBY) == set()
    assert len(home.packages()) == 2 and home.ask(CONTACTS)[0][0] == key
    assert before == [(2,)]


def test_a_rebuild_after_forgetting_gives_the_same_rows(tmp_path: Path) -> None:
    home = Inbox(tmp_path)
    write(home.inbox / "联系人20260302.csv", ROWS)
    home.sync()
    home.erase("c7")
    before = home.ask("SELECT * FROM raw_fxiaoke_export.contact_obj__history ORDER BY ALL")
    with flow.lock(home.settings, "test"):
        rebuild(home.settings)
    assert home.ask("SELECT * FROM raw_fxiaoke_export.contact_obj__history ORDER BY ALL") == before
    assert home.packages()[0].rows(ACCEPTED).name == "accepted.1.parquet"
