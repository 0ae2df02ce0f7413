"""The same records in another layout are no change: the table stays as it is, and that is the truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pytest

from connectors import discover
from pipelines import flow
from pipelines import sync as sync_room
from pipelines.outcome import SyncReport
from pipelines.settings import Settings
from sandbox.company.clock import OPENING
from sandbox.company.world import World
from sandbox.fxiaoke.exports import Export, write_exports
from sandbox.truth.fold import fold

FIRST = (Export("xls", layout="report", pack="zip-gbk"),)
OTHERS = (
    Export("csv-gb18030", layout="totals"),
    Export("xlsb", layout="titled", pack="zip"),
    Export("csv-plain", layout="units"),
)


@pytest.mark.parametrize("others", [FIRST, pytest.param(OTHERS, marks=pytest.mark.slow)], ids=["one", "more"])
def test_other_layouts_of_the_same_moment_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, others: Sequence[Export]
) -> None:
    rules = tmp_path / "expectations" / "fxiaoke_export"
    rules.mkdir(parents=True)
    for stream in discover()["fxiaoke_export"].streams():
        (rules / f"{stream.name}.yml").write_text("grain: one row per record\nowner: tests\nrules: []\n")
    monkeypatch.setattr(sync_room, "EXPECTATIONS", tmp_path / "expectations")
    settings = Settings(home=tmp_path / "home", _env_file=None)
    settings.prepare_home()
    log = World(3, "60", OPENING).log
    inbox = settings.inbox("fxiaoke_export")

    def synced(export: Export) -> SyncReport:
        write_exports(log, OPENING, inbox / f"{export.format}-{export.layout}", export)
        with flow.lock(settings, "test"):
            report = flow.sync(settings, [(discover()["fxiaoke_export"], "default")])
        assert report.ok, report.sentences()
        return report

    first = synced(Export())
    truth = fold(log.of("fxiaoke", "deals"), OPENING).records
    with duckdb.connect(str(settings.warehouse), read_only=True) as con:
        held = con.execute(
            "SELECT _record_id, coalesce(amount, 0), name FROM raw_fxiaoke_export.new_opportunity_obj"
        ).fetchall()
    assert {id: (float(amount), name) for id, amount, name in held} == {
        id: (float(deal.get("amount") or 0), deal["name"]) for id, deal in truth.items()
    }
    inserted = {o.stream: o.inserted for o in first.outcomes}
    for export in others:
        report = synced(export)
        fates = Counter({o.stream: o.unchanged for o in report.outcomes})
        assert fates == inserted, export
        assert not any(o.inserted or o.updated or o.quarantined or o.deleted for o in report.outcomes), export
