"""Files that were declared to be full lists: what each says of the records that it does not hold, and who decides
where it says too much.

The warehouse buries (`warehouse.existence`), the landing zone keeps the rows that a list is made of; here they meet.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb
import msgspec

from connectors.core.contract import CursorKind
from connectors.core.errors import Actor, Problem
from connectors.core.files.stamps import same_export_until
from pipelines.landing.zone import Package, StreamZone
from pipelines.manifest import ACCEPTED, CHECKED, DROP, LIST_BRAKE, QUARANTINED, Landed, write_manifest
from pipelines.warehouse.existence import Listing
from pipelines.warehouse.ops import files_since, full_list_after


def own_listing(con: duckdb.DuckDBPyConnection, package: Package) -> Listing | None:
    """The list that this package is, or that it agrees to; None where it is none or was stopped."""
    landed, checked = package.landed, package.checked
    if not landed.full or CursorKind.FILE not in (landed.kind, landed.origin_kind) or landed.kind == DROP:
        return None
    if landed.kind == CursorKind.FILE and checked is not None and checked.stopped_list:
        return None
    return _listing(con, package)


def later_listing(con: duckdb.DuckDBPyConnection, package: Package) -> Listing | None:
    """The newest list folded so far that was exported after this file, so that it knew of the file's records."""
    landed = package.landed
    if landed.file_stamp is None or CursorKind.FILE not in (landed.kind, landed.origin_kind):
        return None
    newest = full_list_after(con, landed, same_export_until(landed.file_name, landed.file_stamp))
    return _listing(con, Package(package.folder.with_name(newest))) if newest else None


def _listing(con: duckdb.DuckDBPyConnection, package: Package) -> Listing:
    landed = package.landed
    assert landed.file_stamp is not None
    held = _rows_of(package)
    others = files_since(con, landed, landed.file_stamp)
    further = [Package(package.folder.with_name(name)) for name in others if name != held.id]
    accepted, aside = _files([held], ACCEPTED), _files([held], QUARANTINED)
    beside = [*_files(further, ACCEPTED), *_files(further, QUARANTINED)]
    lost = any(not path.exists() for path in (*accepted, *aside, *beside))
    present = [[path for path in paths if path.exists()] for paths in (accepted, aside, beside)]
    return Listing(landed.package, landed.file_stamp, *present, whole=not lost)


def _rows_of(package: Package) -> Package:
    """Where the rows of a list lie: a decision about its word has none of its own."""
    landed = package.landed
    return Package(package.folder.with_name(landed.origin)) if landed.positions == [] else package


def _files(packages: Sequence[Package], name: str) -> list[Path]:
    return [package.rows(name) for package in packages]


def stop(package: Package, problem: Problem) -> None:
    """The brake is judged once, at the list's place in the fold: its rows go on, its word waits for a person."""
    checked = package.checked
    assert checked is not None
    reason = {
        "rule": LIST_BRAKE, "scope": "package", "severity": "warn", "passed": False, "reason": problem.what,
        "owner": Actor.OPERATOR.value, "observed": "stopped", "checked": 1, "failing": 1,
    }  # fmt: skip
    write_manifest(
        package.folder, CHECKED, msgspec.structs.replace(checked, results=[*checked.results, reason])
    )


def waiting(zone: StreamZone) -> Iterator[Problem]:
    """The sentence for the newest list of a stream if it was stopped and nobody has decided; a newer one takes the
    place of all before it."""
    for package in reversed(zone.packages(CursorKind.FILE)):
        if not package.landed.full:
            continue
        checked = package.checked
        decided = any(decision.positions == [] for decision in zone.decisions(package.id))
        if checked and checked.stopped_list and not decided:
            yield stopped(package, str(checked.stopped_list["reason"]))
        return


def stopped(package: Package, what: str) -> Problem:
    """What a person is told of a list whose word waits."""
    return Problem(
        what,
        do=f"if they are gone, run `crm-warehouse quarantine release {package.id}`; if the file is no full list, "
        f"`crm-warehouse quarantine drop {package.id}`; a newer full list takes its place",
        actor=Actor.OPERATOR,
        where=_place(package.landed),
    )


def _place(landed: Landed) -> str:
    return landed.request or landed.file_name
