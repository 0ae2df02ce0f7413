"""A zip of files of rows: its members, each judged like a file of the inbox, in a private place until they are landed.

Nothing is written under a name that the archive gives but its last part, checked; a member that is refused stops no
other. What belongs to the archive as a whole (how many members, how much in all) refuses all of it.
"""

from __future__ import annotations

import hashlib
import os
import stat
import unicodedata
import zipfile
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from connectors.core.errors import Problem
from connectors.core.files.archive import METHODS, blocks
from connectors.core.files.content import EXPORT_AGAIN, is_archive_of_files
from connectors.core.files.limits import Limits
from connectors.core.files.stamps import file_stamp
from connectors.core.files.zips import Archive

_UNPACK = "Unpack it yourself, put what you trust into the inbox, and delete the archive"
_LONGEST_NAME = 200  # bytes; file systems end at 255
_UTF8_NAMES = 0x800
_EARLIEST = 1981  # archives without times say 1980


@dataclass(frozen=True, slots=True)
class Bundle:
    """An archive of the inbox. place: its path below the inbox. modified: its own time (seconds since 1970)."""

    path: Path
    place: str
    modified: float


@dataclass(frozen=True, slots=True)
class Member:
    """A member that was unpacked. place: archive and name, for people."""

    path: Path
    place: str
    bytes: int
    sha256: str
    stamp: datetime


def members(
    bundle: Bundle,
    room: Path,
    timezone: str,
    limits: Limits,
    passes_over: Callable[[str], bool],
    known: Collection[str],
) -> Iterator[Member | Problem]:
    """Every member, as a file below `room` or as the Problem that it is; those whose digest is known are left out.

    passes_over: whether a member of this name is no file of rows. Raises Problem for the archive as a whole.
    """
    try:
        with Archive(bundle.path) as archive:
            infos = [info for info in archive.infolist() if not _is_folder(info)]
            _judge(bundle, infos, limits)
            for number, info in enumerate(infos, 1):
                name = member_name(info)
                if passes_over(name):
                    continue
                place = f"{bundle.place}/{_shown(name)}"
                try:
                    _refuse(info, name, limits)
                    found = _unpacked(archive, info, name, room / f"{number:04}", limits)
                except (Problem, zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
                    yield _refusal(error, place)
                    continue
                if found is None or found[1] in known:
                    _remove(room / f"{number:04}")
                    continue
                path, digest = found
                stamp = file_stamp(path.name, _modified(info, bundle, timezone), timezone)
                yield Member(path, place, info.file_size, digest, stamp)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
        raise Problem("the zip archive is damaged or incomplete", do=EXPORT_AGAIN) from error


def _is_folder(info: zipfile.ZipInfo) -> bool:
    # Of Windows' own archives too; the last byte of a name in GBK may be a backslash and mean none.
    return not info.file_size and member_name(info).endswith(("/", "\\"))


def _refusal(error: Exception, place: str) -> Problem:
    if isinstance(error, Problem):
        problem = error
    else:
        problem = Problem("the zip archive is damaged or incomplete here", do=EXPORT_AGAIN)
        problem.__cause__ = error
    problem.where = place
    return problem


def member_name(info: zipfile.ZipInfo) -> str:
    """The name of a member. Archives made on Chinese Windows have names in GBK and do not say so."""
    if info.flag_bits & _UTF8_NAMES:
        return info.filename
    try:
        raw = info.orig_filename.encode("cp437")
    except UnicodeEncodeError:  # a name that an extra field gave
        return info.filename
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return info.filename


def _judge(bundle: Bundle, infos: list[zipfile.ZipInfo], limits: Limits) -> None:
    if not infos:
        raise Problem("the zip archive is empty", do="Delete it, or zip the files again")
    if len(infos) > limits.bundle_members:
        raise Problem(
            f"the zip archive holds {len(infos):,} files, more than {limits.bundle_members:,}", do=_UNPACK
        )
    unpacked, packed = sum(i.file_size for i in infos), sum(i.compress_size for i in infos)
    if unpacked > limits.unpacked_bytes:
        raise Problem(
            f"the zip archive unpacks to {unpacked:,} bytes, more than {limits.unpacked_bytes:,}", do=_UNPACK
        )
    if packed > bundle.path.stat().st_size:
        raise Problem("the files of the zip archive share their bytes (a zip bomb)", do="Delete it")


def _refuse(info: zipfile.ZipInfo, name: str, limits: Limits) -> None:
    kind = stat.S_IFMT(info.external_attr >> 16)
    parts = name.replace("\\", "/").split("/")
    if kind == stat.S_IFLNK:
        raise Problem("this is a link, and links are not followed", do="Zip the file itself")
    if kind not in (0, stat.S_IFREG):
        raise Problem("this is no ordinary file", do=_UNPACK)
    if ".." in parts or parts[0] == "" or ":" in parts[0] or "\0" in info.orig_filename:
        raise Problem("its name leads out of the archive, as attacks do", do=_UNPACK)
    if not parts[-1] or not all(map(_is_legible, parts[-1])) or len(parts[-1].encode()) > _LONGEST_NAME:
        raise Problem("its name cannot be that of a file", do="Rename it and zip it again")
    if info.flag_bits & 1:
        raise Problem(
            "it is protected by the archive's password",
            do="Unpack it with the password and put the file here",
        )
    if info.compress_type not in METHODS:
        raise Problem(
            "it is packed in a way that is not read", do="Zip it again with the usual method (Deflate)"
        )
    if info.file_size > limits.file_bytes:
        raise Problem(
            f"the file has {info.file_size >> 20:,} MB, more than {limits.file_bytes >> 20:,}",
            do="Export it in parts, with a filter for each",
        )
    if info.file_size > limits.ratio_from and info.file_size > limits.ratio * max(info.compress_size, 1):
        ratio = info.file_size // max(info.compress_size, 1)
        raise Problem(f"it unpacks to {ratio} times its size (a zip bomb)", do="Delete the archive")


def _unpacked(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str, folder: Path, limits: Limits
) -> tuple[Path, str]:
    """Where the member's bytes are now, and their digest. Raises Problem when it is damaged, lies or is a zip."""
    folder.mkdir(mode=0o700)
    path = folder / name.replace("\\", "/").rpartition("/")[2]
    digest = hashlib.sha256()
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            for block in blocks(archive, info, what="the zip archive"):
                digest.update(block)
                file.write(block)
        if is_archive_of_files(path):
            raise Problem("a zip archive inside a zip archive is not opened", do=_UNPACK)
    except BaseException:
        _remove(folder)
        raise
    return path, digest.hexdigest()


def _remove(folder: Path) -> None:
    for path in folder.iterdir() if folder.is_dir() else ():
        path.unlink()
    if folder.is_dir():
        folder.rmdir()


def _modified(info: zipfile.ZipInfo, bundle: Bundle, timezone: str) -> float:
    """When the member was written (archives keep local times); where they keep none, when the archive was."""
    try:
        written = datetime(*info.date_time, tzinfo=ZoneInfo(timezone)).timestamp()
    except ValueError:
        return bundle.modified
    return written if info.date_time[0] >= _EARLIEST and written <= bundle.modified else bundle.modified


def _is_legible(character: str) -> bool:
    return character.isprintable() or unicodedata.category(character) == "Zs"  # a space of whatever width


def _shown(name: str) -> str:
    """A name that can be printed, whatever stands in it."""
    legible = "".join(c if _is_legible(c) else "\ufffd" for c in name)
    return legible if len(legible) <= _LONGEST_NAME else f"{legible[:_LONGEST_NAME]}…"
