"""The three JSON files that tell a package's story; each appears whole, by atomic rename, for good."""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import msgspec

from connectors.core.errors import Actor, Problem
from pipelines.files import write_atomic

FORMAT = 1
LANDED, CHECKED, LOADED = "landed.json", "checked.json", "loaded.json"
ACCEPTED, QUARANTINED = "accepted.parquet", "quarantined.parquet"


class FileEntry(msgspec.Struct, frozen=True):
    """One file of a package: its size and digest as written."""

    name: str
    bytes: int
    sha256: str


class Landed(msgspec.Struct, frozen=True, kw_only=True):
    """`landed.json`: the pages are complete; from here on the bytes and the cursor are true.

    cursor_after: everything stamped before it has been landed. tail: digests of the records that the next
    read of this kind will deliver again because of the overlap; a read that brings only these is dropped.
    """

    format: int = FORMAT
    package: str
    source: str
    org: str
    stream: str
    api_name: str
    kind: str
    started_at: datetime
    landed_at: datetime
    cursor_before: datetime | None
    cursor_after: datetime | None
    received: int
    pages: int
    seconds: float
    files: list[FileEntry]
    shape_hash: str
    redactions: list[str] = []
    code_version: str = ""
    file_name: str = ""
    file_stamp: datetime | None = None
    tail: dict[str, str] = {}


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """`checked.json`: every received row is accounted for (law 3).

    skipped: rows that are no records, by reason. results: one entry per rule, as the quality room gave it.
    """

    format: int = FORMAT
    checked_at: datetime
    rules_hash: str
    received: int
    accepted: int
    quarantined: int
    repeated: int
    superseded: int
    skipped: dict[str, int] = {}
    misfits: dict[str, int] = {}
    blocked: bool = False
    files: list[FileEntry] = []
    results: list[dict[str, object]] = []

    def balance(self) -> int:
        """Rows received but not accounted for; 0 or the package must fail."""
        kept = self.accepted + self.quarantined + self.repeated + self.superseded
        return self.received - kept - sum(self.skipped.values())


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """`loaded.json`: written back after the warehouse committed; gives the fold its order."""

    format: int = FORMAT
    order: int
    loaded_at: datetime
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    restamped: int = 0  # of the unchanged: seen again under a newer stamp of their file
    stale: int = 0
    deleted: int = 0

    @property
    def changed(self) -> int:
        """Rows of the current tables that are other than before."""
        return self.inserted + self.updated + self.deleted + self.restamped


Manifest = TypeVar("Manifest", Landed, Checked, Receipt)


def read_manifest(path: Path, kind: type[Manifest]) -> Manifest:
    """The manifest at `path`. Raises Problem when it is damaged or of a newer format."""
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.MsgspecError) as error:
        raise Problem(
            f"the manifest {path.name} of package {path.parent.name} cannot be read ({error})",
            do="restore the package folder from a backup or remove it and sync again",
            where=str(path),
        ) from error
    if manifest.format > FORMAT:
        raise Problem(
            f"package {path.parent.name} was written by a newer crm-warehouse (format {manifest.format})",
            do="upgrade crm-warehouse on this machine",
            actor=Actor.OPERATOR,
            where=str(path),
        )
    return manifest


def write_manifest(folder: Path, name: str, manifest: msgspec.Struct) -> None:
    """Make a manifest true."""
    write_atomic(folder / name, msgspec.json.format(msgspec.json.encode(manifest), indent=1))


def file_entry(path: Path) -> FileEntry:
    """The entry of a file as it lies on disk."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return FileEntry(path.name, path.stat().st_size, digest)
