"""The published copy: built apart, checked, then swapped in whole. Readers never meet the writer.

`bi.<version>.duckdb` appears first, `bi.duckdb` (the same bytes) is replaced last. A process that holds one
open sees that version for as long as it wishes.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import duckdb

from connectors.core.errors import Actor, Problem
from pipelines.faults import step
from pipelines.files import private_folder, sync_file, sync_folder
from pipelines.sql import literal, quote
from pipelines.warehouse.connect import SPILL, when_free

LATEST = "bi.duckdb"
_STAMP = "%Y%m%dT%H%M%S%fZ"


@dataclass(frozen=True, slots=True)
class PublishedColumn:
    """A column that readers may see, with its comment."""

    name: str
    comment: str = ""


@dataclass(frozen=True, slots=True)
class PublishedTable:
    """A table of the warehouse that readers may see, with the columns they may see."""

    schema: str
    name: str
    comment: str
    columns: tuple[PublishedColumn, ...]


@dataclass(frozen=True, slots=True)
class Publication:
    """What was published. rows: by `schema.table`; about: what the table `about` says."""

    version: str
    path: Path
    rows: Mapping[str, int]
    about: Mapping[str, str]


def publish(
    warehouse: Path,
    folder: Path,
    tables: Sequence[PublishedTable],
    about: Mapping[str, str],
    *,
    memory_limit: str,
    threads: int = 2,
    keep: int = 3,
    spare: str = "",
    wait_seconds: float = 0,
) -> Publication:
    """Copy the tables into a new version and swap it in. Raises Problem; the old version then stays.

    about: name → value, stored in the table `about` beside the version and the time. keep: versions that stay,
    the new one included; spare: a file that stays besides, since readers were told to open it. wait_seconds:
    for another process to close the warehouse.
    """
    if keep < 1:
        raise ValueError("at least the version just published is kept")
    now = max(datetime.now(UTC), _newest(folder) + timedelta(microseconds=1))  # the clock may step back
    version = now.strftime(_STAMP)
    building = folder / f".bi.{version}.building"
    _clear_leftovers(folder)
    config = {
        "memory_limit": memory_limit,
        "threads": threads,
        "temp_directory": str(
            private_folder(warehouse.parent / SPILL)
        ),  # by default it were beside the readers
    }
    stamped = {**about, "version": version, "published_at": now.isoformat()}
    try:
        with duckdb.connect(str(building), config=config) as con:
            when_free(partial(_attach, con, warehouse), warehouse, wait_seconds)
            rows = _build(con, tables, stamped)
        building.chmod(0o644)
        sync_file(building)
        path = folder / version_file(version)
        building.rename(path)
        step("version written", version=version)
    finally:
        building.unlink(missing_ok=True)
        building.with_name(building.name + ".wal").unlink(missing_ok=True)
    _swap(path, folder)
    step("version published", version=version)
    _forget_old(folder, keep, spare)
    return Publication(version, path, rows, stamped)


def _newest(folder: Path) -> datetime:
    """When the newest version here was published."""
    stamps = [path.name.split(".")[1] for path in folder.glob("bi.*.duckdb")]
    return datetime.strptime(max(stamps, default="19700101T000000000000Z"), _STAMP).replace(tzinfo=UTC)


def version_file(version: str) -> str:
    """Name of the file that holds a version, for as long as it is kept."""
    return f"bi.{version}.duckdb"


def published_about(folder: Path) -> dict[str, str] | None:
    """What the published file says of itself; None where nothing that can be read was published."""
    if not (folder / LATEST).exists():
        return None
    try:
        with duckdb.connect(str(folder / LATEST), config={"access_mode": "READ_ONLY"}) as con:
            return dict(con.execute("SELECT name, value FROM about").fetchall())
    except duckdb.Error:
        return None


def _clear_leftovers(folder: Path) -> None:
    """Of a publication that was killed; version 0.1 spilled beside it, into a folder."""
    for leftover in folder.glob(".bi.*"):
        if leftover.is_dir():
            shutil.rmtree(leftover)
        else:
            leftover.unlink()


def _attach(con: duckdb.DuckDBPyConnection, warehouse: Path) -> None:
    con.execute(f"ATTACH {literal(str(warehouse))} AS warehouse (READ_ONLY)")


def _build(
    con: duckdb.DuckDBPyConnection, tables: Sequence[PublishedTable], about: Mapping[str, str]
) -> dict[str, int]:
    rows: dict[str, int] = {}
    con.begin()  # one commit instead of one for every comment
    for table in tables:
        name = f"{quote(table.schema)}.{quote(table.name)}"
        con.execute(f"CREATE SCHEMA IF NOT EXISTS {quote(table.schema)}")
        columns = ", ".join(quote(column.name) for column in table.columns)
        con.execute(f"CREATE TABLE {name} AS SELECT {columns} FROM warehouse.{name}")
        rows[f"{table.schema}.{table.name}"] = _same_count(con, name)
        con.execute(f"COMMENT ON TABLE {name} IS {literal(table.comment)}")
        for column in table.columns:
            con.execute(f"COMMENT ON COLUMN {name}.{quote(column.name)} IS {literal(column.comment)}")
    con.execute("CREATE TABLE about (name VARCHAR, value VARCHAR)")
    con.executemany("INSERT INTO about VALUES (?, ?)", [list(item) for item in sorted(about.items())])
    con.commit()
    con.execute("DETACH warehouse")
    con.execute("CHECKPOINT")
    return rows


def _same_count(con: duckdb.DuckDBPyConnection, name: str) -> int:
    row = con.execute(
        f"SELECT (SELECT count(*) FROM {name}), (SELECT count(*) FROM warehouse.{name})"
    ).fetchone()
    assert row is not None
    if row[0] != row[1]:
        raise Problem(
            f"the published copy of {name} has {row[0]} rows, the warehouse {row[1]}",
            do="report this; the last published version stays in place",
            actor=Actor.DEVELOPER,
        )
    return int(row[0])


def _swap(path: Path, folder: Path) -> None:
    latest = folder / f".{LATEST}.tmp"
    latest.unlink(missing_ok=True)
    os.link(path, latest)  # one file under two names: no second copy of the bytes
    latest.replace(folder / LATEST)
    sync_folder(folder)


def _forget_old(folder: Path, keep: int, spare: str) -> None:
    """Keep the newest versions; open readers keep what they hold."""
    for path in sorted(folder.glob("bi.*.duckdb"))[:-keep]:
        if path.name != spare:
            path.unlink()
    step("old versions removed", kept=keep)
