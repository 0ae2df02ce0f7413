"""Writes the export files that a person would download: `商机对象导出结果_20260630180000.xlsx` and its siblings."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sandbox.company.clock import OFFICE
from sandbox.company.log import Log
from sandbox.fxiaoke.sheets import Books, Sheet, cells, sheets
from sandbox.fxiaoke.workbook import write_workbook

_ENCODINGS = {"csv": "utf-8-sig", "csv-gb18030": "gb18030"}
FORMATS = ("xlsx", *_ENCODINGS)
IDS = ("all", "own", "none")


@dataclass(frozen=True, slots=True)
class Export:
    """format: xlsx, csv (UTF-8 with BOM) or csv-gb18030. ids: see `sheets.cells`."""

    format: str = "xlsx"
    ids: str = "all"

    def __post_init__(self) -> None:
        if self.format not in FORMATS or self.ids not in IDS:
            raise ValueError(f"format is one of {', '.join(FORMATS)}, ids one of {', '.join(IDS)}")


def write_exports(log: Log, at: int, folder: Path, options: Export) -> list[Path]:
    """One file per object with its valid records as of `at` (seconds); gives the paths."""
    folder.mkdir(parents=True, exist_ok=True)
    books = Books(log, at)
    moment = datetime.fromtimestamp(at, OFFICE)
    return [_write(sheet, books, moment, folder, options) for sheet in sheets()]


def _write(sheet: Sheet, books: Books, moment: datetime, folder: Path, options: Export) -> Path:
    suffix = "xlsx" if options.format == "xlsx" else "csv"
    path = folder / f"{sheet.label}对象导出结果_{moment:%Y%m%d%H%M%S}.{suffix}"
    header, write = cells(sheet, books, options.ids)
    rows = (write(row) for row in books.rows(sheet))
    # Under another name until it is whole: an inbox may be watched.
    part = path.with_name(f"~${path.name}.tmp")
    if suffix == "xlsx":
        lists = [(c.label, c.options["options"]) for c in sheet.columns if "options" in c.options]
        write_workbook(part, f"{sheet.label}数据", header, rows, lists, moment)
    else:
        with part.open("w", encoding=_ENCODINGS[options.format], newline="") as file:
            writer = csv.writer(file)
            writer.writerow(header)
            writer.writerows(rows)
    part.replace(path)
    return path
