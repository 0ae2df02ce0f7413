"""What was last tried with the rows that a package set aside: `aside.json`, so that nothing is tried twice.

It proves nothing: where it is lost, everything is tried once more, with the same end.
"""

from __future__ import annotations

import msgspec

from pipelines.files import write_atomic
from pipelines.landing.zone import Aside, Package
from pipelines.manifest import ASIDE


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """rules_hash, reader: what judged and read the rows last. looked_to: load order up to which newer versions of
    their records were looked for; 0 = never."""

    format: int = 1
    rules_hash: str
    reader: str
    looked_to: int = 0


def tried(aside: Aside) -> Tried:
    """What was tried last; what the package was checked by where nothing was since."""
    try:
        return msgspec.json.decode((aside.package.folder / ASIDE).read_bytes(), type=Tried)
    except (FileNotFoundError, msgspec.MsgspecError):
        return Tried(rules_hash=aside.checked.rules_hash, reader=aside.checked.reader)


def write_tried(package: Package, now: Tried) -> None:
    """Replace the note."""
    write_atomic(package.folder / ASIDE, msgspec.json.format(msgspec.json.encode(now), indent=1))
