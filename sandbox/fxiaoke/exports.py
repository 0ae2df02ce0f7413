"""Writes the export files that a person would download: `商机对象导出结果_20260630180000.xlsx` and its siblings."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sandbox.company.clock import OFFICE
from sandbox.company.log import Log
from sandbox.fxiaoke.binary import XlsSheet, write_xls, write_xlsb
from sandbox.fxiaoke.layouts import Layout, laid_out, layouts
from sandbox.fxiaoke.look_alikes import LOOK_ALIKES
from sandbox.fxiaoke.sheets import Books, Sheet, cells
from sandbox.fxiaoke.workbook import write_workbook

_ENCODINGS = {"csv": "utf-8-sig", "csv-plain": "utf-8", "csv-gb18030": "gb18030"}
FORMATS = ("xlsx", "xls", "xlsb", *_ENCODINGS)
IDS = ("all", "own", "none")
PACKS = ("none", "zip", "zip-gbk")


@dataclass(frozen=True, slots=True)
class Export:
    """format: xlsx, xls, xlsb, csv (UTF-8 with BOM), csv-plain (without) or csv-gb18030. ids: see `sheets.cells`.
    layout: see `layouts.yml`, or one of LOOK_ALIKES, which are files that are no exports. pack: none, or all files in
    one zip whose names are in UTF-8 or GBK."""

    format: str = "xlsx"
    ids: str = "all"
    layout: str = "plain"
    pack: str = "none"

    def __post_init__(self) -> None:
        known = {"format": FORMATS, "ids": IDS, "layout": (*layouts(), *LOOK_ALIKES), "pack": PACKS}
        for name, values in known.items():
            if getattr(self, name) not in values:
                raise ValueError(f"{name} is one of {', '.join(values)}")


def write_exports(log: Log, at: int, folder: Path, options: Export) -> list[Path]:
    """One file per object with its valid records as of `at` (seconds), or the look-alikes; gives the paths."""
    folder.mkdir(parents=True, exist_ok=True)
    books = Books(log, at)
    moment = datetime.fromtimestamp(at, OFFICE)
    if options.layout in LOOK_ALIKES:
        paths = LOOK_ALIKES[options.layout](folder, books, moment)
    else:
        paths = [_write(sheet, books, moment, folder, options) for sheet in books.sheets()]
    return paths if options.pack == "none" else [_packed(paths, folder, moment, options.pack)]


def _write(sheet: Sheet, books: Books, moment: datetime, folder: Path, options: Export) -> Path:
    suffix = options.format.partition("-")[0]
    path = folder / f"{sheet.label}对象导出结果_{moment:%Y%m%d%H%M%S}.{suffix}"
    layout = layouts()[options.layout]
    rows = _rows(sheet, books, moment, layout, options)
    # Under another name until it is whole: an inbox may be watched.
    part = path.with_name(f"~${path.name}.tmp")
    title = layout.named.format(label=sheet.label)
    match suffix:
        case "xlsx":
            lists = [(c.label, c.options["options"]) for c in sheet.columns if "options" in c.options]
            hide = {"hidden_first": layout.hidden_first, "lying": layout.lying}
            write_workbook(part, title, next(rows), rows, lists, moment, **hide)
        case "xls":
            write_xls(part, [XlsSheet(title, list(rows))])
        case "xlsb":
            write_xlsb(part, title, rows)
        case _:
            with part.open("w", encoding=_ENCODINGS[options.format], newline="") as file:
                csv.writer(file).writerows(rows)
    part.replace(path)
    return path


def _rows(
    sheet: Sheet, books: Books, moment: datetime, layout: Layout, options: Export
) -> Iterator[list[str]]:
    header, write = cells(sheet, books, options.ids)
    return laid_out(layout, sheet, moment, header, (write(row) for row in books.rows(sheet)))


def _packed(paths: list[Path], folder: Path, moment: datetime, pack: str) -> Path:
    """All files in one zip, and none beside it."""
    path = folder / f"导出_{moment:%Y%m%d%H%M%S}.zip"
    part = path.with_name(f"~${path.name}.tmp")
    names = {
        f"member{place:04}" + "x" * _extra(file, pack): _raw(file, pack) for place, file in enumerate(paths)
    }
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
        for file, name in zip(paths, names, strict=True):
            entry = zipfile.ZipInfo(
                name if pack == "zip-gbk" else f"导出/{file.name}", moment.timetuple()[:6]
            )
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, file.read_bytes())
            file.unlink()
    if pack == "zip-gbk":  # as Chinese Windows writes names; the library writes UTF-8 only
        body = part.read_bytes()
        for name, raw in names.items():
            body = body.replace(name.encode(), raw)
        part.write_bytes(body)
    part.replace(path)
    return path


def _raw(file: Path, pack: str) -> bytes:
    return f"导出/{file.name}".encode("gbk" if pack == "zip-gbk" else "utf-8")


def _extra(file: Path, pack: str) -> int:
    """Letters that a stand-in needs beyond its ten to be as long as the name that takes its place."""
    return len(_raw(file, pack)) - len("member0000")
