"""Rows set aside of a person who was erased since: what is left of one is nobody's record, and waits for nobody."""

from __future__ import annotations

from pathlib import Path

import duckdb

from pipelines.landing.redaction.redact import RECORD
from pipelines.manifest import Checked, Landed
from pipelines.sql import literal


def erased_rows(quarantined: Path, landed: Landed, checked: Checked) -> frozenset[int]:
    """Positions of such rows. quarantined: the rows that the package set aside; read only where somebody was erased."""
    gone = sorted({r.name for r in (*landed.redactions, *checked.redactions) if r.what == RECORD})
    if not gone or not quarantined.exists():
        return frozenset()
    with duckdb.connect() as con:
        rows = con.execute(
            f"SELECT _position FROM read_parquet({literal(str(quarantined))}) "
            "WHERE list_contains(?::VARCHAR[], _record_id)",
            [gone],
        ).fetchall()
    return frozenset(position for (position,) in rows)
