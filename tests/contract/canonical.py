"""What a source delivered, in the canonical values of `sources.Truth`.

An independent, slow reader for the suite: it shares nothing with `pipelines.landing.decode`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from connectors.core.contract import Field, FieldType, Page, Shape, Source, Stream
from tests.contract.sources import Canonical


@dataclass
class Delivered:
    """One read. keys: of every record received in chunk 0, in order; records: by key, field chunks merged."""

    shape: Shape
    pages: list[Page]
    keys: list[str] = field(default_factory=list)
    records: dict[str, Canonical] = field(default_factory=dict)


def delivered(source: Source, stream: Stream, shape: Shape, pages: Iterable[Page]) -> Delivered:
    """Every record of these pages. A later version of a record replaces an earlier one, field by field."""
    found = Delivered(shape, list(pages))
    for page in found.pages:
        for values in rows_of(source, stream, shape, page):
            key = values.get(shape.key)
            if page.chunk == 0:
                found.keys.append(key)
            found.records.setdefault(key, {}).update(values)
    return found


def rows_of(source: Source, stream: Stream, shape: Shape, page: Page) -> Iterator[Canonical]:
    """The records of one page, in order."""
    if isinstance(page.body, Path):
        yield from _table_rows(source, stream, page.body)
        return
    found: Any = json.loads(page.body, parse_float=Decimal)
    for part in shape.records.split("."):
        found = found[part]
    types = {f.name: f for f in shape.fields}
    for row in found:
        yield {
            name: canonical(types[name], value, shape, source) for name, value in row.items() if name in types
        }


def _table_rows(source: Source, stream: Stream, file: Path) -> Iterator[Canonical]:
    shape, table = source.tabulate(file, stream)
    types = {f.name: f for f in shape.fields}
    columns = list(table.columns)
    for row in table.rows:
        if row.misfit:
            continue
        raw: dict[str, Any] = {}
        for column, text in zip(columns, row.values, strict=True):
            name, _, part = column.partition(".") if column not in types else (column, "", "")
            if part:
                raw.setdefault(name, {})[part] = text
            else:
                raw[name] = text
        values = {
            name: canonical(types[name], value, shape, source) for name, value in raw.items() if name in types
        }
        # The key of a file's row is a column of its table, not a field of its shape.
        yield {**values, shape.key: raw[shape.key]}


def canonical(kind: Field, value: Any, shape: Shape, source: Source) -> Any:
    """A value as a truth would write it; the value itself, marked, if it is not of its field's type."""
    if kind.type is FieldType.LOOKUP and isinstance(value, Mapping):
        value = value.get("id") or value.get("name")
    if kind.type is FieldType.LOOKUP and isinstance(value, list):  # a list of one
        value = value[0] if value else None
    if value is None or value == "":
        return None
    read = _READERS[kind.type]
    with suppress(ValueError, TypeError, InvalidOperation):
        return read(value, shape)
    text = source.parse(kind, str(value))
    if text is None:
        return ("misfit", value)
    if text == "":  # a cell that means nothing
        return None
    return read(text, shape)


def _moment(value: Any, shape: Shape) -> datetime:
    moment = datetime.fromisoformat(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(shape.timezone))


def _boolean(value: Any, _: Shape) -> bool:
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}[str(value).lower()]


def _integer(value: Any, _: Shape) -> int:
    if isinstance(value, float | Decimal) and value != int(value):
        raise ValueError(value)
    return int(value)


_READERS: Mapping[FieldType, Callable[[Any, Shape], Any]] = {
    FieldType.TEXT: lambda value, _: str(value),
    FieldType.BOOLEAN: _boolean,
    FieldType.INTEGER: _integer,
    FieldType.DECIMAL: lambda value, _: Decimal(value),
    FieldType.DOUBLE: lambda value, _: float(value),
    FieldType.DATE: lambda value, _: date.fromisoformat(value),
    FieldType.DATETIME: _moment,
    FieldType.EPOCH_MS: lambda value, _: datetime.fromtimestamp(int(value) / 1000, UTC),
    FieldType.LOOKUP: lambda value, _: str(value),
    FieldType.JSON: lambda value, _: value,
}
