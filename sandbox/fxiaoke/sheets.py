"""What an export shows of each object: its columns, and a record's cells as texts (fxiaoke export form)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from sandbox.company.clock import OFFICE
from sandbox.company.log import Log
from sandbox.company.words import read_yaml
from sandbox.serving.rows import Row, Table

REQUIRED = "（必填）"
_STAMP = "%Y-%m-%d %H:%M:%S"


@dataclass(frozen=True, slots=True)
class Column:
    """One column. to: the entity whose records its ids name."""

    field: str
    label: str
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def header(self) -> str:
        return self.label + REQUIRED if self.options.get("required") else self.label


@dataclass(frozen=True, slots=True)
class Sheet:
    """One object's export. ledger: of what follows a won deal, so that only a company that keeps books has it."""

    label: str
    entity: str
    called: str
    columns: tuple[Column, ...]
    ledger: bool = False


@cache
def sheets() -> tuple[Sheet, ...]:
    """Every object that people export."""
    data = read_yaml(Path(__file__).with_name("sheets.yml"))
    return tuple(
        Sheet(
            label,
            facts["entity"],
            facts["called"],
            tuple(Column(*column) for column in facts["columns"]),
            facts.get("ledger", False),
        )
        for label, facts in data.items()
    )


class Books:
    """The records of Fxiaoke at a moment."""

    def __init__(self, log: Log, at: int) -> None:
        self._tables = {sheet.entity: Table() for sheet in sheets()}
        self._called = {sheet.entity: sheet.called for sheet in sheets()}
        for entity, table in self._tables.items():
            for event in log.of("fxiaoke", entity):
                if event.time > at:
                    break
                table.apply(event)

    def sheets(self) -> list[Sheet]:
        """The objects that there is something of."""
        return [sheet for sheet in sheets() if not sheet.ledger or self._tables[sheet.entity].rows]

    def rows(self, sheet: Sheet) -> Iterator[Row]:
        """The object's valid records, oldest first."""
        return iter(self._tables[sheet.entity].rows.values())

    def name(self, entity: str, id: str | None) -> str:
        """The display value of a reference."""
        row = self._tables[entity].rows.get(id or "")
        return row.values[self._called[entity]] if row else ""


def cells(sheet: Sheet, books: Books, ids: str) -> tuple[list[str], Callable[[Row], list[str]]]:
    """The header, and a function that gives a record's cells.

    ids: `all` has 唯一性ID first and beside every reference, `own` only the record's, `none` no ids at all.
    """
    plan: list[tuple[str, Callable[[Row], str]]] = []
    if ids != "none":
        plan.append((f"唯一性ID{REQUIRED}", lambda row: row.id))
    for column in sheet.columns:
        target = column.options.get("to")
        if target is None:
            plan.append((column.header, _plain(column.field)))
            continue
        plan.append((column.header, _named(books, target, column.field)))
        if ids == "all":
            plan.append((f"{column.label}_唯一性ID", _plain(column.field)))
    plan += [
        ("创建人", lambda row: books.name("users", row.created_by)),
        ("创建时间", lambda row: _time(row.created)),
        ("最后修改人", lambda row: books.name("users", row.modified_by)),
        ("最后修改时间", lambda row: _time(row.modified)),
    ]
    writers = [write for _, write in plan]
    return [header for header, _ in plan], lambda row: [write(row) for write in writers]


def _plain(name: str) -> Callable[[Row], str]:
    return lambda row: _text(row.values.get(name))


def _named(books: Books, entity: str, name: str) -> Callable[[Row], str]:
    return lambda row: books.name(entity, row.values.get(name))


def _text(value: Any) -> str:
    """Every cell is text: money with two decimals, a time without its offset, nothing as nothing."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.2f}"
    text = str(value)
    return f"{text[:10]} {text[11:19]}" if text.endswith("+08:00") else text


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, OFFICE).strftime(_STAMP)
