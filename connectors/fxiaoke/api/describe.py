"""An object's describe → its fields, how their values look (`Shape`), and what their codes are called.

Types that no page names cost a type, never an object.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import msgspec

from connectors.core.contract import Field, FieldType, Shape, Stream
from connectors.core.errors import Actor, Problem
from connectors.core.http import BadBody
from connectors.fxiaoke.api.api import DESCRIBE, Api
from connectors.fxiaoke.api.areas import KINDS, Labels
from connectors.fxiaoke.api.personal import MEMBERS

RECORDS = "data.dataList"
LIFE_STATUS, IS_DELETED = "life_status", "is_deleted"
OTHER = "other"  # the code of 其他, whose text is in `x__o`
_T = FieldType
_CODES = ("select_one", "record_type", *KINDS)
_TYPES: dict[str, FieldType] = {
    **dict.fromkeys(
        ("text", "long_text", "url", "email", "phone_number", "auto_number", "rich_text", "html_rich_text"),
        _T.TEXT,
    ),
    **dict.fromkeys(_CODES, _T.LOOKUP),
    **dict.fromkeys(
        ("object_reference", "master_detail", "employee", "department", "out_employee"), _T.LOOKUP
    ),
    **dict.fromkeys(("date", "date_time"), _T.EPOCH_MS),  # a date is the moment of its midnight
    "time": _T.INTEGER,  # milliseconds of the day
    "true_or_false": _T.BOOLEAN,
    "number": _T.DOUBLE,
    "percentile": _T.DOUBLE,
    "currency": _T.DECIMAL,
}
# Lists of codes and of ids stay lists; what their members are called stands in the options or in `x__l`.
_MANY = ("select_many", "employee_many", "department_many", "object_reference_many")
_LISTS = frozenset({"select_one", "select_many", "record_type"})
_LABEL_KEYS = {"employee": "name", "out_employee": "name", "department": "deptName"}
_COMPUTED = ("formula", "count", "quote")  # typed by what they give
_PERSONAL = frozenset({"email", "phone_number"})
_MOST_LABELS = 2000


class FieldMeta(msgspec.Struct):
    """The keys we read of one field; anything may be missing."""

    type: Any = None
    label: Any = None
    is_active: Any = True
    decimal_places: Any = None
    options: Any = None
    return_type: Any = None
    quote_field_type: Any = None


class _Describe(msgspec.Struct):
    fields: dict[str, FieldMeta]


class _Data(msgspec.Struct):
    describe: _Describe


class _Reply(msgspec.Struct):
    data: _Data


@dataclass(frozen=True, slots=True)
class Reading:
    """How to read one stream now. void: the field by which void records (作废) are told, "" where there is none.
    personal: fields of the records themselves that hold an employee's telephone or e-mail; None where these are wanted,
    and nothing is taken out."""

    shape: Shape
    void: str
    personal: frozenset[str] | None = frozenset()


def describe(api: Api, api_name: str) -> dict[str, FieldMeta]:
    """The fields of an object by name. Raises Problem."""
    body: dict[str, Any] = {"includeDetail": False}
    body |= {"apiName": api_name} if api.legacy else {"data": {"apiName": api_name}}
    return api.post(DESCRIBE, body, _parse)


def has_areas(metas: Mapping[str, FieldMeta]) -> bool:
    """Whether an object has areas that its describe does not name."""
    return any(_word(meta.type) in KINDS and not _labels(meta) for meta in metas.values())


def reading(
    stream: Stream,
    metas: dict[str, FieldMeta],
    timezone: str,
    *,
    void: str,
    personal: bool,
    areas: Mapping[str, Labels] = MappingProxyType({}),
) -> Reading:
    """What there is to read and how to type it. void: the field that tells void records; personal: whether the
    telephones and e-mails of employees are wanted; areas: what their codes are called, by kind. Raises Problem when
    there is no field."""
    active = {name: meta for name, meta in metas.items() if meta.is_active is not False}
    if not active:
        raise _fieldless(stream)
    declared = {f.name: f for f in stream.fields} or {stream.key: Field(stream.key, FieldType.TEXT)}
    people = bool({f.name for f in stream.fields if f.pii}) or not stream.needed
    staff = bool(stream.options.get("staff"))
    unwanted = _own(metas) if staff and not personal else frozenset[str]()
    listed = {
        name: _field(name, meta, declared.get(name), people, areas)
        for name, meta in active.items()
        if name not in unwanted
    }
    fields = [listed.get(name, field) for name, field in declared.items()]
    fields += [field for name, field in listed.items() if name not in declared]
    fields += _others(active, {field.name for field in fields})
    stamp = stream.stamp if stream.stamp in listed else None
    told = next((name for name in (void, LIFE_STATUS, IS_DELETED) if name in listed), "")
    shape = Shape(RECORDS, stream.key, stamp, tuple(fields), timezone)
    return Reading(shape, told, None if personal else unwanted)


def _own(metas: Mapping[str, FieldMeta]) -> frozenset[str]:
    """Fields of an employee's own record that are personal, by type or by name: one that is no longer used, or is a
    text, still holds a telephone."""
    return frozenset((*MEMBERS, *(name for name, meta in metas.items() if _kind(meta) in _PERSONAL)))


def _others(metas: dict[str, FieldMeta], taken: set[str]) -> list[Field]:
    """What people typed under 其他 stands beside the code."""
    names = (
        f"{name}__o"
        for name, meta in metas.items()
        if _word(meta.type) in ("select_one", "select_many") and OTHER in dict(_labels(meta))
    )
    return [Field(name, FieldType.TEXT) for name in names if name not in taken]


def _field(
    name: str, meta: FieldMeta, declared: Field | None, people: bool, areas: Mapping[str, Labels]
) -> Field:
    kind = _kind(meta)
    found = _TYPES.get(kind)
    if name == "_id":
        found = FieldType.TEXT
    elif kind == "number" and _places(meta) == 0:
        found = FieldType.INTEGER
    if found is None or found is FieldType.DOUBLE:
        # Unknown to us, or a plain number: the declaration knows better (a count, an exact amount).
        typed = declared or Field(name, found or FieldType.JSON)
    else:
        typed = Field(name, found, _scale(meta) if found is FieldType.DECIMAL else 0)
    if typed.type is FieldType.LOOKUP:
        key = _LABEL_KEYS.get(kind, "")
        labels = (_labels(meta) or areas.get(kind, ())) if kind in _CODES else ()
        typed = replace(typed, label_in=f"{name}__r.{key}" if key else f"{name}__r", labels=labels)
    if typed.type is FieldType.JSON and kind in _MANY:
        key = _LABEL_KEYS.get(kind.removesuffix("_many"), "name")
        told = {"labels": _labels(meta)} if kind == "select_many" else {"label_in": f"{name}__l.{key}"}
        typed = replace(typed, **told)
    personal = declared.pii if declared else people and kind in _PERSONAL
    label = meta.label if isinstance(meta.label, str) else ""
    listed = (code for code, _ in _labels(meta)) if kind in _LISTS else ()
    return replace(typed, label=label, pii=personal).offering(listed)


def _kind(meta: FieldMeta) -> str:
    kind = _word(meta.type)
    return _word(meta.return_type) or _word(meta.quote_field_type) if kind in _COMPUTED else kind


def _labels(meta: FieldMeta) -> tuple[tuple[str, str], ...]:
    """(code, label) of the options; those of record types stand under another key."""
    if not isinstance(meta.options, list):
        return ()
    found: dict[str, str] = {}
    for option in meta.options[:_MOST_LABELS]:
        if isinstance(option, dict):
            code = option.get("api_name" if _word(meta.type) == "record_type" else "value")
            code = option.get("value", option.get("api_name")) if code is None else code
            if code is not None and isinstance(option.get("label"), str):
                found.setdefault(str(code), option["label"])
    return tuple(found.items())


def _word(value: Any) -> str:
    return value.lower() if isinstance(value, str) else ""


def _places(meta: FieldMeta) -> int | None:
    return meta.decimal_places if isinstance(meta.decimal_places, int) else None


def _scale(meta: FieldMeta) -> int:
    places = _places(meta)
    return places if places is not None and 0 <= places <= 9 else 2


def _parse(body: bytes) -> dict[str, FieldMeta]:
    try:
        return msgspec.json.decode(body, type=_Reply).data.describe.fields
    except msgspec.DecodeError as error:
        raise BadBody("it is not a describe") from error


def _fieldless(stream: Stream) -> Problem:
    return Problem(
        f"Fxiaoke shows the API user no field of {stream.api_name}, so it cannot be read",
        do=f"Give the API user the right to see its fields, or leave it out: FXIAOKE_OBJECTS_EXCEPT={stream.api_name}",
        actor=Actor.CRM_ADMIN,
        where=f"POST {DESCRIBE}",
        code="NO_FIELDS",
    )
