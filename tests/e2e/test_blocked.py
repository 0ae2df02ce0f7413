"""A blocked package: the rest goes on, readers get a version that says what of it is old and since when, and the person
who must act finds the sentence. A rule about loaded tables that blocks keeps the last version."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines import flow
from pipelines import sync as sync_room
from pipelines.health import read_health, sentences
from pipelines.landing.standing import read_standing
from pipelines.landing.zone import Zone
from pipelines.settings import EXPECTATIONS, Settings, load_settings, selected
from tests.conftest import Sandbox

pytestmark = pytest.mark.e2e
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


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    sandbox = Sandbox(seed=11, size=150)
    try:
        for name, value in sandbox.settings.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("CRM_WAREHOUSE_HOME", str(tmp_path / "home"))
        settings = load_settings()
        settings.prepare_home()
        settings.inbox("fxiaoke_export").mkdir(parents=True, exist_ok=True)
        home = Home(tmp_path, sandbox, settings)
        monkeypatch.setattr(sync_room, "EXPECTATIONS", home.rules)
        yield home
    finally:
        sandbox.close()


def test_a_blocked_stream_is_old_and_everything_else_is_new(home: Home) -> None:
    assert home.run().ok
    first, before = home.about(), home.counts()
    assert first["stale"] == ""

    with (home.rules / "zoho" / "deals.yml").open("a") as file:
        file.write(BLOCK)
    home.sandbox.advance(14)
    report = home.run()
    assert not report.ok and report.publication is not None, "what can be served is served"
    blocked = {o.stream: o.status.value for o in report.sync.outcomes if o.source == "zoho"}
    assert blocked.pop("deals") == "blocked" and "blocked" not in blocked.values()

    standing = read_standing(Zone(home.settings.landing).stream("zoho", "default", "deals"))
    assert standing and not standing.good
    about, counts = home.about(), home.counts()
    assert about["version"] > first["version"]
    assert about["stale"] == f"zoho.deals of default (blocked since {standing.since:%Y-%m-%d %H:%M} UTC)"
    assert counts["zoho"] == before["zoho"], "the last good table"
    assert counts["fxiaoke"] > before["fxiaoke"], "the other CRM goes on"
    assert home.published(
        "SELECT served, blocked, pending > 0, status_since IS NOT NULL FROM ops.stream_state "
        "WHERE source = 'zoho' AND stream = 'deals'"
    ) == [(False, True, True, True)]

    health = read_health(home.settings.published)
    assert health and not health.ok
    (told,) = sentences(health)
    assert "zoho/deals" in told and "nothing_may_come" in told and "wants no change" in told
    assert "Next (operator): the revenue desk" in told, "who must act"
    assert home.run().publication is None, "nothing new: no further version"
