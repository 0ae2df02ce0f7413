"""The JSON files that tell a package's story; each appears whole, by atomic rename, for good.

Only a redaction replaces one: personal data leaves the bytes, and the manifest names that it did.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from connectors.core.errors import Actor, Problem
from pipelines.files import write_atomic
from pipelines.tally import Measure

FORMAT = 2
LANDED, CHECKED, LOADED, THINNED = "landed.json", "checked.json", "loaded.json", "thinned.json"
ACCEPTED, QUARANTINED, FINDINGS = "accepted.parquet", "quarantined.parquet", "findings.parquet"
# What was last tried with rows set aside, of a package or of a whole stream; replaced, never proof of anything.
ASIDE = "aside.json"
# Kinds beside the reads of `CursorKind`: decisions of a person about rows or packages set aside.
RELEASE, DROP = "release", "drop"
# Who decided, where nobody had to. Such drops are counted apart from those of people.
MENDED = "a newer version of the record"
REPLACED = "a newer version of the record, which waits itself"
LISTED = "a newer full list"
GONE = "the deletion of the record"
NO_RECORD = "a replay that found no record there"
LAPSED = frozenset({REPLACED, LISTED, GONE, NO_RECORD})
DROPPED_BEFORE = "the drop of the same row before"  # a person's word, repeated
REPLAYED = "a replay"  # who decided where today's rules and reader let rows pass
LIST_BRAKE = (
    "full_list_brake"  # what stops the word of a full list about records that it lacks; its rows go on
)


class FileEntry(msgspec.Struct, frozen=True):
    """One file of a package: its size and digest as written."""

    name: str
    bytes: int
    sha256: str


class Redaction(msgspec.Struct, frozen=True, kw_only=True):
    """What was taken out of a package's bytes, the one exception to "as received" (law 1).

    what: "field" (personal data not wanted: `name` is the field), "record" (an erased person: `name` is the
    record's key), "reference" (what other records said of that person beside the key) or "source" (personal data
    that the source's settings keep out: `name` is the member's path in a record). at: when.
    """

    what: str
    name: str
    at: datetime
    reason: str = ""


class Landed(msgspec.Struct, frozen=True, kw_only=True):
    """`landed.json`: the pages are complete; from here on the bytes and the cursor are true.

    cursor_after: everything stamped before it has been landed. tail: digests of the records that the next
    read of this kind will deliver again because of the overlap; a read that brings only these is dropped.
    read: id of the first package of its chain; last: the chain ends here. backfill: name of the backfill,
    whose cursor is its own. origin, origin_kind, positions: for a decision, the package it is about and the
    rows of it (all of them if None; none, if it is about the word of a full list only). calls, credits: what the
    API charged. run: the run that read it. full: its read was from the beginning; a file's: it was declared to be the
    whole list.
    resume: where the source can go on behind this package, in its own words. request: of its first page.
    originals: entries of files that a redaction replaced later; `received_files` are the ones to compare with.
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
    redactions: list[Redaction] = []
    code_version: str = ""
    file_name: str = ""
    file_stamp: datetime | None = None
    tail: dict[str, str] = {}
    read: str = ""
    full: bool = False
    last: bool = True
    backfill: str = ""
    origin: str = ""
    origin_kind: str = ""
    positions: list[int] | None = None
    decided_by: str = ""
    calls: int = 0
    credits: int = 0
    run: str = ""
    resume: str = ""
    request: str = ""
    originals: list[FileEntry] = []

    @property
    def received_files(self) -> list[FileEntry]:
        """The files as they were when the package was landed; a redacted one is no longer there."""
        return self.originals or self.files


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """`checked.json`: every received row is accounted for (law 3).

    skipped: rows that are no records, by reason. results: one entry per rule, as the quality room gave it.
    set_aside: rows by the rule that set them aside (a row may break several). resolved: rows of another
    package that this decision takes out of quarantine, likewise. columns: column → the CRM's field, where
    the name could not be taken as it is. absent: declared fields that a file has no column for. sheet, headers: of a
    file whose rows were set aside, see `Table`. reader: digest of the code that read the rows. reconciled: what the
    cells of a file add up to, against its rows.
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
    set_aside: dict[str, int] = {}
    resolved: dict[str, int] = {}
    columns: dict[str, str] = {}
    absent: list[str] = []
    redactions: list[Redaction] = []
    sheet: str = ""
    headers: dict[str, str] = {}
    reader: str = ""
    reconciled: list[Measure] = []

    @property
    def stopped_list(self) -> dict[str, object] | None:
        """Why the word of a full list waits; None where it does not."""
        return next((r for r in self.results if r["rule"] == LIST_BRAKE), None)

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
    restored: int = 0

    @property
    def changed(self) -> int:
        """Rows of the current tables that are other than before."""
        return self.inserted + self.updated + self.deleted + self.restored + self.restamped


class Thinned(msgspec.Struct, frozen=True, kw_only=True):
    """`thinned.json`: what retention took out of a loaded package; written before the files go.

    files: as the other manifests name them; they may still lie there after a crash, the next prune removes
    them.
    """

    format: int = FORMAT
    at: datetime
    files: list[FileEntry]
    reason: str


def entry_of(files: Sequence[FileEntry], name: str) -> FileEntry | None:
    """The entry of `accepted.parquet`, say, under the name it has now: a redaction writes `accepted.1.parquet`
    beside it, and the manifest names that."""
    stem = name.partition(".")[0]
    return next((file for file in files if file.name.partition(".")[0] == stem), None)


Manifest = TypeVar("Manifest", Landed, Checked, Receipt, Thinned)


def read_manifest(path: Path, kind: type[Manifest]) -> Manifest:
    """The manifest at `path`. Raises Problem when it is damaged or of a newer format."""
    try:
        content = path.read_bytes()
        version = msgspec.json.decode(content, type=_Format).format
        if version == FORMAT:
            return msgspec.json.decode(content, type=kind)
        if version < FORMAT:
            return msgspec.convert(upgraded(msgspec.json.decode(content), path.name), kind, strict=False)
    except (OSError, ValueError, LookupError, msgspec.MsgspecError) as error:
        raise Problem(
            f"the manifest {path.name} of package {path.parent.name} cannot be read ({error})",
            do="restore the package folder from a backup or remove it and sync again",
            where=str(path),
        ) from error
    raise Problem(
        f"package {path.parent.name} was written by a newer crm-warehouse (format {version})",
        do="upgrade crm-warehouse on this machine",
        actor=Actor.OPERATOR,
        where=str(path),
    )


def upgraded(manifest: dict[str, Any], name: str) -> dict[str, Any]:
    """An older manifest's content as today's; what lies on disk stays as it was written."""
    while manifest["format"] < FORMAT:
        manifest = _UPGRADES[manifest["format"]](manifest, name)
    return manifest


class _Format(msgspec.Struct):
    format: int = 1


def _from_1(manifest: dict[str, Any], name: str) -> dict[str, Any]:
    """2 (2026-11-22) counts rows set aside by rule and knows chains; 1 had no redactions to carry over."""
    added: dict[str, Any] = {"format": 2}
    if name == LANDED:
        added |= {"redactions": [], "read": manifest["package"]}
    if name == CHECKED:
        rules = [r for r in manifest.get("results", []) if r["severity"] == "quarantine" and r["failing"]]
        added["set_aside"] = {r["rule"]: r["failing"] for r in rules}
    return manifest | added


_UPGRADES: dict[int, Callable[[dict[str, Any], str], dict[str, Any]]] = {1: _from_1}


def write_manifest(folder: Path, name: str, manifest: msgspec.Struct) -> None:
    """Make a manifest true."""
    write_atomic(folder / name, msgspec.json.format(msgspec.json.encode(manifest), indent=1))


def file_entry(path: Path) -> FileEntry:
    """The entry of a file as it lies on disk."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return FileEntry(path.name, path.stat().st_size, digest)
