"""What a file is, by its first bytes; its name may say anything."""

from __future__ import annotations

import zipfile
from enum import StrEnum
from pathlib import Path

from connectors.core.errors import Problem
from connectors.core.files.zips import Archive

_OLE2 = bytes.fromhex("d0cf11e0a1b11ae1")
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")  # the stream in which Office keeps a locked workbook
_VBA = "_VBA_PROJECT".encode("utf-16-le")  # the stream in which Office keeps a workbook's macros
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_START = 64 << 10
# Members by which a document of Office, OpenDocument or Apple is known.
_DOCUMENTS = frozenset({"[Content_Types].xml", "mimetype", "Index/Document.iwa", "META-INF/MANIFEST.MF"})
SAVE_AGAIN = "Open it, save it as .xlsx or .csv and put that file into the inbox"
UNLOCK = "Open it, save it without the password and replace the file"
MACROS = "the workbook holds macros, which no export does"
WITHOUT_MACROS = "Do not run them; open it with macros off, save it as .xlsx and replace the file"
EXPORT_AGAIN = "Export it again and replace the file"


class Kind(StrEnum):
    """How the rows are stored."""

    XLSX = "xlsx"
    XLSB = "xlsb"
    XLS = "xls"
    TEXT = "text"


def kind_of(path: Path) -> Kind:
    """The kind of a file. Raises Problem when it is none that holds rows, saying what it is instead."""
    with path.open("rb") as file:
        start = file.read(_START)
    if not start.strip(b"\0"):
        raise Problem("the file is empty", do=EXPORT_AGAIN)
    if start.startswith(b"PK"):
        return _zip_kind(path)
    if start.startswith(_OLE2):
        if _contains(path, _ENCRYPTED):
            raise Problem("the workbook is protected by a password", do=UNLOCK)
        if _contains(path, _VBA):
            raise Problem(MACROS, do=WITHOUT_MACROS)
        return Kind.XLS
    if b"\0" in start and not start.startswith(_UTF16):
        raise Problem("the file is neither a workbook nor text", do=SAVE_AGAIN)
    if start.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<":
        raise Problem("the file is a web page or XML, whatever its name says", do=SAVE_AGAIN)
    return Kind.TEXT


def is_archive_of_files(path: Path) -> bool:
    """Whether the file is a zip whose members are files of their own: no workbook and no other document."""
    with path.open("rb") as file:
        if not file.read(2).startswith(b"PK"):
            return False
    try:
        names = _members(path)
    except Problem:
        return False
    return not names & _DOCUMENTS


def _zip_kind(path: Path) -> Kind:
    names = _members(path)
    if "xl/workbook.xml" in names:
        return Kind.XLSX
    if "xl/workbook.bin" in names:
        return Kind.XLSB
    if names & _DOCUMENTS:
        raise Problem("the file is a document, but no workbook that is read", do=SAVE_AGAIN)
    raise Problem(
        "the file is a zip archive, but not a workbook",
        do="If it holds exports, unpack it into the inbox; otherwise take it out",
    )


def _members(path: Path) -> set[str]:
    try:
        with Archive(path) as archive:
            return set(archive.namelist())
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError) as error:
        raise Problem("the workbook is damaged or incomplete", do=EXPORT_AGAIN) from error


def _contains(path: Path, needle: bytes) -> bool:
    """Whether the file holds these bytes, in bounded memory."""
    tail = b""
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            if needle in tail + block:
                return True
            tail = block[-len(needle) :]
    return False
