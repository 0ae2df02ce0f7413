"""What was last tried with rows set aside: `aside.json` of a package, and of a stream, so that nothing is tried twice.

It proves nothing: where it is lost, everything is tried once more, with the same end.
"""

from __future__ import annotations

import msgspec

from pipelines.files import write_atomic
from pipelines.landing.zone import Aside, Package, StreamZone
from pipelines.manifest import ASIDE


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """Of a package: rules_hash, reader are what judged and read its rows last."""

    format: int = 1
    rules_hash: str
    reader: str


class _Looked(msgspec.Struct, frozen=True, kw_only=True):
    """Of a stream: load order up to which it was looked for what makes rows set aside needless."""

    format: int = 1
    looked_to: int = 0


def tried(aside: Aside) -> Tried:
    """What was tried last; what the package was checked by where nothing was since."""
    try:
        return msgspec.json.decode((aside.package.folder / ASIDE).read_bytes(), type=Tried)
    except (FileNotFoundError, msgspec.MsgspecError):
        return Tried(rules_hash=aside.checked.rules_hash, reader=aside.checked.reader)


def write_tried(package: Package, now: Tried) -> None:
    """Replace the note of a package."""
    write_atomic(package.folder / ASIDE, msgspec.json.format(msgspec.json.encode(now), indent=1))


def looked_to(zone: StreamZone) -> int:
    """Load order up to which nothing need be looked for any more; 0 = never looked."""
    try:
        return msgspec.json.decode((zone.folder / ASIDE).read_bytes(), type=_Looked).looked_to
    except (FileNotFoundError, msgspec.MsgspecError):
        return 0


def write_looked(zone: StreamZone, order: int) -> None:
    """Replace the note of a stream: one, however many packages wait."""
    now = _Looked(looked_to=order)
    write_atomic(zone.folder / ASIDE, msgspec.json.format(msgspec.json.encode(now), indent=1))
