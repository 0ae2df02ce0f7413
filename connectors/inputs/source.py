"""The business's own spreadsheets as a source: what the inbox holds, input by input."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from connectors.core.contract import (
    CursorKind,
    Field,
    Finding,
    Page,
    Shape,
    Source,
    SourceContext,
    Stream,
    Table,
    Usage,
    Window,
)
from connectors.core.errors import Actor, Problem
from connectors.core.files.full_lists import speaking_lists
from connectors.core.files.grid import Peek
from connectors.core.files.inbox import InboxFile, look_through, unreadable
from connectors.core.files.limits import Limits
from connectors.core.files.parse import parse
from connectors.core.files.probe import look_at_sheets, look_at_sheets_here
from connectors.inputs.recognise import Holding, holding_of, in_doubt, recognise
from connectors.inputs.rows import EXAMPLE, RECORD_ID, Sheet, read_sheet
from connectors.inputs.schema import SOURCE, Schema

# People keep these by hand: what is larger is no such file. The limits also bound what is held in memory.
LIMITS = Limits(file_bytes=32 << 20, unpacked_bytes=512 << 20, cells=4_000_000, seconds=60)
ROWS = 200_000  # of a sheet: a row is a kilobyte or two while it is read
SHOWN = 20  # wrong cells of a sheet that one sentence names; the quarantine holds them all
LISTED = 1_000  # of these that `doctor` names


@dataclass(frozen=True, slots=True)
class _Found:
    """A file that holds an input, and in how many rows."""

    file: InboxFile
    rows: int


@dataclass(slots=True)
class _Read:
    """What a file holds: sheets of inputs, what is wrong, sheets that are none. refused: something in it that may
    be an input is not read."""

    problems: list[Problem]
    sheets: list[Sheet] = field(default_factory=list)
    unread: Sequence[str] = ()
    refused: bool = True

    def refuse(self, problem: Problem) -> None:
        """One sheet of it is not read."""
        self.problems.append(problem)
        self.refused = True


@dataclass(frozen=True, slots=True)
class _Inbox:
    """What one look through the inbox brought: sheets by input, oldest file first, of each input the digests of the
    new files that speak for a full list, and what is wrong."""

    found: Mapping[str, Sequence[_Found]]
    full: Mapping[str, frozenset[str]]
    problems: Sequence[Problem]
    findings: Sequence[Finding]


class Inputs(Source):
    """The inbox of one organisation. Looks through it once, when first asked, and remembers.

    Every file is looked at in every sync, known or not: a wrong cell is told for as long as its file lies there.
    `look`: how to see what an unknown file holds.
    """

    def __init__(
        self,
        context: SourceContext,
        schemas: Sequence[Schema],
        limits: Limits = LIMITS,
        look: Callable[[Path, Limits], Sequence[Peek]] = look_at_sheets,
    ) -> None:
        self.name, self.org, self.usage = SOURCE, context.org, Usage()
        self._context, self._schemas, self._limits = context, tuple(schemas), limits
        self._by_name = {schema.name: schema for schema in schemas}
        self._look_at = look
        self._lock = Lock()
        self._inbox: _Inbox | None = None

    def streams(self) -> Sequence[Stream]:
        """All inputs; one without files yields no pages."""
        return [schema.stream for schema in self._schemas]

    def kinds(self, stream: Stream) -> Sequence[CursorKind]:
        """Files only."""
        return (CursorKind.FILE,)

    def shape(self, stream: Stream, kind: CursorKind) -> Shape:
        """The declared columns; further ones of a file are known from `tabulate`."""
        return Shape("", RECORD_ID, None, stream.fields, self._context.timezone)

    def read(self, stream: Stream, window: Window) -> Iterator[Page]:
        """One page per file that holds this input and is new to it, oldest first; `rows` counts all rows below the
        header. A workbook of several inputs is a page of each."""
        inbox = self._look()
        for found in inbox.found.get(stream.name, ()):
            if self._is_known(stream.name, found.file):
                continue
            with self._lock:
                self.usage.bytes += found.file.bytes
            yield Page(
                body=found.file.path,
                rows=found.rows,
                request=found.file.place,
                file_stamp=found.file.stamp,
                sha256=found.file.sha256,
                full=found.file.sha256 in inbox.full[stream.name],
            )

    def problems(self) -> Sequence[Problem]:
        """One per sheet with wrong cells, and one per file or sheet that cannot be read at all."""
        return self._look().problems

    def examine(self) -> Iterator[Finding]:
        """What each file holds, and what of it is not read."""
        yield from self._look().findings

    def tabulate(self, file: Path, stream: Stream) -> tuple[Shape, Table]:
        """Shape and rows of a landed file: its one sheet of this input. A row with wrong cells says which. Raises
        Problem."""
        try:
            return read_sheet(file, self._holding(file, stream)).table(self._context.timezone)
        except Problem as problem:
            raise problem.located(source=self.name, stream=stream.name) from problem.__cause__

    def parse(self, field: Field, text: str) -> str | None:
        """See `core.files.parse`; cells of an input are canonical already."""
        return parse(field, text)

    def blank(
        self,
        file: Path,
        stream: Stream,
        cells: Mapping[int, Collection[str]],
        aliases: Mapping[int, str],
        target: Path,
    ) -> Path:
        """See `Source.blank`; a workbook comes out as .xlsx with the one sheet of this input."""
        from connectors.inputs.blank import blank  # a spreadsheet writer, rarely needed

        try:
            return blank(file, self._holding(file, stream), cells, target)
        except Problem as problem:
            raise problem.located(source=self.name, stream=stream.name) from problem.__cause__

    def _holding(self, file: Path, stream: Stream) -> Holding:
        # A landed file was let pass before: it needs no process of its own.
        peeks = look_at_sheets_here(file, self._limits)
        return holding_of(peeks, self._by_name[stream.name], self._schemas)

    def _look(self) -> _Inbox:
        with self._lock:
            if self._inbox is None:
                self._inbox = self._look_through()
                for problem in self._inbox.problems:
                    problem.located(source=self.name)
            return self._inbox

    def _look_through(self) -> _Inbox:
        files, problems = look_through(
            self._context.inbox, self._context.timezone, self._limits, settle=self._context.settle
        )
        refused = [problem.where for problem in problems]
        unseen: list[InboxFile] = []
        found: dict[str, list[_Found]] = {}
        findings: list[Finding] = []
        seen: set[str] = set()
        for file in files:
            if file.sha256 in seen:  # the same bytes under another name
                continue
            seen.add(file.sha256)
            read = self._read_file(file)
            if read.refused:
                unseen.append(file)
            for problem in read.problems:
                problem.where = file.place
            problems += read.problems
            for sheet in read.sheets:
                findings.append(_finding(file, sheet))
                if sheet.rows:
                    one = _Found(file, sheet.holding.rows)
                    found.setdefault(sheet.holding.schema.name, []).append(one)
            findings += [
                Finding(True, f"{file.place}: sheet {name} is no input and is not read.")
                for name in read.unread
            ]
        if findings and not (found or problems or any(self._context.known_files.values())):
            problems.append(_unfilled())
        full = {
            name: speaking_lists(
                [one.file for one in of if not self._is_known(name, one.file)], unseen, refused, problems
            )
            for name, of in found.items()
        }
        return _Inbox(found, full, problems, findings)

    def _is_known(self, stream: str, file: InboxFile) -> bool:
        return file.sha256 in self._context.known_files.get(stream, frozenset())

    def _read_file(self, file: InboxFile) -> _Read:
        try:
            return self._sheets(file)
        except OSError as error:
            return _Read([unreadable(error)])
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this file's, and the others are read
            return _Read([_failure(error)])

    def _sheets(self, file: InboxFile) -> _Read:
        peeks = self._look_at(file.path, self._limits)
        contents = recognise(file.path.stem, peeks, self._schemas)
        read = _Read(contents.problems, refused=bool(contents.problems), unread=contents.unread)
        for holding in contents.holdings:
            if holding_of(peeks, holding.schema, self._schemas).sheet != holding.sheet:
                read.refuse(_unclear(holding))
            elif holding.rows > ROWS or holding.rows * holding.width > self._limits.cells:
                read.refuse(_too_large(holding))
            else:
                try:
                    self._add(read, file, holding)
                except Problem as problem:
                    read.refuse(problem)
        return read

    def _add(self, read: _Read, file: InboxFile, holding: Holding) -> None:
        if holding.doubtful:
            read.problems.append(in_doubt(holding))
        sheet = read_sheet(file.path, holding)
        read.sheets.append(sheet)
        if sheet.faults:
            read.problems.append(_wrong_cells(sheet))


def _failure(error: Exception) -> Problem:
    if isinstance(error, Problem):
        return error
    return Problem(
        f"reading the file failed with {type(error).__name__}",
        do="Take it out of the inbox until this is mended",
        actor=Actor.DEVELOPER,
    )


def _unfilled() -> Problem:
    return Problem(
        "the inbox holds tables that nobody has filled in, and inputs are their rows",
        do="Fill them in below the header, save them in their place and run again; or take them out",
    )


def _too_large(holding: Holding) -> Problem:
    where = f"sheet {holding.sheet}" if holding.sheet else "the file"
    return Problem(
        f"{where} has {holding.rows:,} rows and {holding.width} columns of {holding.schema.label.zh}, more than a "
        "table that people keep",
        do="Delete empty rows and columns at its end, or keep it in several files",
    )


def _wrong_cells(sheet: Sheet) -> Problem:
    faults, wrong = sheet.faults, sum(bool(row.faults) for row in sheet.rows)
    cells = "; ".join(map(str, faults[:SHOWN]))
    more = f"; and {len(faults) - SHOWN} more" if len(faults) > SHOWN else ""
    return Problem(
        f"{wrong} of {len(sheet.rows)} rows of {sheet.holding.schema.label.zh} are set aside: {cells}{more}",
        do="Correct these cells and save the file in the place of this one; the other rows are in already",
    )


def _unclear(holding: Holding) -> Problem:
    label = holding.schema.label.zh
    return Problem(
        f"several sheets of the file could be {label}",
        do=f"Name the one that is meant {label}, and the others otherwise",
    )


def _finding(file: InboxFile, sheet: Sheet) -> Finding:
    holding = sheet.holding
    where = f"{file.place}, sheet {holding.sheet}" if holding.sheet else file.place
    examples = sum(reason == EXAMPLE for _, reason in sheet.skipped)
    parts = [f"{len(sheet.rows)} rows of {holding.schema.label.zh}"]
    parts += [f"{examples} example rows left out"] if examples else []
    if holding.others:
        parts.append(
            f"columns kept as text, since the input has none of these names: {'、'.join(holding.others.values())}"
        )
    if faults := sheet.faults:
        more = f"; and {len(faults) - LISTED} more" if len(faults) > LISTED else ""
        parts.append("wrong cells: " + "; ".join(map(str, faults[:LISTED])) + more)
    return Finding(not faults, f"{where}: {'; '.join(parts)}.")
