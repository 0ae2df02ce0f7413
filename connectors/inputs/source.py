"""The business's own spreadsheets as a source: what the inbox holds, input by input."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
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
from connectors.core.errors import Problem
from connectors.core.files.full_lists import speaking_lists
from connectors.core.files.grid import Peek
from connectors.core.files.inbox import InboxFile, look_through
from connectors.core.files.limits import Limits
from connectors.core.files.parse import parse
from connectors.core.files.probe import look_at_sheets, look_at_sheets_here
from connectors.inputs.recognise import Holding, holding_of, recognise
from connectors.inputs.rows import EXAMPLE, RECORD_ID, Sheet, read_sheet
from connectors.inputs.schema import SOURCE, Schema

# People keep these by hand: what is larger is no such file. The limits also bound what is held in memory.
LIMITS = Limits(file_bytes=32 << 20, unpacked_bytes=512 << 20, cells=4_000_000, seconds=60)
SHOWN = 20  # wrong cells of a sheet that one sentence names; the quarantine holds them all


@dataclass(frozen=True, slots=True)
class _Found:
    """A file and a sheet of it, read."""

    file: InboxFile
    sheet: Sheet


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
                rows=found.sheet.holding.rows,
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
            try:
                sheets, wrong, unread = self._sheets(file)
            except Problem as problem:
                wrong, sheets, unread = [problem], [], []
                unseen.append(file)
            except OSError as error:
                what = f"the file cannot be read: {(error.strerror or 'unknown error').lower()}"
                wrong, sheets, unread = [Problem(what, do="Check its permissions, or copy it again")], [], []
            for problem in wrong:
                problem.where = file.place
            problems += wrong
            for sheet in sheets:
                findings.append(_finding(file, sheet))
                if sheet.rows:
                    found.setdefault(sheet.holding.schema.name, []).append(_Found(file, sheet))
            findings += [
                Finding(True, f"{file.place}: sheet {name} is no input and is not read.") for name in unread
            ]
        full = {
            name: speaking_lists(
                [one.file for one in of if not self._is_known(name, one.file)], unseen, refused, problems
            )
            for name, of in found.items()
        }
        return _Inbox(found, full, problems, findings)

    def _is_known(self, stream: str, file: InboxFile) -> bool:
        return file.sha256 in self._context.known_files.get(stream, frozenset())

    def _sheets(self, file: InboxFile) -> tuple[list[Sheet], list[Problem], list[str]]:
        """The sheets of a file that hold inputs, what is wrong in it, and its other sheets. Raises Problem."""
        peeks = self._look_at(file.path, self._limits)
        contents = recognise(file.path.stem, peeks, self._schemas)
        sheets, problems = [], list(contents.problems)
        for holding in contents.holdings:
            if holding_of(peeks, holding.schema, self._schemas).sheet != holding.sheet:
                problems.append(_unclear(holding))
                continue
            sheet = read_sheet(file.path, holding)
            sheets.append(sheet)
            if sheet.faults:
                problems.append(_wrong_cells(sheet))
        return sheets, problems, contents.unread


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
    if sheet.faults:
        parts.append("wrong cells: " + "; ".join(map(str, sheet.faults)))
    return Finding(not sheet.faults, f"{where}: {'; '.join(parts)}.")
