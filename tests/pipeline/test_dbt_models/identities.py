"""What the sandbox says is one thing, beside what the models made of it: raw tables straight from a company's log, and
precision and recall of pairs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import duckdb

from pipelines.identity.dictionary import note_identity
from sandbox.company.log import Log
from sandbox.truth.fold import fold
from tests.pipeline.test_dbt_models.warehouse import TYPES, Dbt, Warehouse, create_raw, declared

STREAMS = {
    "zoho": {"accounts": "accounts", "contacts": "contacts", "users": "users", "products": "products"},
    "fxiaoke": {
        "accounts": "account_obj",
        "contacts": "contact_obj",
        "users": "personnel_obj",
        "products": "product_obj",
    },
}
BORN = {"zoho": ("Created_Time", "created_time"), "fxiaoke": ("create_time",)}
SELECTED = (
    "build", "--select", "+map_account_identity", "+map_contact_identity", "+map_user_identity",
    "+map_product_identity", "+dim_account", "bridge_account_record", "bridge_survivorship",
    "assert_no_match_rests_on_a_name", "warn_identity_decision_unapplied", "warn_identity_block_over_full",
    "--exclude-resource-type", "unit_test", "--indirect-selection", "empty",
)  # fmt: skip

Record = Mapping[str, Any]
Group = Sequence[tuple[str, str]]  # (crm, id) of records that mean one thing


def records_of(log: Log, at: int) -> dict[tuple[str, str], list[Record]]:
    """(crm, entity) → living records with `_record_id` and the moment of their creation as `_born`."""
    found: dict[tuple[str, str], list[Record]] = {}
    for crm, entities in STREAMS.items():
        for entity in entities:
            living = fold(log.of(crm, entity), at).records
            found[crm, entity] = [
                {
                    **fields,
                    "_record_id": id,
                    "_born": next((fields[n] for n in BORN[crm] if n in fields), None),
                }
                for id, fields in living.items()
            ]
    return found


def build(
    dbt: Dbt, name: str, records: Mapping[tuple[str, str], Iterable[Record]], *, sql: str = ""
) -> Warehouse:
    """A warehouse of these records and nothing else, with the identity models on it."""
    dbt.path.unlink(missing_ok=True)
    with duckdb.connect(str(dbt.path)) as con:
        con.execute("SET TimeZone='UTC'")
        create_raw(con)
        for (crm, entity), rows in records.items():
            _insert(con, dbt.path.with_suffix(".json"), crm, STREAMS[crm][entity], rows)
        con.execute(sql or "SELECT 1")
        note_identity(con, {"zoho_credit_code_field": "Credit_Code"})
    complaints = dbt._invoke(*SELECTED)
    return Warehouse(dbt.path.rename(dbt.path.with_name(f"{name}.duckdb")), complaints)


def _insert(
    con: duckdb.DuckDBPyConnection, path: Path, crm: str, stream: str, rows: Iterable[Record]
) -> None:
    (of,) = (s for s in declared(crm) if s.name == stream)
    kinds = {f.name: TYPES.get(f.type, "DECIMAL(18,2)") for f in of.fields}
    lookups = {name for name, kind in kinds.items() if kind.startswith("STRUCT")}
    columns = {"_record_id": "VARCHAR", "_born": "TIMESTAMPTZ"} | kinds
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            told = {
                name: {"id": value, "name": value} if name in lookups and isinstance(value, str) else value
                for name, value in row.items()
                if name in columns
            }
            file.write(json.dumps(told, ensure_ascii=False) + "\n")
    shape = ", ".join(f"{json.dumps(name)}: {kind!r}" for name, kind in columns.items())
    con.execute(
        f"INSERT INTO raw_{crm}.{stream} BY NAME SELECT * EXCLUDE _born, 'o' AS _org, _born AS _modified_at, "
        f"_born AS _read_at FROM read_json('{path}', format='newline_delimited', columns={{{shape}}})"
    )
    path.unlink()


def measured(built: Warehouse, entity: str, groups: Iterable[Group]) -> tuple[float, float, int, list[Any]]:
    """Precision and recall of pairs of records of one uid, how many pairs are true, and those that are wrong."""
    one = entity.removesuffix("s")
    made: dict[str, list[tuple[str, str]]] = {}
    for uid, crm, id in built.rows(
        f"SELECT {one}_uid, source_system, {one}_id FROM intermediate.int_crm__{one}_members "
        f"JOIN intermediate.int_crm__{one}_evidence USING ({one}_key)"
    ):
        made.setdefault(uid, []).append((crm, id))
    found, true = _pairs(made.values()), _pairs(groups)
    hits = len(found & true)
    return hits / max(1, len(found)), hits / max(1, len(true)), len(true), sorted(found ^ true)


def _pairs(groups: Iterable[Group]) -> set[tuple[tuple[str, str], ...]]:
    return {pair for group in groups for pair in combinations(sorted(group), 2)}
