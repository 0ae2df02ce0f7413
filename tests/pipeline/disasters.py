"""Means to bring disasters about: a small disk, a line of the log at which things happen, an analyst."""

from __future__ import annotations

import logging
import resource
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from connectors.core.contract import CursorKind, Page, Stream, Window
from tests.pipeline.scripted import STREAM, Scripted

OTHER = replace(STREAM, name="accounts", api_name="Accounts")


class Pair(Scripted):
    """Two streams, so that one can go on while the other cannot. Both answer with `pages`."""

    def streams(self) -> Sequence[Stream]:
        return (OTHER, STREAM)

    def kinds(self, stream: Stream) -> Sequence[CursorKind]:
        return (CursorKind.INCREMENTAL,)

    def read(self, stream: Stream, window: Window) -> Iterator[Page]:
        return super().read(STREAM, window)


class Disk(ABC):
    """Where homes are made that run out of room."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @abstractmethod
    def _fill(self) -> None: ...

    @abstractmethod
    def _empty(self) -> None: ...

    @contextmanager
    def full(self, *, from_line: str = "") -> Iterator[None]:
        """Nothing more can be written, from a line of the log on or at once; afterwards there is room again."""
        try:
            if from_line:
                with at_line(from_line, self._fill):
                    yield
            else:
                self._fill()
                yield
        finally:
            self._empty()


class Tmpfs(Disk):
    """A disk of a few megabytes that really is full."""

    def _fill(self) -> None:
        with (self.path / "ballast").open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 4096)
            except OSError:
                return

    def _empty(self) -> None:
        (self.path / "ballast").unlink(missing_ok=True)


class Limit(Disk):
    """Where mounting is not allowed: no file of this process may grow (Python ignores the signal of it)."""

    def _fill(self) -> None:
        self._before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, self._before[1]))

    def _empty(self) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, self._before)


@contextmanager
def tmpfs(path: Path, megabytes: int) -> Iterator[Tmpfs | None]:
    """A mounted disk, None where this user may not mount."""
    options = f"size={megabytes}m,mode=700"
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(path)], capture_output=True)
    if mounted.returncode:
        yield None
        return
    try:
        yield Tmpfs(path)
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)


@contextmanager
def at_line(line: str, happens: Callable[[], object], *, nth: int = 1) -> Iterator[None]:
    """Let something happen when the nth such line is about to be logged."""
    left = nth

    def look(record: logging.LogRecord) -> bool:
        nonlocal left
        if record.msg == "%s %s" and record.args and record.args[0] == line:  # type: ignore[index]
            left -= 1
            if left == 0:
                happens()
        return True

    log = logging.getLogger("crm_warehouse")
    log.addFilter(look)
    try:
        yield
    finally:
        log.removeFilter(look)
    assert left <= 0, f"the log never said {line!r} {nth} times"


@contextmanager
def holding(path: Path, *, read_only: bool, seconds: float = 600) -> Iterator[int]:
    """An analyst's process that has a database open, for so long at most; its process id."""
    code = (
        "import duckdb, select, sys; c = duckdb.connect(sys.argv[1], read_only=sys.argv[2] == 'True'); "
        "print('open', flush=True); select.select([sys.stdin], [], [], float(sys.argv[3]))"
    )
    command = [sys.executable, "-c", code, str(path), str(read_only), str(seconds)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as analyst:
        assert analyst.stdout is not None and analyst.stdin is not None
        assert analyst.stdout.readline() == "open\n"
        yield analyst.pid
        analyst.stdin.close()
