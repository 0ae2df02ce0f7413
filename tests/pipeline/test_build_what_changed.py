"""A build makes what has changed, and ends where a build of everything ends: table by table, row by row.

One small company of both CRMs lives a few days: edits, deletes, restores, stages, a CRM read in two ways from some day
on, a build that dies half-way. After each step the tables are compared with those of a warehouse that forgot what it
had built.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines import flow
from pipelines.build import Build, build_results
from pipelines.settings import Settings, load_settings, selected
from tests.conftest import Sandbox

pytestmark = pytest.mark.slow
WAYS = ["zoho", "fxiaoke"]


class Home:
    """A home of both CRMs, and its warehouse built anew beside it."""

    def __init__(self, folder: Path, sandbox: Sandbox, settings: Settings) -> None:
        self.folder, self.sandbox, self.settings = folder, sandbox, settings

    def load(self, sources: list[str] = WAYS) -> None:
        with flow.lock(self.settings, "test"):
            flow.sync(self.settings, selected(self.settings, sources))

    def build(self) -> Build:
        with flow.lock(self.settings, "test"):
            return flow.build(self.settings)

    def made(self) -> set[str]:
        """Models that the last build made."""
        return {
            r["unique_id"].split(".")[-1]
            for r in build_results(self.settings)
            if r["unique_id"].startswith("model")
        }

    def everything_anew(self) -> Settings:
        """The same warehouse in another home, with nothing remembered, built whole."""
        home = self.folder / "anew"
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(self.settings.home, home, ignore=shutil.ignore_patterns("docs", "published"))
        anew = Settings(home=home, timezone=self.settings.timezone, _env_file=None)
        with duckdb.connect(str(anew.warehouse)) as con:
            con.execute("DELETE FROM ops.model_builds")
            con.execute("DELETE FROM ops.built_nodes")
            for schema in ("staging", "intermediate", "core", "mart"):
                con.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
        with flow.lock(anew, "test"):
            assert flow.build(anew).ok
        return anew


def differences(one: Settings, other: Settings) -> dict[str, list[tuple[Any, ...]]]:
    """Table → rows that only one of both has, at most three; of every table that the models make."""
    found = {}
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        for name, settings in (("one", one), ("other", other)):
            con.execute(f"ATTACH '{settings.warehouse}' AS {name} (READ_ONLY)")
        tables = con.execute(
            "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'other' "
            "AND schema_name IN ('intermediate', 'core', 'mart') AND table_name <> 'int_crm__changed_opportunities'"
        ).fetchall()
        for schema, table in tables:
            rows = con.execute(
                f"(FROM one.{schema}.{table} EXCEPT ALL FROM other.{schema}.{table}) UNION ALL "
                f"(FROM other.{schema}.{table} EXCEPT ALL FROM one.{schema}.{table}) LIMIT 3"
            ).fetchall()
            if rows:
                found[f"{schema}.{table}"] = rows
    assert len(tables) > 40
    return found


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    folder, sandbox = tmp_path_factory.mktemp("changed"), Sandbox(seed=23, size=120)
    try:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in sandbox.settings.items():
                patch.setenv(name, value)
            patch.setenv("CRM_WAREHOUSE_HOME", str(folder / "home"))
            home = Home(folder, sandbox, load_settings())
            home.load()
            assert home.build().ok
            yield home
    finally:
        sandbox.close()


def test_nothing_new_makes_nothing(home: Home) -> None:
    home.build()
    built = home.build()
    # what speaks of the pipeline's own rules is judged anew each time
    assert built.ok and home.made() <= {"mart_data_quality", "mart_crm_hygiene", "int_ops__broken_rules"}


def test_days_of_changes_end_where_everything_ends(home: Home) -> None:
    for days in (1, 3, 20):
        home.sandbox.advance(days)
        home.load()
        assert home.build().ok
        assert "fct_opportunity" in home.made()
        assert differences(home.settings, home.everything_anew()) == {}


def test_a_build_that_fails_half_way_is_made_good(home: Home) -> None:
    home.sandbox.advance(1)
    home.load()
    with duckdb.connect(
        str(home.settings.warehouse)
    ) as con:  # the fact cannot be built beside a view of its name
        con.execute("DROP TABLE core.fct_opportunity CASCADE")
        con.execute("CREATE TABLE core.fct_opportunity__dbt_backup AS SELECT 1 AS broken")
        con.execute("CREATE VIEW core.leans_on_it AS FROM core.fct_opportunity__dbt_backup")
    home.build()
    with duckdb.connect(str(home.settings.warehouse)) as con:
        con.execute("DROP VIEW core.leans_on_it")
    home.sandbox.advance(1)
    home.load()
    assert home.build().ok
    assert differences(home.settings, home.everything_anew()) == {}


def test_files_that_join_the_api_are_found(home: Home) -> None:
    home.sandbox.advance(2)
    home.sandbox.exports(home.settings.inbox("fxiaoke_export"))
    home.load(["fxiaoke_export"])
    assert home.build().ok
    assert differences(home.settings, home.everything_anew()) == {}
    home.sandbox.advance(2)
    home.load()
    assert home.build().ok
    assert differences(home.settings, home.everything_anew()) == {}
