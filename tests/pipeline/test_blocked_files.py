"""A landed file that no reader gets through stops its stream only until somebody drops it."""

from __future__ import annotations

import os
import re
import zipfile
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.core.errors import Problem
from connectors.fxiaoke.export_files import source as source_room
from pipelines.aside import decide, waiting
from pipelines.outcome import Status
from tests.pipeline.test_full_lists import Home, _no_rules, row
from tests.unit.fxiaoke_workbooks import SHEET, xlsx

__all__ = ["_no_rules"]  # a fixture
AMOUNTS = ("唯一性ID", "客户名称", "年营业额")


def put_book(home: Home, cell: str) -> Path:
    """Twenty accounts; the fifteenth's last cell is this XML, beyond the rows that a first look sees."""
    path = home.inbox / "客户对象导出结果_20260302.xlsx"
    xlsx(path, [("唯一性ID", "客户名称", "备注"), *((f"id{n}", f"客户{n}", 1.5) for n in range(2, 22))])
    with zipfile.ZipFile(path) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    parts[SHEET] = re.sub(rb'<c r="C15"[^>]*>.*?</c>', cell.encode(), parts[SHEET])
    with zipfile.ZipFile(path, "w") as book:
        for name, body in parts.items():
            book.writestr(name, body)
    late = datetime(2026, 12, 1, tzinfo=UTC).timestamp()
    os.utime(path, (late, late))
    return path


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_a_file_that_cannot_be_decoded_is_told_and_dropped(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = source_room.tabulate

    def trip(file: Path, *more: Any) -> Any:
        if file.suffix == ".xlsx":
            raise OverflowError("cannot convert 甲")
        return whole(file, *more)

    home.put("20260301", [row(1)])
    put_book(home, "<c r='C15'><v>1</v></c>")
    home.put("20260303", [row(30)])
    monkeypatch.setattr(source_room, "tabulate", trip)
    outcome = home.sync().outcomes[0]
    assert (outcome.status, outcome.inserted) == (Status.BLOCKED, 1)
    [sentence] = outcome.messages
    package = home.zone.packages("file")[1]
    assert "is blocked by readable: something unexpected happened: OverflowError" in sentence
    assert "packages that wait behind it: 1" in sentence
    assert f"crm-warehouse quarantine drop {package.id}" in sentence
    assert "甲" not in sentence
    [listed] = waiting(home.settings)
    assert (listed.package, listed.file, listed.rows) == (package.id, "客户对象导出结果_20260302.xlsx", 0)
    with pytest.raises(Problem, match="nothing to release"):
        decide(home.settings, package.id, [], let=True, by="Wang")
    decide(home.settings, package.id, [], let=False, by="Wang")
    assert home.sync().ok
    keys = "SELECT _record_id FROM raw_fxiaoke_export.account_obj ORDER BY ALL"
    assert home.query(keys) == [("id1",), ("id30",)]
    assert list(waiting(home.settings)) == []
    home.assert_rebuilt_alike()


def test_it_is_read_by_a_version_that_can(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(source_room, "tabulate", lambda *_: 1 // 0)
        home.put("20260301", [row(1)])
        assert home.sync().outcomes[0].status is Status.BLOCKED
    assert home.sync().outcomes[0].inserted == 1


def test_cells_that_are_no_numbers_and_no_days_stop_nothing(home: Home) -> None:
    cells = {
        "nan": "<c r='C15'><v>NaN</v></c>",
        "inf": "<c r='C15'><v>1E400</v></c>",
        "9999-12-31 23:59:59": "<c r='C15' t='d'><v>9999-12-31T23:59:59.9</v></c>",
    }
    for said, cell in cells.items():
        put_book(home, cell)
        outcome = home.sync().outcomes[0]
        assert outcome.status is Status.LOADED, outcome.messages
        remark = "SELECT 备注 FROM raw_fxiaoke_export.account_obj WHERE _record_id = 'id15'"
        assert home.query(remark) == [(said,)]


def test_several_numbers_in_a_cell_are_no_amount(home: Home) -> None:
    rows = [
        ("id1", "甲", "100\n200"),
        ("id2", "乙", "300 400"),
        ("id3", "丙", "5"),
        ("id4", "丁", "100\n200"),
    ]
    home.put("20260301", rows, AMOUNTS)
    outcome = home.sync().outcomes[0]
    assert (outcome.accepted, outcome.quarantined) == (1, 3)
    home.put("20260302", [("id5", "戊", "100\n200"), ("id6", "己", "7")], AMOUNTS)
    assert home.sync().outcomes[0].quarantined == 1
    amounts = "SELECT _record_id, annual_revenue FROM raw_fxiaoke_export.account_obj ORDER BY ALL"
    assert home.query(amounts) == [("id3", Decimal(5)), ("id6", Decimal(7))]
