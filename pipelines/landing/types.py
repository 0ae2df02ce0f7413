"""Logical field types as DuckDB types and expressions.

Every cell arrives as text (a lookup as JSON or as two texts). An expression gives NULL for what it cannot
hold *exactly*: the engine alone would round 12.5 to 13 and 100.005 to 100.01 without a word.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connectors.core.contract import Field, FieldType
from pipelines.sql import REFERENCE, literal, quote

_DAY = r"\d{4}-\d{1,2}-\d{1,2}"
_PLAIN = {
    FieldType.TEXT: "VARCHAR",
    FieldType.JSON: "VARCHAR",
    FieldType.BOOLEAN: "BOOLEAN",
    FieldType.INTEGER: "BIGINT",
    FieldType.DOUBLE: "DOUBLE",
    FieldType.DATE: "DATE",
    FieldType.DATETIME: "TIMESTAMPTZ",
    FieldType.EPOCH_MS: "TIMESTAMPTZ",
    FieldType.LOOKUP: REFERENCE,
}
# Beside them a DECIMAL(38) still has room for every BIGINT, so that widening never fails.
_MOST_PLACES = 19
# A double holds 15 significant digits exactly; beyond, the digits that a CRM's JSON shows are not its own.
_JSON_DIGITS = 15


def engine_type(field: Field) -> str:
    """The column type of a field in the package, in raw tables and in staging."""
    if field.type is not FieldType.DECIMAL:
        return _PLAIN[field.type]
    width, places = _digits(field)
    return f"DECIMAL({width},{places})"


def _digits(field: Field) -> tuple[int, int]:
    """Digits of a decimal in all and after the point."""
    return (18, field.scale) if field.scale <= 18 else (38, _MOST_PLACES)


def typed(field: Field, value: str, *, from_json: bool) -> str:
    """SQL that types the expression `value` (text; a lookup from a file: its struct), NULL where it
    does not fit exactly.

    Texts without an offset are read in the session's time zone, which decoding sets to the shape's.
    """
    match field.type:
        case FieldType.TEXT | FieldType.JSON:
            return value
        case FieldType.BOOLEAN:
            return f"CASE {value} WHEN 'true' THEN true WHEN 'false' THEN false END"
        case FieldType.INTEGER:
            return _whole(value)
        case FieldType.DECIMAL:
            width, places = _digits(field)
            exact = f"TRY_CAST({value} AS {engine_type(field)})"
            if from_json:
                limit = 10 ** (_JSON_DIGITS - places) if places < _JSON_DIGITS else 0
                digits = f"trim(replace(CAST(abs({exact}) AS VARCHAR), '.', ''), '0')"
                few = f"(abs({exact}) < {limit} OR length({digits}) <= {_JSON_DIGITS})"
                fits = f"TRY_CAST({value} AS DOUBLE) = CAST({exact} AS DOUBLE) AND {few}"
            else:
                fits = _same(value, exact, 38 - width + places)
            return f"CASE WHEN {fits} THEN {exact} END"
        case FieldType.DOUBLE:
            return f"CASE WHEN isfinite(TRY_CAST({value} AS DOUBLE)) THEN TRY_CAST({value} AS DOUBLE) END"
        case FieldType.DATE:
            # The engine alone would cut a time, or anything else, off behind a day.
            return f"CASE WHEN regexp_full_match({value}, {literal(_DAY)}) THEN TRY_CAST({value} AS DATE) END"
        case FieldType.DATETIME:
            return f"TRY_CAST({value} AS TIMESTAMPTZ)"
        case FieldType.EPOCH_MS:
            return f"make_timestamptz(TRY({_whole(value)} * 1000))"
        case FieldType.LOOKUP:
            return lookup_from_json(value) if from_json else value


def _whole(value: str) -> str:
    whole = f"TRY_CAST({value} AS BIGINT)"
    same = f"CAST({whole} AS VARCHAR) = {value} OR {_same(value, whole, _MOST_PLACES)}"
    return f"CASE WHEN {same} THEN {whole} END"


def _same(text: str, number: str, places: int) -> str:
    """SQL: the text says this number, to the last of so many places.

    Reading a text as DECIMAL(38) takes 15 microseconds, 200 times as long as anything else here; a double tells
    apart all numbers of fifteen digits.
    """
    exact = f"TRY_CAST({text} AS DECIMAL(38,{places})) = {number}"
    return (
        f"CASE WHEN length({text}) <= {_JSON_DIGITS} THEN TRY_CAST({text} AS DOUBLE) = CAST({number} AS DOUBLE) "
        f"ELSE {exact} END"
    )


def lookup_from_json(value: str) -> str:
    """A reference from the text of `{"id", "name"}`; a bare id (as bulk files give) has no name."""
    return (
        f"CASE WHEN starts_with({value}, '{{') THEN TRY(json_transform({value}, "
        """'{"id":"VARCHAR","name":"VARCHAR"}')) """
        f"WHEN {value} <> '' THEN struct_pack(id := {value}, name := NULL::VARCHAR) END"
    )


def canonical(field: Field, column: str) -> str:
    """The text of a typed cell for the row hash: NULL when empty, the same from every way of reading.

    A lookup counts by its id (bulk reads carry no names), by its name only where there is no id.
    """
    match field.type:
        case FieldType.TEXT:
            return f"nullif({column}, '')"
        case FieldType.JSON:  # a file cannot tell an empty list from none
            plain = f"nullif(nullif({column}, ''), '[]')"
            if not (field.labels or field.label_in):
                return plain
            # What the codes of a list are called is no part of a version.
            ids = f"""list_transform(TRY(json_transform({column}, '[{{"id":"VARCHAR"}}]')), lambda one: one.id)"""
            return f"CASE WHEN starts_with({column}, '[{{') THEN CAST(to_json({ids}) AS VARCHAR) ELSE {plain} END"
        case FieldType.DATETIME | FieldType.EPOCH_MS:
            return f"CAST(epoch_us({column}) AS VARCHAR)"
        case FieldType.LOOKUP:
            return f"coalesce({column}.id, nullif({column}.name, ''))"
        case _:
            return f"CAST({column} AS VARCHAR)"


def row_hash(fields: Sequence[Field], columns: Mapping[str, str] | None = None) -> str:
    """SQL of the row hash: md5 over name=value of the filled fields, in name order.

    columns: field → column, where they differ; a field counts by its own name whatever its column is called.
    Empty fields do not count, so a field that appears later and is empty changes no hash.
    """
    columns = columns or {}
    parts = [
        f"{literal(_label(f.name) + '=')} || {canonical(f, quote(columns.get(f.name, f.name)))}"
        for f in sorted(fields, key=lambda f: f.name)
    ]
    return f"md5(concat_ws(chr(31), {', '.join(parts)}))"


def _label(name: str) -> str:
    """A name that ends at the first `=`."""
    return name.replace("%", "%25").replace("=", "%3D").replace(chr(31), "%1F")
