"""Taking personal data out of an archive: cell by cell. References in it are bare ids and name nobody."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

from connectors.core.contract import Shape
from pipelines.landing.archives import opened
from pipelines.landing.cells import MAX_RECORD
from pipelines.landing.redaction.redact import FIELD, RECORD, Found, Policy, unreadable


def redacted_archive(archive: bytes, shape: Shape, policy: Policy, found: Found) -> bytes:
    """An archive with nothing in it that the policy forbids; the same object if nothing had to go.

    Adds to `found`. Raises ValueError when it cannot be read.
    """
    if not policy.unwanted and not policy.erased:
        return archive
    csv.field_size_limit(MAX_RECORD)
    mine: Found = set()
    try:
        packed = _repacked(archive, shape, policy, mine)
    except (zipfile.BadZipFile, csv.Error, EOFError) as error:
        raise ValueError("it is not a ZIP of one CSV") from error
    found |= mine
    return packed if mine else archive


def forget_archive(path: Path, target: Path, shape: Shape, policy: Policy) -> Found:
    """Write the archive at `path` to `target` as the policy wants it; nothing is written where it is so already.
    Returns what was taken out. Raises Problem when it cannot be read."""
    found: Found = set()
    try:
        archive = redacted_archive(path.read_bytes(), shape, policy, found)
    except ValueError as error:
        raise unreadable(path, path.name, error) from error
    if found:
        target.touch(mode=0o600)
        target.write_bytes(archive)
    return found


def _repacked(archive: bytes, shape: Shape, policy: Policy, found: Found) -> bytes:
    """Row by row: a file may be far larger than its archive."""
    packed = io.BytesIO()
    with (
        opened(io.BytesIO(archive)) as file,
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new,
        new.open("1.csv", "w", force_zip64=True) as raw,
        io.TextIOWrapper(raw, "utf-8", newline="") as text,
    ):
        rows = csv.reader(file)
        header = next(rows, [])
        writer = csv.writer(text, lineterminator="\r\n")
        writer.writerow(header)
        writer.writerows(_kept(rows, header, shape, policy, found))
    return packed.getvalue()


def _kept(
    rows: Iterator[list[str]], header: list[str], shape: Shape, policy: Policy, found: Found
) -> Iterator[list[str]]:
    key = next((at for at, name in enumerate(header) if name.lower() == shape.key.lower()), len(header))
    stay = {name.lower() for name in (shape.key, shape.stamp or shape.key)}
    may_go = [(at, name) for at, name in enumerate(header) if name.lower() not in stay]
    unwanted = [(at, name) for at, name in may_go if name in policy.unwanted]
    personal = [at for at, name in may_go if name not in policy.keep]
    for row in rows:
        if policy.erased and row[key : key + 1] and row[key] in policy.erased:
            gone = [at for at in personal if at < len(row) and row[at]]
            for at in gone:
                row[at] = ""
            if gone:
                found.add((RECORD, row[key]))
        for at, name in unwanted:
            if at < len(row) and row[at]:
                found.add((FIELD, name))
                row[at] = ""
        yield row
