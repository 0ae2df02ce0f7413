"""One run at a time: an operating-system lock that dies with its process, however it dies."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from connectors.core.errors import Problem


@contextmanager
def run_lock(home: Path, purpose: str, *, wait_seconds: float = 0) -> Iterator[None]:
    """Hold the run lock of a home. Raises Problem naming the holder when it is not free in time."""
    path = home / "run.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        deadline = time.monotonic() + wait_seconds
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise Problem(
                        f"another run is at work here: {_holder(path)}",
                        do="wait for it to end, or end that process",
                        where=str(path),
                    ) from None
                time.sleep(0.2)
        os.ftruncate(descriptor, 0)
        with suppress(OSError):  # on a full disk the lock holds without its name: what makes room must run
            os.pwrite(descriptor, json.dumps({"pid": os.getpid(), "purpose": purpose}).encode(), 0)
        yield
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def _holder(path: Path) -> str:
    try:
        facts = json.loads(path.read_text())
        return f"process {facts['pid']} ({facts['purpose']})"
    except (ValueError, KeyError):
        return "a process that has not written its number yet"
