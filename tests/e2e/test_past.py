"""A past publication, built again long after, is what was published then: every row of every table."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from pipelines import flow, sync
from pipelines.cli import app
from pipelines.landing.decisions import release
from pipelines.landing.zone import Package, StreamZone, Zone
from pipelines.past import OF_THE_PRESENT
from pipelines.settings import EXPECTATIONS, Settings, load_settings, selected
from tests.conftest import Sandbox

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(900)]
# A tenth of the deals or so wait for somebody.
SUSPICIOUS = """
  - name: amount_is_not_suspicious
    scope: row
    severity: quarantine
    expect: expect_column_values_to_be_between
    with: {column: Amount, max_value: 100000}
    reason: Such amounts are looked at first.
"""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[tuple[Settings, Sandbox]]:
    sandbox = Sandbox(seed=11, size=60)
    rules = shutil.copytree(EXPECTATIONS, tmp_path / "expectations")
    with (rules / "zoho" / "deals.yml").open("a") as file:
        file.write(SUSPICIOUS)
    try:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in sandbox.settings.items():
                patch.setenv(name, value)
            patch.setenv("CRM_WAREHOUSE_HOME", str(tmp_path / "home"))
            patch.setenv("CRM_WAREHOUSE_SETTLE_SECONDS", "0")
            patch.setattr(sync, "EXPECTATIONS", rules)
            settings = load_settings()
            settings.prepare_home()
            settings.inbox("fxiaoke_export").mkdir(parents=True, exist_ok=True)
            yield settings, sandbox
    finally:
        sandbox.close()


def run(settings: Settings) -> str:
    """A day's run; the version that it published."""
    with flow.lock(settings, "test"):
        done = flow.run(settings, selected(settings, ["zoho", "fxiaoke_export"]), sweep=True)
    assert done.publication, done.sentences()
    return done.publication.version


def rows(path: Path) -> dict[str, list[str]]:
    with duckdb.connect(str(path), read_only=True) as con:
        con.execute("SET TimeZone = 'UTC'")
        names = con.execute(
            "SELECT schema_name || '.' || table_name FROM duckdb_tables() WHERE schema_name IN ('core', 'mart')"
        ).fetchall()
        return {
            name: sorted(map(repr, con.execute(f"SELECT * FROM {name}").fetchall()))
            for (name,) in names
            if name.partition(".")[2] not in OF_THE_PRESENT
        }


def _waiting(zone: StreamZone) -> Iterator[tuple[Package, list[int]]]:
    """Packages with rows that nobody has decided about, and these."""
    for package in zone.packages():
        decided = {p for d in zone.decisions(package.id) for p in d.positions or ()}
        path = package.folder / "quarantined.parquet"
        with duckdb.connect() as con:
            found = con.execute(f"SELECT _position FROM '{path}'").fetchall() if path.exists() else []
        if open_rows := [p for (p,) in found if p not in decided]:
            yield package, open_rows


def test_every_past_publication_is_built_again_row_for_row(
    home: tuple[Settings, Sandbox], tmp_path: Path
) -> None:
    settings, sandbox = home
    late = tmp_path / "late"
    kept: dict[str, dict[str, list[str]]] = {}

    def keep(version: str) -> None:
        kept[version] = rows(settings.published / f"bi.{version}.duckdb")

    files = sandbox.exports(late)  # of the first day; it comes on the third
    keep(run(settings))
    sandbox.advance(3)
    sandbox.act("delete", "deals", crm="zoho", id=min(sandbox.truth("zoho", "deals")["records"]))
    sandbox.exports(settings.inbox("fxiaoke_export"))
    keep(run(settings))
    sandbox.advance(3)
    for file in files:
        shutil.copy(file, settings.inbox("fxiaoke_export") / f"late-{Path(file).name}")
    [zone] = [zone for *names, zone in Zone(settings.landing).streams() if names[0::2] == ["zoho", "deals"]]
    [*_, (package, positions)] = _waiting(zone)
    release(zone, package, positions)
    keep(run(settings))
    live = rows(settings.warehouse)

    assert len({str(tables) for tables in kept.values()}) == 3, "nothing changed from day to day"
    for version, tables in kept.items():
        answer = CliRunner().invoke(app, ["build", "--as-published", version, "--json"])
        said = json.loads(answer.stdout)
        assert (answer.exit_code, said["differences"], said["same_as_then"]) == (0, [], True)
        again = rows(Path(said["path"]))
        assert again.keys() == tables.keys()
        assert [name for name in tables if again[name] != tables[name]] == []
    assert rows(settings.warehouse) == live
    assert (settings.published / "bi.duckdb").samefile(settings.published / f"bi.{max(kept)}.duckdb")
