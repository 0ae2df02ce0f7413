"""Taking personal data out of an archive: cell by cell. References in it are bare ids and name nobody."""

from __future__ import annotations

import csv
import io
import zipfile
from dataclasses import replace
from pathlib import Path

from connectors.core.contract import Page, Shape
from connectors.core.errors import Problem
from pipelines.landing.archives import opened
from pipelines.landing.cells import MAX_RECORD
from pipelines.landing.redaction.redact import FIELD, RECORD, Found, Policy, unsearchable


def redacted_archive(archive: bytes, shape: Shape, policy: Policy, found: Found) -> bytes:
    """An archive with nothing in it that the policy forbids; the same object if nothing had to go.

    Adds to `found`. Raises ValueError when it cannot be read.
    """
    if not policy.unwanted and not policy.erased:
        return archive
    csv.field_size_limit(MAX_RECORD)
    mine: Found = set()
    text = io.StringIO(newline="")
    try:
        with opened(io.BytesIO(archive)) as file:
            rows = csv.reader(file)
            header = next(rows, [])
            write = csv.writer(text, lineterminator="\r\n").writerow
            write(header)
            for row in rows:
                write(_kept(row, header, shape, policy, mine))
    except (zipfile.BadZipFile, csv.Error, EOFError) as error:
        raise ValueError("it is not a ZIP of one CSV") from error
    if not mine:
        return archive
    found |= mine
    return _packed(archive, text.getvalue())


def cleaned_archive(page: Page, shape: Shape, policy: Policy, found: Found) -> Page:
    """The page as it may be kept. Raises Problem when it cannot be looked through."""
    assert isinstance(page.body, bytes)
    try:
        body = redacted_archive(page.body, shape, policy, found)
    except ValueError as error:
        raise unsearchable(page) from error
    return page if body is page.body else replace(page, body=body)


def forget_archive(path: Path, target: Path, shape: Shape, policy: Policy) -> Found:
    """Write the archive at `path` to `target` as the policy wants it; nothing is written where it is so already.
    Returns what was taken out. Raises Problem when it cannot be read."""
    found: Found = set()
    try:
        archive = redacted_archive(path.read_bytes(), shape, policy, found)
    except ValueError as error:
        raise Problem(
            f"{path.name} in package {path.parent.name} cannot be read ({error})",
            do="restore the package folder from a backup and run the command again",
            where=str(path),
        ) from error
    if found:
        target.touch(mode=0o600)
        target.write_bytes(archive)
    return found


def _kept(row: list[str], header: list[str], shape: Shape, policy: Policy, found: Found) -> list[str]:
    cells = dict(zip(header, row, strict=False))
    key = next((text for name, text in cells.items() if name.lower() == shape.key.lower()), "")
    keep = {name.lower() for name in (shape.key, shape.stamp or shape.key)}
    erased = key in policy.erased
    gone = set()
    for name, text in cells.items():
        if not text or name.lower() in keep:
            continue
        if erased and name not in policy.keep:
            gone.add(name)
        elif name in policy.unwanted:
            gone.add(name)
            found.add((FIELD, name))
    if erased and gone:
        found.add((RECORD, key))
    return ["" if name in gone else text for name, text in cells.items()]


def _packed(archive: bytes, text: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as old:
        name = old.namelist()[0]
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new:
        new.writestr(name, text.encode())
    return packed.getvalue()
