"""What each header cell means for one object."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from connectors.core.contract import FieldType
from connectors.core.files.limits import HEADER_ROWS
from connectors.core.files.normal import match_label
from connectors.fxiaoke.export_files.labels import ObjectLabels, Vocabulary, is_numeric

_ID_OF = match_label("_唯一性ID")  # 客户名称_唯一性ID stands beside 客户名称 and holds the record's id
_UNIT = re.compile(r"^(?P<label>.+)\((?P<unit>[^()]+)\)$")


@dataclass(frozen=True, slots=True)
class Meaning:
    """field: the declared field; part: "id" or "name" of a lookup, else "". factor: of the header's unit.
    own: whether the label speaks for this object rather than for any."""

    field: str
    part: str = ""
    factor: int = 1
    own: bool = False


def meaning(label: str, words: ObjectLabels, vocabulary: Vocabulary) -> Meaning | None:
    """What a header label means for an object; None for one it does not know."""
    wanted = match_label(label)
    types = {f.name: f.type for f in words.stream.fields}
    own = wanted in words.own
    if wanted in words.fields:
        name = words.fields[wanted]
        return Meaning(name, "name" if types[name] is FieldType.LOOKUP else "", own=own)
    if wanted.endswith(_ID_OF):
        name = words.fields.get(wanted.removesuffix(_ID_OF), "")
        return Meaning(name, "id") if types.get(name) is FieldType.LOOKUP else None
    match = _UNIT.match(wanted)
    if match and match["unit"] in vocabulary.units and match["label"] in words.fields:
        name = words.fields[match["label"]]
        if is_numeric(types[name]):
            return Meaning(name, factor=vocabulary.units[match["unit"]], own=match["label"] in words.own)
    return None


@dataclass(frozen=True, slots=True)
class Fit:
    """How well a row serves as the header of an object. row: 1-based. keyed: by 唯一性ID, or by a number or
    name of the object's own. own, known: how many labels speak for this object, or are known at all."""

    row: int
    own: int
    known: int
    has_id: bool
    has_identity: bool

    def rank(self) -> tuple[int, int]:
        """More is better."""
        return self.own, self.known


def best_row(head: Sequence[Sequence[str]], words: ObjectLabels, vocabulary: Vocabulary) -> Fit:
    """The row among the first ten that looks most like this object's header; the first of equals."""
    fits = [_fit(number, row, words, vocabulary) for number, row in enumerate(head[:HEADER_ROWS], 1)]
    return max(fits, key=Fit.rank, default=Fit(0, 0, 0, False, False))


def _fit(number: int, row: Sequence[str], words: ObjectLabels, vocabulary: Vocabulary) -> Fit:
    found = {(m.field, m.part): m for cell in row if cell and (m := meaning(cell, words, vocabulary))}
    labels = {match_label(cell) for cell in row if cell}
    return Fit(
        row=number,
        own=sum(m.own for m in found.values()),
        known=len(found),
        has_id=("_id", "") in found,
        has_identity=bool(labels & words.identity()),
    )
