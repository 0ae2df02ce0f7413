"""Who was erased: a small private list per stream, so that a person who is read again does not come back.

`landing/_erased/<source>/<org>/<stream>.json`. It holds record ids, times and reasons, nothing else about
anybody. Where a record's key is the person's own name (export files without ids), it holds a keyed digest of
the name and the alias that stands in for it.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection, Mapping
from datetime import datetime
from pathlib import Path

import msgspec

from connectors.core.contract import Stream
from connectors.core.errors import Problem
from pipelines.files import private_folder, write_atomic
from pipelines.landing.redaction.redact import Policy, kept_fields

FOLDER = "_erased"


class Erasure(msgspec.Struct, frozen=True, kw_only=True):
    """One erased record.

    key: its key; "" where that is a name, then digest and alias tell it. salt: while packages are being
    rewritten; their row hashes are made unrecognisable with it, then it is forgotten. done_at: when nothing
    of the person was left; None = `forget` has to be run again.
    """

    key: str
    at: datetime
    reason: str = ""
    digest: str = ""
    alias: str = ""
    salt: str = ""
    done_at: datetime | None = None

    def is_about(self, key: str, pepper: str) -> bool:
        """Whether this is the record with that key, as the CRM gives it or as we keep it."""
        return key == self.key if self.key else self.digest == _digest(key, pepper)


class Erasures(msgspec.Struct, frozen=True, kw_only=True):
    """The list of one stream. pepper: makes its digests useless without it."""

    format: int = 1
    pepper: str = ""
    erasures: list[Erasure] = []

    def find(self, key: str) -> Erasure | None:
        """The entry about this key."""
        return next((e for e in self.erasures if e.is_about(key, self.pepper)), None)

    def with_one(self, erasure: Erasure, key: str) -> Erasures:
        """The list with this entry in the place of an earlier one about the same key."""
        others = [e for e in self.erasures if not e.is_about(key, self.pepper)]
        return msgspec.structs.replace(self, erasures=[*others, erasure])


def begun(list_: Erasures, key: str, at: datetime, reason: str, *, is_name: bool) -> tuple[Erasures, Erasure]:
    """The list with an erasure that begins now, or goes on if an earlier one was interrupted.

    is_name: the key is the person's name, and must not be kept either.
    """
    list_ = list_ if list_.pepper else msgspec.structs.replace(list_, pepper=secrets.token_hex(32))
    earlier = list_.find(key)
    if earlier and earlier.salt:
        return list_, earlier
    erasure = Erasure(
        key="" if is_name else key,
        digest=_digest(key, list_.pepper) if is_name else "",
        alias=(earlier.alias if earlier else "erased-" + secrets.token_hex(8)) if is_name else "",
        at=at,
        reason=reason,
        salt=secrets.token_hex(32),
    )
    return list_.with_one(erasure, key), erasure


def list_path(root: Path, source: str, org: str, stream: str) -> Path:
    """Where the list of a stream lies in the landing zone at `root`."""
    return root / FOLDER / source / org / f"{stream}.json"


def read_list(root: Path, source: str, org: str, stream: str) -> Erasures:
    """The list of a stream, empty where nobody was erased. Raises Problem when it is damaged: reading on
    without it would bring erased people back."""
    path = list_path(root, source, org, stream)
    try:
        return msgspec.json.decode(path.read_bytes(), type=Erasures)
    except FileNotFoundError:
        return Erasures()
    except (OSError, msgspec.MsgspecError) as error:
        raise Problem(
            f"the list of erased records cannot be read ({type(error).__name__})",
            do="restore it from a backup; until then nothing is read, or erased people would come back",
            source=source,
            stream=stream,
            where=str(path),
        ) from error


def write_list(root: Path, source: str, org: str, stream: str, list_: Erasures) -> None:
    """Make a list true."""
    path = list_path(root, source, org, stream)
    private_folder(path.parent)
    write_atomic(path, msgspec.json.format(msgspec.json.encode(list_), indent=1))


def all_lists(root: Path, source: str, org: str) -> Mapping[str, Erasures]:
    """Stream → its list, of one organisation."""
    folder = root / FOLDER / source / org
    paths = sorted(folder.glob("*.json")) if folder.is_dir() else []
    return {path.stem: read_list(root, source, org, path.stem) for path in paths}


def landing_policy(lists: Mapping[str, Erasures], stream: Stream, unwanted: Collection[str] = ()) -> Policy:
    """What must not be kept of a stream's records when they are read."""
    own = lists.get(stream.name, Erasures())
    return Policy(
        unwanted=frozenset(unwanted),
        erased=frozenset(e.key for e in own.erasures if e.key),
        keep=kept_fields(stream),
        referred=frozenset(e.key for list_ in lists.values() for e in list_.erasures if e.key),
    )


def _digest(key: str, pepper: str) -> str:
    return hashlib.blake2b(key.encode(), key=pepper.encode()[:64], digest_size=16).hexdigest()
