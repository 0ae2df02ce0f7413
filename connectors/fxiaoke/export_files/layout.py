"""The columns of one file: which field each is, under which name it is kept, and the shape they make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from connectors.core.contract import CELLS, NAME, NUMBER, RECORD_ID, Field, FieldType, Shape
from connectors.core.files.cells import letters
from connectors.core.files.normal import clean_label, match_label
from connectors.fxiaoke.export_files.columns import meaning
from connectors.fxiaoke.export_files.labels import ObjectLabels, Vocabulary

STAMP = "last_modified_time"
_LONGEST_NAME = 120


@dataclass(frozen=True, slots=True)
class Column:
    """index: 0-based place in the row. name: of the table's column (`owner.name` for a lookup). label: as in
    the file, without the mark of required fields; unique within it. factor: of the header's unit.
    blanks: cells that mean nothing here. declared: whether streams.yml knows it."""

    index: int
    name: str
    label: str
    field: Field
    factor: int
    blanks: frozenset[str]
    declared: bool


@dataclass(frozen=True, slots=True)
class Layout:
    """columns: those that become columns of the table, in file order. labels: for every place in the row the
    name under which its text is kept in `_cells`. ids, numbers, names: places of the keys."""

    columns: tuple[Column, ...]
    labels: tuple[str, ...]
    ids: tuple[int, ...]
    numbers: tuple[int, ...]
    names: tuple[int, ...]
    shape: Shape

    def table_columns(self) -> tuple[str, ...]:
        """Column names of the table, `_record_id` first, `_cells` last."""
        return (RECORD_ID, *(c.name for c in self.columns), NUMBER, NAME, CELLS)


def lay_out(header: Sequence[str], words: ObjectLabels, vocabulary: Vocabulary, timezone: str) -> Layout:
    """The layout of a file whose header row holds these texts.

    The first of two columns with the same meaning is the field; the second stays as text under its label.
    Columns without a label stay in `_cells` only.
    """
    declared = {f.name: f for f in words.stream.fields}
    personal = any(f.pii for f in words.stream.fields)
    taken = _Names([*declared, *(f"{name}.{part}" for name in declared for part in ("id", "name"))])
    labels = _Names(())
    kept_labels: list[str] = []
    columns: list[Column] = []
    meant: set[tuple[str, str]] = set()
    for index, cell in enumerate(header):
        label = labels.claim(clean_label(cell) or f"{letters(index)}列")
        kept_labels.append(label)
        if not clean_label(cell):
            continue
        found = meaning(cell, words, vocabulary)
        if found is None or (found.field, found.part) in meant:
            # A column nobody declared in an object with personal data may well hold some.
            field = Field(
                taken.claim(label.strip("_ ") or "column"), FieldType.TEXT, label=label, pii=personal
            )
            columns.append(Column(index, field.name, label, field, 1, vocabulary.blank_text, False))
            continue
        meant.add((found.field, found.part))
        field = replace(declared[found.field], label=label)
        name = f"{field.name}.{found.part}" if found.part else field.name
        columns.append(Column(index, name, label, field, found.factor, _blanks(field, vocabulary), True))
    return Layout(
        columns=tuple(columns),
        labels=tuple(kept_labels),
        ids=tuple(c.index for c in columns if c.name == "_id"),
        numbers=tuple(i for i, cell in enumerate(header) if match_label(cell) in words.number),
        names=tuple(_place(columns, name) for name in words.called if _place(columns, name) >= 0),
        shape=_shape(columns, words, timezone),
    )


def places(layout: Layout) -> dict[str, str]:
    """Column, and field, → letter and label, as a person finds it in the file."""
    found: dict[str, str] = {}
    for column in layout.columns:
        place = f"{letters(column.index)} {column.label}"
        found[column.name] = place
        found.setdefault(column.field.name, place)
    return found


def declared_shape(words: ObjectLabels, timezone: str) -> Shape:
    """The shape of an object of which there is no file."""
    fields = tuple(_labelled(f, words) for f in words.stream.fields)
    return Shape("", RECORD_ID, words.stream.stamp, fields, timezone)


def _shape(columns: Sequence[Column], words: ObjectLabels, timezone: str) -> Shape:
    present: dict[str, Field] = {}
    for column in columns:
        # 客户名称 names the field, 客户名称_唯一性ID beside it does not.
        if column.field.name not in present or column.name.endswith(".name"):
            present[column.field.name] = column.field
    absent = [_labelled(f, words) for f in words.stream.fields if f.name not in present]
    stamp = STAMP if STAMP in present else None
    return Shape("", RECORD_ID, stamp, (*present.values(), *absent), timezone)


def _labelled(field: Field, words: ObjectLabels) -> Field:
    return replace(field, label=words.shown.get(field.name, field.label))


def _blanks(field: Field, vocabulary: Vocabulary) -> frozenset[str]:
    match field.type:
        case FieldType.LOOKUP:
            return vocabulary.blank_lookup
        case FieldType.TEXT | FieldType.JSON:
            return vocabulary.blank_text
        case _:
            return frozenset({""})  # `parse` knows what else means nothing


def _place(columns: Sequence[Column], name: str) -> int:
    return next((c.index for c in columns if c.name == name), -1)


class _Names:
    """Hands out names that differ, also for an engine that does not tell capitals apart."""

    def __init__(self, taken: Sequence[str]) -> None:
        self._taken = {name.casefold() for name in taken}

    def claim(self, wanted: str) -> str:
        wanted = wanted[:_LONGEST_NAME]
        name, count = wanted, 1
        while name.casefold() in self._taken:
            count += 1
            name = f"{wanted}_{count}"
        self._taken.add(name.casefold())
        return name
