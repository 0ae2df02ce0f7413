"""A zip from outside: how much it may unpack to, and what it truly unpacks to."""

from __future__ import annotations

import copy
import zipfile
import zlib
from collections.abc import Iterator

from connectors.core.errors import Problem
from connectors.core.files.content import EXPORT_AGAIN, MACROS, UNLOCK, WITHOUT_MACROS
from connectors.core.files.limits import Limits

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_BLOCK = 1 << 20
_MACROS, _MACRO_SHEETS = "vbaproject.bin", "xl/macrosheets/"
_HOSTILE = "Do not open it; export the file from Fxiaoke again and delete this one"


def check_archive(archive: zipfile.ZipFile, limits: Limits) -> None:
    """Judge the zip by its own table of contents. Raises Problem for a bomb, a lock or a trick."""
    members = archive.infolist()
    if len(members) > limits.members:
        raise Problem(f"the workbook has {len(members):,} parts, more than {limits.members:,}", do=_HOSTILE)
    if len({m.filename for m in members}) != len(members):
        raise Problem("the workbook holds two parts of the same name", do=_HOSTILE)
    if any(m.filename.lower().endswith(_MACROS) or _MACRO_SHEETS in m.filename.lower() for m in members):
        raise Problem(MACROS, do=WITHOUT_MACROS)
    if any(m.flag_bits & 1 for m in members):
        raise Problem("the workbook is protected by a password", do=UNLOCK)
    if any(m.compress_type not in METHODS for m in members):
        raise Problem("the workbook is packed in a way that spreadsheets do not use", do=_HOSTILE)
    unpacked, packed = sum(m.file_size for m in members), sum(m.compress_size for m in members)
    if unpacked > limits.unpacked_bytes:
        raise Problem(
            f"the workbook unpacks to {unpacked:,} bytes, more than {limits.unpacked_bytes:,}", do=_HOSTILE
        )
    if unpacked > limits.ratio_from and unpacked > limits.ratio * max(packed, 1):
        raise Problem(
            f"the workbook unpacks to {unpacked // max(packed, 1)} times its size (a zip bomb)", do=_HOSTILE
        )


def blocks(
    archive: zipfile.ZipFile, member: str | zipfile.ZipInfo, what: str = "the workbook"
) -> Iterator[bytes]:
    """The true bytes of a part, which must be as many as its table of contents declares.

    The standard reader stops at the declared size, other readers do not: a part that lies would be small
    here and huge there. Raises Problem when it lies or is damaged.
    """
    declared = archive.getinfo(member) if isinstance(member, str) else member
    unbound = copy.copy(declared)
    unbound.file_size = declared.file_size + 1
    seen = 0
    try:
        with archive.open(unbound) as part:
            while block := part.read(_BLOCK):
                seen += len(block)
                if seen > declared.file_size:
                    raise Problem(f"{what}'s part {declared.filename} is larger than it says", do=_HOSTILE)
                yield block
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        raise Problem(f"{what} is damaged or incomplete", do=EXPORT_AGAIN) from error


def content(archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    """A part as a whole. Raises Problem when it is larger than `limit` bytes."""
    if archive.getinfo(name).file_size > limit:
        raise Problem(f"the workbook's part {name} is larger than {limit:,} bytes", do=_HOSTILE)
    return b"".join(blocks(archive, name))
