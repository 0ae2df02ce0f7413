"""A sealed warehouse is known to hold what the receipts name, so that an idle run need not open it.

The seal names the very file (its inode, size and time of change) and the very receipts; whatever touches
either breaks it, and then the warehouse itself is asked. It is a memory, never a proof.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import msgspec

from pipelines.files import write_atomic
from pipelines.landing.zone import Package

_NAME = "sealed.json"


class _Seal(msgspec.Struct, frozen=True):
    inode: int
    bytes: int
    changed_ns: int
    receipts: str


def seal(warehouse: Path, receipted: Iterable[Package]) -> None:
    """Remember that this file, closed now, holds these packages."""
    write_atomic(warehouse.with_name(_NAME), msgspec.json.encode(_as_it_is(warehouse, receipted)))


def is_sealed(warehouse: Path, receipted: Iterable[Package]) -> bool:
    """Neither the file nor the receipts changed since they were sealed."""
    try:
        known = msgspec.json.decode(warehouse.with_name(_NAME).read_bytes(), type=_Seal)
        written_ahead = warehouse.with_name(warehouse.name + ".wal").exists()
        return not written_ahead and known == _as_it_is(warehouse, receipted)
    except (OSError, msgspec.MsgspecError):
        return False


def _as_it_is(warehouse: Path, receipted: Iterable[Package]) -> _Seal:
    facts = warehouse.stat()
    digest = hashlib.sha256("\n".join(sorted(p.id for p in receipted)).encode()).hexdigest()
    return _Seal(facts.st_ino, facts.st_size, facts.st_mtime_ns, digest)
