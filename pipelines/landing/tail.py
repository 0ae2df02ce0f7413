"""What the next read will deliver again.

Cursors read `>=` with an overlap, so an idle CRM still answers with the last few records. Their digests are
kept with the package; a read that brings exactly those is not worth a package.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec

from connectors.core.contract import FieldType, Page, Shape
from pipelines.landing.records import cut_records, key_reader

MAX_ROWS = 10_000  # beyond, nothing is remembered: the rows are landed again and found unchanged


class Tail:
    """Holds the pages that may end up in the tail while a package is written; memory stays bounded."""

    def __init__(self, shape: Shape, overlap: timedelta | None) -> None:
        """overlap: None where the next read delivers everything again."""
        self._shape, self._overlap = shape, overlap
        self._pages: deque[Page] = deque()
        self._group: list[Page] = []  # a page and its field chunks; the last one carries their watermark
        self._rows = 0
        self._cut = False  # pages older than the overlap were let go
        self._full = False

    def add(self, page: Page) -> None:
        """Remember a page for as long as its records may be delivered again."""
        if self._full or page.archive:  # nobody delivers an archive again because of an overlap
            self._full = True
            return
        self._rows += page.rows
        self._group.append(page)
        if page.watermark:
            self._pages.extend(replace(p, watermark=page.watermark) for p in self._group)
            self._group.clear()
            while self._is_old(self._pages[0], page):
                self._rows -= self._pages.popleft().rows
                self._cut = True
        if self._rows > MAX_ROWS:
            self._full = True
            self._pages.clear()
            self._group.clear()

    def known(self, digests: dict[str, str]) -> int:
        """The package's rows if all of them, in every field chunk, are among these digests; else 0."""
        if self._full or self._cut or self._rows > len(digests):
            return 0
        records = list(self._records())
        if any(digests.get(key) != digest for key, _, digest in records):
            return 0
        return sum(key.endswith("#0") for key, *_ in records)

    def digests(self, cursor: datetime | None) -> dict[str, str]:
        """key#chunk → digest of every record stamped at or after cursor - overlap."""
        since = cursor - self._overlap if cursor and self._overlap is not None else None
        return {
            key: digest
            for key, stamp, digest in self._records()
            if since is None or stamp is None or stamp >= since
        }

    def _is_old(self, page: Page, newest: Page) -> bool:
        if page.watermark is None or newest.watermark is None or self._overlap is None:
            return False
        return page.watermark < newest.watermark - self._overlap

    def _records(self) -> Iterator[tuple[str, datetime | None, str]]:
        read = key_reader(self._shape.key, self._shape.stamp)
        for page in (*self._pages, *self._group):
            for record in cut_records(page.body, self._shape):
                key, stamp = read(record)
                yield f"{key}#{page.chunk}", self._moment(stamp), record_digest(record)

    def _moment(self, stamp: str) -> datetime | None:
        if not stamp:
            return None
        types = {f.name: f.type for f in self._shape.fields}
        try:
            if types.get(self._shape.stamp or "") is FieldType.EPOCH_MS:
                return datetime.fromtimestamp(int(stamp) / 1000, UTC)
            return datetime.fromisoformat(stamp)
        except (
            ValueError,
            OverflowError,
            OSError,
        ):  # decoding will set the row aside; until then it may come again
            return None


def record_digest(record: bytes | msgspec.Raw) -> str:
    """What the tail remembers of a record."""
    return hashlib.blake2b(record, digest_size=12).hexdigest()
