"""The files of the inbox, before anyone opens them."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from connectors.core.errors import Problem
from connectors.core.files.limits import Limits
from connectors.core.files.stamps import file_stamp

_UNFINISHED = (".crdownload", ".tmp", ".part", ".partial", ".download")
_LEFTOVERS = frozenset({"thumbs.db", "desktop.ini"})  # of file managers


@dataclass(frozen=True, slots=True)
class InboxFile:
    """place: path below the inbox, for people. stamp: when the export was made (UTC)."""

    path: Path
    place: str
    bytes: int
    sha256: str
    stamp: datetime


def look_through(
    inbox: Path, timezone: str, limits: Limits, settings: Collection[str] = ()
) -> tuple[list[InboxFile], list[Problem]]:
    """Every file of the inbox and its sub-folders that may hold rows, oldest first, and what is wrong.

    Lock files, unfinished downloads, hidden files and `settings` (names at the top of the inbox that its source
    reads as settings) are passed over without a word.
    """
    if not inbox.is_dir():
        state = "is a file" if inbox.exists() else "does not exist"
        return [], [
            Problem(
                f"the inbox folder {state}",
                do="Create the folder and put the export files into it, or correct CRM_WAREHOUSE_HOME",
                where=str(inbox),
            )
        ]
    files: list[InboxFile] = []
    problems: list[Problem] = []
    for path in _candidates(inbox, settings):
        place = path.relative_to(inbox).as_posix()
        try:
            place = _legible(place)
            files.append(_examine(path, place, timezone, limits))
        except Problem as problem:
            problem.where = problem.where or place
            problems.append(problem)
        except OSError as error:
            what = f"the file cannot be read: {(error.strerror or 'unknown error').lower()}"
            problems.append(Problem(what, do="Check its permissions, or copy it again", where=place))
    return sorted(files, key=lambda file: (file.stamp, file.place)), problems


def _candidates(inbox: Path, settings: Collection[str]) -> Iterator[Path]:
    for folder, folders, names in os.walk(inbox):
        links = [name for name in folders if Path(folder, name).is_symlink()]
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in links)
        for name in sorted(names + links):
            if not (_passed_over(name) or (Path(folder) == inbox and name in settings)):
                yield Path(folder, name)


def _passed_over(name: str) -> bool:
    folded = name.casefold()
    return folded.startswith((".", "~$")) or folded.endswith(_UNFINISHED) or folded in _LEFTOVERS


def _legible(place: str) -> str:
    """The path as text that can be printed and kept; archives made on Windows unpack to names in GBK."""
    shown = place.encode("utf-8", "replace").decode()
    if shown != place:
        raise Problem(
            "the name of the file or of its folder is not valid text",
            do="Rename it, then run again",
            where=shown,
        )
    return place


def _examine(path: Path, place: str, timezone: str, limits: Limits) -> InboxFile:
    before = path.lstat()
    if stat.S_ISLNK(before.st_mode):
        raise Problem("this is a link, and links are not followed", do="Copy the file itself into the inbox")
    if not stat.S_ISREG(before.st_mode):
        raise Problem("this is no ordinary file", do="Remove it from the inbox")
    if before.st_size > limits.file_bytes:
        raise Problem(
            f"the file has {before.st_size >> 20:,} MB, more than {limits.file_bytes >> 20:,}",
            do="Export it in parts, with a filter for each",
        )
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    after = path.lstat()
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise Problem("the file is still being written", do="Wait until the copy is complete", transient=True)
    return InboxFile(path, place, before.st_size, digest, file_stamp(path.name, before.st_mtime, timezone))
