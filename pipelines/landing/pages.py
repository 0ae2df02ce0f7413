"""The page file of a package: one line per page, `{"page", "chunk", "request", "body"}`, zstd.

`body` is what the CRM sent, byte for byte, except that line breaks between JSON tokens (where they mean
nothing; inside JSON strings they cannot occur) are spaces, so that a page is a line.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec
import zstandard

from connectors.core.contract import Page
from connectors.core.errors import Problem
from connectors.core.surrogates import without_lone_surrogates
from pipelines.landing.intact import MEND_PENDING
from pipelines.manifest import FileEntry

NAME = "pages-0001.jsonl.zst"
_LINE_BREAKS = bytes.maketrans(b"\r\n", b"  ")
LEVEL = 1  # JSON pages shrink about twelve-fold; level 3 takes twice the CPU for 3 % less


class PageLine(msgspec.Struct, frozen=True):
    """One line; `body` still encoded."""

    page: int
    chunk: int
    body: msgspec.Raw
    request: str = ""


class _Digesting(io.RawIOBase):
    """Counts and digests what goes to disk, so that the manifest needs no second read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self.digest, self.size = file, hashlib.sha256(), 0

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self.digest.update(data)
        self.size += len(data)
        return self._file.write(data)


class PageWriter:
    """Appends pages to a package's page file."""

    def __init__(self, folder: Path) -> None:
        descriptor = os.open(folder / NAME, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._file = os.fdopen(descriptor, "wb")
        self._sink = _Digesting(self._file)
        self._zstd = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True).stream_writer(self._sink)
        self.pages = 0

    def add(self, page: Page) -> None:
        """Write one page; its number counts field chunk 0 only."""
        assert isinstance(page.body, bytes)
        self.pages += page.chunk == 0
        head = b'{"page":%d,"chunk":%d,"request":%b,"body":' % (
            self.pages, page.chunk, msgspec.json.encode(page.request),
        )  # fmt: skip
        self._zstd.write(head + page.body.translate(_LINE_BREAKS) + b"}\n")

    def close(self) -> list[FileEntry]:
        """Flush to disk; returns the manifest's entries."""
        self._zstd.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        return [FileEntry(NAME, self._sink.size, self._sink.digest.hexdigest())]

    def abandon(self) -> None:
        """Close the handle; the folder is removed by the caller."""
        self._file.close()


def read_pages(path: Path) -> Iterator[PageLine]:
    """The pages of a page file, in the order they were received. Raises Problem where it cannot be read.

    Whether it is the file that was landed, and all of it, its digest says (`intact`).
    """
    decoder = msgspec.json.Decoder(PageLine)
    try:
        with path.open("rb") as file:
            reader = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
            for line in io.BufferedReader(reader, 1 << 20):  # type: ignore[arg-type]
                yield page_line(decoder, line)
    except (zstandard.ZstdError, msgspec.DecodeError) as error:
        raise Problem(
            f"the page file {path.name} of package {path.parent.name} is damaged ({type(error).__name__})",
            do=MEND_PENDING,
            where=str(path),
        ) from error


def page_line(decoder: msgspec.json.Decoder[PageLine], line: bytes) -> PageLine:
    """One line; half an emoji in it is replaced. Raises msgspec.DecodeError."""
    try:
        return decoder.decode(line)
    except msgspec.DecodeError:
        return decoder.decode(without_lone_surrogates(line))
