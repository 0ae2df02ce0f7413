"""Taking erased people out of a page file: line for line, every byte that may stay as it was."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import zstandard

from connectors.core.contract import Shape
from pipelines.landing.pages import LEVEL, PageLine, page_line
from pipelines.landing.records import cut_records, key_reader
from pipelines.landing.redaction.redact import Found, Policy, redacted, unreadable
from pipelines.landing.tail import record_digest
from pipelines.manifest import FileEntry, file_entry


@dataclass(slots=True)
class NewPages:
    """entry: of the new file. digests: key#chunk → what the tail must remember of a changed record."""

    entry: FileEntry
    found: Found
    digests: dict[str, str] = field(default_factory=dict)


def forget_pages(path: Path, target: Path, shape: Shape, policy: Policy) -> NewPages | None:
    """Write the pages of `path` to `target` as the policy wants them; None (and no file) where they are so
    already. Raises Problem when a page cannot be read."""
    if not any(policy.may_concern(line) for line in _lines(path)):
        return None
    found: Found = set()
    digests: dict[str, str] = {}
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        with zstandard.ZstdCompressor(level=LEVEL, write_checksum=True).stream_writer(
            file, closefd=False
        ) as out:
            for line in _lines(path):
                out.write(now := _redacted(path, line, shape, policy, found))
                if now is not line:
                    digests |= _changed(line, now, shape)
        file.flush()
        os.fsync(file.fileno())
    if not found:
        target.unlink()
        return None
    return NewPages(file_entry(target), found, digests)


def _redacted(path: Path, line: bytes, shape: Shape, policy: Policy, found: Found) -> bytes:
    try:
        return redacted(line, shape, policy, found, inside="body")
    except ValueError as error:
        raise unreadable(path, f"a page of {path.name}", error) from error


def _changed(line: bytes, now: bytes, shape: Shape) -> dict[str, str]:
    decoder = msgspec.json.Decoder(PageLine)
    before, after = page_line(decoder, line), page_line(decoder, now)
    read = key_reader(shape.key, shape.stamp)
    pairs = zip(cut_records(before.body, shape), cut_records(after.body, shape), strict=True)
    return {
        f"{read(new)[0]}#{after.chunk}": record_digest(new) for old, new in pairs if bytes(old) != bytes(new)
    }


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        reader = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
        yield from io.BufferedReader(reader, 1 << 20)  # type: ignore[arg-type]
