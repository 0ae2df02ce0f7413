"""What a build need not make again, on a project of four nodes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.plan import Plan, plan, remember
from pipelines.warehouse.ops import ensure_ops


def node(name: str, *parents: str, kind: str = "model", **config: Any) -> dict[str, Any]:
    return {
        "name": name, "resource_type": kind, "schema": "core", "alias": name, "package_name": "p",
        "original_file_path": f"models/{name}.sql", "depends_on": {"nodes": list(parents)},
        "config": {"materialized": "test" if kind == "test" else "table", **config},
    }  # fmt: skip


MANIFEST: dict[str, Any] = {
    "sources": {
        "source.deals": {"schema": "raw_zoho", "identifier": "deals__history"},
        "source.users": {"schema": "raw_zoho", "identifier": "users"},
    },
    "nodes": {
        "model.day": node("day", "source.deals", meta={"digest": "rows"}),
        "model.deals": node("deals", "source.deals"),
        "model.users": node("users", "source.users", "model.day"),
        "test.users": node("users_are_right", "model.users", kind="test"),
    },
}


class Project:
    """The project on a warehouse in memory."""

    def __init__(self, con: duckdb.DuckDBPyConnection, compiled: Path) -> None:
        self.con, self.compiled = con, compiled
        (compiled / "p" / "models").mkdir(parents=True)
        (compiled / "p" / "models" / "day.sql").write_text("SELECT max(day) AS day FROM seen")
        con.execute("CREATE SCHEMA core; CREATE TABLE seen AS SELECT 1 AS day")

    def load(self, stream: str, order: int, **counts: int) -> None:
        said = {"inserted": 0, "restamped": 0, **counts}
        self.con.execute(
            "INSERT INTO ops.packages BY NAME SELECT $name AS package_id, 'zoho' AS source, $stream AS stream, "
            "$order AS load_order, $inserted AS inserted, $restamped AS restamped",
            {"name": f"{stream}{order}", "stream": stream, "order": order, **said},
        )

    def plan(self, code: str = "c1") -> Plan:
        return plan(self.con, MANIFEST, code, self.compiled)

    def make(self, failing: str = "", code: str = "c1") -> Plan:
        """A build as planned, all of it but the failing node a success."""
        planned = self.plan(code)
        results = []
        for name, one in MANIFEST["nodes"].items():
            if one["name"] in planned.names:
                results.append(
                    {"unique_id": name, "status": "error" if name == failing else "success", "message": ""}
                )
                if one["resource_type"] == "model" and name != failing:
                    self.con.execute(f"CREATE OR REPLACE TABLE core.{one['alias']} AS SELECT 1 AS x")
        remember(self.con, planned, results, None if failing else "2026-03-01")
        return planned


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with duckdb.connect() as con:
        ensure_ops(con)
        yield Project(con, tmp_path)


def test_the_first_build_makes_everything_and_the_next_nothing(project: Project) -> None:
    project.load("deals", 1, inserted=5)
    first = project.make()
    assert (sorted(first.names), first.whole) == (["day", "deals", "users", "users_are_right"], True)
    assert first.arguments() == ["--full-refresh"]
    again = project.plan()
    assert (list(again.names), again.whole, again.load_order) == ([], False, 1)


def test_a_package_makes_anew_what_reads_its_table(project: Project) -> None:
    project.load("deals", 1, inserted=5)
    project.make()
    project.load("users", 2, inserted=1)
    assert project.plan().names == ["users", "users_are_right"]
    assert project.plan().arguments() == ["--select", "users", "users_are_right"]


@pytest.mark.parametrize(
    ("counts", "names"), [({}, []), ({"restamped": 1}, ["day", "deals"]), ({"inserted": 1}, ["day", "deals"])]
)
def test_only_what_changed_the_table_counts(
    project: Project, counts: dict[str, int], names: list[str]
) -> None:
    project.load("deals", 1, inserted=5)
    project.make()
    project.load("deals", 2, **counts)
    # users read the day by its rows, which stayed as they were
    assert project.plan().names == names


def test_a_model_told_by_its_rows_moves_its_readers_when_they_change(project: Project) -> None:
    project.load("deals", 1, inserted=5)
    project.make()
    project.con.execute("UPDATE seen SET day = 2")
    project.load("deals", 2, inserted=1)
    assert project.plan().names == ["day", "deals", "users", "users_are_right"]


def test_the_rows_are_looked_at_only_when_what_they_are_made_of_has_changed(project: Project) -> None:
    project.load("deals", 1, inserted=5)
    project.make()
    project.con.execute("DROP TABLE seen")
    assert project.plan().names == []


def test_the_first_row_of_a_stream_moves_the_readers_of_rows(project: Project) -> None:
    """Its SQL may have left that stream out, so its rows by that SQL say nothing."""
    project.load("deals", 1, inserted=5)
    project.make()
    project.load("leads", 2, inserted=1)
    assert project.plan().names == ["users", "users_are_right"]


def test_what_failed_is_made_again_and_what_succeeded_is_not(project: Project) -> None:
    project.make()
    project.load("deals", 1, inserted=1)
    project.load("users", 2, inserted=1)
    project.make(failing="model.users")
    again = project.plan()
    assert (again.names, again.whole) == (["users"], False)
    # changed opportunities are those since the last complete build, which knew no package
    assert project.con.execute("SELECT load_order FROM ops.model_builds").fetchall() == [(0,)]


def test_a_first_build_that_failed_is_made_whole(project: Project) -> None:
    project.make(failing="model.users")
    assert (len(project.plan().names), project.plan().whole) == (4, True)


def test_a_table_that_is_gone_is_made_again(project: Project) -> None:
    project.make()
    project.con.execute("DROP TABLE core.deals")
    assert project.plan().names == ["deals"]


def test_new_code_makes_everything(project: Project) -> None:
    project.make()
    planned = project.plan("c2")
    assert (len(planned.names), planned.whole) == (4, True)


def test_a_node_that_is_made_although_it_was_kept_is_remembered_once(project: Project) -> None:
    planned = project.make()
    results = [{"unique_id": "model.users", "status": "success", "message": ""}]
    for _ in range(2):
        remember(project.con, project.plan(), results, "2026-03-01")
    assert project.con.execute("SELECT count(*) FROM ops.built_nodes").fetchall() == [(len(planned.names),)]
