"""One row in a hundred is planted with a fault: exactly those are set aside, and every row has a fate (law 3)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from benchmarks.made_pages import MadePages, faults, stream
from connectors.core.contract import CursorKind
from pipelines.check import check
from pipelines.landing.land import land
from pipelines.landing.zone import StreamZone
from pipelines.manifest import ACCEPTED, QUARANTINED
from pipelines.quality.rules import load_rules
from pipelines.settings import EXPECTATIONS, Settings


@pytest.mark.parametrize("rows", [10_000, pytest.param(200_000, marks=pytest.mark.slow)])
def test_exactly_the_planted_rows_are_set_aside(rows: int, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", _env_file=None)
    settings.prepare_home()
    source, zone = MadePages(rows), StreamZone(settings.landing / "zoho" / "default" / "deals")
    (package,) = land(source, stream(), CursorKind.INCREMENTAL, zone, overlap=timedelta(minutes=5)).packages
    checked, verdict = check(package, source, stream(), load_rules(EXPECTATIONS, "zoho", "deals"), settings)
    planted = faults(rows)
    assert {what: len(positions) for what, positions in planted.items()} == dict.fromkeys(
        planted, rows // 200
    )
    aside = f"read_parquet('{package.rows(QUARANTINED)}')"
    found = duckdb.sql(
        f"SELECT f.rule, list(_position) FROM (SELECT _position, unnest(_faults) AS f FROM {aside}) GROUP BY 1"
    )
    by_rule = {rule: set(positions) for rule, positions in found.fetchall()}
    assert by_rule == {"amount_is_not_negative": planted["negative"], "has_key": planted["keyless"]}
    kept = duckdb.sql(
        f"SELECT count(*), count(DISTINCT _position) FROM read_parquet('{package.rows(ACCEPTED)}')"
    )
    at_fault = rows // 100
    assert kept.fetchall() == [(rows - at_fault, rows - at_fault)]
    assert (checked.received, checked.accepted, checked.quarantined) == (rows, rows - at_fault, at_fault)
    assert checked.balance() == 0 and not checked.blocked
    assert verdict is not None and {r.rule for r in verdict.failed} == {"amount_is_not_negative"}
