"""Opening DuckDB: the warehouse for its one writer, scratch databases for threads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from connectors.core.errors import Problem
from pipelines.files import private_folder
from pipelines.sql import literal

_HOLDER = re.compile(r"PID (\d+)")


@contextmanager
def open_warehouse(path: Path, *, memory_limit: str, threads: int) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse, read and write, checkpointed on the way out. Raises Problem when it cannot be opened."""
    private_folder(path.parent)
    con = _connect(path, {"memory_limit": memory_limit, "threads": threads})
    try:
        path.chmod(0o600)
        con.execute("SET TimeZone = 'UTC'")
        con.execute(f"SET temp_directory = {literal(str(path.parent / 'spill'))}")
        yield con
        con.execute("CHECKPOINT")
    finally:
        con.close()


@contextmanager
def read_warehouse(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse, to look something up. Raises Problem when it cannot be opened."""
    with _connect(path, {"access_mode": "READ_ONLY"}) as con:
        yield con


def _connect(path: Path, config: dict[str, str | int]) -> duckdb.DuckDBPyConnection:
    try:
        return duckdb.connect(str(path), config=config)
    except duckdb.Error as error:
        if holder := _HOLDER.search(str(error)):
            raise Problem(
                f"the warehouse file is open in process {holder[1]}",
                do="close that program (read published/bi.duckdb instead of the warehouse) and run again",
                where=str(path),
            ) from error
        raise Problem(
            f"the warehouse file cannot be opened ({str(error).splitlines()[0]})",
            do="run `crm-warehouse rebuild`, which makes it anew from the landing zone",
            where=str(path),
        ) from error


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
