"""The warehouse is a fold over packages: what the landing zone's receipts say is loaded is loaded.

A warehouse file that was lost, or restored from an older backup, is brought up to its receipts before
anything else happens, in their order and without validating again; nothing is published from less.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from connectors import discover
from connectors.core.contract import CursorKind, Stream
from connectors.core.errors import Problem
from pipelines.build import begin_build
from pipelines.check import personal_fields
from pipelines.faults import step
from pipelines.hygiene import note_hygiene
from pipelines.landing.redaction.redact import RECORD
from pipelines.landing.runs import Run, read_runs
from pipelines.landing.standing import Standing, read_standing, standings
from pipelines.landing.types import engine_type
from pipelines.landing.zone import Package, StreamZone, Zone
from pipelines.listings import later_listing, own_listing
from pipelines.manifest import ACCEPTED, FINDINGS, QUARANTINED, RELEASE, Landed, Receipt, entry_of, file_entry
from pipelines.seal import is_sealed, seal
from pipelines.settings import Settings
from pipelines.tally import Measure
from pipelines.warehouse.connect import open_warehouse, read_warehouse, swap_in
from pipelines.warehouse.hygiene import Notes
from pipelines.warehouse.load import Parts, load_package
from pipelines.warehouse.ops import (
    ensure_ops,
    folded,
    note_checks,
    note_reconciled,
    note_runs,
    note_state,
    noted_runs,
)
from pipelines.warehouse.schema import declare


def columns(stream: Stream) -> dict[str, str]:
    """Column → engine type of the declared fields; of a stream that no model reads, its packages tell."""
    return {field.name: engine_type(field) for field in stream.fields} if stream.modelled else {}


def refold(settings: Settings) -> int:
    """Fold what the receipts name and the warehouse lacks; returns how many packages. Call under the lock."""
    receipted = _receipted(settings)
    if not receipted or is_sealed(settings.warehouse, receipted):
        return 0
    present: Mapping[str, int] = {}
    if settings.warehouse.exists():
        with read_warehouse(settings.warehouse, wait_seconds=settings.lock_wait_seconds) as con:
            present = folded(con)
    missing = {package: receipt for package, receipt in _in_order(receipted) if package.id not in present}
    if missing and min(r.order for r in missing.values()) <= max(present.values(), default=0):
        return rebuild(settings)  # what is missing lies below what is there: only the whole fold is right
    if missing:
        _fold(settings, settings.warehouse, missing.items())
    seal(settings.warehouse, receipted)
    return len(missing)


def rebuild(settings: Settings) -> int:
    """A new warehouse from the landing zone alone, swapped in when complete. Call under the lock."""
    receipted = _receipted(settings)
    if not receipted:
        raise Problem(
            "the landing zone holds no loaded package, so there is nothing to make a warehouse from",
            do="restore the landing folder from a backup; the warehouse stays as it is",
            where=str(settings.landing),
        )
    building = settings.warehouse.with_name("rebuilding.duckdb")
    for leftover in (building, building.with_name(building.name + ".wal")):
        leftover.unlink(missing_ok=True)
    _fold(settings, building, _in_order(receipted))
    swap_in(building, settings.warehouse)
    seal(settings.warehouse, receipted)
    step("warehouse rebuilt", packages=len(receipted))
    return len(receipted)


def fold_order(settings: Settings) -> int:
    """Place in the fold of the last package that was loaded; 0 before the first."""
    return max((receipt.order for _, receipt in _in_order(_receipted(settings))), default=0)


def fold_until(settings: Settings, path: Path, order: int) -> list[Package]:
    """A warehouse at `path` as it was when the package at this place of the fold had been loaded, and no later one; its
    packages. Neither the warehouse of this home nor what was built on it is touched. Call under the lock."""
    packages = [(package, r) for package, r in _in_order(_receipted(settings)) if r.order <= order]
    with prepared_warehouse(settings, path) as con:
        for package, receipt in packages:
            load_checked(con, package, stream_of(package.landed), receipt)
        note_hygiene(con)
    return [package for package, _ in packages]


def seal_warehouse(settings: Settings) -> None:
    """Remember that the warehouse, closed now, holds every receipted package."""
    seal(settings.warehouse, _receipted(settings))


@contextmanager
def prepared_warehouse(settings: Settings, path: Path | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse (or one at `path`) open for writing, with its ops tables and every declared raw table, empty
    where its source delivered nothing."""
    with open_warehouse(
        path or settings.warehouse,
        memory_limit=settings.memory_limit,
        threads=settings.threads,
        wait_seconds=settings.lock_wait_seconds,
    ) as con:
        ensure_ops(con)
        declare(con, ((stream, columns(stream)) for spec in discover().values() for stream in spec.streams()))
        yield con


def note_landing(con: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """What `ops` says of the landing zone: the diary of syncs with what was reconciled, and per stream its cursor, what
    waits, and how each of its rules fared; all of it or nothing, so that a run which is noted is noted whole."""
    con.begin()
    try:
        known = noted_runs(con)
        runs = [run for run in read_runs(settings.landing) if run.run_id not in known]
        note_runs(con, [row for run in runs for row in _run_rows(run)])
        note_reconciled(con, [row for run in runs for row in _reconciled_rows(run)])
        note_state(con, [_state(*names, zone) for *names, zone in Zone(settings.landing).streams()])
        stands = standings(settings.landing).items()
        note_checks(con, [row for key, standing in stands for row in _check_rows(key, standing)])
        con.commit()
    except BaseException:
        con.rollback()
        raise


def load_checked(
    con: duckdb.DuckDBPyConnection, package: Package, stream: Stream, receipt: Receipt | None = None
) -> Receipt:
    """Load a checked package; raises Problem when its rows are not those that were checked.

    receipt: of an earlier fold, to be repeated as it was.
    """
    checked, landed = package.checked, package.landed
    if checked is None:
        raise _damaged(package)
    chain = _sweep(package, landed, receipt)
    files = [file for part in chain if (file := _accepted(part, receipt=None))]
    began = chain[0].landed.started_at if chain else None
    parts = Parts(
        _accepted(package, receipt),
        files,
        began,
        agreed=landed.kind == RELEASE,
        listing=own_listing(con, package),
        later=later_listing(con, package),
        notes=_notes(package, stream, receipt),
    )
    return load_package(con, stream, columns(stream), landed, checked, parts, receipt=receipt)


def _sweep(package: Package, landed: Landed, receipt: Receipt | None) -> list[Package]:
    """The whole sweep that this package completes, or that speaks of rows released after it; [] if none does."""
    zone = StreamZone(package.folder.parent)
    if CursorKind.SWEEP in (landed.kind, landed.origin_kind):
        return zone.readable_chain(landed.read) if landed.last else []
    if landed.kind != RELEASE or landed.positions is None:
        return []
    for part in reversed(zone.packages(CursorKind.SWEEP)):
        folded, of = part.receipt, part.landed
        if of.started_at <= landed.started_at:
            break
        if folded and of.last and (receipt is None or folded.order < receipt.order):
            chain = zone.readable_chain(of.read)
            return chain if chain and chain[0].landed.started_at > landed.started_at else []
    return []


def _receipted(settings: Settings) -> list[Package]:
    """Every package that was loaded, of all streams."""
    return [package for *_, zone in Zone(settings.landing).streams() for package in zone.loaded()]


def _in_order(packages: Iterable[Package]) -> list[tuple[Package, Receipt]]:
    receipts = [(package, receipt) for package in packages if (receipt := package.receipt)]
    return sorted(receipts, key=lambda item: item[1].order)


def _fold(settings: Settings, path: Path, packages: Iterable[tuple[Package, Receipt]]) -> None:
    begin_build(settings)  # models built on what was there before are not those of what will be there now
    with prepared_warehouse(settings, path) as con:
        for package, receipt in packages:
            load_checked(con, package, stream_of(package.landed), receipt)
        note_landing(con, settings)


def _accepted(package: Package, receipt: Receipt | None) -> Path | None:
    """The checked rows, digest compared; None where they changed nothing and were thinned out since."""
    return _rows(package, ACCEPTED, receipt)


def _notes(package: Package, stream: Stream, receipt: Receipt | None) -> Notes:
    """What the package says of single rows. What was erased on arrival or later says nothing."""
    checked, landed = package.checked, package.landed
    assert checked is not None
    named = {name for name in (FINDINGS, QUARANTINED) if entry_of(checked.files, name)}
    if not checked.quarantined:
        named.discard(QUARANTINED)
    files = {name: _rows(package, name, receipt) for name in named}
    gone = {r.name for r in (*landed.redactions, *checked.redactions) if r.what == RECORD}
    personal = personal_fields(package, stream) if QUARANTINED in named else ()
    return Notes(files.get(FINDINGS), files.get(QUARANTINED), personal, gone)


def _rows(package: Package, name: str, receipt: Receipt | None) -> Path | None:
    checked = package.checked
    entry = entry_of(checked.files, name) if checked else None
    path = package.folder / (entry.name if entry else name)
    if entry is not None and path.exists() and file_entry(path) == entry:
        return path
    thinned = package.thinned
    if receipt and not receipt.changed and thinned and entry_of(thinned.files, name):
        return None
    raise _damaged(package, path)


def _damaged(package: Package, path: Path | None = None) -> Problem:
    return Problem(
        f"the checked rows of package {package.id} are missing or damaged",
        do="restore the package folder from a backup; nothing of it was loaded",
        where=str(path or package.folder / ACCEPTED),
    )


def _run_rows(run: Run) -> Iterator[dict[str, Any]]:
    of_run = {name: getattr(run, name) for name in ("run_id", "command", "started_at", "ended_at")}
    for stream in run.streams:
        facts = msgspec.structs.asdict(stream)
        del facts["reconciled"]
        yield of_run | facts


def _reconciled_rows(run: Run) -> Iterator[tuple[dict[str, Any], Measure]]:
    for stream in run.streams:
        facts = {"run_id": run.run_id, "source": stream.source, "org": stream.org, "stream": stream.stream}
        for measure in stream.reconciled:
            yield facts, measure


def _state(source: str, org: str, stream: str, zone: StreamZone) -> dict[str, Any]:
    newest, pending = zone.newest(CursorKind.INCREMENTAL), zone.pending()
    first = pending[0] if pending else None
    checked = first.checked if first else None
    standing = read_standing(zone)
    return {
        "source": source,
        "org": org,
        "stream": stream,
        "cursor": newest.cursor_after if newest else None,
        "pending": len(pending),
        "waiting_since": first.landed.landed_at if first else None,
        "blocked": bool(checked and checked.blocked),
        "served": standing.good if standing else True,
        "status": standing.status if standing else None,
        "status_since": standing.since if standing else None,
        "served_at": standing.served_at if standing else None,
        "message": "; ".join(standing.messages) if standing else "",
    }


def _check_rows(key: tuple[str, str, str], standing: Standing) -> Iterator[dict[str, Any]]:
    """A rule that set rows aside fails while they wait, and one that every row meets first is told only then."""
    of_stream = dict(zip(("source", "org", "stream"), key, strict=True))
    failing = {of.rule: of for of in standing.failing()}
    for name in sorted(standing.rules.keys() | failing.keys()):
        rule, now = standing.rules.get(name), failing.get(name)
        facts = {fact: rule.result.get(fact) if rule else None for fact in _OF_RESULT}
        if now is not None:
            facts |= {
                "severity": now.severity,
                "owner": now.owner,
                "reason": now.reason,
                "failing": now.failing,
            }
        yield of_stream | facts | {
            "rule": name, "passed": now is None, "judged_at": rule.judged_at if rule else None,
            "failing_since": now.since if now else None, "package_id": rule.package if rule else "",
        }  # fmt: skip


_OF_RESULT = (
    "scope", "severity", "owner", "reason", "expectation", "column", "checked", "failing", "observed",
    "not_applicable",
)  # fmt: skip


def stream_of(landed: Landed) -> Stream:
    """The declared stream of a package, or a bare one where it was discovered or the source has dropped it."""
    spec = discover().get(landed.source)
    for stream in spec.streams() if spec else ():
        if stream.name == landed.stream:
            return stream
    return Stream(
        source=landed.source, name=landed.stream, api_name=landed.api_name, label="", docs="", fields=(),
        modelled=False,
    )  # fmt: skip
