"""Header labels → fields: the vendor's words of labels.yml and a tenant's own on top of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from connectors.core.contract import FieldType, Stream
from connectors.core.files.normal import match_label

BASE = Path(__file__).parent.parent / "labels.yml"


@dataclass(frozen=True, slots=True)
class ObjectLabels:
    """One object's words. fields: matching form of a label → field name. own: those no other object shares
    by being a system field. number: matching forms of its number. called: fields that hold its name.
    shown: field → its first label, for texts."""

    stream: Stream
    names: frozenset[str]
    fields: Mapping[str, str]
    own: frozenset[str]
    number: frozenset[str]
    called: Sequence[str]
    shown: Mapping[str, str] = field(default_factory=dict)

    def identity(self) -> frozenset[str]:
        """Labels that can key a record of this object without 唯一性ID: its number and its name."""
        return self.number | {label for label, name in self.fields.items() if name in self.called}


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Everything labels can say. others: matching forms of the names of objects that are not read.
    reports: name of a report that is no export → words of its first rows. units: matching form → factor.
    blanks: per field type, cells that mean nothing."""

    objects: Mapping[str, ObjectLabels]
    others: frozenset[str]
    reports: Mapping[str, frozenset[str]]
    units: Mapping[str, int]
    blank_text: frozenset[str]
    blank_lookup: frozenset[str]

    def object_called(self, name: str) -> ObjectLabels | None:
        """The object with this display name."""
        wanted = match_label(name)
        return next((o for o in self.objects.values() if wanted in o.names), None)


def load_vocabulary(streams: Sequence[Stream], override: Mapping[str, Mapping[str, Any]]) -> Vocabulary:
    """labels.yml with a tenant's checked additions (see `override.read_override`) on top."""
    base = _base()
    objects = {
        stream.name: _object(
            stream, base["objects"][stream.name], base["common"], override.get(stream.name, {})
        )
        for stream in streams
    }
    named = frozenset().union(*(o.names for o in objects.values()))
    blanks = base["blanks"]
    return Vocabulary(
        objects=objects,
        others=frozenset(map(match_label, base["other_objects"])) - named,
        reports={name: frozenset(map(match_label, words)) for name, words in base["reports"].items()},
        units={match_label(unit): factor for unit, factor in base["units"].items()},
        blank_text=frozenset(blanks["text"]) | {""},
        blank_lookup=frozenset(blanks["lookup"]) | {""},
    )


def _object(
    stream: Stream, facts: Mapping[str, Any], common: Mapping[str, list[str]], tenant: Mapping[str, Any]
) -> ObjectLabels:
    declared = {f.name for f in stream.fields}
    fields: dict[str, str] = {}
    shared: set[str] = set()
    # Later words win: a tenant may give a vendor's word to another field.
    for name, words in common.items():
        if name in declared:
            fields.update((match_label(word), name) for word in words)
            shared.update(map(match_label, words))
    for name, words in [*facts["fields"].items(), *tenant.get("fields", {}).items()]:
        fields.update((match_label(word), name) for word in words)
        shared.difference_update(map(match_label, words))
    own = frozenset(fields) - shared
    for name in declared:  # a file headed with api names
        fields.setdefault(match_label(name), name)
    known = {**common, **facts["fields"]}
    return ObjectLabels(
        stream=stream,
        names=frozenset(map(match_label, [*facts["names"], *tenant.get("names", [])])),
        fields=fields,
        own=own,
        number=frozenset(map(match_label, [*facts["number"], *tenant.get("number", [])])),
        called=tuple(facts["called"]),
        shown={name: known[name][0] for name in declared if name in known},
    )


@cache
def _base() -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load(BASE.read_text("utf-8"))
    return data


def is_numeric(kind: FieldType) -> bool:
    """Whether a unit in the header can multiply the column."""
    return kind in (FieldType.DECIMAL, FieldType.INTEGER, FieldType.DOUBLE)
