"""A whole inbox of nasty files: each ends as it is labelled, and none stops another."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from connectors import discover
from connectors.core.contract import Source, SourceContext
from connectors.core.files.grid import Peek
from connectors.core.files.limits import Limits
from connectors.core.files.probe import look, look_here
from connectors.fxiaoke.export_files.source import FxiaokeExport
from pipelines import flow
from pipelines import sync as sync_room
from pipelines.aside import Fault, faults, waiting
from pipelines.landing.zone import Package, Zone
from pipelines.settings import Settings
from tests.unit.nasty import Aside, Good, Nasty, Skipped, nasty_files

FILES = nasty_files()
DANGEROUS = {one.name for one in FILES if one.dangerous}
WRITTEN = datetime(2026, 6, 30, tzinfo=UTC).timestamp()


class Inbox:
    """What became of every file. refused: sentence by file; packages: by file."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(home=folder / "home", _env_file=None)
        self.settings.prepare_home()
        inbox = self.settings.inbox("fxiaoke_export")
        inbox.mkdir(parents=True)
        for one in FILES:
            one.write(inbox / one.name)
            os.utime(inbox / one.name, (WRITTEN, WRITTEN), follow_symlinks=False)
        opened: list[Source] = []
        spec = replace(discover()["fxiaoke_export"], open=lambda c: opened.append(_open(c)) or opened[-1])
        with flow.lock(self.settings, "test"):
            report = flow.sync(self.settings, [(spec, "default")])
        self.unloaded = [o for o in report.outcomes if o.messages]
        self.refused = {problem.where: str(problem) for problem in opened[0].problems()}
        self.sentences = report.problems
        self.packages: dict[str, Package] = {
            package.landed.file_name: package
            for *_, zone in Zone(self.settings.landing).streams()
            for package in zone.packages()
        }


def _open(context: SourceContext) -> Source:
    """As the house opens it, but only dangerous files cost a process of their own."""

    def looked(path: Path, limits: Limits) -> Peek:
        dangerous = path.name in DANGEROUS
        tight = replace(limits, memory_bytes=1 << 30, seconds=15)
        return look(path, tight) if dangerous else look_here(path, limits)

    return FxiaokeExport(context, discover()["fxiaoke_export"].streams(), look=looked)


@pytest.fixture(scope="module")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inbox]:
    folder = tmp_path_factory.mktemp("nasty")
    with pytest.MonkeyPatch.context() as patch:
        rules = folder / "expectations" / "fxiaoke_export"
        rules.mkdir(parents=True)
        for stream in discover()["fxiaoke_export"].streams():
            (rules / f"{stream.name}.yml").write_text("grain: one row per record\nowner: tests\nrules: []\n")
        patch.setattr(sync_room, "EXPECTATIONS", folder / "expectations")
        patch.setattr(
            sync_room, "_load", lambda *_: None
        )  # a row's fate is sealed before, and loading costs most
        yield Inbox(folder)


def rows(package: Package, name: str) -> dict[int, dict[str, Any]]:
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        found = con.execute(f"SELECT * FROM read_parquet('{package.rows(name)}')")
        columns = [column[0] for column in found.description]
        return {
            row["_position"]: row for row in (dict(zip(columns, r, strict=True)) for r in found.fetchall())
        }


def test_there_are_enough_of_them():
    assert sum(one.cases for one in FILES) >= 200
    assert len(FILES) >= 90


def test_nothing_but_what_is_labelled_went_wrong(inbox: Inbox):
    assert inbox.unloaded == []
    assert len(inbox.sentences) == sum(bool(one.refused) for one in FILES), inbox.sentences


@pytest.mark.parametrize("one", [f for f in FILES if f.refused], ids=lambda one: one.name)
def test_refused_with_a_sentence(inbox: Inbox, one: Nasty):
    assert one.name not in inbox.packages, "never half read"
    sentence = inbox.refused[one.name]
    assert any(part in sentence for part in one.refused.split("|")), sentence
    assert "Next (" in sentence, "somebody is told what to do"


@pytest.mark.parametrize("one", [f for f in FILES if not f.refused], ids=lambda one: one.name)
def test_read_row_by_row(inbox: Inbox, one: Nasty):
    assert one.name in inbox.packages, inbox.refused.get(one.name)
    package = inbox.packages[one.name]
    assert package.landed.stream == one.stream
    accepted, aside = rows(package, "accepted.parquet"), rows(package, "quarantined.parquet")
    skipped: dict[str, int] = {}
    for position, label in one.rows.items():
        match label:
            case Good(values):
                assert position in accepted, (position, aside.get(position))
                assert {name: accepted[position][name] for name in values} == dict(values), position
            case Aside():
                assert position in aside, (position, label, accepted.get(position))
                assert_faulty(aside[position], label)
            case Skipped(reason):
                skipped[reason] = skipped.get(reason, 0) + 1
    assert package.checked.skipped == skipped
    assert set(aside) == {p for p, label in one.rows.items() if isinstance(label, Aside)}


def assert_faulty(row: Mapping[str, Any], label: Aside) -> None:
    faults = [(fault["field"], fault["value"], fault["reason"]) for fault in row["_faults"]]
    assert any(
        (field, text) == (label.field, label.text) and label.reason in reason
        for field, text, reason in faults
    ), (faults, label)


def test_quarantine_show_says_file_sheet_row_column_value_and_reason(inbox: Inbox):
    package = inbox.packages["商机对象导出结果_days.xlsx"]
    shown = list(faults(inbox.settings, package.id))
    aside = [p for p, label in by_name("商机对象导出结果_days.xlsx").rows.items() if isinstance(label, Aside)]
    assert [fault.row for fault in shown] == aside
    first = shown[0]
    assert first == Fault(
        "商机对象导出结果_days.xlsx", "商机数据", aside[0], f"days{aside[0]}", "C 预计成交日期", "8月22日",
        "a value does not fit its field", "fits_type",
    )  # fmt: skip
    whole = next(iter(faults(inbox.settings, inbox.packages["商机对象导出结果_ragged.csv"].id)))
    assert (whole.sheet, whole.row, whole.column, whole.value) == ("", 3, "", "")
    assert "4 cells under 3 headers: a delimiter inside a text?" in whole.reason
    listed = {one.package: one for one in waiting(inbox.settings)}
    assert listed[package.id].rows == len(aside)
    assert listed[package.id].file == "商机对象导出结果_days.xlsx"


def by_name(name: str) -> Nasty:
    return next(one for one in FILES if one.name == name)
