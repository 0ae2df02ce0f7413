"""A workbook in the form of a Fxiaoke export, the same bytes for the same rows."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

from openpyxl import Workbook

_SHEET = re.compile(rb"(<worksheet[^>]*>(?:<sheetPr>.*?</sheetPr>)?)(?:<dimension[^>]*/>)?", re.DOTALL)
_MODIFIED = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*")


def write_workbook(
    path: Path,
    title: str,
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    lists: Sequence[tuple[str, Sequence[str]]],
    moment: datetime,
    *,
    hidden_first: bool = False,
    lying: bool = False,
) -> None:
    """Header in row 1, data from row 2, every cell text; option lists on a hidden sheet. moment: when it was made.

    hidden_first: another hidden sheet stands in front. lying: the sheet says that it has one cell only.
    """
    book = Workbook(write_only=True)
    if hidden_first:
        front = book.create_sheet("hidden_front")
        front.sheet_state = "hidden"
        front.append(["选项", "是", "否"])
    sheet = book.create_sheet(title)
    sheet.append(list(header))
    for row in rows:
        sheet.append([cell or None for cell in row])
    hidden = book.create_sheet("hidden_options")
    hidden.sheet_state = "hidden"
    for label, options in lists:
        hidden.append([label, *options])
    settled(book, path, moment, lying=lying)


def settled(book: Workbook, path: Path, moment: datetime, *, lying: bool = False) -> None:
    """Write a workbook with the sandbox's time in place of the machine's. lying: see `write_workbook`."""
    raw = io.BytesIO()
    book.save(raw)
    book.close()
    stamp = f"{moment:%Y-%m-%dT%H:%M:%SZ}".encode()
    with zipfile.ZipFile(raw) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "docProps/core.xml":
                content = _MODIFIED.sub(rb"\g<1>" + stamp, content)
            if lying and name.startswith("xl/worksheets/"):
                content = _SHEET.sub(rb'\g<1><dimension ref="A1"/>', content, count=1)
            entry = zipfile.ZipInfo(name, moment.timetuple()[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(entry, content)
