"""The fold: one checked package into the raw tables, in one transaction, once.

`merge` says what records say, `existence` which of them exist, `ops` what came from where.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import duckdb

from connectors.core.contract import CursorKind, Stream
from pipelines.faults import step
from pipelines.manifest import DROP, RELEASE, Checked, Landed, Receipt
from pipelines.warehouse.connect import sparing
from pipelines.warehouse.existence import (
    Listing,
    bury_late,
    bury_listed,
    bury_unlisted,
    bury_unlisted_late,
    note_unlisted,
    sweep,
)
from pipelines.warehouse.hygiene import NOTHING, Notes, note_decision, note_findings, note_set_aside
from pipelines.warehouse.merge import merge
from pipelines.warehouse.ops import earlier, next_order, note_package
from pipelines.warehouse.schema import ensure_stream


@dataclass(frozen=True, slots=True)
class Parts:
    """The files of a package that the fold reads.

    accepted: its rows; None when they changed nothing and are no longer kept. chain: the accepted files of a
    whole sweep, and when it began; of the sweep that the package completes, or, for rows released late, of the
    newest one folded since they were read. None where an id could not be read: such a sweep proves nothing.
    notes: what it says of single rows.
    listing: the full list that the package is or agrees to; later: of a file, a full list that is newer than it.
    """

    accepted: Path | None
    chain: Sequence[Path] = ()
    chain_began: datetime | None = None
    agreed: bool = field(default=False)  # a person has said that the sweep or list is right
    listing: Listing | None = None
    later: Listing | None = None
    notes: Notes = NOTHING


def load_package(
    con: duckdb.DuckDBPyConnection,
    stream: Stream,
    declared: Mapping[str, str],
    landed: Landed,
    checked: Checked,
    parts: Parts,
    *,
    loaded_at: datetime | None = None,
    receipt: Receipt | None = None,
) -> Receipt:
    """Fold a package into the stream's tables and note it in `ops.packages`; a package counts once.

    declared: column → type of the stream's declared fields. receipt: of an earlier fold, whose order and time
    are kept. Returns the receipt to write into the package, the old one if this warehouse holds it already.
    """
    if known := earlier(con, landed.package):
        return known
    loaded_at = receipt.loaded_at if receipt else loaded_at or datetime.now(UTC)
    step("package loading", package=landed.package)
    work = partial(_load, con, stream, declared, landed, checked, parts, loaded_at, receipt)
    try:
        with sparing(con):
            return work()
    except duckdb.OutOfMemoryException:
        return work()


def _load(
    con: duckdb.DuckDBPyConnection,
    stream: Stream,
    declared: Mapping[str, str],
    landed: Landed,
    checked: Checked,
    parts: Parts,
    loaded_at: datetime,
    receipt: Receipt | None,
) -> Receipt:
    """All of it in one transaction."""
    con.begin()
    try:
        ensure_stream(con, stream, declared)
        if parts.accepted is None:
            assert receipt is not None and not receipt.changed
            folded = receipt
        else:
            order = receipt.order if receipt else next_order(con)
            agreed = parts.agreed or receipt is not None  # it was folded before: somebody has agreed
            counts = _fold(con, stream, landed, checked, parts, loaded_at, brake=not agreed)
            folded = Receipt(order=order, loaded_at=loaded_at, **counts)
        note_package(con, landed, checked, folded)
        note_set_aside(con, stream, landed, parts.notes)
        note_decision(con, landed)
        step("package folded", package=landed.package)
        con.commit()
    except BaseException:
        con.rollback()
        raise
    return folded


def _fold(
    con: duckdb.DuckDBPyConnection,
    stream: Stream,
    landed: Landed,
    checked: Checked,
    parts: Parts,
    loaded_at: datetime,
    *,
    brake: bool,
) -> dict[str, int]:
    accepted = parts.accepted
    assert accepted is not None
    match landed.origin_kind if landed.kind == RELEASE else landed.kind:
        case CursorKind.DELETED:
            return bury_listed(con, stream, landed, accepted, loaded_at)
        case CursorKind.SWEEP:
            if not landed.last or parts.chain_began is None:
                return {}
            return sweep(con, stream, landed, parts.chain, parts.chain_began, loaded_at, brake=brake)
        case kind if kind == DROP:
            return {}
        case _:
            counts = merge(con, stream, landed, accepted, loaded_at, checked.absent)
            if parts.notes.findings is not None:
                note_findings(con, landed, parts.notes.findings)
            if parts.chain_began is not None:
                note_unlisted(con, stream, landed, parts.chain, parts.chain_began)
            gone = [bury_late(con, stream, landed, loaded_at)]
            if parts.later is not None:
                gone.append(bury_unlisted_late(con, stream, landed, parts.later, loaded_at))
            if parts.listing is not None:
                gone.append(
                    bury_unlisted(
                        con, stream, landed, parts.listing, loaded_at, brake=brake, out_of_turn=parts.agreed
                    )
                )
            return {**counts, "deleted": sum(one.get("deleted", 0) for one in gone)}
