"""Reading a stream into packages: cursors, chains, and what the overlap brings again."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic

import msgspec

from connectors.core.contract import CursorKind, Field, Page, Shape, Source, Stream, Usage, Window
from connectors.core.errors import Problem
from connectors.core.limits import spending
from pipelines.faults import step
from pipelines.files import sync_file
from pipelines.landing.archives import ArchiveWriter
from pipelines.landing.pages import PageWriter
from pipelines.landing.redaction.archives import redacted_archive
from pipelines.landing.redaction.arrivals import refuse_unwanted, without_erased
from pipelines.landing.redaction.erased import Erasures, all_lists, landing_policy
from pipelines.landing.redaction.redact import SOURCE, Found, Policy, cleaned, redacted, redactions
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
    backfill: str = "",
    run: str = "",
    code_version: str = "",
    max_rows: int = MAX_ROWS,
    unwanted: Collection[str] = (),
    keys: Sequence[str] = (),
) -> Landing:
    """Read everything since the stream's cursor of this kind into new packages.

    full: from the beginning, cursor kept. backfill: name of the backfill, which has a cursor of its own, goes
    on behind its last complete package, and is done once its read has ended. run: who reads, for the
    manifests. unwanted: fields whose values are not kept; nor is what is personal of an erased record. keys:
    only these records. A read that was stopped and can go on is ended first, and what changed behind it meanwhile is
    read next. Raises Problem from the source; complete packages stay landed, and of the package in flight what a
    watermark or a resume stands behind.
    """
    facts = _Facts(overlap, full, backfill, run, code_version, max_rows, tuple(unwanted), tuple(keys))
    stopped = (
        kind not in (CursorKind.FILE, CursorKind.SWEEP) and not full and _resumable(zone, kind, backfill)
    )
    landing = _land(source, stream, kind, zone, facts)
    if not stopped:
        return landing
    ended = landing.packages[-1].landed if landing.packages else None
    if ended and (ended.cursor_after is None or stream.whole):
        return landing  # all that another read could do is to begin anew
    more = _land(source, stream, kind, zone, replace(facts, passed_over=ended is None))
    return Landing(
        landing.packages + more.packages, landing.rows + more.rows, landing.known_again + more.known_again
    )


@dataclass(frozen=True, slots=True)
class _Facts:
    """What `land` was asked. passed_over: the read that was stopped has nothing left to bring, so another begins."""

    overlap: timedelta
    full: bool
    backfill: str
    run: str
    code_version: str
    max_rows: int
    unwanted: tuple[str, ...]
    keys: tuple[str, ...]
    passed_over: bool = False


def _resumable(zone: StreamZone, kind: CursorKind, backfill: str) -> bool:
    newest = zone.newest(kind, backfill)
    return bool(newest and newest.resume and not newest.last)


def _land(source: Source, stream: Stream, kind: CursorKind, zone: StreamZone, asked_for: _Facts) -> Landing:
    """One read."""
    full, backfill, overlap = asked_for.full, asked_for.backfill, asked_for.overlap
    run, code_version, unwanted = asked_for.run, asked_for.code_version, asked_for.unwanted
    lists = all_lists(zone.root, source.name, source.org)
    if kind is CursorKind.FILE:
        refuse_unwanted(stream, unwanted)
        return _land_files(source, stream, zone, lists, run, code_version)
    policy = landing_policy(lists, stream, unwanted)
    newest = zone.newest(kind, backfill)
    if backfill and newest and newest.last:
        return Landing((), 0, 0)
    cursor = newest.cursor_after if newest else None
    if kind is CursorKind.SWEEP:  # each looks at everything that exists
        cursor, newest = None, None
    swept = zone.swept() if kind is CursorKind.DELETED else None  # a sweep saw what was deleted before it
    start = max((moment for moment in (cursor, swept) if moment), default=None)
    since = start - overlap if start and not full and not stream.whole else None
    # A read that is to end a stopped one is kept even where it brings nothing new, or it would be made at each sync.
    known = newest.tail if newest and not full and not asked_for.passed_over else {}
    goes_on = newest and not newest.last and not full and not asked_for.passed_over
    resume = newest.resume if newest and goes_on else ""
    if resume:  # the read that was stopped is ended first
        since, known = None, {}
    if backfill:  # what the overlap brings again completes the chain
        known = {}
    whole = newest.full if newest and resume else since is None  # what a stopped read was, its end is
    shape = source.shape(stream, kind)
    read = _Read(source, stream, kind, zone, shape, overlap, backfill, whole, run, code_version, policy)
    packages: list[Package] = []
    seen = again = 0
    with spending() as usage:
        cuts = _Cuts(source.read(stream, Window(kind, since, asked_for.keys, resume)), asked_for.max_rows)
        for asked, batch in cuts:
            step("package begun", stream=f"{stream.source}.{stream.name}", kind=kind)
            writer = _Writer(read, cursor, asked)
            try:
                for page in batch:
                    writer.add(page)
                seen += writer.rows
                again_here = writer.known(known)
                if writer.rows == 0 or again_here == writer.rows:
                    again += again_here
                    writer.abandon()
                else:
                    first = packages[0].id if packages else writer.package.id
                    packages.append(writer.finish(first, usage, last=cuts.ended))
                    cursor = writer.cursor_after
            except Problem:
                writer.stopped = True
                # What is whole stays: the next read goes on from there.
                if writer.whole and writer.known(known) < writer.rows:
                    writer.finish(packages[0].id if packages else writer.package.id, usage, last=False)
                else:
                    writer.abandon()
                raise
            except BaseException:
                writer.abandon()
                raise
    return Landing(tuple(packages), seen, again)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A moment by the wall clock, which may step, and by one that counts seconds only."""

    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    clock: float = field(default_factory=monotonic)


class _Cuts:
    """A read cut into chains of at most `max_rows` rows, never between a page and its field chunks.

    Each comes with the moment its first page was asked for (`_Asked`): existence is ordered by it, so it must
    not be later. ended: the last page was given out.
    """

    def __init__(self, pages: Iterator[Page], max_rows: int) -> None:
        self._pages, self._max_rows = pages, max_rows
        self._asked = _Asked()
        self._held: Page | None = next(pages, None)

    @property
    def ended(self) -> bool:
        return self._held is None

    def __iter__(self) -> Iterator[tuple[_Asked, Iterator[Page]]]:
        while self._held is not None:
            yield self._asked, self._batch()

    def _batch(self) -> Iterator[Page]:
        rows, page = 0, self._held
        while page is not None:
            rows += page.rows if page.chunk == 0 else 0
            yield page
            self._asked = _Asked()
            self._held = page = next(self._pages, None)
            if page is not None and page.chunk == 0 and rows + page.rows > self._max_rows:
                return


@dataclass(frozen=True, slots=True)
class _Read:
    """What all packages of one read have in common."""

    source: Source
    stream: Stream
    kind: CursorKind
    zone: StreamZone
    shape: Shape
    overlap: timedelta
    backfill: str
    full: bool
    run: str
    code_version: str
    policy: Policy


class _Writer:
    """One package being written."""

    def __init__(self, read: _Read, cursor: datetime | None, asked: _Asked) -> None:
        self._read = read
        self._cursor_before, self.cursor_after = cursor, cursor
        self._clock = asked.clock
        self.package = read.zone.new_package(read.kind, asked.at)
        self._pages: PageWriter | ArchiveWriter | None = None
        self._request = self._resume = ""
        self._tail = Tail(read.shape, None if read.stream.whole else read.overlap)
        self._found: Found = set()
        self.rows = 0
        self.whole = False  # a read can go on behind everything that was added
        self.stopped = False  # the source has given up

    def add(self, page: Page) -> None:
        """Land one page, without what must not be kept."""
        redactor = redacted_archive if page.archive else redacted
        page = cleaned(page, self._read.shape, self._read.policy, self._found, redactor)
        self._found.update((SOURCE, name) for name in page.redacted)
        if self._pages is None:
            self._pages = (ArchiveWriter if page.archive else PageWriter)(self.package.folder)
            self._request = page.request
        self._pages.add(page)
        self._tail.add(page)
        self._resume = page.resume
        if page.chunk == 0:
            self.rows += page.rows
        self.whole = page.watermark is not None or bool(page.resume)
        # `anew` takes a cursor back that had run ahead of the CRM's own time.
        if page.watermark and (page.anew or self.cursor_after is None or page.watermark > self.cursor_after):
            self.cursor_after = page.watermark

    def known(self, digests: dict[str, str]) -> int:
        """How many rows the last read of this kind ended with, unchanged."""
        return self._tail.known(digests)

    def finish(self, first: str, usage: Usage, *, last: bool) -> Package:
        """Make the package true. first: of its chain; usage: of the read so far, taken over by this package."""
        read, stream = self._read, self._read.stream
        assert self._pages is not None
        shape = union_shape(read.shape, self._shape_now())
        calls, credits = usage.calls, usage.credits
        usage.calls = usage.credits = 0
        _write_landed(
            self.package,
            shape,
            Landed(
                package=self.package.id,
                source=stream.source,
                org=read.source.org,
                stream=stream.name,
                api_name=stream.api_name,
                kind=read.kind,
                backfill=read.backfill,
                full=read.full,
                read=first,
                last=last,
                started_at=self.package.began,
                landed_at=datetime.now(UTC),
                cursor_before=self._cursor_before,
                cursor_after=self.cursor_after,
                received=self.rows,
                pages=self._pages.pages,
                seconds=round(monotonic() - self._clock, 3),
                calls=calls,
                credits=credits,
                files=self._pages.close(),
                shape_hash=shape_hash(shape),
                run=read.run,
                resume="" if last else self._resume,
                request=self._request,
                code_version=read.code_version,
                redactions=redactions(self._found, datetime.now(UTC)),
                # The next sweep looks at everything again, whatever this one saw.
                tail={} if read.kind is CursorKind.SWEEP else self._tail.digests(self.cursor_after),
            ),
        )
        return self.package

    def _shape_now(self) -> Shape:
        try:
            return self._read.source.shape(self._read.stream, self._read.kind)
        except Problem:
            if not self.stopped:
                raise
            return self._read.shape  # what stopped the read may keep the metadata from being asked for

    def abandon(self) -> None:
        """Leave no trace."""
        if self._pages is not None:
            self._pages.abandon()
        shutil.rmtree(self.package.folder)


def _write_landed(package: Package, shape: Shape, landed: Landed) -> None:
    shape_path = package.folder / SHAPE
    shape_path.touch(mode=0o600)
    shape_path.write_bytes(msgspec.json.encode(shape.to_json()))
    sync_file(shape_path)
    write_manifest(package.folder, LANDED, landed)
    step(
        "package landed", package=package.id, stream=f"{landed.source}.{landed.stream}", rows=landed.received
    )


def union_shape(before: Shape, after: Shape) -> Shape:
    """Metadata that changed while a package was read decodes with the union; the later type wins."""
    later = {f.name: f for f in after.fields}
    fields = tuple(_later(f, later.pop(f.name, f)) for f in before.fields) + tuple(later.values())
    return Shape(after.records, after.key, after.stamp, fields, after.timezone)


def _later(before: Field, after: Field) -> Field:
    """The later field; records read earlier may hold what was taken off its list meanwhile."""
    if before.options == after.options or not (before.options and after.options):
        return after
    return after.offering((*after.options, *before.options))


def shape_hash(shape: Shape) -> str:
    """Digest of the field metadata a package was read with."""
    return hashlib.sha256(msgspec.json.encode(shape.to_json())).hexdigest()


def _land_files(
    source: Source,
    stream: Stream,
    zone: StreamZone,
    lists: Mapping[str, Erasures],
    run: str,
    code_version: str,
) -> Landing:
    """Each file is a package of its own: the file itself, copied, under a plain name."""
    packages = []
    shape = source.shape(stream, CursorKind.FILE)
    rows = 0
    for page in source.read(stream, Window(CursorKind.FILE)):
        assert isinstance(page.body, Path)
        clock = monotonic()
        package = zone.new_package(CursorKind.FILE, datetime.now(UTC))
        copy = package.folder / f"file{page.body.suffix.lower()}"
        try:
            copy.touch(mode=0o600)
            with page.body.open("rb") as original, copy.open("wb") as file:
                shutil.copyfileobj(original, file, 1 << 20)
            sync_file(copy)
            entry = file_entry(copy)
            if page.sha256 and entry.sha256 != page.sha256:
                raise Problem(
                    "the file changed while it was read",
                    do="wait until it is complete; the next run reads it",
                    where=page.body.name,
                    transient=True,
                )
            kept, found = without_erased(source, stream, copy, lists)
            landed = Landed(
                package=package.id,
                source=stream.source,
                org=source.org,
                stream=stream.name,
                api_name=stream.api_name,
                kind=CursorKind.FILE,
                started_at=package.began,
                landed_at=datetime.now(UTC),
                cursor_before=None,
                cursor_after=page.file_stamp,
                received=page.rows,
                pages=1,
                seconds=round(monotonic() - clock, 3),
                files=[entry if kept is copy else file_entry(kept)],
                originals=[] if kept is copy else [entry],
                redactions=redactions(found, datetime.now(UTC)),
                shape_hash=shape_hash(shape),
                run=run,
                code_version=code_version,
                read=package.id,
                file_name=page.body.name,
                file_stamp=page.file_stamp,
                full=page.full,
                request=page.request,
            )
            _write_landed(package, shape, landed)
        except BaseException:
            shutil.rmtree(package.folder)
            raise
        packages.append(package)
        rows += page.rows
    return Landing(tuple(packages), rows, 0)
