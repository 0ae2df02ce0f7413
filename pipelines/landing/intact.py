"""Is what lies on disk what was written? Asked before anything is made of it, and by `verify`.

Digests are of the files as they lie there (compressed), so asking costs one read and no decompression.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from connectors.core.errors import Problem
from pipelines.landing.zone import SHAPE, Package
from pipelines.manifest import FileEntry, Landed

MEND_PENDING = "restore the package folder from a backup, or remove it and run `crm-warehouse sync --full`"
MEND_LOADED = "restore the package folder from a backup; the warehouse keeps its rows meanwhile"


def damage(path: Path, entry: FileEntry) -> str | None:
    """What is wrong with a file, to be said after its name; None when it is as its manifest says."""
    try:
        size = path.stat().st_size
        if size != entry.bytes:
            return f"has {size:,} bytes instead of {entry.bytes:,}"
        return _other_content(path, entry.sha256)
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read ({error.strerror or type(error).__name__})"


def raw_damage(package: Package, landed: Landed) -> Iterator[tuple[Path, str]]:
    """(file, what is wrong with it) among what was landed: pages or file, and the field metadata."""
    for entry in landed.files:
        if why := damage(package.folder / entry.name, entry):
            yield package.folder / entry.name, why
    if landed.shape_hash and (why := shape_damage(package.folder / SHAPE, landed.shape_hash)):
        yield package.folder / SHAPE, why


def shape_damage(path: Path, shape_hash: str) -> str | None:
    """Like `damage`, for the field metadata: its manifest knows a digest only."""
    try:
        return _other_content(path, shape_hash)
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read ({error.strerror or type(error).__name__})"


def require_intact(package: Package, landed: Landed) -> None:
    """Raise Problem naming the first file of a package that is not what was landed."""
    for path, why in raw_damage(package, landed):
        raise damaged(package, path, why, MEND_PENDING + "; nothing of it was loaded")


def damaged(package: Package, path: Path, why: str, do: str) -> Problem:
    """The sentence for a damaged file."""
    return Problem(f"{path.name} of package {package.id} {why}", do=do, where=str(path))


def _other_content(path: Path, sha256: str) -> str | None:
    with path.open("rb") as file:
        same = hashlib.file_digest(file, "sha256").hexdigest() == sha256
    return None if same else "does not hold what was written there"
