"""Taking erased people out of one package.

New content appears under new names, then the manifest that names it, then the old files go: wherever a kill
strikes, the manifests name files that are there and whole, and the next run removes what no manifest names.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import duckdb
import msgspec

from connectors.core.contract import CursorKind, Shape, Source, Stream
from connectors.core.errors import Problem
from pipelines.faults import step
from pipelines.landing.archives import is_archived
from pipelines.landing.redaction.archives import forget_archive
from pipelines.landing.redaction.pages import forget_pages
from pipelines.landing.redaction.redact import RECORD, Found, Policy, kept_fields
from pipelines.landing.redaction.rows import Leaving, forget_rows
from pipelines.landing.redaction.sheets import blanked, cells_now, find_cells
from pipelines.landing.zone import SHAPE, Package
from pipelines.manifest import (
    ASIDE,
    CHECKED,
    FINDINGS,
    LANDED,
    LOADED,
    THINNED,
    Checked,
    FileEntry,
    Landed,
    Redaction,
    entry_of,
    file_entry,
    write_manifest,
)

_MANIFESTS = frozenset({LANDED, CHECKED, LOADED, THINNED, SHAPE, ASIDE})


@dataclass(frozen=True, slots=True)
class Leavers:
    """Who leaves one stream. records: key → how it stays; referred: keys of everybody who leaves, of any stream
    of the organisation. when: key as it stays → time and reason of the erasure, for the manifests."""

    records: Mapping[str, Leaving]
    referred: frozenset[str]
    when: Mapping[str, tuple[datetime, str]]

    def kept_as(self, key: str | None) -> str | None:
        """The key under which a record stays; None where it is nobody's who leaves."""
        leaving = self.records.get(key or "")
        return leaving.kept_as if leaving else None


@dataclass(slots=True)
class Change:
    """What was taken out of a package. positions: rows of its parquet files that are other than before; texts:
    what erased records had in fields declared personal."""

    found: Found = field(default_factory=set)
    positions: set[int] = field(default_factory=set)
    texts: set[str] = field(default_factory=set)


def forget_in(
    package: Package,
    stream: Stream,
    leavers: Leavers,
    con: duckdb.DuckDBPyConnection,
    source: Source | None,
    *,
    aliases: Mapping[str, str],
) -> Change:
    """Take these records out of a landed package. source: opened, for packages that are files; aliases: key
    under which a record stays → the name put in the place of the person's. Raises Problem.
    """
    change = Change()
    cells: dict[int, str] = {}
    if package.kind == CursorKind.FILE:
        assert source is not None
        cells = _forget_file(package, stream, leavers, source, aliases, change)
    else:
        _forget_pages(package, stream, leavers, change)
    if (checked := package.checked) is not None:
        _forget_checked(package, stream, leavers, con, checked, cells, change)
    tidy(package)
    return change


def tidy(package: Package) -> None:
    """Remove files that no manifest names: what a killed run wrote, or had not yet removed."""
    checked = package.checked
    entries = [*package.landed.files, *(checked.files if checked else ())]
    named = _MANIFESTS | {entry.name for entry in entries}
    for path in package.folder.iterdir():
        if path.is_file() and path.name not in named:
            path.unlink()
            step("old file removed", package=package.id, file=path.name)


def _forget_pages(package: Package, stream: Stream, leavers: Leavers, change: Change) -> None:
    landed = package.landed
    if not landed.files or (path := _present(package, landed.files[0])) is None:
        return
    shape = package.shape
    policy = Policy(
        erased=frozenset(leavers.records), keep=kept_fields(stream, shape), referred=leavers.referred
    )
    if is_archived(landed):
        _forget_archives(package, landed, shape, policy, leavers, change)
        return
    new = forget_pages(path, next_name(path), shape, policy)
    if new is None:
        return
    change.found |= new.found
    tail = {key: new.digests.get(key, digest) for key, digest in landed.tail.items()}
    _replace_landed(package, landed, [new.entry, *landed.files[1:]], new.found, leavers, tail)


def _forget_archives(
    package: Package, landed: Landed, shape: Shape, policy: Policy, leavers: Leavers, change: Change
) -> None:
    files, found = list(landed.files), set()
    for place, entry in enumerate(landed.files):
        if (path := _present(package, entry)) is None:
            continue
        target = next_name(path)
        if gone := forget_archive(path, target, shape, policy):
            files[place] = file_entry(target)
            found |= gone
    if found:
        change.found |= found
        _replace_landed(package, landed, files, found, leavers, landed.tail)


def _forget_file(
    package: Package,
    stream: Stream,
    leavers: Leavers,
    source: Source,
    aliases: Mapping[str, str],
    change: Change,
) -> dict[int, str]:
    """Returns the `_cells` that touched rows have now."""
    landed = package.landed
    if (path := _present(package, landed.files[0])) is None:
        return {}
    blanking = find_cells(source, stream, path, leavers.kept_as, kept_fields(stream), leavers.referred)
    if not blanking.cells:
        return {}
    change.found |= blanking.found
    copy = blanked(source, stream, path, blanking, aliases, next_name(path))
    entries = [file_entry(copy), *landed.files[1:]]
    cells = cells_now(source, stream, copy, blanking.cells)
    _replace_landed(package, landed, entries, blanking.found, leavers, landed.tail)
    return cells


def _forget_checked(
    package: Package,
    stream: Stream,
    leavers: Leavers,
    con: duckdb.DuckDBPyConnection,
    checked: Checked,
    cells: Mapping[int, str],
    change: Change,
) -> None:
    keep, names = kept_fields(stream), checked.columns
    personal = {f.name for f in stream.fields if f.pii}
    done = {(r.what, r.name, r.at) for r in checked.redactions}
    records = {k: v for k, v in leavers.records.items() if (RECORD, v.kept_as, v.at) not in done}
    files, found, positions = list(checked.files), set(), set()
    positions_only = entry_of(checked.files, FINDINGS)
    for place, entry in enumerate(checked.files):
        if entry == positions_only or (path := _present(package, entry)) is None:
            continue
        target = next_name(path)
        new = forget_rows(
            con,
            path,
            target,
            records,
            lambda column: names.get(column, column) in keep,
            lambda column: names.get(column, column) in personal,
            leavers.referred,
            cells,
        )
        if new is not None:
            files[place] = file_entry(target)
            found |= new.found
            positions |= new.positions
            change.texts |= new.texts
    if not found:
        return
    change.found |= found
    change.positions |= positions
    step("rows written anew", package=package.id)
    new_checked = msgspec.structs.replace(
        checked,
        files=files,
        results=without_samples(checked.results, positions),
        redactions=_with(checked.redactions, found, leavers),
    )
    write_manifest(package.folder, CHECKED, new_checked)
    step("checked replaced", package=package.id)


def _replace_landed(
    package: Package,
    landed: Landed,
    files: list[FileEntry],
    found: Found,
    leavers: Leavers,
    tail: dict[str, str],
) -> None:
    step("bytes written anew", package=package.id)
    new = msgspec.structs.replace(
        landed,
        files=files,
        originals=landed.received_files,
        tail=tail,
        redactions=_with(landed.redactions, found, leavers),
    )
    write_manifest(package.folder, LANDED, new)
    step("landed replaced", package=package.id)


def without_samples(
    results: Sequence[dict[str, object]], positions: Collection[int]
) -> list[dict[str, object]]:
    """Rule results whose samples show nothing of these rows."""

    def shown(sample: dict[str, object]) -> dict[str, object]:
        return sample | {"value": None} if sample.get("position") in positions else sample

    return [
        {**r, "samples": [shown(s) for s in samples]} if isinstance(samples := r.get("samples"), list) else r
        for r in results
    ]


def next_name(path: Path) -> Path:
    """`accepted.parquet` → `accepted.1.parquet` → `accepted.2.parquet`, beside it."""
    stem, *middle, suffix = path.name.split(".")
    number = int(middle[0]) + 1 if middle and middle[0].isdigit() else 1
    rest = middle[1:] if middle and middle[0].isdigit() else middle
    return path.with_name(".".join([stem, str(number), *rest, suffix]))


def _with(before: Sequence[Redaction], found: Found, leavers: Leavers) -> list[Redaction]:
    new = [
        Redaction(what=what, name=name, at=leavers.when[name][0], reason=leavers.when[name][1])
        for what, name in sorted(found)
    ]
    return [r for r in before if (r.what, r.name) not in found] + new


def _present(package: Package, entry: FileEntry) -> Path | None:
    """A file that a manifest names; None where retention took it. Raises Problem when it is lost or damaged:
    what cannot be read cannot be searched for a person."""
    path = package.folder / entry.name
    if path.exists() and file_entry(path) == entry:
        return path
    thinned = package.thinned
    if not path.exists() and thinned and any(gone.name == entry.name for gone in thinned.files):
        return None
    raise Problem(
        f"{entry.name} of package {package.id} is missing or damaged, so that it cannot be searched",
        do="restore the package folder from a backup and run the command again, which goes on from here",
        where=str(path),
    )
