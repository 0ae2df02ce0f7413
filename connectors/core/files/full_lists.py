"""Which files speak for a full list: what such a file lacks is gone, so nothing that may be a part of it may be
missing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from connectors.core.contract import SAME_EXPORT
from connectors.core.errors import Problem
from connectors.core.files.inbox import InboxFile
from connectors.core.files.stamps import same_export_until


def speaking_lists(
    files: Sequence[InboxFile], unread: Sequence[InboxFile], refused: Sequence[str], problems: list[Problem]
) -> frozenset[str]:
    """Digests of the files of one stream (oldest first) whose word counts: of a list in parts the last part's.

    unread: files in which nobody can see what they hold; refused: places of those that were not even opened, so that
    nobody knows when they were exported. Beside a declared list, or in the same zip, one may be a part of it, unless
    it was exported at another time: then the list is read as any file, and `problems` says so.
    """
    declared = [file for file in files if file.full]
    speaking: set[str] = set()
    for place, file in enumerate(declared):
        if any(later.stamp - file.stamp <= SAME_EXPORT for later in declared[place + 1 :]):
            continue
        beside = [other.place for other in unread if _may_be_part(other, file)]
        beside += [at for at in refused if _lies_beside(at, file)]
        missing = next(iter(beside), None)
        if missing is None:
            speaking.add(file.sha256)
            continue
        problems.append(
            Problem(
                f"the file lies among full lists, but {missing} beside it may be a part of the list and cannot "
                "be read; its rows are loaded, nothing is marked as deleted",
                do="Mend that file, export the list again and put both there",
                where=file.place,
            )
        )
    return frozenset(speaking)


def _may_be_part(other: InboxFile, of: InboxFile) -> bool:
    together = other.stamp <= _until(of) and of.stamp <= _until(other)
    return together and _folder(other) == _folder(of)


def _until(file: InboxFile) -> datetime:
    return same_export_until(file.path.name, file.stamp)


def _lies_beside(place: str, of: InboxFile) -> bool:
    within = of.archive and f"{place}/".startswith(f"{of.archive}/")  # a member, or the zip that broke off
    return bool(within) or place.rpartition("/")[0] == _folder(of)


def _folder(file: InboxFile) -> str:
    """Where it lies in the inbox; a member of a zip lies where the zip does."""
    return (file.archive or file.place).rpartition("/")[0]
