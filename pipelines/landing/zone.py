"""Where packages lie and which exist: `landing/<source>/<org>/<stream>/<package id>/`."""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from connectors.core.contract import CursorKind, Shape
from connectors.core.errors import Problem
from pipelines.files import private_folder, sync_folder
from pipelines.landing.gone import erased_rows
from pipelines.manifest import (
    CHECKED,
    DROP,
    LANDED,
    LOADED,
    QUARANTINED,
    RELEASE,
    THINNED,
    Checked,
    Landed,
    Receipt,
    Thinned,
    entry_of,
    read_manifest,
)

SHAPE = "shape.json"
_STAMP = "%Y%m%dT%H%M%S%fZ"
_ID = re.compile(r"\d{8}T\d{12}Z-[a-z]+-[0-9a-f]{8}")


@dataclass(frozen=True, slots=True)
class Package:
    """A folder of the landing zone. Manifests are read when asked for; None where not yet written."""

    folder: Path

    @property
    def id(self) -> str:
        """Sortable in time within its stream; unique everywhere."""
        return self.folder.name

    @property
    def began(self) -> datetime:
        """When its read began, never before that of an earlier package: existence is ordered by it."""
        return datetime.strptime(self.id.split("-")[0], _STAMP).replace(tzinfo=UTC)

    @property
    def kind(self) -> str:
        """Why it was read (a `CursorKind`), or which decision it is (`RELEASE`, `DROP`)."""
        return self.id.split("-")[1]

    @property
    def landed(self) -> Landed:
        """Its landing manifest."""
        return read_manifest(self.folder / LANDED, Landed)

    @property
    def checked(self) -> Checked | None:
        """Its validation manifest."""
        return read_manifest(self.folder / CHECKED, Checked) if (self.folder / CHECKED).exists() else None

    @property
    def receipt(self) -> Receipt | None:
        """Its load receipt."""
        return read_manifest(self.folder / LOADED, Receipt) if (self.folder / LOADED).exists() else None

    @property
    def thinned(self) -> Thinned | None:
        """What retention took out of it."""
        return read_manifest(self.folder / THINNED, Thinned) if (self.folder / THINNED).exists() else None

    @property
    def shape(self) -> Shape:
        """How its records were shaped when it was read."""
        return Shape.from_json(msgspec.json.decode((self.folder / SHAPE).read_bytes()))

    def rows(self, name: str) -> Path:
        """Where `accepted.parquet` or `quarantined.parquet` lies: a redaction gave it a new name."""
        checked = self.checked
        entry = entry_of(checked.files, name) if checked else None
        return self.folder / (entry.name if entry else name)

    def is_landed(self) -> bool:
        """Its pages are complete."""
        return (self.folder / LANDED).exists()

    def lost_landing(self) -> bool:
        """Later manifests are there but not the first: this is no unfinished read (a decision, though, is
        checked before it is landed)."""
        later = [LOADED] if self.kind in (RELEASE, DROP) else [CHECKED, LOADED]
        return not self.is_landed() and any((self.folder / name).exists() for name in later)

    def is_loaded(self) -> bool:
        """The warehouse holds its rows and its receipt has come back."""
        return (self.folder / LOADED).exists()


@dataclass(frozen=True, slots=True)
class Aside:
    """A package of which rows wait. settled: positions of those that do not: about which was decided, or whose person
    was erased."""

    package: Package
    checked: Checked
    settled: frozenset[int]

    @property
    def rows(self) -> int:
        """How many wait."""
        return self.checked.quarantined - len(self.settled)


@dataclass(frozen=True, slots=True)
class StreamZone:
    """The packages of one stream of one organisation."""

    folder: Path

    @property
    def root(self) -> Path:
        """The landing zone that it is part of."""
        return self.folder.parents[2]

    def new_package(self, kind: str, started_at: datetime) -> Package:
        """A fresh, private folder whose id sorts behind every earlier one."""
        private_folder(self.folder)
        moment = started_at.astimezone(UTC)
        if folders := self.folders():  # the clock may step back, two packages may share a microsecond
            moment = max(moment, folders[-1].began + timedelta(microseconds=1))
        package = Package(self.folder / f"{moment.strftime(_STAMP)}-{kind}-{secrets.token_hex(4)}")
        package.folder.mkdir(mode=0o700)
        sync_folder(self.folder)
        return package

    def folders(self) -> list[Package]:
        """Every package folder, landed or not, oldest first; what is not named like one is left alone."""
        if not self.folder.is_dir():
            return []
        return [Package(f) for f in sorted(self.folder.iterdir()) if f.is_dir() and _ID.fullmatch(f.name)]

    def packages(self, kind: str | None = None) -> list[Package]:
        """The landed packages, oldest first."""
        return [p for p in self.folders() if (kind is None or p.kind == kind) and p.is_landed()]

    def newest(self, kind: CursorKind, backfill: str = "") -> Landed | None:
        """The manifest of the last landed package of a kind: its cursor is the kind's (each backfill has its own)."""
        for package in reversed(self.folders()):
            if (
                package.kind == kind
                and package.is_landed()
                and (landed := package.landed).backfill == backfill
            ):
                return landed
        return None

    def pending(self) -> list[Package]:
        """Landed but not loaded, oldest first. A package that was released or dropped as a whole waits no
        longer; the decision stands in its place."""
        decided = {d.origin: d for d in self.decisions() if d.positions is None}
        waiting = [p for p in self.packages() if not p.is_loaded() and p.id not in decided]
        origins = {d.package: d.origin for d in decided.values()}
        return sorted(waiting, key=lambda p: origins.get(p.id, p.id))

    def decisions(self, origin: str | None = None) -> list[Landed]:
        """What people decided about rows or packages set aside (of one package, if given), oldest first."""
        decided = [p.landed for p in self.folders() if p.kind in (RELEASE, DROP) and p.is_landed()]
        return [d for d in decided if origin in (None, d.origin)]

    def decided(self) -> dict[str, list[Landed]]:
        """The decisions by the package that they are about."""
        found: dict[str, list[Landed]] = {}
        for decision in self.decisions():
            found.setdefault(decision.origin, []).append(decision)
        return found

    def undecided(self) -> Iterator[Aside]:
        """Loaded packages with rows set aside about which nobody has decided, oldest first."""
        decisions = self.decided()
        for package in self.folders():
            if _may_hold_rows_aside(package) and (aside := aside_of(package, decisions.get(package.id, ()))):
                yield aside

    def waiting(self) -> tuple[int, datetime | None]:
        """Rows of loaded packages that wait for somebody, and when the oldest was landed."""
        asides = list(self.undecided())
        since = min((aside.package.landed.landed_at for aside in asides), default=None)
        return sum(aside.rows for aside in asides), since

    def chain(self, read: str) -> list[Package]:
        """The packages of one sweep, in order."""
        return [p for p in self.packages(CursorKind.SWEEP) if p.id >= read and p.landed.read == read]

    def readable_chain(self, read: str) -> list[Package]:
        """The packages of one sweep, if every id in them could be read: one that was set aside is not gone."""
        chain = self.chain(read)
        return [] if any(checked.quarantined for part in chain if (checked := part.checked)) else chain

    def swept(self) -> datetime | None:
        """The source's own time when the newest sweep began that is complete, readable and loaded."""
        for package in reversed(self.packages(CursorKind.SWEEP)):
            if (landed := package.landed).last and package.is_loaded() and self.readable_chain(landed.read):
                return landed.cursor_after
        return None

    def last_order(self) -> int:
        """Load order of the last package that changed something, be it history only; 0 when none did."""
        receipts = (package.receipt for package in self.folders())  # what waited is loaded out of turn
        return max((r.order for r in receipts if r and (r.changed or r.stale)), default=0)

    def newest_word(self) -> int:
        """Load order of the last package that is no drop, and so may say something of records; 0: none."""
        receipts = (package.receipt for package in self.folders() if package.kind != DROP)
        return max((receipt.order for receipt in receipts if receipt), default=0)

    def known_files(self) -> frozenset[str]:
        """sha256 of every file landed so far."""
        return frozenset(p.landed.received_files[0].sha256 for p in self.packages(CursorKind.FILE))

    def loaded(self) -> list[Package]:
        """Those with a receipt, oldest first."""
        return [p for p in self.folders() if p.is_loaded()]

    def sweep_unfinished(self) -> int:
        """Remove folders that a crash left without `landed.json`; returns how many. Call under the lock.

        Raises Problem when a folder has lost its `landed.json` in another way: it holds the only bytes.
        """
        unfinished = [p for p in self.folders() if not p.is_landed()]
        for package in unfinished:
            if package.lost_landing():
                raise Problem(
                    f"package {package.id} was checked but has no {LANDED}",
                    do="restore the package folder from a backup, or move it away and run "
                    "`crm-warehouse sync --full`",
                    where=str(package.folder),
                )
        for package in unfinished:
            shutil.rmtree(package.folder)
        return len(unfinished)


def aside_of(package: Package, decisions: Collection[Landed]) -> Aside | None:
    """The rows of a checked package that wait; None where none does. decisions: those about it."""
    checked = package.checked
    if checked is None or not checked.quarantined or any(d.positions is None for d in decisions):
        return None
    settled = frozenset(p for decision in decisions for p in decision.positions or ())
    if len(settled) < checked.quarantined:
        settled |= erased_rows(package.rows(QUARANTINED), package.landed, checked)
    return Aside(package, checked, settled) if len(settled) < checked.quarantined else None


class _SetAside(msgspec.Struct):
    quarantined: int = 0


def _may_hold_rows_aside(package: Package) -> bool:
    """Whether a loaded package has rows set aside. Every sync asks it of every package: no manifest is read in full."""
    try:
        manifest = (package.folder / CHECKED).read_bytes() if package.is_loaded() else b"{}"
        return msgspec.json.decode(manifest, type=_SetAside).quarantined > 0
    except (OSError, msgspec.MsgspecError):
        return True  # who reads it in full says what is wrong


@dataclass(frozen=True, slots=True)
class Zone:
    """The whole landing zone."""

    root: Path

    def stream(self, source: str, org: str, stream: str) -> StreamZone:
        """The packages of one stream."""
        return StreamZone(self.root / source / org / stream)

    def api_names(self, source: str, org: str) -> dict[str, str]:
        """The source's own name of each stream, as its newest package has it."""
        found = {}
        for of, stream, zone in (s[1:] for s in self.streams(source)):
            newest = next((p.landed for p in reversed(zone.folders()) if p.is_landed()), None)
            if of == org and newest:
                found[stream] = newest.api_name
        return found

    def has_source(self, source: str, org: str) -> bool:
        """Any package of this source was ever landed."""
        return any(True for _ in (self.root / source / org).glob("*/*/landed.json"))

    def streams(self, source: str | None = None) -> Iterator[tuple[str, str, str, StreamZone]]:
        """Every (source, org, stream, zone) that has a folder, in name order."""
        for folder in sorted(self.root.glob("*/*/*")):
            parts = folder.relative_to(self.root).parts
            if folder.is_dir() and parts[0][0] not in "._" and source in (None, parts[0]):
                yield (*parts, StreamZone(folder))
