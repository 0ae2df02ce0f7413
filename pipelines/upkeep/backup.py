"""`backup`: the home's landing zone, warehouse and published copies as they are at one moment.

A backup is a folder of its own that needs no other; what did not change since the last one is the same file
on disk under a second name (hard link). Never in it: tokens (`cache/`), `.env`, logs, scratch space, docs.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from connectors.core.errors import Problem
from pipelines.faults import step
from pipelines.files import private_folder, sync_folder, write_atomic
from pipelines.landing.intact import damage
from pipelines.manifest import FileEntry
from pipelines.settings import WRONG_USE, Settings
from pipelines.version import VERSION
from pipelines.warehouse.connect import open_warehouse
from pipelines.warehouse.lock import run_lock

FORMAT = 1
MANIFEST = "backup.json"
LANDING, WAREHOUSE, PUBLISHED = "landing", "warehouse", "published"
_PREFIX, _PARTIAL = "crm-warehouse-", ".partial"
_ROOM = 1 << 20  # bytes to spare for the manifest
_BLOCK = 1 << 20
Advance = Callable[[int, int], None]  # bytes done, of how many


class SavedFile(msgspec.Struct, frozen=True):
    """A file of a backup. path: relative to it. inode, changed_ns: of the file in the home it was made from."""

    path: str
    bytes: int
    sha256: str
    inode: int
    changed_ns: int


class BackupManifest(msgspec.Struct, frozen=True, kw_only=True):
    """`backup.json`: written last; a folder without it is no backup."""

    format: int = FORMAT
    at: datetime
    code_version: str
    files: list[SavedFile]


@dataclass(frozen=True, slots=True)
class Backup:
    """What was made. shared: bytes that are not on disk a second time, of those in `bytes`."""

    path: Path
    files: int
    bytes: int
    shared: int


def backup(settings: Settings, target: Path, *, advance: Advance = lambda done, total: None) -> Backup:
    """A new backup in the folder `target`. Call under the run lock.

    Raises Problem when the target lies in the home, has no room, or the warehouse cannot be opened.
    """
    target = target.expanduser().absolute()
    _outside(settings.home, target)
    private_folder(target)
    with run_lock(target, "backup", wait_seconds=settings.lock_wait_seconds):  # homes may share a target
        for killed in target.glob(f"{_PREFIX}*{_PARTIAL}"):
            shutil.rmtree(killed)
        _checkpoint(settings)
        return _save(settings.home, target, advance)


def read_backup(folder: Path) -> BackupManifest:
    """What a backup holds. Raises Problem when it is none, damaged, or of a newer format."""
    try:
        manifest = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=BackupManifest)
    except FileNotFoundError as error:
        raise Problem(
            f"there is no backup here, or one that was never completed: {MANIFEST} is missing",
            do=f"name a folder {_PREFIX}<time> that `crm-warehouse backup` made",
            where=str(folder),
        ) from error
    except (OSError, msgspec.MsgspecError) as error:
        raise Problem(
            f"the {MANIFEST} of this backup cannot be read ({type(error).__name__})",
            do="restore from another backup",
            where=str(folder),
        ) from error
    if manifest.format > FORMAT:
        raise Problem(
            f"this backup was written by a newer crm-warehouse (format {manifest.format})",
            do="upgrade crm-warehouse on this machine",
            where=str(folder),
        )
    return manifest


def copy_digested(source: Path, target: Path) -> tuple[int, str]:
    """Copy a file's bytes into a new private file; returns their number and sha256."""
    digest, size = hashlib.sha256(), 0
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as copy, source.open("rb") as original:
        while block := original.read(_BLOCK):
            copy.write(block)
            digest.update(block)
            size += len(block)
    return size, digest.hexdigest()


def _outside(home: Path, target: Path) -> None:
    if target.resolve().is_relative_to(home.resolve()):
        raise Problem(
            "a backup inside the home would be lost with it",
            do="name a folder elsewhere, best on another disk",
            where=str(target),
            code=WRONG_USE,
        )


def _checkpoint(settings: Settings) -> None:
    """Nothing is left in the write-ahead log, and nobody else has the warehouse open for writing."""
    if settings.warehouse.exists():
        with open_warehouse(
            settings.warehouse,
            memory_limit=settings.memory_limit,
            threads=settings.threads,
            wait_seconds=settings.lock_wait_seconds,
        ):
            pass


def _save(home: Path, target: Path, advance: Advance) -> Backup:
    paths, previous = list(_of_home(home)), _newest(target, home)
    total = sum(path.stat().st_size for path in paths)
    _has_room(target, total - sum(old.bytes for _, old in map(previous.same, paths) if old))
    now = datetime.now(UTC)
    folder = target / f"{_PREFIX}{now:%Y%m%dT%H%M%S%fZ}"
    partial = folder.with_name(folder.name + _PARTIAL)
    partial.mkdir(mode=0o700)
    saved: dict[int, SavedFile] = {}  # by inode: bi.duckdb is its newest version under a second name
    files: list[SavedFile] = []
    done = shared = 0
    for path in paths:
        facts, name = path.stat(), path.relative_to(home).as_posix()
        copy = partial / name
        private_folder(copy.parent)
        twin = saved.get(facts.st_ino)
        original, old = (partial / twin.path, twin) if twin else previous.same(path)
        sound = twin or (old and damage(original, FileEntry(name, old.bytes, old.sha256)) is None)
        if old and sound and _linked(original, copy):
            size, digest, shared = old.bytes, old.sha256, shared + old.bytes
        else:
            size, digest = copy_digested(path, copy)
        files.append(SavedFile(name, size, digest, facts.st_ino, facts.st_mtime_ns))
        saved[facts.st_ino] = files[-1]
        done += size
        advance(done, total)
    os.sync()  # all files in one call: one call for each costs milliseconds each
    manifest = BackupManifest(at=now, code_version=VERSION, files=files)
    write_atomic(partial / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=1))
    partial.rename(folder)
    sync_folder(target)
    step("backup written", files=len(files), bytes=done)
    return Backup(folder, len(files), done, shared)


def _of_home(home: Path) -> Iterator[Path]:
    """The files that make a home: packages and diaries, the warehouse, the published versions."""
    for path in sorted((home / LANDING).rglob("*")):
        if path.is_file() and not path.name.startswith("."):  # a leading dot: half-written
            yield path
    yield from (home / WAREHOUSE).glob("warehouse.duckdb")
    for path in sorted((home / PUBLISHED).iterdir()):
        if path.is_file() and not path.name.startswith("."):
            yield path


@dataclass(frozen=True, slots=True)
class _Previous:
    """The last backup in the same folder, if any."""

    folder: Path
    home: Path
    files: Mapping[str, SavedFile]

    def same(self, path: Path) -> tuple[Path, SavedFile | None]:
        """Its copy of a file of the home, if nobody has written to that since."""
        old = self.files.get(path.relative_to(self.home).as_posix())
        facts = path.stat()
        if old and (facts.st_size, facts.st_ino, facts.st_mtime_ns) == (old.bytes, old.inode, old.changed_ns):
            return self.folder / old.path, old
        return path, None


def _newest(target: Path, home: Path) -> _Previous:
    for folder in sorted(target.glob(f"{_PREFIX}*"), reverse=True):
        try:
            return _Previous(folder, home, {file.path: file for file in read_backup(folder).files})
        except Problem:  # damaged, or of another version: a full copy is always right
            continue
    return _Previous(target, home, {})


def _linked(original: Path, copy: Path) -> bool:
    try:
        os.link(original, copy)
    except OSError:  # the file system has no links, or no more of them for this file
        return False
    return True


def _has_room(target: Path, needed: int) -> None:
    free = shutil.disk_usage(target).free
    if needed + _ROOM > free:
        raise Problem(
            f"the backup needs {needed:,} bytes, {free:,} are free",
            do="make room there or name a folder on another disk",
            where=str(target),
        )
