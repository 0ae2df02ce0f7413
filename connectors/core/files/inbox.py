"""The files of the inbox, before anyone opens them."""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from connectors.core.errors import Problem
from connectors.core.files.bundle import Bundle, members
from connectors.core.files.content import is_archive_of_files
from connectors.core.files.limits import Limits
from connectors.core.files.stamps import file_stamp

_UNFINISHED = (".crdownload", ".tmp", ".part", ".partial", ".download")
FULL_FOLDERS = frozenset({"full", "全量"})  # what lies in one, however deep, is declared to be a full list
_LEFTOVERS = frozenset({"thumbs.db", "desktop.ini"})  # of file managers


@dataclass(frozen=True, slots=True)
class InboxFile:
    """place: path below the inbox, for people. stamp: when the export was made (UTC). full: it lies in a folder that
    declares its files to be full lists. archive: place of the zip that it lies in, where it does."""

    path: Path
    place: str
    bytes: int
    sha256: str
    stamp: datetime
    full: bool = False
    archive: str = ""


def look_through(
    inbox: Path,
    timezone: str,
    limits: Limits,
    settings: Collection[str] = (),
    *,
    room: Path | None = None,
    known: Collection[str] = (),
    settle: float = 0,
) -> tuple[list[InboxFile], list[Problem]]:
    """Every file of the inbox and its sub-folders that may hold rows, oldest first, and what is wrong.

    Lock files, unfinished downloads, hidden files and `settings` (names at the top of the inbox that its source
    reads as settings) are passed over without a word. room: a private folder that need not exist yet, where members
    of zips are unpacked; None: a zip is a file as any other. known: digests of members not wanted again. settle:
    seconds for which a file must not have changed; one that has is looked at again when they are over, and waits for
    the next run if it goes on changing.
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
    found: list[InboxFile] = []
    problems: list[Problem] = []
    seen = _Settling(settle)
    for number, path in enumerate(seen.young_last(_candidates(inbox, settings))):
        place = path.relative_to(inbox).as_posix()
        try:
            place = _legible(place)
            seen.wait_for(path)
            file = _examine(path, place, timezone, limits)
            if room is not None and is_archive_of_files(path):
                found += _unpacked(file, room / f"{number}", timezone, limits, known, problems)
            else:
                found.append(file)
        except Problem as problem:
            problem.where = problem.where or place
            problems.append(problem)
        except OSError as error:
            what = f"the file cannot be read: {(error.strerror or 'unknown error').lower()}"
            problems.append(Problem(what, do="Check its permissions, or copy it again", where=place))
    return sorted(found, key=lambda file: (file.stamp, file.place)), problems


class _Settling:
    """Files that somebody may still be copying: the youngest come last, and are given time to prove complete."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._seen: dict[Path, tuple[int, int]] = {}

    def young_last(self, paths: Iterable[Path]) -> list[Path]:
        """All paths, those changed within the time at the end; how they look now is remembered."""
        old: list[Path] = []
        if not self._seconds:
            return list(paths)
        for path in paths:
            try:
                state = path.lstat()
            except OSError:  # gone, or not to be seen: whoever examines it says so
                old.append(path)
                continue
            if abs(time.time() - state.st_mtime) < self._seconds:
                self._seen[path] = (state.st_size, state.st_mtime_ns)
            else:
                old.append(path)
        self._until = time.monotonic() + self._seconds
        return old + list(self._seen)

    def wait_for(self, path: Path) -> None:
        """Return when the file has not changed for that long. Raises Problem when it has."""
        if path not in self._seen:
            return
        time.sleep(max(0.0, self._until - time.monotonic()))
        state = path.lstat()
        if self._seen[path] != (state.st_size, state.st_mtime_ns):
            raise _growing()


def _growing() -> Problem:
    return Problem("the file is still being written", do="Wait until the copy is complete", transient=True)


def _unpacked(
    archive: InboxFile,
    room: Path,
    timezone: str,
    limits: Limits,
    known: Collection[str],
    problems: list[Problem],
) -> Iterator[InboxFile]:
    """The members of a zip as files of the inbox; those refused go to `problems`. Raises Problem for all of it."""
    room.mkdir(mode=0o700, parents=True)
    bundle = Bundle(archive.path, archive.place, archive.path.stat().st_mtime)
    for member in members(bundle, room, timezone, limits, _member_passed_over, known):
        if isinstance(member, Problem):
            problems.append(member)
            continue
        yield InboxFile(
            member.path, member.place, member.bytes, member.sha256, member.stamp, archive.full, archive.place
        )


def _member_passed_over(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return _passed_over(parts[-1]) or any(part == "__MACOSX" for part in parts[:-1])


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
        raise _growing()
    stamp = file_stamp(path.name, before.st_mtime, timezone)
    return InboxFile(path, place, before.st_size, digest, stamp, is_full(place))


def is_full(place: str) -> bool:
    """Whether a file below the inbox is declared to be a full list, by a folder that it lies in."""
    return any(part.strip().casefold() in FULL_FOLDERS for part in place.split("/")[:-1])


def unreadable(error: OSError) -> Problem:
    """What a person is told of a file that the operating system does not give."""
    return Problem(
        f"the file cannot be read: {(error.strerror or 'unknown error').lower()}",
        do="Check its permissions, or copy it again",
    )
