"""Writes the managers' spreadsheets: `销售管理台账_20260630180000.xlsx` and its siblings."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from sandbox.company.clock import OFFICE
from sandbox.company.ledger import Facts, ledger
from sandbox.company.log import Log
from sandbox.company.words import read_yaml
from sandbox.fxiaoke.workbook import settled

_ENCODINGS = {"csv": "utf-8-sig", "csv-gb18030": "gb18030"}


def write_inputs(log: Log, at: int, folder: Path) -> list[Path]:
    """The files as of `at` (seconds), named with that moment; gives the paths."""
    folder.mkdir(parents=True, exist_ok=True)
    moment, rows = datetime.fromtimestamp(at, OFFICE), ledger(log, at)
    files = read_yaml(Path(__file__).with_name("sheets.yml"))
    kept = {n: f for n, f in files.items() if any(sheet["input"] in rows for sheet in f["sheets"].values())}
    return [_write(name, facts, rows, moment, folder) for name, facts in kept.items()]


def _write(
    name: str, facts: Mapping[str, Any], rows: Mapping[str, Sequence[Facts]], moment: datetime, folder: Path
) -> Path:
    form = facts["form"]
    path = folder / f"{name}_{moment:%Y%m%d%H%M%S}.{form.partition('-')[0]}"
    sheets = {
        title: _sheet(sheet, rows[sheet["input"]])
        for title, sheet in facts["sheets"].items()
        if sheet["input"] in rows
    }
    # Under another name until it is whole: an inbox may be watched.
    part = path.with_name(f"~${path.name}.tmp")
    if form == "xlsx":
        _write_workbook(part, sheets, moment)
    else:
        with part.open("w", encoding=_ENCODINGS[form], newline="") as file:
            for sheet in sheets.values():
                csv.writer(file).writerows(["" if cell is None else cell for cell in row] for row in sheet)
    part.replace(path)
    return path


def _sheet(sheet: Mapping[str, Any], rows: Sequence[Facts]) -> list[list[Any]]:
    columns = [(name, header, _writer(how[0] if how else None)) for name, header, *how in sheet["columns"]]
    header = [header for _, header, _ in columns]
    body = [[None if row.get(n) is None else write(row[n]) for n, _, write in columns] for row in rows]
    return [*sheet.get("above", []), header, *body]


def _writer(how: Any) -> Callable[[Any], Any]:
    if isinstance(how, dict):
        if "times" in how:
            return lambda value: Decimal(value) / how["times"]
        return lambda value: how[value]
    return {
        None: str,
        "number": lambda value: Decimal(str(value)),
        "date": date.fromisoformat,
        "day": lambda value: f"{value[:4]}年{int(value[5:7])}月{int(value[8:])}日",
        "percent": lambda value: f"{Decimal(value) * 100:f}%",
        "yes_no": lambda value: "是" if value else "否",
    }[how]


def _write_workbook(path: Path, sheets: Mapping[str, list[list[Any]]], moment: datetime) -> None:
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    for title, rows in sheets.items():
        page = book.create_sheet(title)
        for row in rows:
            page.append(row)
    settled(book, path, moment)
