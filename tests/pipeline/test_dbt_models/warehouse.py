"""A warehouse file with hand-made raw rows, and dbt on it.

Raw tables are made from the declared streams, so a stream that changes changes the tests with it.
"""

from __future__ import annotations

import json
import os
import shutil
import traceback
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import duckdb
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner
from dbt.contracts.results import RunStatus, TestStatus
from filelock import FileLock

from connectors import discover
from connectors.core.contract import Field, FieldType, Stream
from pipelines.identity.dictionary import note_identity
from pipelines.warehouse.ops import ensure_ops

ROOT = Path(__file__).resolve().parents[3]
PROJECT = ROOT / "dbt_project"
TYPES = {
    FieldType.TEXT: "VARCHAR",
    FieldType.BOOLEAN: "BOOLEAN",
    FieldType.INTEGER: "BIGINT",
    FieldType.DOUBLE: "DOUBLE",
    FieldType.DATE: "DATE",
    FieldType.DATETIME: "TIMESTAMPTZ",
    FieldType.EPOCH_MS: "TIMESTAMPTZ",
    FieldType.LOOKUP: "STRUCT(id VARCHAR, name VARCHAR)",
    FieldType.JSON: "VARCHAR",
}
BUILD = ("build", "--exclude-resource-type", "unit_test")
# 150 tests that dbt takes ten times as long to run as the engine does.
PLAIN = ("test_name:grain", "test_name:accepted_values")
OWN = {
    "_org": "VARCHAR",
    "_record_id": "VARCHAR",
    "_modified_at": "TIMESTAMPTZ",
    "_read_at": "TIMESTAMPTZ",
    "_package_id": "VARCHAR",
    "_position": "BIGINT",
    "_row_hash": "VARCHAR",
    "_extra": "VARCHAR",
    "_loaded_at": "TIMESTAMPTZ",
    "_deleted_at": "TIMESTAMPTZ",
    "_deletion_evidence": "VARCHAR",
}
WEAK_KEYS = {"_number": "VARCHAR", "_name": "VARCHAR"}

Version = tuple[str, str, str, str, Mapping[str, Any]]  # source, stream, record id, stamp, fields


class Warehouse:
    """A built warehouse: what dbt complained of, and its tables."""

    def __init__(self, path: Path, complaints: list[str]) -> None:
        self.path, self.complaints = path, complaints

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.path), read_only=True) as con:
            con.execute("SET TimeZone='UTC'")
            return con.execute(sql).fetchall()

    def one(self, sql: str) -> Any:
        """The only value of the only row."""
        [(value,)] = self.rows(sql)
        return value


class Dbt:
    """dbt in this process, on one path for all scenarios. It parses the project once for each set of variables,
    which decide what a node refers to.

    shared: a folder for all processes of a session; a scenario is built there by the first that asks for it."""

    def __init__(self, home: Path, shared: Path) -> None:
        self._home, self.path, self._shared = home, home / "warehouse.duckdb", shared
        self._projects: dict[str, Any] = {}

    def once(self, name: str, build: Callable[[], Warehouse]) -> Warehouse:
        """What `build` gives, built once by all processes of the session together; where it failed it fails for all."""
        path, told = self._shared / f"{name}.duckdb", self._shared / f"{name}.json"
        with FileLock(self._shared / f"{name}.lock"):
            if not told.exists():
                answer: dict[str, Any]
                try:
                    built = build()
                    shutil.copyfile(built.path, path)
                    answer = {"complaints": built.complaints}
                except BaseException:
                    told.write_text(json.dumps({"failed": traceback.format_exc()}))
                    raise
                told.write_text(json.dumps(answer))
        answer = json.loads(told.read_text())
        if "failed" in answer:
            raise AssertionError(
                f"scenario {name} could not be built by another process:\n{answer['failed']}"
            )
        return Warehouse(path, answer["complaints"])

    def build(
        self, name: str, versions: Iterable[Version], *arguments: str, sql: str = "", **variables: Any
    ) -> Warehouse:
        """Raw tables from `versions`, changed by `sql`, then dbt over them, by default everything but unit tests; of
        that the `PLAIN` tests as dbt compiles them, without dbt (`build_all` lets it run them too)."""
        self.path.unlink(missing_ok=True)
        with duckdb.connect(str(self.path)) as con:
            con.execute("SET TimeZone='UTC'")
            create_raw(con)
            insert(con, versions)
            con.execute(sql or "SELECT 1")
            note_identity(con, {"zoho_credit_code_field": "Credit_Code"})
        complaints = self._invoke(*(arguments or (*BUILD, "--exclude", *PLAIN)), **variables)
        if not arguments:
            complaints += self._plain_tests()
        return Warehouse(self.path.rename(self._home / f"{name}.duckdb"), complaints)

    def build_all(self, name: str, versions: Iterable[Version], sql: str = "") -> Warehouse:
        """The same with every test run by dbt."""
        return self.build(name, versions, *BUILD, sql=sql)

    def build_again(self, built: Warehouse, name: str, change: Callable[[Path], object]) -> Warehouse:
        """dbt once more, over a copy of a built warehouse to whose file something was done."""
        shutil.copyfile(built.path, self.path)
        change(self.path)
        complaints = self._invoke(*BUILD)
        return Warehouse(self.path.rename(self._home / f"{name}.duckdb"), complaints)

    def tests(self, built: Warehouse, change: str, *names: str) -> list[str]:
        """Run these tests over a copy of a built warehouse in which rows were changed; what they complain of."""
        shutil.copyfile(built.path, self.path)
        with duckdb.connect(str(self.path)) as con:
            con.execute(change)
        try:
            return self._invoke("test", "--select", *names)
        finally:
            self.path.unlink()

    def unit_tests(self, built: Warehouse) -> list[str]:
        """Run dbt's unit tests over a built warehouse; what they complain of."""
        os.link(built.path, self.path)
        try:
            return self._invoke("test", "--select", "test_type:unit")
        finally:
            self.path.unlink()

    def compiled(self, *what: str) -> str:
        """The SQL of one model (`--select`, its name) or of a text with macros (`--inline`, the text)."""
        results = self._results("compile", *what)
        self.path.unlink(missing_ok=True)
        [sql] = [r.node.compiled_code for r in results if r.node.resource_type != "test"]
        return sql

    def _plain_tests(self) -> list[str]:
        """Run the `PLAIN` tests on the warehouse that was just built; what they complain of, as dbt would say it."""
        kept = self._shared / "plain_tests.json"
        with FileLock(f"{kept}.lock"):
            if not kept.exists():
                nodes = [r.node for r in self._results("compile", "--select", *PLAIN)]
                assert len(nodes) > 100
                assert {(n.config.fail_calc, n.config.error_if, n.config.warn_if) for n in nodes} == {
                    ("count(*)", "!= 0", "!= 0")
                }
                told = [(n.name, str(n.config.severity).lower(), n.compiled_code) for n in nodes]
                kept.write_text(json.dumps(told))
        complaints = []
        with duckdb.connect(str(self.path), read_only=True) as con:
            con.execute("SET TimeZone='UTC'")
            for name, severity, sql in json.loads(kept.read_text()):
                [(count,)] = con.execute(f"SELECT count(*) FROM ({sql})").fetchall()
                if count:
                    status = {"error": "fail", "warn": "warn"}[severity]
                    found = f"Got {count} result{'' if count == 1 else 's'}"
                    complaints.append(f"{name}: {status} {found}, configured to {status} if != 0")
        return complaints

    def _invoke(self, *arguments: str, **variables: Any) -> list[str]:
        good = {RunStatus.Success, TestStatus.Pass}
        bad = [r for r in self._results(*arguments, **variables) if r.status not in good]
        return [f"{r.node.name}: {r.status} {r.message}" for r in bad]

    def _results(self, *arguments: str, **variables: Any) -> list[Any]:
        results: list[Any] = self._run(
            [*arguments, "--no-write-json"], self._parsed(variables), variables
        ).results
        return results

    def _parsed(self, variables: Mapping[str, Any]) -> Any:
        """A copy of the parsed project: dbt writes to the one that it works with."""
        key = json.dumps(variables, sort_keys=True)
        if key not in self._projects:
            self._projects[key] = self._run(["parse"], None, variables)
        return self._projects[key].deepcopy()

    def _run(self, arguments: list[str], project: Any, variables: Mapping[str, Any]) -> Any:
        where = ["--project-dir", PROJECT, "--profiles-dir", PROJECT, "--target-path", self._home / "target"]
        where += ["--log-path", self._home / "logs", "--log-level-file", "none", "--quiet"]
        try:
            outcome = dbtRunner(manifest=project).invoke(
                [*arguments, *map(str, where), "--vars", json.dumps(variables)]
            )
        finally:
            DuckDBConnectionManager.close_all_connections()
        assert outcome.result is not None, outcome.exception
        return outcome.result


def declared(source: str) -> tuple[Stream, ...]:
    """The streams that a source's connector declares for models to read."""
    return tuple(stream for stream in discover()[source].streams() if stream.modelled)


def create_raw(con: duckdb.DuckDBPyConnection) -> None:
    """Every declared table of every source, empty."""
    ensure_ops(con)
    for source in discover():
        con.execute(f"CREATE SCHEMA raw_{source}")
        for stream in declared(source):
            columns = {f.name: _column_type(f) for f in stream.fields} | OWN
            columns |= WEAK_KEYS if stream.weak_keys else {}
            body = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
            for table in (stream.name, f"{stream.name}__history"):
                con.execute(f"CREATE TABLE raw_{source}.{table} ({body})")


def insert(con: duckdb.DuckDBPyConnection, versions: Iterable[Version]) -> None:
    """Append versions in order; the last one of a record is its current row."""
    for position, version in enumerate(versions):
        source, stream, record, stamp, fields = version
        row = {"_org": "o", "_record_id": record, "_modified_at": stamp, "_position": position, **fields}
        row["_read_at"] = row["_loaded_at"] = read_at(version)
        names = ", ".join(f'"{name}"' for name in row)
        marks = ", ".join("?" for _ in row)
        con.execute(f"DELETE FROM raw_{source}.{stream} WHERE _record_id = ?", [record])
        for table in (stream, f"{stream}__history"):
            con.execute(f"INSERT INTO raw_{source}.{table} ({names}) VALUES ({marks})", list(row.values()))


def read_at(version: Version) -> str:
    """When a version was read: said, else when it was deleted, else at once."""
    fields = version[4]
    return fields.get("_read_at") or fields.get("_deleted_at") or version[3]


def _column_type(field: Field) -> str:
    return f"DECIMAL(18,{field.scale})" if field.type is FieldType.DECIMAL else TYPES[field.type]
