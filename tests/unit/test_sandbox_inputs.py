"""The managers' spreadsheets of a company of three, read back with other libraries."""

from __future__ import annotations

import csv
import io
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from sandbox.company.clock import parse
from sandbox.company.ledger import ledger
from sandbox.company.log import Event, Log
from sandbox.company.world import World
from sandbox.inputs.files import write_inputs

AT = parse("2026-02-01T08:30:15")


@pytest.fixture(scope="module")
def log() -> Log:
    log = Log()
    facts = {"main_department": "华东", "employee_number": "E1", "position": "销售经理"}
    for time, crm, entity, id, kind, changes in (
        ("2025-01-01T00:00:00", "zoho", "users", "z1", "create",
         {"full_name": "王伟", "email": "w@corp.example", "state": "华南"}),
        ("2025-03-01T00:00:00", "fxiaoke", "users", "f1", "create", {"name": "李娜", **facts}),
        ("2025-04-01T00:00:00", "zoho", "accounts", "a1", "create", {"Account_Name": "Bluesea", "_party": 7}),
        ("2025-04-02T00:00:00", "fxiaoke", "accounts", "b1", "create", {"name": "蓝海", "_party": 7}),
        ("2025-05-01T09:00:00", "zoho", "users", "z1", "update", {"status": "disabled"}),
        ("2026-02-02T00:00:00", "zoho", "users", "z2", "create", {"full_name": "后来者", "state": "华南"}),
    ):  # fmt: skip
        log.append(Event(parse(time), crm, entity, id, kind, "x", changes))
    return log


def test_the_workbook_says_what_the_ledger_says_in_the_managers_words(log: Log, tmp_path: Path) -> None:
    files = {path.name: path for path in write_inputs(log, AT, tmp_path)}
    book = CalamineWorkbook.from_path(str(files["销售管理台账_20260201083015.xlsx"]))
    members = book.get_sheet_by_name("团队成员").to_python(skip_empty_area=False)
    assert members[0][0] == "2026 年团队成员一览"
    assert members[2:] == [
        ["姓名", "工号", "维度", "团队", "加入日期", "离开日期", "权重", "是否主团队", "岗位"],
        [
            "王伟",
            "w@corp.example",
            "区域",
            "华南",
            date(2025, 1, 1),
            date(2025, 5, 1),
            "100%",
            "是",
            "销售代表",
        ],
        [
            "王伟",
            "w@corp.example",
            "产品线",
            "硬件",
            date(2025, 1, 1),
            date(2025, 5, 1),
            "60.0%",
            "是",
            "销售代表",
        ],
        [
            "王伟",
            "w@corp.example",
            "产品线",
            "软件",
            date(2025, 1, 1),
            date(2025, 5, 1),
            "40.0%",
            "否",
            "销售代表",
        ],
        ["李娜", "E1", "区域", "华东", date(2025, 3, 1), "", "100%", "是", "销售经理"],
        ["李娜", "E1", "产品线", "硬件", date(2025, 3, 1), "", "60.0%", "是", "销售经理"],
        ["李娜", "E1", "产品线", "软件", date(2025, 3, 1), "", "40.0%", "否", "销售经理"],
    ]
    targets = book.get_sheet_by_name("2026目标").to_python()
    values = {(row[4], row[7] or row[8]): row[10] for row in targets[1:]}
    assert values["全年", ""] == 180  # one person is left, 1.8 million a year, in units of 10,000
    assert [values[f"第{q}季度", "华东"] for q in "一二三四"] == [36, 43.2, 45, 55.8]
    assert values["全年", "李娜"] == 180


def test_other_files_come_as_text_in_other_encodings(log: Log, tmp_path: Path) -> None:
    files = {path.name: path for path in write_inputs(log, AT, tmp_path)}
    rates = list(csv.reader(io.StringIO(files["汇率_20260201083015.csv"].read_bytes().decode("gb18030"))))
    assert len(rates) == 1 + 14 * 3, "three currencies, from January 2025 to February 2026"
    assert rates[-1] == ["JPY", "CNY", "中间价", "2026年2月1日", "100", "4.8450", "外汇交易中心"]
    days = files["节假日安排_20260201083015.csv"].read_text("utf-8-sig").splitlines()
    assert days[:2] == ["Calendar,Date,Kind of day,Occasion", "CN,2025-01-01,Holiday,元旦"]
    pairs = CalamineWorkbook.from_path(str(files["同一客户判定_20260201083015.xlsx"])).get_sheet_by_index(0)
    assert pairs.to_python()[1][:8] == [
        "客户",
        "Zoho CRM",
        "a1",
        "Bluesea",
        "纷享销客",
        "b1",
        "蓝海",
        "同一个",
    ]


def test_the_same_moment_gives_the_same_bytes(log: Log, tmp_path: Path) -> None:
    first, second = write_inputs(log, AT, tmp_path / "a"), write_inputs(log, AT, tmp_path / "b")
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]
    assert {name for name, rows in ledger(log, AT).items() if not rows} == {"manager_ratings"}, (
        "she rates nobody yet"
    )


def test_no_row_is_left_out_of_a_later_file() -> None:
    """Files delete nothing: who leaves gets an end or a target that is retired, or a stale row would count on."""

    def kept(rows: list[dict[str, Any]]) -> set[tuple[str, ...]]:
        names = (
            "axis",
            "team",
            "person",
            "person_id",
            "period",
            "level",
            "valid_from",
            "rater",
            "day",
            "rate_date",
        )
        return {tuple(str(row.get(name)) for name in names) for row in rows}

    world = World(7, 60)
    before = ledger(world.log, world.clock)
    world.advance(60)
    after = ledger(world.log, world.clock)
    assert any(row["status"] == "retired" for row in after["targets"])
    assert {name for name, rows in before.items() if not kept(rows) <= kept(after[name])} == set()
    people = [
        int(r["target_value"])
        for r in after["targets"]
        if r["level"] == "person" and r["status"] == "approved"
    ]
    teams = [int(r["target_value"]) for r in after["targets"] if r["level"] == "team"]
    [company] = [int(r["target_value"]) for r in after["targets"] if r["level"] == "company"]
    assert sum(people) == sum(teams) == company
