"""Opening DuckDB: the warehouse for its one writer, scratch databases for threads."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from connectors.core.errors import Problem
from pipelines.files import private_folder
from pipelines.sql import literal

_POLL = 0.2  # seconds
_HOLDER = re.compile(r"PID (\d+)")


@contextmanager
def open_warehouse(
    path: Path, *, memory_limit: str, threads: int, wait_seconds: float = 0
) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse, read and write, checkpointed on the way out. Raises Problem when it cannot be opened."""
    private_folder(path.parent)
    con = _connect(path, {"memory_limit": memory_limit, "threads": threads}, wait_seconds)
    try:
        path.chmod(0o600)
        con.execute("SET TimeZone = 'UTC'")
        con.execute(f"SET temp_directory = {literal(str(path.parent / 'spill'))}")
        yield con
        con.execute("CHECKPOINT")
    finally:
        con.close()


@contextmanager
def read_warehouse(path: Path, *, wait_seconds: float = 0) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse, to look something up. Raises Problem when it cannot be opened."""
    with _connect(path, {"access_mode": "READ_ONLY"}, wait_seconds) as con:
        yield con


def _connect(path: Path, config: dict[str, str | int], wait_seconds: float) -> duckdb.DuckDBPyConnection:
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            return duckdb.connect(str(path), config=config)
        except duckdb.Error as error:
            if _HOLDER.search(str(error)) is None or time.monotonic() >= deadline:
                raise _unopened(path, error) from error
        time.sleep(_POLL)


def _unopened(path: Path, error: duckdb.Error) -> Problem:
    if holder := _HOLDER.search(str(error)):
        return Problem(
            f"the warehouse file is open in process {holder[1]}",
            do="close that program (read published/bi.duckdb instead of the warehouse) and run again",
            where=str(path),
        )
    return Problem(
        f"the warehouse file cannot be opened ({str(error).splitlines()[0]})",
        do="run `crm-warehouse rebuild`, which makes it anew from the landing zone",
        where=str(path),
    )


@contextmanager
def scratch_database(folder: Path, *, memory_limit: str, threads: int) -> Iterator[duckdb.DuckDBPyConnection]:
    """An in-memory database that spills into `folder`."""
    con = duckdb.connect(config={"memory_limit": memory_limit, "threads": threads})
    try:
        con.execute(f"SET temp_directory = {literal(str(folder / 'spill'))}")
        con.execute("SET TimeZone = 'UTC'")
        yield con
    finally:
        con.close()
