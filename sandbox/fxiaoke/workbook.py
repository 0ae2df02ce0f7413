"""A workbook in the form of a Fxiaoke export, the same bytes for the same rows."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

from openpyxl import Workbook

_MODIFIED = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*")


def write_workbook(
    path: Path,
    title: str,
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    lists: Sequence[tuple[str, Sequence[str]]],
    moment: datetime,
) -> None:
    """Header in row 1, data from row 2, every cell text; option lists on a hidden sheet. moment: when it was made."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(title)
    sheet.append(list(header))
    for row in rows:
        sheet.append([cell or None for cell in row])
    hidden = book.create_sheet("hidden_options")
    hidden.sheet_state = "hidden"
    for label, options in lists:
        hidden.append([label, *options])
    settled(book, path, moment)


def settled(book: Workbook, path: Path, moment: datetime) -> None:
    """Write a workbook with the sandbox's time in place of the machine's."""
    raw = io.BytesIO()
    book.save(raw)
    book.close()
    stamp = f"{moment:%Y-%m-%dT%H:%M:%SZ}".encode()
    with zipfile.ZipFile(raw) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "docProps/core.xml":
                content = _MODIFIED.sub(rb"\g<1>" + stamp, content)
            entry = zipfile.ZipInfo(name, moment.timetuple()[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(entry, content)
