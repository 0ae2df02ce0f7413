"""`restore`: a home from a backup, whole or not at all.

Every digest is compared before anything is written and again while it is copied. The copies become true by
renames, the landing zone first: whatever a crash leaves behind it, the next run makes from the landing zone.
"""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath

from connectors.core.errors import Problem
from pipelines.build import begin_build
from pipelines.faults import step
from pipelines.files import private_folder, sync_folder, write_atomic
from pipelines.landing.intact import damage
from pipelines.manifest import FileEntry
from pipelines.settings import Settings
from pipelines.upkeep.backup import (
    LANDING,
    MANIFEST,
    PUBLISHED,
    WAREHOUSE,
    Advance,
    BackupManifest,
    SavedFile,
    copy_digested,
    read_backup,
)

_ROOMS = (LANDING, WAREHOUSE, PUBLISHED)
_STAGE = ".restoring"
_STAGED = "staged"  # names the backup whose copies are complete here


def restore(
    settings: Settings, folder: Path, *, advance: Advance = lambda done, total: None
) -> BackupManifest:
    """Fill an empty home from a backup; returns what it held. Call under the run lock.

    Raises Problem when the home holds data, or any file of the backup is not what was saved: the home then
    stays as it was.
    """
    folder, home = folder.expanduser().absolute(), settings.home
    manifest = read_backup(folder)
    stage = home / _STAGE
    if not _is_staged(stage, folder):  # else a restore of the same backup was killed while it moved in
        _is_empty(home)
        _is_whole(folder, manifest, settings.threads)
        if stage.exists():
            shutil.rmtree(stage)
        try:
            _copy(folder, manifest, stage, advance)
        except BaseException:
            shutil.rmtree(stage, ignore_errors=True)
            raise
        write_atomic(stage / _STAGED, folder.name.encode())
    begin_build(settings)  # what was built here before is not what will be there
    for room in _ROOMS:
        if (stage / room).exists():
            (home / room).rmdir()
            (stage / room).rename(home / room)
    sync_folder(home)
    shutil.rmtree(stage)
    step("backup restored", files=len(manifest.files))
    return manifest


def _is_staged(stage: Path, folder: Path) -> bool:
    return (stage / _STAGED).exists() and (stage / _STAGED).read_bytes() == folder.name.encode()


def _is_empty(home: Path) -> None:
    filled = [room for room in _ROOMS if (home / room).is_dir() and any((home / room).iterdir())]
    if filled:
        raise Problem(
            f"the home holds data already ({', '.join(filled)})",
            do="restore into an empty home: move these folders away, or set CRM_WAREHOUSE_HOME to another folder",
            where=str(home),
        )


def _is_whole(folder: Path, manifest: BackupManifest, threads: int) -> None:
    for file in manifest.files:
        parts = PurePosixPath(file.path).parts
        if parts[:1] not in {(room,) for room in _ROOMS} or ".." in parts:
            raise _damaged(folder / MANIFEST, "names a file outside the backup")
    with ThreadPoolExecutor(threads, thread_name_prefix="restore") as pool:
        for file, why in zip(
            manifest.files, pool.map(lambda f: _damage(folder, f), manifest.files), strict=True
        ):
            if why:
                raise _damaged(folder / file.path, why)


def _damage(folder: Path, file: SavedFile) -> str | None:
    return damage(folder / file.path, FileEntry(file.path, file.bytes, file.sha256))


def _damaged(path: Path, why: str) -> Problem:
    return Problem(
        f"this backup is damaged: {path.name} {why}; nothing was restored",
        do="restore from another backup",
        where=str(path),
    )


def _copy(folder: Path, manifest: BackupManifest, stage: Path, advance: Advance) -> None:
    total, done = sum(file.bytes for file in manifest.files), 0
    for room in _ROOMS:
        private_folder(stage / room)
    links: dict[str, Path] = {}
    for file in manifest.files:
        target = stage / file.path
        private_folder(target.parent)
        published = file.path.startswith(PUBLISHED)
        if published and (twin := links.get(file.sha256)):
            os.link(twin, target)
        elif copy_digested(folder / file.path, target) != (file.bytes, file.sha256):
            raise _damaged(folder / file.path, "changed while it was read")
        if published:  # others may read these
            target.chmod(0o644)
            links[file.sha256] = target
        done += file.bytes
        advance(done, total)
    (stage / PUBLISHED).chmod(0o755)
    os.sync()
