"""How much a read of everything brought, and the reads of its kind before it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, groupby, islice, pairwise

from connectors.core.contract import CursorKind
from pipelines.landing.zone import Package, StreamZone
from pipelines.manifest import Landed

RECENT = 8  # reads that are looked back at

_Part = tuple[Package, Landed]


def rows_of_read(package: Package, received: int) -> int | None:
    """Rows of the complete read that this package ends; None where it ends none, or one of which nobody can say
    what it brought alone (an increment, the end of a read that was stopped). received: rows of the package."""
    if not _is_of_everything(package.landed):
        return None
    own, before = next(pairwise(chain(_reads(package), [[]])))
    if not _is_whole(own, before):
        return None
    return received + sum(landed.received for part, landed in own if part.id != package.id)


def recent_reads(package: Package) -> list[int]:
    """Rows of the complete reads of everything before that of this package, of its kind, newest first.

    One of which a package waits, or was not let in, is no example.
    """
    reads = pairwise(chain(_reads(package), [[]]))
    examples = (own for own, before in islice(reads, 1, None) if _is_whole(own, before))
    rows = (_loaded_rows(own) for own in examples)
    return list(islice((count for count in rows if count is not None), RECENT))


def _reads(package: Package) -> Iterator[list[_Part]]:
    """The reads of this package's kind up to its own, newest first, each with its parts, newest first."""
    of = package.landed
    older = (p for p in reversed(StreamZone(package.folder.parent).folders()) if p.id <= package.id)
    landed = ((p, p.landed) for p in older if p.kind == of.kind and p.is_landed())
    alike = (part for part in landed if part[1].backfill == of.backfill)
    return (list(parts) for _, parts in groupby(alike, key=lambda part: part[1].read or part[0].id))


def _is_of_everything(landed: Landed) -> bool:
    return landed.full or landed.kind == CursorKind.FILE


def _is_whole(own: list[_Part], before: list[_Part]) -> bool:
    """A read that was stopped is ended by the next, which then holds a part of it only."""
    newest = own[0][1]
    ends_another = bool(before) and not before[0][1].last
    return newest.last and _is_of_everything(newest) and not ends_another


def _loaded_rows(parts: list[_Part]) -> int | None:
    checked = [part.checked for part, _ in parts]
    if any(c is None or c.blocked for c in checked):
        return None
    return sum(c.received for c in checked if c)
