"""A private place on disk for what is unpacked, gone when it is closed."""

from __future__ import annotations

import secrets
import shutil
import time
from pathlib import Path

_ROOMS = "unpacked"
_ABANDONED = 24 * 3600  # seconds: what a crash left; a run that is at work is younger


class Room:
    """A folder below `cache`, made by whoever needs it first."""

    def __init__(self, cache: Path) -> None:
        rooms = cache / _ROOMS
        for left in rooms.iterdir() if rooms.is_dir() else ():
            if time.time() - left.stat().st_mtime > _ABANDONED:
                shutil.rmtree(left, ignore_errors=True)
        self.path = rooms / secrets.token_hex(8)

    def close(self) -> None:
        """Remove it and what lies in it."""
        shutil.rmtree(self.path, ignore_errors=True)
