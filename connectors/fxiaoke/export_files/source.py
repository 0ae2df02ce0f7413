"""Export files as a source: what the inbox holds, stream by stream."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from connectors.core.contract import (
    BY_NAME,
    CursorKind,
    Field,
    Page,
    Shape,
    Source,
    SourceContext,
    Stream,
    Table,
    Usage,
    Window,
)
from connectors.core.errors import Problem
from connectors.core.files.full_lists import speaking_lists
from connectors.core.files.grid import Peek
from connectors.core.files.inbox import InboxFile, look_through, unreadable
from connectors.core.files.limits import Limits
from connectors.core.files.parse import parse
from connectors.core.files.probe import look
from connectors.core.files.room import Room
from connectors.fxiaoke.export_files.labels import Vocabulary, load_vocabulary
from connectors.fxiaoke.export_files.layout import declared_shape
from connectors.fxiaoke.export_files.override import NAME as OVERRIDE
from connectors.fxiaoke.export_files.override import read_override
from connectors.fxiaoke.export_files.recognise import Recognised, recognise
from connectors.fxiaoke.export_files.rows import tabulate


@dataclass(frozen=True, slots=True)
class _Found:
    """A new file and whose records it holds."""

    file: InboxFile
    holds: Recognised


@dataclass(frozen=True, slots=True)
class _Inbox:
    """What one look through the inbox brought: new files by stream, oldest first, what is no export, and the digests
    of the files that speak for a full list."""

    new: Mapping[str, Sequence[_Found]]
    problems: Sequence[Problem]
    full: frozenset[str] = frozenset()


class FxiaokeExport(Source):
    """The inbox of one organisation. Looks through it once, when first asked, and remembers.

    A tenant's labels.yml is read then too. While that is wrong, no file is read at all: a file landed under
    wrong labels would count as known ever after. `look`: how to see what an unknown file holds.
    """

    def __init__(
        self,
        context: SourceContext,
        streams: Sequence[Stream],
        limits: Limits | None = None,
        look: Callable[[Path, Limits], Peek] = look,
    ) -> None:
        self.name, self.org, self.usage = "fxiaoke_export", context.org, Usage()
        self._context, self._streams, self._limits = context, tuple(streams), limits or Limits()
        self._peek = look
        self._lock = Lock()
        self._declared = load_vocabulary(self._streams, {})
        self._words: Vocabulary | None = None
        self._inbox: _Inbox | None = None
        self._room: Room | None = None

    def streams(self) -> Sequence[Stream]:
        """All declared streams; one without files yields no pages."""
        return self._streams

    def kinds(self, stream: Stream) -> Sequence[CursorKind]:
        """Files only."""
        return (CursorKind.FILE,)

    def shape(self, stream: Stream, kind: CursorKind) -> Shape:
        """The declared fields; the shape of a file is known from `tabulate`."""
        return declared_shape(self._declared.objects[stream.name], self._context.timezone)

    def read(self, stream: Stream, window: Window) -> Iterator[Page]:
        """One page per file that is new, oldest export first; `rows` counts all rows below its header."""
        inbox = self._look()
        for found in inbox.new.get(stream.name, ()):
            with self._lock:
                self.usage.bytes += found.file.bytes
            yield Page(
                body=found.file.path,
                rows=found.holds.rows,
                request=found.file.place,
                file_stamp=found.file.stamp,
                sha256=found.file.sha256,
                full=found.file.sha256 in inbox.full,
            )

    def problems(self) -> Sequence[Problem]:
        """One per file that is no readable export; or the one that keeps the inbox from being read."""
        return self._look().problems

    def tabulate(self, file: Path, stream: Stream) -> tuple[Shape, Table]:
        """Shape and rows of a landed file, by its content and the labels in force. Raises Problem.

        `Table.rows` is a generator; `Table.skipped` is complete once it is exhausted.
        """
        try:
            words = self._vocabulary()
            return tabulate(file, words.objects[stream.name], words, self._context.timezone)
        except Problem as problem:
            raise problem.located(source=self.name, stream=stream.name) from problem.__cause__

    def parse(self, field: Field, text: str) -> str | None:
        """See `export_files.parse`."""
        return parse(field, text)

    def alias_key(self, key: str, alias: str) -> str | None:
        """A file without ids and numbers tells people apart by their names."""
        return f"{BY_NAME}{alias}" if key.startswith(BY_NAME) else None

    def blank(
        self,
        file: Path,
        stream: Stream,
        cells: Mapping[int, Collection[str]],
        aliases: Mapping[int, str],
        target: Path,
    ) -> Path:
        """See `Source.blank`; a workbook comes out as .xlsx with the one sheet that is read."""
        from connectors.fxiaoke.export_files.blank import blank  # a spreadsheet writer, rarely needed

        try:
            words = self._vocabulary()
            return blank(file, cells, aliases, target, words.objects[stream.name], words)
        except Problem as problem:
            raise problem.located(source=self.name, stream=stream.name) from problem.__cause__

    def close(self) -> None:
        """Remove what was unpacked."""
        if self._room is not None:
            self._room.close()

    def _vocabulary(self) -> Vocabulary:
        if self._words is None:
            self._words = load_vocabulary(self._streams, read_override(self._context.inbox, self._streams))
        return self._words

    def _look(self) -> _Inbox:
        with self._lock:
            if self._inbox is None:
                self._inbox = self._look_through()
                for problem in self._inbox.problems:
                    problem.located(source=self.name)
            return self._inbox

    def _look_through(self) -> _Inbox:
        try:
            words = self._vocabulary()
        except Problem as problem:
            return _Inbox({}, [problem])
        landed = frozenset().union(*self._context.known_files.values())
        self._room = Room(self._context.cache)
        files, problems = look_through(
            self._context.inbox,
            self._context.timezone,
            self._limits,
            settings=(OVERRIDE,),
            room=self._room.path,
            known=landed,
            settle=self._context.settle,
        )
        refused = [problem.where for problem in problems]
        new: dict[str, list[_Found]] = {}
        unread: list[InboxFile] = []
        seen = set(landed)
        for file in files:
            if file.sha256 in seen:
                continue
            try:
                holds = recognise(file.path.stem, self._peek(file.path, self._limits), words)
            except Problem as problem:
                unread.append(file)
                problems.append(_at(problem, file))
                continue
            except OSError as error:
                unread.append(file)
                problems.append(_at(unreadable(error), file))
                continue
            seen.add(file.sha256)
            new.setdefault(holds.stream, []).append(_Found(file, holds))
        lists = {stream: [found.file for found in of] for stream, of in new.items()}
        speaking = {stream: speaking_lists(of, unread, refused, problems) for stream, of in lists.items()}
        return _Inbox(new, problems, frozenset().union(*speaking.values()))


def _at(problem: Problem, file: InboxFile) -> Problem:
    problem.where = file.place
    return problem
