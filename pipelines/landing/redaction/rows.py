"""Taking erased people out of checked rows (`accepted.parquet`, `quarantined.parquet`).

A row keeps its place, its key and its stamp. Its row hash was made from what is gone, so that it would still
tell the person: it becomes a hash of itself and the erasure's salt. Equal versions stay equal, different ones
different, and nothing in the fold changes its fate.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import duckdb

from pipelines.landing.redaction.redact import RECORD, REFERENCE, Found, redacted_text
from pipelines.sql import PARQUET, literal, quote

_REFERENCE = "STRUCT(id VARCHAR, name VARCHAR)"
_PERSON = "map_contains(getvariable('kept'), coalesce(_record_id, ''))"
_OURS = frozenset({"_position", "_record_id", "_modified_at", "_row_hash", "_extra", "_cells", "_faults"})


@dataclass(frozen=True, slots=True)
class Leaving:
    """One erased record of the stream: the key it is kept under, its erasure's time and salt ("" = the rows
    are done)."""

    kept_as: str
    at: datetime
    salt: str


@dataclass(frozen=True, slots=True)
class Rewritten:
    """What a rewritten file lost, the positions of its rows that are other than before, and texts that erased
    records had."""

    found: Found = field(default_factory=set)
    positions: set[int] = field(default_factory=set)
    texts: set[str] = field(default_factory=set)


def forget_rows(
    con: duckdb.DuckDBPyConnection,
    path: Path,
    target: Path,
    leaving: Mapping[str, Leaving],
    keeps: Callable[[str], bool],
    tells: Callable[[str], bool],
    referred: Collection[str],
    cells: Mapping[int, str],
) -> Rewritten | None:
    """Write the rows of `path` to `target` without what has to go; None (and no file) where nothing has to.

    keeps: whether a column stays of an erased record; tells: whether its texts belong into `texts`. cells:
    position → what `_cells` is now, for rows of a file; every other rewritten row loses its `_cells`.
    """
    rows = f"read_parquet({literal(str(path))})"
    columns = {n: kind for n, kind, *_ in con.execute(f"DESCRIBE SELECT * FROM {rows}").fetchall()}
    _hand_over(con, leaving, referred, cells)
    look = _Look(columns, _json_texts(con, rows, columns, frozenset(referred)), keeps, tells)
    rewritten = look.find(con, rows, leaving)
    if not rewritten.found:
        return None
    replaced = ", ".join(f"{value} AS {quote(name)}" for name, value in look.replacements())
    con.execute(f"COPY (SELECT * REPLACE ({replaced}) FROM {rows}) TO {literal(str(target))} ({PARQUET})")
    _seal(target)
    return rewritten


def _hand_over(
    con: duckdb.DuckDBPyConnection,
    leaving: Mapping[str, Leaving],
    referred: Collection[str],
    cells: Mapping[int, str],
) -> None:
    """Give the engine keys and texts as values of variables: in the text of a query, an error would print them."""
    con.execute("SET VARIABLE referred = ?::VARCHAR[]", [sorted(referred)])
    salts = {key: one.salt for key, one in leaving.items() if one.salt}
    for name, pairs in (("kept", {k: v.kept_as for k, v in leaving.items()}), ("salts", salts)):
        con.execute(
            f"SET VARIABLE {name} = MAP(?::VARCHAR[], ?::VARCHAR[])", [[*pairs.keys()], [*pairs.values()]]
        )
    con.execute("SET VARIABLE cells = MAP(?::BIGINT[], ?::VARCHAR[])", [[*cells.keys()], [*cells.values()]])


class _Look:
    """The SQL of one file: which rows, and what each column becomes."""

    def __init__(
        self,
        columns: Mapping[str, str],
        texts: Mapping[str, str],
        keeps: Callable[[str], bool],
        tells: Callable[[str], bool],
    ) -> None:
        """texts: column → variable that maps its texts to what they become."""
        self._columns, self._texts, self._keeps, self._tells_of = columns, texts, keeps, tells
        self._lookups = [n for n, kind in columns.items() if kind.replace('"', "") == _REFERENCE]

    def find(self, con: duckdb.DuckDBPyConnection, rows: str, leaving: Mapping[str, Leaving]) -> Rewritten:
        """Which rows have to change, and what erased records had in columns that tell of a person."""
        named = [f"({quote(c)}.name IS NOT NULL AND {_refers(c)})" for c in self._lookups]
        spoken = [
            f"map_contains(getvariable('{variable}'), {quote(c)})" for c, variable in self._texts.items()
        ]
        texts = [f"CASE WHEN {hit} THEN {quote(c)} END" for c, hit in zip(self._texts, spoken, strict=True)]
        ids = [f"CASE WHEN {_refers(c)} THEN {quote(c)}.id END" for c in self._lookups]
        lost = [
            f"CAST({quote(n)} AS VARCHAR)" for n in self._columns if n not in _OURS and not self._keeps(n)
        ]
        query = (
            f"SELECT _position, _record_id, {_PERSON}, list_value({', '.join(ids)})::VARCHAR[], "
            f"list_value({', '.join(texts)})::VARCHAR[], list_value({', '.join(lost)})::VARCHAR[] "
            f"FROM {rows} WHERE {' OR '.join([_PERSON, *named, *spoken])}"
        )
        referred = con.execute("SELECT getvariable('referred')").fetchall()[0][0]
        done = Rewritten()
        for position, key, person, others, said, had in con.execute(query).fetchall():
            done.positions.add(position)
            if person:
                done.found.add((RECORD, leaving[key].kept_as))
                done.texts.update(filter(None, had))
            done.found.update((REFERENCE, other) for other in others if other)
            done.found.update((REFERENCE, i) for text in said if text for i in referred if i in text)
        return done

    def replacements(self) -> Iterator[tuple[str, str]]:
        """(column, SQL of what it becomes)"""
        for name in self._columns:
            column = value = quote(name)
            if name in self._lookups:
                empty = f"struct_pack(id := {column}.id, name := NULL::VARCHAR)"
                value = f"CASE WHEN {_refers(name)} THEN {empty} ELSE {column} END"
            if name in self._texts:
                value = f"coalesce(getvariable('{self._texts[name]}')[{column}], {column})"
            if name in _OURS:
                value = self._own(name, value)
            elif not self._keeps(name):
                value = f"CASE WHEN {_PERSON} THEN NULL ELSE {value} END"
            if value != column:
                yield name, value

    def _own(self, name: str, value: str) -> str:
        match name:
            case "_record_id":
                return "coalesce(getvariable('kept')[_record_id], _record_id)"
            case "_row_hash":
                return "coalesce(md5(_row_hash || getvariable('salts')[_record_id]), _row_hash)"
            case "_extra":
                return f"CASE WHEN {_PERSON} THEN NULL ELSE {value} END"
            case "_cells":
                speaking = " OR ".join([_PERSON, *map(_refers, self._lookups)])
                return f"CASE WHEN {speaking} THEN getvariable('cells')[_position] ELSE _cells END"
            case "_faults":
                return (
                    f"list_transform(_faults, lambda f: CASE WHEN {self._tells()} THEN struct_pack("
                    "rule := f.rule, field := f.field, value := NULL::VARCHAR, reason := f.reason) ELSE f END)"
                )
        return value

    def _tells(self) -> str:
        """Whether a fault's value may say something of an erased person."""
        speaking = "len(list_filter(getvariable('referred'), lambda i: contains(f.value, i))) > 0"
        about = [
            f"({_refers(c)} AND (f.field = {literal(c)} OR starts_with(f.field, {literal(c + '.')})))"
            for c in self._lookups
        ]
        return " OR ".join([_PERSON, speaking, *about])


def _refers(column: str) -> str:
    return f"coalesce(list_contains(getvariable('referred'), {quote(column)}.id), false)"


def _json_texts(
    con: duckdb.DuckDBPyConnection, rows: str, columns: Mapping[str, str], referred: frozenset[str]
) -> dict[str, str]:
    """Fields kept as their JSON that speak of an erased record: column → variable of text → what it becomes."""
    variables: dict[str, str] = {}
    names = [n for n, kind in columns.items() if kind == "VARCHAR" and (n not in _OURS or n == "_extra")]
    for place, name in enumerate(names if referred else ()):
        column = quote(name)
        texts = con.execute(
            f"SELECT DISTINCT {column} FROM {rows} WHERE left({column}, 1) IN ('{{', '[') "
            f"AND len(list_filter(getvariable('referred'), lambda i: contains({column}, i))) > 0"
        ).fetchall()
        redact = _extra_now if name == "_extra" else redacted_text
        pairs = {t: redact(t, referred) for (t,) in texts}
        if changed := {text: now for text, now in pairs.items() if text != now}:
            variables[name] = f"texts_{place}"
            con.execute(
                f"SET VARIABLE texts_{place} = MAP(?::VARCHAR[], ?::VARCHAR[])",
                [[*changed.keys()], [*changed.values()]],
            )
    return variables


def _extra_now(text: str, referred: frozenset[str]) -> str:
    """`_extra` holds texts by field, each as the CRM sent it: JSON in JSON."""
    values = json.loads(text)
    now = {name: redacted_text(value, referred) if value else value for name, value in values.items()}
    return text if now == values else json.dumps(now, ensure_ascii=False)


def _seal(path: Path) -> None:
    path.chmod(0o600)
    with path.open("rb") as file:
        os.fsync(file.fileno())
