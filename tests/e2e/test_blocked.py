"""A blocked package: the rest goes on, readers get a version that says what of it is old and since when, and the person
who must act finds the sentence. A rule about loaded tables that blocks keeps the last version."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from connectors.core.errors import Problem
from pipelines import after_load, flow
from pipelines import sync as sync_room
from pipelines.health import read_health, sentences
from pipelines.landing.standing import read_standing
from pipelines.landing.zone import Zone
from pipelines.settings import EXPECTATIONS, Settings, load_settings, selected
from tests.conftest import Sandbox

pytestmark = pytest.mark.e2e
STALE = """
  - name: must_be_of_this_hour
    scope: cross
    severity: block
    owner: the board
    freshness: {of: record, hours: 1}
    reason: The board wants no number that is older than an hour.
"""
BLOCK = """
  - name: nothing_may_come
    scope: package
    severity: block
    owner: the revenue desk
    measure: rows
    expect: expect_column_values_to_be_between
    with: {max_value: 0}
    reason: The revenue desk is closing its books and wants no change.
"""


class Home:
    """A home that reads a served company's Zoho and its export files, by rules of its own."""

    def __init__(self, folder: Path, sandbox: Sandbox, settings: Settings) -> None:
        self.sandbox, self.settings, self.rules = sandbox, settings, folder / "expectations"
        shutil.copytree(EXPECTATIONS, self.rules)

    def run(self) -> flow.RunReport:
        self.sandbox.exports(self.settings.inbox("fxiaoke_export"))
        with flow.lock(self.settings, "test"):
            return flow.run(self.settings, selected(self.settings, ["zoho", "fxiaoke_export"]))

    def published(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.settings.published / "bi.duckdb"), read_only=True) as con:
            return con.execute(sql).fetchall()

    def counts(self) -> dict[str, int]:
        return dict(self.published("SELECT source_system, count(*) FROM core.fct_opportunity GROUP BY ALL"))

    def about(self) -> dict[str, str]:
        return dict(self.published("SELECT name, value FROM about"))

    def loaded(self, table: str) -> int:
        with duckdb.connect(str(self.settings.warehouse), read_only=True) as con:
            return con.execute(f"SELECT count(*) FROM {table} WHERE _deleted_at IS NULL").fetchall()[0][0]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """Published once."""
    folder, sandbox = tmp_path_factory.mktemp("blocked"), Sandbox(seed=11, size=150)
    try:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in sandbox.settings.items():
                patch.setenv(name, value)
            patch.setenv("CRM_WAREHOUSE_HOME", str(folder / "home"))
            settings = load_settings()
            settings.prepare_home()
            settings.inbox("fxiaoke_export").mkdir(parents=True, exist_ok=True)
            home = Home(folder, sandbox, settings)
            for room in (sync_room, after_load):
                patch.setattr(room, "EXPECTATIONS", home.rules)
            assert home.run().ok
            assert home.about()["stale"] == ""
            yield home
    finally:
        sandbox.close()


def test_what_is_loaded_and_breaks_a_blocking_rule_is_not_published(home: Home) -> None:
    """The company's clock lies in the past, so the rule cannot hold."""
    version, before = home.about()["version"], home.counts()
    file = home.rules / "fxiaoke_export" / "new_opportunity_obj.yml"
    rules = file.read_text()
    file.write_text(rules + STALE)
    home.sandbox.advance(14)
    report = home.run()
    assert report.build is None and report.publication is None
    told = " ".join(report.sentences())
    assert "must_be_of_this_hour" in told and "the board: repair it in the source" in told
    with pytest.raises(Problem, match=r"new_opportunity_obj [(]must_be_of_this_hour[)]"):
        flow.publish_built(home.settings)
    assert (home.about()["version"], home.counts()) == (version, before)
    assert home.loaded("raw_fxiaoke_export.new_opportunity_obj") > before["fxiaoke"], "loaded all the same"

    file.write_text(rules)
    assert flow.held_back(home.settings) == [], "a rule that nobody wants any more holds nothing back"


def test_a_blocked_stream_is_old_and_everything_else_is_new(home: Home) -> None:
    version, before = home.about()["version"], home.counts()
    good = home.loaded("raw_zoho.deals")
    with (home.rules / "zoho" / "deals.yml").open("a") as rules:
        rules.write(BLOCK)
    home.sandbox.advance(14)
    report = home.run()
    assert not report.ok and report.publication is not None, "what can be served is served"
    blocked = {o.stream: o.status.value for o in report.sync.outcomes if o.source == "zoho"}
    assert blocked.pop("deals") == "blocked" and "blocked" not in blocked.values()

    standing = read_standing(Zone(home.settings.landing).stream("zoho", "default", "deals"))
    assert standing and not standing.good
    about, counts = home.about(), home.counts()
    assert about["version"] > version
    assert about["stale"] == f"zoho.deals of default (blocked since {standing.since:%Y-%m-%d %H:%M} UTC)"
    assert counts["zoho"] == home.loaded("raw_zoho.deals") == good, "the last good table"
    assert counts["fxiaoke"] > before["fxiaoke"], "the other CRM goes on"
    assert home.published(
        "SELECT is_served, is_blocked, waiting_package_count > 0, worst_rule, who_must_act, "
        "reconciliation_verdict FROM mart.mart_data_quality WHERE source = 'zoho' AND stream = 'deals'"
    ) == [(False, True, True, "nothing_may_come", "the revenue desk", "explained")]
    assert home.published("SELECT source, stream FROM mart.mart_data_quality WHERE NOT is_served") == [
        ("zoho", "deals")
    ]

    health = read_health(home.settings.published)
    assert health and not health.ok
    (told,) = sentences(health)
    assert "zoho/deals" in told and "nothing_may_come" in told and "wants no change" in told
    assert "Next (operator): the revenue desk" in told, "who must act"
    assert home.run().publication is None, "nothing new: no further version"
