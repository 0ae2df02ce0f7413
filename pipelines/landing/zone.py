"""Where packages lie and which exist: `landing/<source>/<org>/<stream>/<package id>/`."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from connectors.core.contract import CursorKind, Shape
from pipelines.files import private_folder
from pipelines.manifest import CHECKED, LANDED, LOADED, Checked, Landed, Receipt, read_manifest

SHAPE = "shape.json"
_STAMP = "%Y%m%dT%H%M%S%fZ"


@dataclass(frozen=True, slots=True)
class Package:
    """A folder of the landing zone. Manifests are read when asked for; None where not yet written."""

    folder: Path

    @property
    def id(self) -> str:
        """Sortable in time within its stream; unique everywhere."""
        return self.folder.name

    @property
    def kind(self) -> CursorKind:
        """Why it was read."""
        return CursorKind(self.id.split("-")[1])

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
    def shape(self) -> Shape:
        """How its records were shaped when it was read."""
        return Shape.from_json(msgspec.json.decode((self.folder / SHAPE).read_bytes()))

    def is_landed(self) -> bool:
        """Its pages are complete."""
        return (self.folder / LANDED).exists()

    def is_loaded(self) -> bool:
        """The warehouse holds its rows and its receipt has come back."""
        return (self.folder / LOADED).exists()


@dataclass(frozen=True, slots=True)
class StreamZone:
    """The packages of one stream of one organisation."""

    folder: Path

    def new_package(self, kind: CursorKind, started_at: datetime) -> Package:
        """A fresh, private folder whose id sorts behind every earlier one."""
        private_folder(self.folder)
        moment = started_at.astimezone(UTC)
        if folders := self._folders():  # the clock may step back, two packages may share a microsecond
            newest = datetime.strptime(folders[-1].id.split("-")[0], _STAMP).replace(tzinfo=UTC)
            moment = max(moment, newest + timedelta(microseconds=1))
        package = Package(self.folder / f"{moment.strftime(_STAMP)}-{kind}-{secrets.token_hex(4)}")
        package.folder.mkdir(mode=0o700)
        return package

    def packages(self, kind: CursorKind | None = None) -> list[Package]:
        """The landed packages, oldest first."""
        return [p for p in self._folders() if (kind is None or p.kind == kind) and p.is_landed()]

    def newest(self, kind: CursorKind) -> Landed | None:
        """The manifest of the last landed package of a kind."""
        for package in reversed(self._folders()):
            if package.kind == kind and package.is_landed():
                return package.landed
        return None

    def pending(self) -> list[Package]:
        """Landed but not loaded, oldest first."""
        return [p for p in self.packages() if not p.is_loaded()]

    def newest_checked(self) -> Checked | None:
        """The manifest of the newest checked package that rules were applied to."""
        for package in reversed(self._folders()):
            if (checked := package.checked) and checked.results:
                return checked
        return None

    def last_order(self) -> int:
        """Load order of the newest package that changed something; 0 when none did."""
        for package in reversed(self._folders()):
            if (receipt := package.receipt) and receipt.changed:
                return receipt.order
        return 0

    def known_files(self) -> frozenset[str]:
        """sha256 of every file landed so far."""
        return frozenset(p.landed.files[0].sha256 for p in self.packages(CursorKind.FILE))

    def loaded(self) -> list[Package]:
        """Those with a receipt, oldest first."""
        return [p for p in self._folders() if p.is_loaded()]

    def sweep_unfinished(self) -> int:
        """Remove folders that a crash left without `landed.json`; returns how many. Call under the lock."""
        unfinished = [p for p in self._folders() if not p.is_landed()]
        for package in unfinished:
            shutil.rmtree(package.folder)
        return len(unfinished)

    def _folders(self) -> list[Package]:
        if not self.folder.is_dir():
            return []
        return [
            Package(f) for f in sorted(self.folder.iterdir()) if f.is_dir() and not f.name.startswith(".")
        ]


@dataclass(frozen=True, slots=True)
class Zone:
    """The whole landing zone."""

    root: Path

    def stream(self, source: str, org: str, stream: str) -> StreamZone:
        """The packages of one stream."""
        return StreamZone(self.root / source / org / stream)

    def has_source(self, source: str, org: str) -> bool:
        """Any package of this source was ever landed."""
        return any(True for _ in (self.root / source / org).glob("*/*/landed.json"))

    def streams(self, source: str | None = None) -> Iterator[tuple[str, str, str, StreamZone]]:
        """Every (source, org, stream, zone) that has a folder, in name order."""
        for folder in sorted(self.root.glob("*/*/*")):
            parts = folder.relative_to(self.root).parts
            if folder.is_dir() and (source is None or parts[0] == source):
                yield (*parts, StreamZone(folder))
