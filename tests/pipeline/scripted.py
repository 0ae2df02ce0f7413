"""A source whose answers a test writes down: the seam where faults are planted."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from connectors.core.contract import (
    CursorKind,
    Field,
    FieldType,
    Page,
    Shape,
    Source,
    Stream,
    Usage,
    Window,
    parse_field,
)

FIELDS = tuple(
    parse_field(name, kind)
    for name, kind in {
        "id": "text",
        "Name": "text",
        "Amount": "decimal(2)",
        "Count": "integer",
        "Day": "date",
        "Flag": "boolean",
        "Owner": "lookup",
        "Tags": "json",
        "Modified_Time": "datetime",
    }.items()
)
STREAM = Stream(
    source="scripted",
    name="deals",
    api_name="Deals",
    label="商机",
    docs="",
    fields=FIELDS,
    stamp="Modified_Time",
    owner="Owner",
    deletes=True,
)
DELETED = (Field("id", FieldType.TEXT), Field("deleted_time", FieldType.DATETIME))


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


class Scripted(Source):
    """pages: bodies to answer with, as text or as lists of records; each read takes what is there."""

    name, org = "scripted", "default"

    def __init__(self) -> None:
        self.usage = Usage()
        self.pages: list[list[dict[str, Any]] | str | bytes | tuple[int, Any]] = []
        self.deleted: list[dict[str, Any]] = []
        self.sweeps: list[list[str]] | None = None  # pages of all ids that exist; None: no sweep
        self.fields = FIELDS
        self.windows: list[Window] = []
        self.fail_after: int | None = None
        self.error: Exception = RuntimeError("the line went dead")

    def streams(self) -> Sequence[Stream]:
        return (STREAM,)

    def kinds(self, stream: Stream) -> Sequence[CursorKind]:
        swept = () if self.sweeps is None else (CursorKind.SWEEP,)
        return (CursorKind.INCREMENTAL, CursorKind.DELETED, *swept)

    def shape(self, stream: Stream, kind: CursorKind) -> Shape:
        if kind is CursorKind.DELETED:
            return Shape("data", "id", "deleted_time", DELETED)
        if kind is CursorKind.SWEEP:
            return Shape("data", "id", None, DELETED[:1])
        return Shape("data", "id", "Modified_Time", self.fields)

    def read(self, stream: Stream, window: Window) -> Iterator[Page]:
        self.windows.append(window)
        answers: list[Any] = []
        if window.kind is CursorKind.DELETED:
            answers = [self.deleted] if self.deleted else []
        elif window.kind is CursorKind.SWEEP:
            answers = [[{"id": key} for key in keys] for keys in self.sweeps or ()]
        else:
            answers = self.pages
        for number, answer in enumerate(answers):
            if self.fail_after is not None and number >= self.fail_after:
                raise self.error
            chunk, records = answer if isinstance(answer, tuple) else (0, answer)
            yield page(records, chunk)


def page(records: list[dict[str, Any]] | str | bytes, chunk: int = 0) -> Page:
    body = records if isinstance(records, bytes) else None
    if body is None:
        text = records if isinstance(records, str) else json.dumps(records, ensure_ascii=False)
        body = f'{{"data": {text}, "info": {{}}}}'.encode()
    stamps = []
    count = 0
    if isinstance(records, list):
        stamps = [
            moment(r[k])
            for r in records
            for k in ("Modified_Time", "deleted_time")
            if str(r.get(k))[:2] == "20"
        ]
        count = len(records)
    else:
        count = body.count(b'"id"')
    return Page(body, count, chunk, watermark=max(stamps) if stamps and chunk == 0 else None)


def deal(key: str, stamp: str = "2026-03-01T10:00:00+08:00", **values: Any) -> dict[str, Any]:
    return {"id": key, "Modified_Time": stamp, **values}
