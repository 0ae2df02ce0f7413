"""`python -m benchmarks.publish`: publishing the marts of a million opportunities.

The tables are made by SQL with the columns and types that the models' contracts give them: keys are digests, as dbt
makes them, other texts repeat, numbers and days are drawn. Seconds of `publish` alone; where other programs share the
cores, its CPU seconds over its threads say what the wall clock would.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipelines.build import manifest_path, published_tables
from pipelines.settings import Settings
from pipelines.sql import quote
from pipelines.warehouse.connect import open_warehouse
from pipelines.warehouse.publish import PublishedTable, publish

MEMORY, THREADS = "4GB", 2
# Rows of a table for each opportunity; what the sandbox's company has. Tables that are not here have 5,000.
_PER_OPPORTUNITY: Mapping[str, float] = {
    "fct_opportunity": 1,
    "fct_opportunity_stage_history": 3.1,
    "dim_account": 0.27,
    "mart_customer_tier": 0.26,
}
_OTHER_ROWS = 5_000
# Different keys of a kind; users, products and teams are few.
_KEYS: Mapping[str, int] = {"opportunity_key": 1_000_000, "account_key": 270_000}
_OTHER_KEYS = 400
_WORDS = (
    "['标准','渠道','续约','华东','华南','赢单','输单','Competition','Closed Lost','展会','转介绍','CNY']"
)


@dataclass(frozen=True, slots=True)
class PublishFigures:
    """Wall and CPU seconds of each publication, the rows and bytes of one."""

    seconds: list[float]
    cpu: list[float]
    rows: int
    bytes: int


def measure(opportunities: int, runs: int) -> PublishFigures:
    """Make a warehouse with that many opportunities, and publish it `runs` times."""
    with tempfile.TemporaryDirectory(prefix="crm-warehouse-publish-") as home:
        settings = Settings(home=Path(home), _env_file=None)
        settings.prepare_home()
        tables = published_tables(settings)
        _make(settings, tables, opportunities)
        seconds, cpu = [], []
        for _ in range(runs):
            start, used = time.monotonic(), time.process_time()
            published = publish(
                settings.warehouse, settings.published, tables, {}, memory_limit=MEMORY, threads=THREADS
            )
            seconds.append(time.monotonic() - start)
            cpu.append(time.process_time() - used)
        return PublishFigures(seconds, cpu, sum(published.rows.values()), published.path.stat().st_size)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--opportunities", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    f = measure(options.opportunities, options.runs)
    each = ", ".join(f"{s:.1f}" for s in f.seconds)
    print(f"{options.opportunities:,} opportunities: {f.rows:,} rows, {f.bytes / 1e6:.0f} MB")
    print(f"  published in {statistics.median(f.seconds):.1f} s, the median  ({each})")
    print(f"  {statistics.median(f.cpu):.1f} CPU s on {THREADS} threads")


def _make(settings: Settings, tables: tuple[PublishedTable, ...], opportunities: int) -> None:
    types = _contracts(settings)
    with open_warehouse(settings.warehouse, memory_limit=MEMORY, threads=THREADS) as con:
        for table in tables:
            rows = int(opportunities * _PER_OPPORTUNITY.get(table.name, 0)) or _OTHER_ROWS
            columns = ", ".join(
                f"CAST({_value(column.name, types[table.name][column.name], number)} "
                f"AS {types[table.name][column.name]}) AS {quote(column.name)}"
                for number, column in enumerate(table.columns)
            )
            con.execute(f"CREATE SCHEMA IF NOT EXISTS {quote(table.schema)}")
            con.execute(
                f"CREATE TABLE {quote(table.schema)}.{quote(table.name)} AS SELECT {columns} FROM range({rows}) r(i)"
            )


def _contracts(settings: Settings) -> dict[str, dict[str, str]]:
    """Model → column → type of its contract."""
    nodes = json.loads(manifest_path(settings).read_bytes())["nodes"].values()
    return {
        n["name"]: {c: facts["data_type"] for c, facts in n["columns"].items()}
        for n in nodes
        if n["resource_type"] == "model" and n["config"]["contract"]["enforced"]
    }


def _value(name: str, kind: str, salt: int) -> str:
    """SQL of a value: the row's own key for the first column, else drawn by hash."""
    drawn = f"hash(i, {salt})"
    kind = kind.lower()
    if name.endswith("_key"):
        return f"md5(CAST({'i' if salt == 0 else f'{drawn} % {_KEYS.get(name, _OTHER_KEYS)}'} AS VARCHAR))"
    if name.endswith("_name"):
        return f"'上海丰森-工业路由 R2-' || CAST({drawn} % 100000000 AS VARCHAR)"
    if name == "source_id":
        return f"'55402300000' || lpad(CAST({drawn} % 10000000 AS VARCHAR), 7, '0')"
    if kind.startswith("timestamp"):
        return f"TIMESTAMPTZ '2025-01-01 00:00:00+00' + to_seconds(CAST({drawn} % 47000000 AS BIGINT))"
    if kind == "date":
        return f"DATE '2025-01-01' + CAST({drawn} % 540 AS INTEGER)"
    if kind == "boolean":
        return f"{drawn} % 2 = 0"
    if kind.startswith(("decimal", "numeric")) and kind.endswith((",0)", ", 0)")):
        return f"{drawn} % 1000"
    if kind.startswith(("decimal", "numeric", "double", "float")):
        return (
            f"CAST({drawn} % 100000 AS DOUBLE) / 1000"
            if "," in kind
            else f"CAST({drawn} % 1000 AS DOUBLE) / 1000"
        )
    if kind in ("text", "varchar", "string"):
        return f"({_WORDS})[1 + CAST({drawn} % 12 AS BIGINT)]"
    return f"{drawn} % 400"


if __name__ == "__main__":
    main()
