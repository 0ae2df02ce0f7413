"""One package against its own manifests: files, modes, counts.

A finding is a Problem that is handed over, not raised. A transient one needs nobody: it says what a crash
left, and the next command removes or completes it.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from connectors.core.contract import CursorKind
from connectors.core.errors import Actor, Problem
from pipelines.landing.counts import page_counts, unbalanced
from pipelines.landing.intact import MEND_LOADED, MEND_PENDING, damage, damaged, shape_damage
from pipelines.landing.zone import SHAPE, Package
from pipelines.manifest import (
    ACCEPTED,
    ASIDE,
    CHECKED,
    FINDINGS,
    LANDED,
    LOADED,
    QUARANTINED,
    THINNED,
    Checked,
    FileEntry,
    Landed,
    Receipt,
    Thinned,
)

_OURS = {SHAPE, LANDED, CHECKED, LOADED, THINNED, ASIDE}
_HALF_WRITTEN = re.compile(r"\..+\.tmp|tmp_.+\.parquet")  # ours by rename, the engine's by its own prefix


@dataclass(slots=True)
class Verified:
    """What was found in one package. Manifests are None where there is none, or it cannot be read.

    files, bytes: those found intact; records: counted in the pages.
    """

    package: Package
    findings: list[Problem] = field(default_factory=list)
    landed: Landed | None = None
    checked: Checked | None = None
    receipt: Receipt | None = None
    thinned: Thinned | None = None
    files: list[Path] = field(default_factory=list)
    bytes: int = 0
    records: int = 0

    @property
    def mend(self) -> str:
        """What to do about a lost or damaged file."""
        return MEND_LOADED if self.receipt else MEND_PENDING


def verify_package(package: Package) -> Verified:
    """Look at every byte of a package; safe in parallel threads."""
    found = Verified(package)
    try:
        present = {path.name: path for path in package.folder.iterdir()}
        found.findings += wrong_modes(package.folder, *present.values())
        if LANDED not in present:
            found.findings.append(_without_landing(package))
            return found
        found.landed, found.checked = package.landed, package.checked
        found.receipt, found.thinned = package.receipt, package.thinned
        found.findings += _whose(found, found.landed)
        found.findings += _files(found, found.landed, present)
        found.findings += _counts(found, found.landed)
    except Problem as problem:
        found.findings.append(problem)
    except OSError as error:
        found.findings.append(
            Problem(
                f"package {package.id} cannot be looked into ({error.strerror})",
                do="give this user the right to read it",
                where=str(error.filename or package.folder),
            )
        )
    return found


def wrong_modes(*paths: Path) -> Iterator[Problem]:
    """Which of these others than their owner may read or write."""
    for path in paths:
        mode, private = stat.S_IMODE(path.lstat().st_mode), 0o700 if path.is_dir() else 0o600
        if mode != private:
            yield Problem(
                f"{path.name} has mode {mode:04o} instead of {private:04o}",
                do=f"run `chmod {private:o}` on it, and find out who could read it meanwhile",
                where=str(path),
            )


def _without_landing(package: Package) -> Problem:
    if package.lost_landing():
        return Problem(
            f"package {package.id} has lost its {LANDED}", do=MEND_LOADED, where=str(package.folder)
        )
    return Problem(
        f"package {package.id} was left unfinished by a crash",
        do="nothing; the next sync of its stream removes it and reads again",
        where=str(package.folder),
        transient=True,
    )


def _whose(found: Verified, landed: Landed) -> Iterator[Problem]:
    """The manifest belongs to the folder it lies in, and later manifests follow earlier ones."""
    folder, place = found.package.folder, (landed.source, landed.org, landed.stream, landed.package)
    if place != folder.parts[-4:]:
        yield Problem(
            f"the {LANDED} in this folder is that of {'/'.join(place)}", do=found.mend, where=str(folder)
        )
    if found.receipt and not found.checked:
        yield damaged(found.package, folder / CHECKED, "is missing although it was loaded", found.mend)


def _files(found: Verified, landed: Landed, present: Mapping[str, Path]) -> Iterator[Problem]:
    entries = [*landed.files, *(found.checked.files if found.checked else ())]
    gone = {entry.name for entry in found.thinned.files} if found.thinned else set()
    for entry in entries:
        if entry.name not in gone:
            yield from _file(found, entry)
    if landed.shape_hash and (why := shape_damage(found.package.folder / SHAPE, landed.shape_hash)):
        yield damaged(found.package, found.package.folder / SHAPE, why, found.mend)
    yield from _leftovers(found, present, {entry.name for entry in entries}, gone)


def _file(found: Verified, entry: FileEntry) -> Iterator[Problem]:
    path = found.package.folder / entry.name
    if why := damage(path, entry):
        yield damaged(found.package, path, why, found.mend)
    else:
        found.files.append(path)
        found.bytes += entry.bytes


def _leftovers(
    found: Verified, present: Mapping[str, Path], named: Collection[str], gone: Collection[str]
) -> Iterator[Problem]:
    for name, path in sorted(present.items()):
        what = f"{name} of package {found.package.id}"
        unchecked = found.checked is None and name in (ACCEPTED, QUARANTINED, FINDINGS)
        if name in gone:
            what += " was being removed when a prune was interrupted"
            do = "nothing; the next `crm-warehouse prune --apply` removes it"
        elif name in named or name in _OURS:
            continue
        elif unchecked or _HALF_WRITTEN.fullmatch(name):
            what += " was left half-written by a crash"
            do = "nothing; it is not used, and written anew when it is needed"
        else:
            what += " is named by no manifest"
            do = "run an interrupted `crm-warehouse forget` again; else find out who put it there and move it away"
        yield Problem(what, do=do, where=str(path), transient=do.startswith("nothing"))


def _counts(found: Verified, landed: Landed) -> Iterator[Problem]:
    """Pages and records are as many as the manifest says, and every row has a fate."""
    raw, shape = {found.package.folder / e.name for e in landed.files}, found.package.folder / SHAPE
    intact = raw <= set(found.files) and not shape_damage(shape, landed.shape_hash)
    if raw and intact and landed.kind != CursorKind.FILE:
        pages, found.records = page_counts(found.package, landed)
        if (pages, found.records) != (landed.pages, landed.received):
            yield Problem(
                f"package {found.package.id} holds {found.records:,} records on {pages:,} pages, its manifest "
                f"says {landed.received:,} on {landed.pages:,}",
                do=found.mend,
                where=str(found.package.folder),
            )
    for rows, what in unbalanced(landed, found.checked, found.receipt):
        yield Problem(
            f"{rows:,} rows of package {found.package.id} were {what}",
            do="report this with the manifests of the package",
            actor=Actor.DEVELOPER,
            where=str(found.package.folder),
        )
