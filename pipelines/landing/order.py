"""What only many packages together show: cursors, load order, decisions, and what lies beside packages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from connectors.core.contract import CursorKind
from connectors.core.errors import Actor, Problem
from pipelines.landing import standing
from pipelines.landing.counts import parquet_rows
from pipelines.landing.verify import Verified, wrong_modes
from pipelines.landing.zone import StreamZone, Zone
from pipelines.manifest import ACCEPTED, ASIDE, QUARANTINED, Landed, entry_of

# Only these go on from where the last one ended: a file carries its own stamp, a sweep sees everything.
_WITH_CURSOR = (CursorKind.INCREMENTAL, CursorKind.BACKFILL, CursorKind.DELETED)


def verify_stream(found: Sequence[Verified]) -> Iterator[Problem]:
    """The packages of one stream, oldest first."""
    landed = [f.landed for f in found if f.landed]
    yield from _cursors(found)
    yield from _row_counts(found)
    ids = {manifest.package for manifest in landed}
    for manifest in landed:
        if manifest.origin and manifest.origin not in ids:
            yield Problem(
                f"package {manifest.package} decides about {manifest.origin}, which is missing",
                do="restore that package folder from a backup",
                where="/".join((manifest.source, manifest.org, manifest.stream)),
            )


def _cursors(found: Sequence[Verified]) -> Iterator[Problem]:
    """A cursor never goes back within its kind, and starts where the one before it ended."""
    before: dict[tuple[str, str], Landed] = {}
    for one in found:
        landed = one.landed
        if landed is None or landed.kind not in _WITH_CURSOR:
            continue
        last = before.get((landed.kind, landed.backfill))
        before[landed.kind, landed.backfill] = landed
        where = str(one.package.folder)
        if last and last.cursor_after and _earlier(landed.cursor_after, last.cursor_after):
            yield Problem(
                f"the {landed.kind} cursor goes back from {last.cursor_after} in package {last.package} to "
                f"{landed.cursor_after} in {landed.package}",
                do="report this with both manifests; run `crm-warehouse sync --full` to be sure of every record",
                actor=Actor.DEVELOPER,
                where=where,
            )
        elif landed.cursor_before != (last.cursor_after if last else None):
            yield Problem(
                f"package {landed.package} goes on from {landed.cursor_before}, but the one before it ends at "
                f"{last.cursor_after if last else None}: a package between them is gone",
                do="if nobody removed it on purpose, restore it from a backup or run `crm-warehouse sync --full`",
                where=where,
                transient=True,  # nothing here can say whether it was removed on purpose and read again
            )


def _earlier(moment: datetime | None, than: datetime) -> bool:
    return moment is None or moment < than


def _row_counts(found: Sequence[Verified]) -> Iterator[Problem]:
    """The intact parquet files hold as many rows as `checked.json` says."""
    expected = {
        one.package.folder / entry.name: count
        for one in found
        if (checked := one.checked)
        for name, count in ((ACCEPTED, checked.accepted), (QUARANTINED, checked.quarantined))
        if (entry := entry_of(checked.files, name)) and one.package.folder / entry.name in one.files
    }
    rows = parquet_rows(list(expected))
    for path, count in expected.items():
        if rows.get(path) != count:
            yield Problem(
                f"{path.name} of package {path.parent.name} holds {rows.get(path, 0):,} rows, its manifest says "
                f"{count:,}",
                do="restore the package folder from a backup",
                where=str(path),
            )


def verify_receipts(found: Sequence[Verified]) -> Iterator[Problem]:
    """Every loaded package has a place of its own in the fold; a free place is a package that is gone."""
    places: dict[int, Verified] = {}
    for one in found:
        if one.receipt is None:
            continue
        other = places.setdefault(one.receipt.order, one)
        if other is not one:
            yield Problem(
                f"packages {other.package.id} and {one.package.id} both have place {one.receipt.order} in the fold",
                do="restore their folders from a backup; a rebuild cannot know which came first",
                where=str(one.package.folder),
            )
    if missing := sorted(set(range(1, max(places, default=0) + 1)) - places.keys()):
        yield Problem(
            f"no package has place {_listed(missing)} in the fold: it is gone",
            do="if nobody removed it on purpose, restore it from a backup or run `crm-warehouse sync --full`",
            transient=True,
        )


def _listed(numbers: Sequence[int], most: int = 5) -> str:
    shown = ", ".join(map(str, numbers[:most]))
    return shown if len(numbers) <= most else f"{shown} and {len(numbers) - most} more"


def verify_folders(zone: Zone) -> Iterator[Problem]:
    """The folders above packages are private, and hold nothing but how a stream stands and what was tried with
    its rows set aside. A leading _ marks our own diaries."""
    streams = {stream.folder for *_, stream in zone.streams()}
    folders = {zone.root, *streams, *(f.parent for f in streams), *(f.parent.parent for f in streams)}
    for folder in sorted(f for f in folders if f.is_dir()):
        yield from wrong_modes(folder)
        packages = {p.folder for p in StreamZone(folder).folders()} if folder in streams else set()
        for path in sorted(set(folder.iterdir()) - packages - folders):
            if path.parent == zone.root and path.name.startswith("_"):
                yield from wrong_modes(path, *path.rglob("*"))
            elif path.parent in streams and path.name in (standing.NAME, ASIDE):
                yield from wrong_modes(path)
            elif not (path.is_dir() and folder not in streams and not any(path.iterdir())):
                yield Problem(
                    f"{path.name} is no package of ours",
                    do="find out who put it there and move it out of the landing zone",
                    where=str(path),
                )
