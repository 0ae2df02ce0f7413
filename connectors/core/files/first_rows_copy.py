"""A small copy of a workbook that holds only the first rows of one sheet.

So the reader that later reads the whole file also reads its header: same dates, same shared texts.
"""

from __future__ import annotations

import io
import zipfile

from connectors.core.errors import Problem
from connectors.core.files.archive import blocks, content
from connectors.core.files.limits import Limits
from connectors.core.files.sheet_list import SheetPart

_SHARED = "xl/sharedStrings.xml"
_NEEDED = (
    "[Content_Types].xml",
    "_rels/.rels",
    "xl/workbook.xml",
    "xl/_rels/workbook.xml.rels",
    "xl/styles.xml",
)


def small_copy(archive: zipfile.ZipFile, sheet: SheetPart, xml: bytes, limits: Limits) -> io.BytesIO:
    """The workbook with `xml` as its only sheet. Raises Problem for parts that are damaged or too large."""
    small = io.BytesIO()
    names = set(archive.namelist())
    with zipfile.ZipFile(small, "w", zipfile.ZIP_STORED) as out:
        for part in _NEEDED:
            if part in names:
                out.writestr(part, content(archive, part, limits.part_bytes))
        if _SHARED in names:
            _copy_texts(archive, out, limits)
        out.writestr(sheet.part, xml)
    small.seek(0)
    return small


def _copy_texts(archive: zipfile.ZipFile, out: zipfile.ZipFile, limits: Limits) -> None:
    texts, most = 0, limits.cells // 2  # each costs the reader 24 bytes, however short it is
    with out.open(_SHARED, "w", force_zip64=True) as copy:
        for block in blocks(archive, _SHARED):
            texts += block.count(b"<si")
            if texts > most:
                raise Problem(
                    f"the workbook holds more than {most:,} texts", do="Export fewer records at once"
                )
            copy.write(block)
