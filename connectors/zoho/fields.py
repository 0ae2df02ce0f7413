"""Zoho's field metadata → which fields to ask for, and how their values look (`Shape`).

https://www.zoho.com/crm/developer/docs/api/v8/field-meta.html. Keys are often missing there (`json_type`),
and types appear that no page names; both must cost a type, never a module.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from connectors.core.contract import Field, FieldType, Shape, Stream
from connectors.core.errors import Actor, Problem
from connectors.core.http import BadBody

_log = logging.getLogger(__name__)

PER_CALL = 50  # names in `fields`, https://www.zoho.com/crm/developer/docs/api/v8/get-records.html
_STAMPS = ("Created_Time", "Modified_Time")
# List reads leave these out: their rows live in modules of their own.
_NOT_LISTED = frozenset({"subform", "multiselectlookup"})
_PERSONAL = frozenset({"email", "phone"})
_LISTS = frozenset({"picklist", "multiselectpicklist"})
_NO_CHOICE = "-None-"  # what a form shows where nothing was chosen; records hold null

_TYPES: dict[str, FieldType] = {
    **dict.fromkeys(
        ("text", "textarea", "email", "phone", "website", "picklist", "autonumber", "profileimage", "bigint"),
        FieldType.TEXT,
    ),
    **dict.fromkeys(("lookup", "ownerlookup", "userlookup", "profilelookup"), FieldType.LOOKUP),
    **dict.fromkeys(("double", "decimal", "percent"), FieldType.DOUBLE),
    "integer": FieldType.INTEGER,
    "long": FieldType.INTEGER,
    "currency": FieldType.DECIMAL,
    "boolean": FieldType.BOOLEAN,
    "date": FieldType.DATE,
    "datetime": FieldType.DATETIME,
    "string": FieldType.TEXT,  # a return type of formulas
}
_STRUCTURED = frozenset({"jsonobject", "jsonarray"})


class FieldMeta(msgspec.Struct):
    """The keys we read of one field; anything may be missing."""

    api_name: Any = None
    data_type: Any = None
    json_type: Any = None
    decimal_place: Any = None
    field_label: Any = None
    formula: Any = None
    textarea: Any = None
    pick_list_values: Any = None


class _Reply(msgspec.Struct):
    fields: list[FieldMeta]


@dataclass(frozen=True, slots=True)
class Reading:
    """How to read one stream now. chunks: `fields` of each call; the first pages, the others go by ids. None:
    there is nothing to read."""

    shape: Shape
    chunks: tuple[tuple[str, ...], ...]
    lists: frozenset[str] = frozenset()  # fields that hold several texts
    rich: tuple[str, ...] = ()  # texts that lists cut; they are in no chunk

    @property
    def parts(self) -> int:
        """Calls that a record takes part in: its chunks, the rich texts, and a look whether it changed meanwhile."""
        return len(self.chunks) + 2 * bool(self.rich)


def parse_fields(body: bytes) -> list[FieldMeta]:
    """The fields of a settings/fields reply. Raises BadBody."""
    try:
        metas = msgspec.json.decode(body, type=_Reply).fields
    except msgspec.DecodeError as error:
        raise BadBody("it is not field metadata") from error
    named = [meta for meta in metas if isinstance(meta.api_name, str) and meta.api_name]
    if len(named) < len(metas):
        _log.warning("zoho: %d fields without a name in field metadata; left out", len(metas) - len(named))
    return named


def reading(stream: Stream, metas: Sequence[FieldMeta] | None) -> Reading:
    """What to ask for and how to type it. metas None: Zoho has no metadata, the declaration stands alone.

    A declared field that the organisation lacks stays in the shape and is not asked for. Raises Problem when
    there is no field to ask for.
    """
    declared = {f.name: f for f in stream.fields} or {stream.key: Field(stream.key, FieldType.TEXT)}
    people = bool(stream_pii(stream)) or not stream.needed  # whom a module of their own is about, who knows?
    if metas is None:
        listed = {name: field for name, field in declared.items() if name != stream.key}
    else:
        listed = {
            m.api_name: _field(m, declared.get(m.api_name), people)
            for m in metas
            if m.api_name != stream.key and _word(m.data_type) not in _NOT_LISTED
        }
    if not listed:
        raise _fieldless(stream)
    fields = tuple(listed.get(name, field) for name, field in declared.items())
    fields += tuple(field for name, field in listed.items() if name not in declared)
    # A module without Modified_Time cannot be read by it, whatever was declared (airbytehq/airbyte#53218). Nor
    # does Created_Time stand in for it: edits would never be read, and versions would seem as old as the record.
    stamp = stream.stamp if stream.stamp in listed else None
    records = str(stream.options.get("records", "data"))
    lists = frozenset(m.api_name for m in metas or () if _word(m.data_type) == "multiselectpicklist")
    rich = tuple(m.api_name for m in metas or () if m.api_name in listed and _is_rich(m))[:PER_CALL]
    plain = {name: field for name, field in listed.items() if name not in rich} or listed
    shape = Shape(records, stream.key, stamp, fields)
    return Reading(shape, _chunks(plain, declared, stamp), lists, rich if plain is not listed else ())


def nothing(stream: Stream) -> Reading:
    """How to read a stream that has nothing to read."""
    records = str(stream.options.get("records", "data"))
    return Reading(Shape(records, stream.key, None, (Field(stream.key, FieldType.TEXT),)), ())


def _fieldless(stream: Stream) -> Problem:
    return Problem(
        f"Zoho shows the API user no field of the module {stream.api_name}, so it cannot be read",
        do=f"Show its fields to the API user's profile, or leave it out: ZOHO_MODULES_EXCEPT={stream.api_name}",
        actor=Actor.CRM_ADMIN,
        where="GET /crm/v8/settings/fields",
        code="NO_FIELDS",
    )


def stream_pii(stream: Stream) -> frozenset[str]:
    """The declared personal fields; a stream that has any holds people."""
    return frozenset(f.name for f in stream.fields if f.pii)


def _chunks(
    listed: dict[str, Field], declared: dict[str, Field], stamp: str | None
) -> tuple[tuple[str, ...], ...]:
    """At most 50 names a call. Each chunk repeats the stamp: it proves the chunks are of one version."""
    head = [name for name in _STAMPS if name in listed]
    rest = [name for name in declared if name in listed and name not in head]
    rest += [name for name in listed if name not in declared and name not in head]
    first = PER_CALL - len(head)
    chunks = [(*head, *rest[:first])]
    again = (stamp,) if stamp else ()
    size = PER_CALL - len(again)
    for start in range(first, len(rest), size):
        chunks.append((*again, *rest[start : start + size]))
    return tuple(chunks)


def _field(meta: FieldMeta, declared: Field | None, people: bool) -> Field:
    found = _type(meta)
    if found is None or found is FieldType.DOUBLE:
        # Unknown to us, or a plain number: the declaration knows better (a count, an exact amount).
        typed = declared or Field(meta.api_name, found or FieldType.JSON)
    else:
        typed = Field(meta.api_name, found, _scale(meta) if found is FieldType.DECIMAL else 0)
    personal = declared.pii if declared else people and _word(meta.data_type) in _PERSONAL
    label = meta.field_label if isinstance(meta.field_label, str) else ""
    return replace(typed, label=label, pii=personal).offering(_options(meta))


def _options(meta: FieldMeta) -> Iterator[str]:
    """What records of a pick list may hold. Which of its two names a record carries is not documented for values that
    were renamed, so either will do; a value that is no longer used stays, since old records hold it."""
    if _word(meta.data_type) not in _LISTS or not isinstance(meta.pick_list_values, list):
        return
    for option in meta.pick_list_values:
        names = (option.get("actual_value"), option.get("display_value")) if isinstance(option, dict) else ()
        yield from (name for name in names if isinstance(name, str) and name not in ("", _NO_CHOICE))


def _type(meta: FieldMeta) -> FieldType | None:
    """The type on the wire; None if it cannot be told."""
    data_type = _word(meta.data_type)
    if data_type == "formula":
        data_type = _formula_type(meta.formula)
    found = _TYPES.get(data_type)
    if _word(meta.json_type) in _STRUCTURED and found is not FieldType.LOOKUP:
        return FieldType.JSON  # tags are "text" in an array; some organisations send currency as an object
    return found


def _is_rich(meta: FieldMeta) -> bool:
    return isinstance(meta.textarea, dict) and "rich" in _word(meta.textarea.get("type"))


def _formula_type(formula: Any) -> str:
    return _word(formula.get("return_type")) if isinstance(formula, dict) else ""


def _word(value: Any) -> str:
    return value.lower() if isinstance(value, str) else ""


def _scale(meta: FieldMeta) -> int:
    places = meta.decimal_place
    return places if isinstance(places, int) and 0 <= places <= 9 else 2
