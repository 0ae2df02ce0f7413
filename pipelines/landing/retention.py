"""Which files of old packages may go, and taking them out so that a crash leaves nothing half said.

Only what the warehouse holds and its history never needs again: the raw bytes of old packages, and all rows
of packages that changed nothing. Manifests stay for good.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from connectors.core.contract import CursorKind
from pipelines.faults import step
from pipelines.files import sync_folder
from pipelines.landing.intact import damage
from pipelines.landing.zone import Package, StreamZone, aside_of
from pipelines.manifest import (
    ACCEPTED,
    THINNED,
    Checked,
    FileEntry,
    Landed,
    Thinned,
    entry_of,
    write_manifest,
)

# Reads whose rows are versions of records. What speaks of existence is needed by later packages of its chain.
_OF_RECORDS = (CursorKind.INCREMENTAL, CursorKind.BACKFILL, CursorKind.FILE)
YOUNG = "younger than the limit"
WAITING = "not loaded yet, or blocked"
NOT_HELD = "the warehouse does not hold them"
OPEN = "rows set aside wait for a decision"
DECIDED = "a decision refers to them"
DECISIONS = "decisions"
DAMAGED = "their accepted rows are damaged: run `crm-warehouse verify`"
THIN = "thinned before"


@dataclass(frozen=True, slots=True)
class Held:
    """What the warehouse says: the packages it holds, and those that it names beyond their rows."""

    packages: Collection[str]
    named: Collection[str]


@dataclass(frozen=True, slots=True)
class Fate:
    """What may go from a package, or why nothing does. unfinished: an earlier prune was interrupted here."""

    package: Package
    files: tuple[FileEntry, ...] = ()
    stays: str = ""
    unfinished: tuple[FileEntry, ...] = ()


def fates(zone: StreamZone, limit: datetime | None, held: Held) -> Iterator[Fate]:
    """Every landed package of a stream, oldest first. limit: packages landed before may go; None: none may."""
    packages = {package: package.landed for package in zone.packages()}
    decided: dict[str, list[Landed]] = {}
    for landed in packages.values():
        if landed.origin:
            decided.setdefault(landed.origin, []).append(landed)
    listed = any(landed.full for landed in packages.values() if landed.kind == CursorKind.FILE)
    for package, landed in packages.items():
        yield _fate(package, landed, decided, limit, held, listed=listed)


def _fate(
    package: Package,
    landed: Landed,
    decided: Mapping[str, list[Landed]],
    limit: datetime | None,
    held: Held,
    *,
    listed: bool,
) -> Fate:
    """listed: full lists of files speak of the stream, and every other file's rows against them."""
    checked, receipt, thinned = package.checked, package.receipt, package.thinned
    left = tuple(f for f in thinned.files if (package.folder / f.name).exists()) if thinned else ()
    if thinned:
        return Fate(package, stays="" if left else THIN, unfinished=left)
    decisions = decided.get(landed.package, [])
    if landed.origin:
        return Fate(package, stays=DECISIONS)
    if checked is None or receipt is None:
        return Fate(package, stays=DECIDED if decisions else WAITING)
    if landed.package not in held.packages:
        return Fate(package, stays=NOT_HELD)
    if aside_of(package, decisions):
        return Fate(package, stays=OPEN)
    if decisions:
        return Fate(package, stays=DECIDED)
    if limit is None or landed.landed_at >= limit:
        return Fate(package, stays=YOUNG)
    needed = (
        receipt.changed
        or receipt.stale
        or landed.package in held.named
        or landed.kind not in _OF_RECORDS
        or listed
    )
    if needed and _rows_damaged(package, checked):  # then the raw bytes are all that is left of them
        return Fate(package, stays=DAMAGED)
    return Fate(package, (*landed.files, *(() if needed else checked.files)))


def _rows_damaged(package: Package, checked: Checked) -> bool:
    entry = entry_of(checked.files, ACCEPTED)
    return entry is None or damage(package.folder / entry.name, entry) is not None


def thin(fate: Fate, reason: str) -> None:
    """Take the files out: first said, then done; what a crash leaves between the two the next prune does."""
    folder = fate.package.folder
    if fate.files:
        write_manifest(folder, THINNED, Thinned(at=datetime.now(UTC), files=list(fate.files), reason=reason))
        step("package thinned", package=fate.package.id, files=len(fate.files))
    for entry in (*fate.files, *fate.unfinished):
        (folder / entry.name).unlink(missing_ok=True)
    sync_folder(folder)
