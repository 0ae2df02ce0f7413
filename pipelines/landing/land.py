"""Reading a stream into packages: cursors, chains, and what the overlap brings again."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic

import msgspec

from connectors.core.contract import CursorKind, Page, Shape, Source, Stream, Window
from connectors.core.errors import Problem
from pipelines.faults import step
from pipelines.landing.pages import PageWriter
from pipelines.landing.tail import Tail
from pipelines.landing.zone import SHAPE, Package, StreamZone
from pipelines.manifest import LANDED, Landed, file_entry, write_manifest

MAX_ROWS = 200_000  # of a package: what a crash may cost (law 2)


@dataclass(frozen=True, slots=True)
class Landing:
    """What one read left behind: its packages (none if nothing was new) and the rows it saw again."""

    packages: tuple[Package, ...]
    rows: int
    known_again: int


def land(
    source: Source,
    stream: Stream,
    kind: CursorKind,
    zone: StreamZone,
    *,
    overlap: timedelta,
    full: bool = False,
    code_version: str = "",
    max_rows: int = MAX_ROWS,
) -> Landing:
    """Read everything since the stream's cursor of this kind into new packages.

    full: from the beginning, cursor kept. Raises Problem from the source; complete packages stay landed.
    """
    if kind is CursorKind.FILE:
        return _land_files(source, stream, zone, code_version)
    newest = zone.newest(kind)
    cursor = newest.cursor_after if newest else None
    since = cursor - overlap if cursor and not full and not stream.whole else None
    known = newest.tail if newest and not full else {}
    packages: list[Package] = []
    seen = again = 0
    shape = source.shape(stream, kind)
    for started, batch in _batches(source.read(stream, Window(kind, since)), max_rows):
        step("package begun", stream=f"{stream.source}.{stream.name}", kind=kind)
        writer = _Writer(zone, stream, kind, shape, source.org, cursor, overlap, started)
        try:
            for page in batch:
                writer.add(page)
            seen += writer.rows
            again_here = writer.known(known)
            if writer.rows == 0 or again_here == writer.rows:
                again += again_here
                writer.abandon()
            else:
                packages.append(writer.finish(source.shape(stream, kind), code_version))
                cursor = writer.cursor_after
        except BaseException:
            writer.abandon()
            raise
    return Landing(tuple(packages), seen, again)


def _batches(pages: Iterator[Page], max_rows: int) -> Iterator[tuple[datetime, Iterator[Page]]]:
    """Cut a read into chains of at most `max_rows` rows, never between a page and its field chunks.

    Gives when the first page of each was asked for: existence is ordered by it, so it must not be later.
    """
    asked = datetime.now(UTC)
    held: Page | None = next(pages, None)

    def batch() -> Iterator[Page]:
        nonlocal asked, held
        rows = 0
        while held is not None:
            rows += held.rows if held.chunk == 0 else 0
            yield held
            asked = datetime.now(UTC)
            held = next(pages, None)
            if held is not None and held.chunk == 0 and rows + held.rows > max_rows:
                return

    while held is not None:
        yield asked, batch()


class _Writer:
    """One package being written."""

    def __init__(
        self,
        zone: StreamZone,
        stream: Stream,
        kind: CursorKind,
        shape: Shape,
        org: str,
        cursor: datetime | None,
        overlap: timedelta,
        started: datetime,
    ) -> None:
        self._stream, self._kind, self._shape, self._org = stream, kind, shape, org
        self._cursor_before, self.cursor_after = cursor, cursor
        self._clock, self._started = monotonic(), started
        self._package = zone.new_package(kind, self._started)
        self._pages = PageWriter(self._package.folder)
        self._tail = Tail(shape, None if stream.whole else overlap)
        self.rows = 0

    def add(self, page: Page) -> None:
        """Land one page."""
        self._pages.add(page)
        self._tail.add(page)
        if page.chunk == 0:
            self.rows += page.rows
        if page.watermark and (self.cursor_after is None or page.watermark > self.cursor_after):
            self.cursor_after = page.watermark

    def known(self, digests: dict[str, str]) -> int:
        """How many rows the last read of this kind ended with, unchanged."""
        return self._tail.known(digests)

    def finish(self, shape_after: Shape, code_version: str) -> Package:
        """Make the package true."""
        shape = union_shape(self._shape, shape_after)
        _write_landed(
            self._package,
            shape,
            Landed(
                package=self._package.id,
                source=self._stream.source,
                org=self._org,
                stream=self._stream.name,
                api_name=self._stream.api_name,
                kind=self._kind,
                started_at=self._started,
                landed_at=datetime.now(UTC),
                cursor_before=self._cursor_before,
                cursor_after=self.cursor_after,
                received=self.rows,
                pages=self._pages.pages,
                seconds=round(monotonic() - self._clock, 3),
                files=[self._pages.close()],
                shape_hash=shape_hash(shape),
                code_version=code_version,
                tail=self._tail.digests(self.cursor_after),
            ),
        )
        return self._package

    def abandon(self) -> None:
        """Leave no trace."""
        self._pages.abandon()
        shutil.rmtree(self._package.folder)


def _write_landed(package: Package, shape: Shape, landed: Landed) -> None:
    shape_path = package.folder / SHAPE
    shape_path.touch(mode=0o600)
    shape_path.write_bytes(msgspec.json.encode(shape.to_json()))
    write_manifest(package.folder, LANDED, landed)
    step(
        "package landed", package=package.id, stream=f"{landed.source}.{landed.stream}", rows=landed.received
    )


def union_shape(before: Shape, after: Shape) -> Shape:
    """Metadata that changed while a package was read decodes with the union; the later type wins."""
    later = {f.name: f for f in after.fields}
    fields = tuple(later.pop(f.name, f) for f in before.fields) + tuple(later.values())
    return Shape(after.records, after.key, after.stamp, fields, after.timezone)


def shape_hash(shape: Shape) -> str:
    """Digest of the field metadata a package was read with."""
    return hashlib.sha256(msgspec.json.encode(shape.to_json())).hexdigest()


def _land_files(source: Source, stream: Stream, zone: StreamZone, code_version: str) -> Landing:
    """Each file is a package of its own: the file itself, copied, under a plain name."""
    packages = []
    shape = source.shape(stream, CursorKind.FILE)
    rows = 0
    for page in source.read(stream, Window(CursorKind.FILE)):
        assert isinstance(page.body, Path)
        clock, started = monotonic(), datetime.now(UTC)
        package = zone.new_package(CursorKind.FILE, started)
        copy = package.folder / f"file{page.body.suffix.lower()}"
        try:
            copy.touch(mode=0o600)
            with page.body.open("rb") as original, copy.open("wb") as file:
                shutil.copyfileobj(original, file, 1 << 20)
            entry = file_entry(copy)
            if page.sha256 and entry.sha256 != page.sha256:
                raise Problem(
                    "the file changed while it was read",
                    do="wait until it is complete; the next run reads it",
                    where=page.body.name,
                    transient=True,
                )
            landed = Landed(
                package=package.id,
                source=stream.source,
                org=source.org,
                stream=stream.name,
                api_name=stream.api_name,
                kind=CursorKind.FILE,
                started_at=started,
                landed_at=datetime.now(UTC),
                cursor_before=None,
                cursor_after=page.file_stamp,
                received=page.rows,
                pages=1,
                seconds=round(monotonic() - clock, 3),
                files=[entry],
                shape_hash=shape_hash(shape),
                code_version=code_version,
                file_name=page.body.name,
                file_stamp=page.file_stamp,
            )
            _write_landed(package, shape, landed)
        except BaseException:
            shutil.rmtree(package.folder)
            raise
        packages.append(package)
        rows += page.rows
    return Landing(tuple(packages), rows, 0)
