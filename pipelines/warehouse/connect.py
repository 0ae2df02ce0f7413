"""Opening DuckDB: the warehouse for its one writer, scratch databases for threads.

The warehouse file is ours alone, but nothing keeps an analyst from opening it. While another process holds it,
a run waits for a while, then says who it is.
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import duckdb

from connectors.core.errors import Problem
from pipelines.faults import step, worded
from pipelines.files import private_folder, sync_file, sync_folder
from pipelines.sql import literal

# Of the warehouse, which nobody else need read: writing it takes a fifth less CPU than the engine's default, which
# readers from before 1.0 could open.
STORAGE = "v1.4.0"
COMPACTING = "compacting.duckdb"  # beside the warehouse; only a killed compaction leaves it there
SPILL = "spill"  # beside the warehouse; private
_HELD = "Could not set lock on file"  # DuckDB 1.5.5; names the holder by "PID n" where it can see it
_HOLDER = re.compile(r"PID (\d+)")
_POLL_SECONDS = 0.2
_SPARING_BYTES = 150_000_000

Opened = TypeVar("Opened")


@contextmanager
def open_warehouse(
    path: Path, *, memory_limit: str, threads: int, wait_seconds: float = 0
) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse, read and write, checkpointed on the way out. Raises Problem when it cannot be opened, if
    another process holds it after `wait_seconds`."""
    folder = private_folder(path.parent)
    config = {"memory_limit": memory_limit, "threads": threads, "temp_directory": str(folder / SPILL)}
    if not path.exists():
        _create(path)
    con = _connect(path, config, wait_seconds)
    try:
        path.chmod(0o600)
        _clear_leftovers(path)
        private_folder(folder / SPILL)  # ours before the engine makes it, readable by others
        con.execute("SET TimeZone = 'UTC'")
        yield con
        con.execute("CHECKPOINT")
    finally:
        con.close()


@contextmanager
def sparing(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """One engine thread and little memory: a package is written with a third less CPU so, and beside a million
    rows with no more memory than beside none. Raises duckdb.OutOfMemoryException where that is too little."""
    (settings,) = con.execute(
        "SELECT current_setting('memory_limit'), current_setting('threads'), "
        "parse_formatted_bytes(current_setting('memory_limit'))"
    ).fetchall()
    limit, threads, allowed = settings
    con.execute("SET threads = 1")
    try:
        con.execute(f"SET memory_limit = '{min(_SPARING_BYTES, allowed)}B'")
        yield
    finally:
        con.execute(f"SET memory_limit = {literal(limit)}")
        con.execute(f"SET threads = {threads}")


def _create(path: Path) -> None:
    """An empty warehouse, whole or not at all: half a header could neither be opened nor, where nothing was loaded
    yet, be rebuilt. A log that a lost warehouse left behind goes."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    _connect(fresh, {"storage_compatibility_version": STORAGE}, 0).close()
    swap_in(fresh, path)


@contextmanager
def read_warehouse(path: Path, *, wait_seconds: float = 0) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse, to look something up. Raises Problem when it cannot be opened, if another process writes
    it after `wait_seconds`."""
    config = {"access_mode": "READ_ONLY", "temp_directory": str(private_folder(path.parent / SPILL))}
    with _connect(path, config, wait_seconds) as con:
        yield con


def swap_in(fresh: Path, path: Path) -> None:
    """Put a complete, checkpointed database in the place of `path`, for good; an open reader keeps the old one."""
    sync_file(fresh)
    fresh.chmod(0o600)
    path.with_name(path.name + ".wal").unlink(
        missing_ok=True
    )  # of the old file: it must not meet the new one
    fresh.replace(path)
    sync_folder(path.parent)


def when_free(attempt: Callable[[], Opened], path: Path, wait_seconds: float) -> Opened:
    """What `attempt` opens, tried again until the holder of `path` is gone. Raises Problem, naming him after
    `wait_seconds`."""
    deadline = time.monotonic() + wait_seconds
    waiting = False
    while True:
        try:
            return attempt()
        except duckdb.Error as error:
            if _HELD not in str(error):
                raise _unusable(path, error) from error
            if time.monotonic() >= deadline:
                raise _held(path, error) from error
            if not waiting:
                step("waiting for the warehouse", held_by=_holder(error))
            waiting = True
            time.sleep(_POLL_SECONDS)


def _connect(path: Path, config: Mapping[str, str | int], wait_seconds: float) -> duckdb.DuckDBPyConnection:
    return when_free(lambda: duckdb.connect(str(path), config=dict(config)), path, wait_seconds)


def _holder(error: duckdb.Error) -> str:
    found = _HOLDER.search(str(error))
    return f"process {found[1]}" if found else "another process"


def _held(path: Path, error: duckdb.Error) -> Problem:
    return Problem(
        f"the warehouse file is open in {_holder(error)}",
        do="close that program (read published/bi.duckdb instead of the warehouse) and run again",
        where=str(path),
    )


def _unusable(path: Path, error: duckdb.Error) -> Problem:
    return worded(str(error)) or Problem(
        f"the warehouse file cannot be opened ({str(error).splitlines()[0]})",
        do="run `crm-warehouse rebuild`, which makes it anew from the landing zone",
        where=str(path),
    )


def _clear_leftovers(path: Path) -> None:
    """Spilled blocks and half a compaction of a killed process. Whoever may write the file is alone with them."""
    for spill in (
        path.parent / SPILL,
        path.with_name(path.name + ".tmp"),
    ):  # the engine's own default is .tmp
        if spill.exists():
            shutil.rmtree(spill)
    for name in (COMPACTING, COMPACTING + ".wal"):
        path.with_name(name).unlink(missing_ok=True)


@contextmanager
def scratch_database(folder: Path, *, memory_limit: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """An in-memory database of one thread that spills into `folder`. Streams are checked side by side: a second
    engine thread for each costs half as much CPU and memory again and brings nothing."""
    con = duckdb.connect(config={"memory_limit": memory_limit, "threads": 1})
    try:
        con.execute(f"SET temp_directory = {literal(str(folder / 'spill'))}")
        con.execute("SET TimeZone = 'UTC'")
        yield con
    finally:
        con.close()
