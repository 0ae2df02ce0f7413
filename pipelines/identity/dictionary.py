"""Tables of schema `identity`: what a CRM wrote → its normal form. Only what is new is read.

Telephones, mails and names of people are kept as keyed hashes, on both sides: the tables tell that two values are the
same and never what they are. The key is of this warehouse file alone, so a warehouse folded anew (`forget`, `rebuild`)
has a new one, and nothing of what was forgotten.
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path
from secrets import token_hex
from typing import Any

import duckdb
import yaml

from pipelines.sql import literal, quote

SCHEMA = "identity"
_AT_ONCE = 20_000  # values of one statement
_LIBRARIES = ("opencc", "pypinyin", "python-stdnum", "phonenumbers", "publicsuffixlist")


@dataclass(frozen=True, slots=True)
class Dictionary:
    """A table. columns: name → type, behind `value`. personal: values are hashed."""

    name: str
    columns: Mapping[str, str]
    personal: bool = False


DICTIONARIES = (
    Dictionary(
        "companies",
        dict.fromkeys(
            ("norm", "core", "sound", "place", "brand", "trade", "branch", "branch_place"), "VARCHAR"
        ),
    ),
    Dictionary("credit_codes", {"code": "VARCHAR", "is_checked": "BOOLEAN"}),
    Dictionary("domains", {"domain": "VARCHAR"}),
    Dictionary("places", {"province": "VARCHAR", "city": "VARCHAR"}),
    Dictionary("spellings", {"spelling": "VARCHAR"}),
    Dictionary(
        "phones",
        {"phone_hash": "VARCHAR", "phone_kind": "VARCHAR", "has_extension": "BOOLEAN"},
        personal=True,
    ),
    Dictionary("emails", {"email_hash": "VARCHAR", "domain": "VARCHAR"}, personal=True),
    Dictionary("people", {"name_hash": "VARCHAR"}, personal=True),
)


@cache
def rule_version() -> str:
    """What normal forms depend on: the words, the code that reads, the libraries' own lists."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*")):
        if path.suffix in {".py", ".yml"}:
            digest.update(path.read_bytes())
    for library in _LIBRARIES:
        digest.update(f"{library} {version(library)}".encode())
    digest.update(
        platform.python_version().rsplit(".", 1)[0].encode()
    )  # NFKC is of the interpreter's Unicode
    return digest.hexdigest()[:16]


def note_identity(con: duckdb.DuckDBPyConnection, variables: Mapping[str, str]) -> dict[str, int]:
    """Bring every dictionary up to what the raw tables hold; how many values were read anew, by table.

    variables: the dbt variables that name a column. Call under the lock, before the models; raises duckdb.Error.
    Rows of packages that were read before are passed over, unless the rules changed since.
    """
    con.begin()
    try:
        _ensure(con)
        key, rules = _key(con), f"{rule_version()} {sorted(variables.items())}"
        read = {of.name: _renew(con, of, variables, key, rules) for of in DICTIONARIES}
        con.commit()
    except BaseException:
        con.rollback()
        raise
    return read


def _ensure(con: duckdb.DuckDBPyConnection) -> None:
    """The tables, empty where they are missing; one whose columns changed is made anew."""
    con.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
    con.execute(f"CREATE TABLE IF NOT EXISTS {SCHEMA}.hash_key (hash_key VARCHAR)")
    con.execute(
        f"CREATE TABLE IF NOT EXISTS {SCHEMA}.read_upto (name VARCHAR, rules VARCHAR, load_order BIGINT)"
    )
    for of in DICTIONARIES:
        columns = {"value": "VARCHAR"} | dict(of.columns)
        found = con.execute(
            "SELECT column_name, data_type FROM duckdb_columns() WHERE schema_name = ? AND table_name = ? "
            "ORDER BY column_index",
            [SCHEMA, of.name],
        ).fetchall()
        if found != list(columns.items()):
            body = ", ".join(f"{name} {kind}" for name, kind in columns.items())
            con.execute(f"CREATE OR REPLACE TABLE {SCHEMA}.{of.name} ({body})")
            con.execute(f"DELETE FROM {SCHEMA}.read_upto WHERE name = ?", [of.name])


def _key(con: duckdb.DuckDBPyConnection) -> str:
    """The secret of this file's hashes, made where there is none."""
    if found := con.execute(f"SELECT hash_key FROM {SCHEMA}.hash_key").fetchone():
        return str(found[0])
    key = token_hex(32)
    con.execute(f"INSERT INTO {SCHEMA}.hash_key VALUES (?)", [key])
    return key


def keyed_hash(key: str, text: str) -> str:
    """What `keyed_hash` of the dbt project's dialect gives of the same text."""
    return hashlib.sha256(f"{key}{text}".encode()).hexdigest()


@cache
def _declared() -> Mapping[str, Sequence[Mapping[str, Any]]]:
    found: Mapping[str, Sequence[Mapping[str, Any]]] = yaml.safe_load(
        Path(__file__).with_name("values.yml").read_text("utf-8")
    )
    return found


def _selects(
    con: duckdb.DuckDBPyConnection, name: str, variables: Mapping[str, str], rows: str
) -> Iterator[str]:
    """Queries of every text that the raw tables hold of a kind, as staging shows it: trimmed, NULL where empty."""
    for entry in _declared()[name]:
        schema, table = f"raw_{entry['source']}", entry["stream"]
        there = {
            column
            for (column,) in con.execute(
                "SELECT column_name FROM duckdb_columns() WHERE schema_name = ? AND table_name = ?",
                [schema, table],
            ).fetchall()
        }
        for field in entry.get("fields") or [variables[entry["var"]]]:
            if field in there:
                text = _text(field, label=bool(entry.get("label")))
                yield f"SELECT {text} AS value FROM {schema}.{quote(table)} WHERE {rows}"


def _text(field: str, *, label: bool) -> str:
    column = quote(field)
    if label:
        struct = f"try_cast({column} AS STRUCT(id VARCHAR, name VARCHAR))"
        column = (
            f"coalesce(nullif(trim(struct_extract({struct}, 'name')), ''), struct_extract({struct}, 'id'))"
        )
    return f"nullif(trim(CAST({column} AS VARCHAR)), '')"


def _renew(
    con: duckdb.DuckDBPyConnection, of: Dictionary, variables: Mapping[str, str], key: str, rules: str
) -> int:
    table = f"{SCHEMA}.{of.name}"
    newest = con.execute("SELECT coalesce(max(load_order), 0) FROM ops.packages").fetchone()
    before = con.execute(
        f"SELECT rules, load_order FROM {SCHEMA}.read_upto WHERE name = ?", [of.name]
    ).fetchone()
    if newest is None or before == (rules, *newest):
        return 0
    rows = "true"
    if before and before[0] == rules:
        rows = f"_package_id IN (SELECT package_id FROM ops.packages WHERE load_order > {int(before[1])})"
    else:
        con.execute(f"DELETE FROM {table}")
    read = 0
    if selects := list(_selects(con, of.name, variables, rows)):
        read = _read(con, of, " UNION ".join(selects), key)
    con.execute(f"DELETE FROM {SCHEMA}.read_upto WHERE name = ?", [of.name])
    con.execute(f"INSERT INTO {SCHEMA}.read_upto VALUES (?, ?, ?)", [of.name, rules, *newest])
    return read


def _read(con: duckdb.DuckDBPyConnection, of: Dictionary, values: str, key: str) -> int:
    table = f"{SCHEMA}.{of.name}"
    kept = f"sha256({literal(key)} || value)" if of.personal else "value"
    new = con.execute(
        f"SELECT kept, value FROM (SELECT {kept} AS kept, value FROM ({values}) WHERE value IS NOT NULL) said "
        f"ANTI JOIN {table} t ON t.value = said.kept"
    ).fetchall()
    if not new:
        return 0
    from pipelines.identity.readings import (
        READINGS,
    )  # the libraries take half a second, and mostly nothing is new

    read, hashed = READINGS[of.name], partial(keyed_hash, key)
    types = ["VARCHAR", *of.columns.values()]
    marks = ", ".join(f"unnest(${place}::{kind}[])" for place, kind in enumerate(types, 1))
    for first in range(0, len(new), _AT_ONCE):
        rows = [(kept_as, *read(text, hashed)) for kept_as, text in new[first : first + _AT_ONCE]]
        con.execute(
            f"INSERT INTO {table} SELECT {marks}", [list(column) for column in zip(*rows, strict=True)]
        )
    return len(new)
