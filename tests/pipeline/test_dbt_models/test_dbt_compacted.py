"""A compacted warehouse is the warehouse: its tables and views read the same, and dbt builds on it."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from pipelines.sql import literal
from pipelines.warehouse.compact import compact
from tests.pipeline.test_dbt_models.warehouse import Dbt, Warehouse

HELD = (
    "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'warehouse' "
    "UNION ALL SELECT schema_name, view_name FROM duckdb_views() "
    "WHERE NOT internal AND database_name = 'warehouse' ORDER BY ALL"
)


def contents(path: Path) -> dict[tuple[str, str], list[tuple[object, ...]]]:
    """Every row of every table and view, in order."""
    with duckdb.connect() as con:
        con.execute(f"ATTACH {literal(str(path))} AS warehouse (READ_ONLY)")  # as dbt's views call it
        con.execute("USE warehouse")
        return {
            (schema, name): con.execute(f'SELECT * FROM "{schema}"."{name}" ORDER BY ALL').fetchall()
            for schema, name in con.execute(HELD).fetchall()
        }


@pytest.mark.slow
def test_dbt_builds_the_same_on_a_compacted_warehouse(dbt: Dbt, company: Warehouse) -> None:
    seen: list[bool] = []

    def compacted(path: Path) -> None:
        before = contents(path)
        done = compact(path, memory_limit="1GB", threads=2)
        assert done is not None and not done.warning
        seen.append(contents(path) == before and len(before) > 60)

    again = dbt.build_again(company, "compacted", compacted)
    assert seen == [True]
    assert again.complaints == company.complaints
    old, new = contents(company.path), contents(again.path)
    marts = [name for name in old if name[0] in ("core", "mart")]
    assert len(marts) > 10
    assert {name: new[name] for name in marts} == {name: old[name] for name in marts}
