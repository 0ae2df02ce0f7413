"""A home with one scripted source, driven through the real flow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from connectors.core.contract import SourceContext, SourceSpec
from pipelines import flow
from pipelines import sync as sync_room
from pipelines.landing.zone import StreamZone, Zone
from pipelines.outcome import SyncReport
from pipelines.settings import Settings
from tests.pipeline.scripted import STREAM, Scripted

RULES = """
grain: one row per deal
owner: sales operations
rules:
  - name: amount_is_not_negative
    scope: row
    severity: quarantine
    expect: expect_column_values_to_be_between
    with: {column: Amount, min_value: 0}
    reason: A negative amount would lower revenue.
"""
BLOCKING = RULES.replace("severity: quarantine", "severity: block")


class Bench:
    """A home with one scripted source."""

    def __init__(self, folder: Path, source: Scripted) -> None:
        self.source, self.rules = source, folder / "expectations" / "scripted" / "deals.yml"
        self.rules.parent.mkdir(parents=True)
        self.rules.write_text(RULES)
        self.settings = Settings(home=folder / "home", _env_file=None)
        self.settings.prepare_home()
        self.spec = SourceSpec("scripted", "Scripted", (), lambda: (STREAM,), self._open)

    def _open(self, context: SourceContext) -> Scripted:
        return self.source

    def sync(self) -> SyncReport:
        with flow.lock(self.settings, "test"):
            report = flow.sync(self.settings, [(self.spec, "default")])
            flow.reported(self.settings, flow.RunReport(sync=report))
        return report

    def query(self, sql: str) -> list[tuple[object, ...]]:
        """Rows of the warehouse, moments in UTC."""
        with duckdb.connect(str(self.settings.warehouse), read_only=True) as con:
            con.execute("SET TimeZone = 'UTC'")
            return con.execute(sql).fetchall()

    def raw(self) -> list[tuple[object, ...]]:
        return self.query('SELECT _record_id, "Amount" FROM raw_scripted.deals ORDER BY 1')

    @property
    def zone(self) -> StreamZone:
        return Zone(self.settings.landing).stream("scripted", "default", "deals")


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr(sync_room, "EXPECTATIONS", tmp_path / "expectations")
    yield Bench(tmp_path, Scripted())
