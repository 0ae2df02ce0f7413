"""Packages and warehouses of earlier versions are read by this one. `landing_format_1` was written by the code
of 2026-11-22, the last of format 1: three syncs, one deletion, one row set aside, one package blocked."""

from __future__ import annotations

import json
import shutil
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from connectors.core.errors import Problem
from pipelines import flow
from pipelines.fold import rebuild
from pipelines.manifest import FORMAT, Landed, read_manifest
from tests.pipeline.conftest import Bench
from tests.pipeline.scripted import deal

OLD = Path(__file__).parent / "landing_format_1"


@pytest.fixture
def old(bench: Bench) -> Bench:
    shutil.copytree(OLD, bench.settings.landing, dirs_exist_ok=True)
    return bench


def test_a_landing_zone_of_format_1_is_folded_whole(old: Bench) -> None:
    with flow.lock(old.settings, "test"):
        assert rebuild(old.settings) == 4
    rows = 'SELECT _record_id, "Amount", _deleted_at IS NULL FROM raw_scripted.deals ORDER BY 1'
    assert old.query(rows) == [
        ("1", Decimal("1.00"), False),
        ("2", Decimal("20.00"), True),
        ("3", Decimal("3.00"), True),
    ]
    assert old.query("SELECT count(*) FROM raw_scripted.deals__history") == [(5,)]
    assert old.query("SELECT rule, still_open::INT FROM ops.quarantine_summary") == [
        ("amount_is_not_negative", 1)
    ]
    assert old.query("SELECT * FROM ops.conservation") == []


def test_its_cursor_and_its_blocked_package_go_on(old: Bench) -> None:
    old.source.pages = [[deal("5", "2026-03-05T10:00:00+08:00", Amount=5)]]
    report = old.sync()  # the rule only sets aside now: the package that it blocked is checked again
    assert report.ok, report.sentences()
    since = [w.since.isoformat() for w in old.source.windows if w.since and w.kind == "incremental"]
    assert since == ["2026-03-04T01:55:00+00:00"], "the cursor of the blocked package, less the overlap"
    assert [key for key, _ in old.raw()] == ["1", "2", "3", "5"]
    formats = {
        path.name: json.loads(path.read_bytes())["format"]
        for path in sorted(old.zone.packages()[0].folder.glob("*ed.json"))
    }
    assert formats == dict.fromkeys(("checked.json", "landed.json", "loaded.json"), 1), (
        "written once, for good"
    )
    assert old.zone.packages()[-1].landed.format == FORMAT == 2


def test_a_warehouse_of_format_1_grows_what_it_lacks(old: Bench) -> None:
    """Its ops tables as the last version of format 1 made them."""
    with flow.lock(old.settings, "test"):
        rebuild(old.settings)
    added = ("calls", "credits", "restored", "origin", "read_id", "run_id")
    with duckdb.connect(str(old.settings.warehouse)) as con:
        for name in ("conservation", "quarantine_summary"):
            con.execute(f"DROP VIEW ops.{name}")
        for name in ("deletions", "quarantine", "sync_runs", "stream_state"):
            con.execute(f"DROP TABLE ops.{name}")
        for column in added:
            con.execute(f"ALTER TABLE ops.packages DROP COLUMN {column}")
    old.source.pages = [[deal("5", "2026-03-05T10:00:00+08:00", Amount=5)]]
    assert old.sync().ok
    assert old.query("SELECT calls, restored FROM ops.packages ORDER BY load_order LIMIT 1") == [(0, 0)]
    assert [key for key, _ in old.raw()] == ["1", "2", "3", "5"]


def test_a_manifest_of_a_newer_version_is_refused(old: Bench) -> None:
    path = old.zone.packages()[0].folder / "landed.json"
    path.write_text(path.read_text().replace('"format": 1', f'"format": {FORMAT + 1}'))
    with pytest.raises(Problem, match="newer crm-warehouse") as refused:
        read_manifest(path, Landed)
    assert "upgrade crm-warehouse" in str(refused.value)


@pytest.mark.parametrize("content", ["", "{}", '{"format": 0}', '{"format": "x"}', "[1]", '{"format": 1}'])
def test_a_manifest_that_is_none_is_a_sentence(old: Bench, content: str) -> None:
    path = old.zone.packages()[0].folder / "landed.json"
    path.write_text(content)
    with pytest.raises(Problem, match=r"landed\.json of package .* cannot be read"):
        read_manifest(path, Landed)
