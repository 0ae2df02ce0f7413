"""What must be true of a home after any kill, and after the run that follows it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from connectors.core.contract import CursorKind
from pipelines.build import read_stamp
from pipelines.landing.zone import Package, Zone
from pipelines.sql import literal, quote
from pipelines.warehouse.ops import unbalanced
from tests.contract.fxiaoke_truth import FxiaokeTruth
from tests.e2e.killing import Home
from tests.pipeline.test_sync_truth import Synced, _differences

EXPORTED = ("new_opportunity_obj", "account_obj", "contact_obj", "leads_obj", "product_obj", "personnel_obj")
_RAW = "schema_name LIKE 'raw\\_%' ESCAPE '\\'"


def assert_sound(home: Home) -> None:
    """The warehouse opens, nothing in it is lost or doubled, no cursor is ahead of its data."""
    packages = [p for *_, zone in Zone(home.settings.landing).streams() for p in zone.packages()]
    for package in packages:
        _assert_whole(package.folder)
    for *_, zone in Zone(home.settings.landing).streams():
        for kind in {p.kind for p in zone.packages()}:
            newest = max((_newest_stamp(p.folder) for p in zone.packages(kind)), default=None)
            cursor = zone.newest(kind)
            assert cursor is not None, zone.folder
            reached = cursor.cursor_after or newest
            # A file's stamp is only its name or time; the newest file need not bear the newest.
            assert reached == newest or (kind == CursorKind.FILE and reached < newest), (
                f"{zone.folder} {kind}"
            )
    if home.settings.warehouse.exists():
        with duckdb.connect(str(home.settings.warehouse), read_only=True) as con:
            _assert_folded(con, {p.id for p in packages if p.is_loaded()})
    else:
        assert not any(p.is_loaded() for p in packages), "a receipt without a warehouse"


def _assert_folded(con: duckdb.DuckDBPyConnection, receipted: set[str]) -> None:
    tables = [
        (schema, name)
        for schema, name in con.execute(
            f"SELECT schema_name, table_name FROM duckdb_tables() WHERE {_RAW}"
        ).fetchall()
        if not name.endswith("__history")
    ]
    if not tables:
        assert not receipted
        return
    assert unbalanced(con) == []
    known = {id for (id,) in con.execute("SELECT package_id FROM ops.packages").fetchall()}
    assert receipted <= known, "a receipt was written for what the warehouse does not hold"
    for schema, name in tables:
        current, history = (f"{quote(schema)}.{quote(n)}" for n in (name, f"{name}__history"))
        key = "_org, _record_id"
        assert not con.execute(f"SELECT {key} FROM {current} GROUP BY ALL HAVING count(*) > 1").fetchall()
        version = f"{key}, _package_id"
        noted = f"SELECT DISTINCT _package_id FROM {history} EXCEPT SELECT package_id FROM ops.packages"
        assert not con.execute(noted).fetchall(), f"{history} holds rows of a package that was never loaded"
        doubled = f"SELECT {version} FROM {history} GROUP BY ALL HAVING count(*) > 1"
        assert not con.execute(doubled).fetchall(), f"{history} has doubled versions"
        assert not con.execute(
            f"SELECT {version} FROM {current} EXCEPT SELECT {version} FROM {history}"
        ).fetchall()
        counted = con.execute(
            f"SELECT (SELECT count(*) FROM {current}), (SELECT coalesce(sum(inserted), 0) FROM ops.packages "
            "WHERE 'raw_' || source = $schema AND stream = $name)",
            {"schema": schema, "name": name},
        ).fetchone()
        assert counted is not None and counted[0] == counted[1], f"{current} lost or invented rows: {counted}"


@cache
def _assert_whole(folder: Path) -> None:
    """Once per package: they never change."""
    for file in Package(folder).landed.files:
        content = (folder / file.name).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (file.bytes, file.sha256), folder


@cache
def _newest_stamp(folder: Path) -> datetime | None:
    """The newest stamp in the bytes that were landed, read without the product's decoder."""
    landed = Package(folder).landed
    if landed.kind == "file":
        return landed.file_stamp
    stamps = [
        datetime.fromisoformat(record[name]).astimezone(UTC)
        for record in _records(folder / landed.files[0].name)
        for name in ("Modified_Time", "deleted_time")
        if record.get(name)
    ]
    return max(stamps, default=None)


def _records(pages: Path) -> Iterator[dict[str, Any]]:
    import zstandard

    with zstandard.open(pages, "rt", encoding="utf-8") as lines:
        for line in lines:
            body = json.loads(line)["body"]
            yield from body.get("data") or body.get("users") or []


def assert_tidy(home: Home) -> None:
    """Nothing that a killed process left behind outlives the next run."""
    settings = home.settings
    left = [p.name for p in settings.scratch().iterdir()]
    left += [p.name for p in settings.published.glob(".*")]
    known = {"landed.json", "checked.json", "loaded.json", "shape.json"}
    for *_, zone in Zone(settings.landing).streams():
        for folder in (f for f in zone.folder.iterdir() if f.is_dir()):
            package = Package(folder)
            checked = package.checked
            named = {f.name for f in (*package.landed.files, *(checked.files if checked else ()))}
            left += [f"{folder.name}/{f.name}" for f in folder.iterdir() if f.name not in known | named]
    assert left == []


def assert_converged(home: Home, control: Home) -> None:
    """The raw tables equal the company's truth, and those of a home that was never killed."""
    Synced(home.sandbox, home.settings).assert_equals_truth()
    with duckdb.connect() as con:
        for name, other in (("one", home), ("two", control)):
            con.execute(f"ATTACH {literal(str(other.settings.warehouse))} AS {name} (READ_ONLY)")
        for schema, table in con.execute(
            "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'two' "
            f"AND {_RAW} AND NOT suffix(table_name, '__history')"
        ).fetchall():
            assert _unlike(con, f"{quote(schema)}.{quote(table)}") == [], f"{schema}.{table} differs"


def _unlike(con: duckdb.DuckDBPyConnection, table: str) -> list[tuple[Any, ...]]:
    """Rows of either that the other has not: CRM columns, key, stamp, and whether the record is deleted."""
    own = {"_org", "_record_id", "_modified_at"}
    names = [name for name, *_ in con.execute(f"DESCRIBE two.{table}").fetchall()]
    columns = ", ".join(quote(name) for name in names if name[0] != "_" or name in own)
    query = "SELECT {0}, _deleted_at IS NULL AS alive FROM {1}." + table
    one, two = query.format(columns, "one"), query.format(columns, "two")
    return con.execute(f"({one} EXCEPT ALL {two}) UNION ALL ({two} EXCEPT ALL {one}) LIMIT 3").fetchall()


def assert_exports_are_true(home: Home) -> None:
    """What the newest export files show is what the raw tables hold; nothing a file leaves out was removed."""
    truth = FxiaokeTruth(home.sandbox)
    with duckdb.connect(str(home.settings.warehouse), read_only=True) as con:
        con.execute("SET TimeZone = 'UTC'")
        for stream in EXPORTED:
            cursor = con.execute(f"SELECT * FROM raw_fxiaoke_export.{quote(stream)}")
            names = [name for name, *_ in cursor.description or ()]
            got = {
                r["_record_id"]: r for r in (dict(zip(names, row, strict=True)) for row in cursor.fetchall())
            }
            for key, record in truth.records(stream).items():
                shown = {n: v["id"] or v["name"] if isinstance(v, dict) else v for n, v in got[key].items()}
                assert _differences(record, shown, set(record), set()) == {}, f"{stream} {key}"


def built_rows(home: Home) -> tuple[str, dict[str, int]] | None:
    """What a version published now must show: (built_from, rows by table); None without a complete build."""
    stamp = read_stamp(home.settings)
    if stamp is None:
        return None
    with duckdb.connect(str(home.settings.warehouse), read_only=True) as con:
        tables = con.execute(
            "SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema IN ('core', 'mart')"
        ).fetchall()
        rows = {
            f"{s}.{t}": con.execute(f"SELECT count(*) FROM {quote(s)}.{quote(t)}").fetchall()[0][0]
            for s, t in tables
        }
    return stamp.built_from, rows
