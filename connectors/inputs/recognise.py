"""Which input each sheet of a file is. Never a guess: what is not certain is refused with a sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from connectors.core.errors import Problem
from connectors.core.files.cells import letters
from connectors.core.files.grid import Peek
from connectors.core.files.limits import HEADER_ROWS
from connectors.core.files.normal import clean_label, match_label
from connectors.core.files.numbers import number
from connectors.inputs.schema import Column, Schema

NOTES = frozenset(map(match_label, ("说明", "填写说明", "notes")))
_UNIT = re.compile(r"^(?P<label>.+)\((?P<unit>[^()]+)\)$")
_SEEN = 12


@dataclass(frozen=True, slots=True)
class Place:
    """Where a column of a sheet is. index: 0-based. factor: of the unit in its header."""

    index: int
    label: str
    factor: int = 1


@dataclass(frozen=True, slots=True)
class Holding:
    """A sheet of one input. row: of the header, 1-based. places: column → where it is. others: labels that the
    input does not know, by place. rows: all rows below the header."""

    schema: Schema
    sheet: str
    row: int
    places: Mapping[str, Place]
    others: Mapping[int, str]
    rows: int

    @property
    def width(self) -> int:
        """Columns, up to the last one with a header."""
        return 1 + max((*(place.index for place in self.places.values()), *self.others))

    @property
    def doubtful(self) -> tuple[str, ...]:
        """Columns that the sheet lacks, so that every row has their default, while it has others that the input does
        not know: one may be the other under another name."""
        columns = self.schema.columns.items()
        lacks = (
            n for n, c in columns if n not in self.places and (c.default is not None or n in self.schema.key)
        )
        return tuple(lacks) if self.others else ()


@dataclass(slots=True)
class Contents:
    """What a file holds. unread: sheets that are no input, beside others that are."""

    holdings: list[Holding] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)


def recognise(file_stem: str, peeks: Sequence[Peek], schemas: Sequence[Schema]) -> Contents:
    """Every input in a file, one sheet each; what keeps a sheet from being one is a problem of its own."""
    sheets = [peek for peek in peeks if not _is_notes(peek.sheet) and _filled(peek)]
    contents = Contents()
    if not sheets:
        contents.problems.append(
            Problem(
                "the file is empty", do="Fill it in (`crm-warehouse template` writes one), or take it out"
            )
        )
    for peek in sheets:
        try:
            found = _holding(file_stem if len(sheets) == 1 else "", peek, schemas)
        except Problem as problem:
            contents.problems.append(problem)
            continue
        if found is None:
            contents.unread.append(peek.sheet)
            continue
        if set(found.doubtful) & set(found.schema.key):
            contents.problems.append(in_doubt(found))
        else:
            contents.holdings.append(found)
    if contents.unread and not contents.holdings and not contents.problems:
        contents.problems.append(_unknown(sheets[0], schemas))
    _refuse_twins(contents)
    return contents


def holding_of(peeks: Sequence[Peek], schema: Schema, schemas: Sequence[Schema]) -> Holding:
    """The sheet of a file that holds this input, whatever the file is called. Raises Problem when none does."""
    sheets = [peek for peek in peeks if not _is_notes(peek.sheet) and _filled(peek)]
    for peek in sheets:
        with suppress(Problem):
            found = _holding("", peek, schemas)
            if found and found.schema.name == schema.name:
                return found
    for peek in sheets:  # the file's name had decided
        fit = _fit(peek, schema)
        if fit and not _missing(fit):
            return fit
    raise Problem(f"no sheet of the file holds {schema.label.zh}", do="Put the file in again as it was")


def in_doubt(holding: Holding) -> Problem:
    """Why a sheet is read with doubts, or not at all: see `Holding.doubtful`."""
    lacks = "、".join(holding.schema.columns[name].label.zh for name in holding.doubtful)
    others = "、".join(holding.others.values())
    is_key = set(holding.doubtful) & set(holding.schema.key)
    left_out = ", and what tells rows apart is among them: the sheet is not read" if is_key else ""
    return Problem(
        f"{_called(holding.sheet)} has columns that {holding.schema.label.zh} does not know ({others}), while it "
        f"lacks {lacks}{left_out}",
        do="Give the columns that are meant these names, and add the others, empty",
    )


def _refuse_twins(contents: Contents) -> None:
    for schema in {h.schema.name: h.schema for h in contents.holdings}.values():
        twins = [h.sheet for h in contents.holdings if h.schema is schema]
        if len(twins) > 1:
            contents.holdings = [h for h in contents.holdings if h.schema is not schema]
            contents.problems.append(
                Problem(
                    f"the sheets {' and '.join(twins)} both hold {schema.label.zh}, and one file has one sheet of each",
                    do="Put their rows under one header, or move one sheet into a file of its own",
                )
            )


def _holding(file_stem: str, peek: Peek, schemas: Sequence[Schema]) -> Holding | None:
    schema = _named(peek.sheet, schemas) or _named(file_stem, schemas)
    if schema is not None:
        fit = _fit(peek, schema)
        missing = _missing(fit) if fit else schema.required
        if fit and not missing:
            return _refuse_doubled_columns(fit)
        if match_label(peek.sheet) in schema.called or len(missing) < len(schema.required):
            raise _lacking(peek, schema, missing)
    fits = [fit for s in schemas if (fit := _fit(peek, s)) and not _missing(fit)]
    most = max((len(fit.places) for fit in fits), default=0)
    best = [fit for fit in fits if len(fit.places) == most]
    if len(best) > 1:
        raise Problem(
            f"{_called(peek.sheet)} fits {' and '.join(fit.schema.label.zh for fit in best)} equally well",
            do=f"Name the sheet {' or '.join(fit.schema.label.zh for fit in best)}",
        )
    return _refuse_doubled_columns(best[0]) if best else None


def _named(text: str, schemas: Sequence[Schema]) -> Schema | None:
    """The input whose longest name is in a sheet's or file's name; none where two are as long."""
    wanted = match_label(text)
    found = {
        schema.name: (longest, schema)
        for schema in schemas
        if (longest := max((len(word) for word in schema.called if word in wanted), default=0))
    }
    most = max((length for length, _ in found.values()), default=0)
    best = [schema for length, schema in found.values() if length == most]
    return best[0] if len(best) == 1 else None


def _fit(peek: Peek, schema: Schema) -> Holding | None:
    """The sheet read as this input: the row among the first ten that knows most of its columns."""
    rows = enumerate(peek.head[:HEADER_ROWS], 1)
    fits = [(places, number) for number, row in rows if (places := dict(_places(row, schema)))]
    if not fits:
        return None
    places, row = max(fits, key=lambda fit: len(fit[0]))
    known = {place.index for place in places.values()}
    others = {i: clean_label(cell) for i, cell in enumerate(peek.head[row - 1]) if i not in known}
    others = {i: label for i, label in others.items() if label}
    return Holding(schema, peek.sheet, row, places, others, peek.last_row - row)


def _refuse_doubled_columns(holding: Holding) -> Holding:
    for index, label in holding.others.items():
        name, _ = _meaning(label, holding.schema)
        if name:
            first, second = letters(holding.places[name].index), letters(index)
            raise Problem(
                f"the columns {first} and {second} of {_called(holding.sheet)} are both "
                f"{holding.schema.columns[name].label.zh}",
                do="Take one of them out, or give it another header",
            )
    return holding


def _places(row: Sequence[str], schema: Schema) -> Iterator[tuple[str, Place]]:
    seen: set[str] = set()
    for index, cell in enumerate(row):
        name, factor = _meaning(cell, schema)
        if name and name not in seen:
            seen.add(name)
            yield name, Place(index, clean_label(cell), factor)


def _meaning(cell: str, schema: Schema) -> tuple[str, int]:
    """Column and unit factor of a header cell; "" for one that the input does not know."""
    wanted = match_label(cell)
    if wanted in schema.labels:
        return schema.labels[wanted], 1
    match = _UNIT.match(wanted)
    if match and match["label"] in schema.labels:
        name = schema.labels[match["label"]]
        factor = _factor(schema.columns[name], match["unit"])
        return (name, factor) if factor else ("", 1)
    return "", 1


def _factor(column: Column, unit: str) -> int:
    """What a unit in a header multiplies by; 0 for one that we do not know."""
    if not column.is_number:
        return 0
    if unit == match_label(column.unit):
        return 1
    found = number(f"1{unit}")
    return int(found[0]) if found and found[1] else 0


def _missing(fit: Holding) -> tuple[str, ...]:
    return tuple(name for name in fit.schema.required if name not in fit.places)


def _is_notes(sheet: str) -> bool:
    return match_label(sheet) in NOTES


def _filled(peek: Peek) -> bool:
    return peek.last_row > len(peek.head) or any(cell.strip() for row in peek.head for cell in row)


def _called(sheet: str) -> str:
    return f"sheet {sheet}" if sheet else "the file"


def _lacking(peek: Peek, schema: Schema, missing: Sequence[str]) -> Problem:
    labels = "、".join(f"{schema.columns[n].label.zh} ({schema.columns[n].label.en})" for n in missing)
    return Problem(
        f"{_called(peek.sheet)} is named {schema.label.zh}, but its header lacks {labels}; seen: {_seen(peek)}",
        do=f"Add the columns; `crm-warehouse template {schema.name}` writes a sheet that has them all",
    )


def _unknown(peek: Peek, schemas: Sequence[Schema]) -> Problem:
    labels = "、".join(schema.label.zh for schema in schemas)
    return Problem(
        f"{_called(peek.sheet)} is none of the inputs ({labels}); seen: {_seen(peek)}",
        do="Name the sheet as one of them and keep its header; `crm-warehouse template` writes sheets to fill in",
    )


def _seen(peek: Peek) -> str:
    fullest = max(peek.head[:HEADER_ROWS], key=lambda row: sum(bool(c.strip()) for c in row), default=())
    labels = [" ".join(cell.split())[:40] for cell in fullest if cell.strip()]
    return "、".join(labels[:_SEEN]) + (f" … ({len(labels)} in all)" if len(labels) > _SEEN else "")
