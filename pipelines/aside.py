"""What was set aside, for people: where each row is found, what is wrong with it, and what somebody decides about it.

Reads the landing zone only, so that it works while a run holds the warehouse.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from connectors.core.errors import Problem
from pipelines.landing.decisions import drop, release
from pipelines.landing.zone import Package, StreamZone, Zone
from pipelines.manifest import QUARANTINED
from pipelines.settings import WRONG_USE, Settings
from pipelines.sql import literal


@dataclass(frozen=True, slots=True)
class Waiting:
    """A package with something to decide about. rows: set aside and undecided; why: rules, or what blocks it."""

    package: str
    stream: str
    landed_at: datetime
    file: str
    rows: int
    why: str


@dataclass(frozen=True, slots=True)
class Fault:
    """One reason why one row was set aside. row: of the sheet, or the position in the package. column: letter and
    header where the package is a file."""

    file: str
    sheet: str
    row: int
    record: str
    column: str
    value: str
    reason: str
    rule: str


def waiting(settings: Settings) -> Iterator[Waiting]:
    """Every package of which rows, the whole or the word of a full list wait for somebody, oldest first by stream."""
    for source, _, stream, zone in Zone(settings.landing).streams():
        blocked = {package.id for package in zone.pending()}
        for package in zone.packages():
            checked = package.checked
            if (
                checked is None or package.landed.positions is not None
            ):  # a whole decision may hold rows set aside
                continue
            decided = zone.decisions(package.id)
            rows = 0 if any(d.positions is None for d in decided) else checked.quarantined
            rows -= len({p for d in decided for p in d.positions or ()}) if rows else 0
            why = [*checked.set_aside] if rows else []
            if checked.stopped_list and not any(d.positions == [] for d in decided):
                why.append(str(checked.stopped_list["reason"]))
            if checked.blocked and package.id in blocked:
                why += [
                    str(r["reason"]) for r in checked.results if r["severity"] == "block" and not r["passed"]
                ]
            if why:
                landed = package.landed
                file = landed.request if landed.file_name else ""
                yield Waiting(package.id, f"{source}.{stream}", landed.landed_at, file, rows, "; ".join(why))


def faults(settings: Settings, package_id: str) -> Iterator[Fault]:
    """Why each undecided row of a package was set aside, in the order of its rows. Raises Problem."""
    zone, package = find(settings, package_id)
    checked, landed = package.checked, package.landed
    path = package.rows(QUARANTINED)
    if checked is None or not path.exists():
        return
    decided = {p for d in zone.decisions(package.id) for p in d.positions or ()}
    file = (landed.request or landed.file_name) if landed.file_name else ""
    for position, record, rule, field, value, reason in _rows(path):
        if position not in decided:
            column = checked.headers.get(field or "", field or "")
            yield Fault(file, checked.sheet, position, record or "", column, value or "", reason, rule)


def _rows(path: Path) -> list[tuple[int, str | None, str, str | None, str | None, str]]:
    with duckdb.connect() as con:
        return con.execute(
            "SELECT _position, _record_id, f.rule, f.field, f.value, f.reason FROM (SELECT _position, _record_id, "
            f"unnest(_faults) AS f FROM read_parquet({literal(str(path))})) ORDER BY 1, 3, 4"
        ).fetchall()


def decide(settings: Settings, package_id: str, rows: list[int], *, let: bool, by: str) -> Package:
    """Release (let) or drop rows of a package; none named: the package, or the word of its full list. Call under the
    run lock; the next sync folds it. Raises Problem."""
    zone, package = find(settings, package_id)
    return (release if let else drop)(zone, package, rows or None, by=by)


def find(settings: Settings, package_id: str) -> tuple[StreamZone, Package]:
    """A landed package by its id, of whatever stream. Raises Problem when there is none."""
    for *_, zone in Zone(settings.landing).streams():
        for package in zone.packages():
            if package.id == package_id:
                return zone, package
    raise Problem(
        f"there is no package {package_id}",
        do="take its id from `crm-warehouse quarantine list`",
        code=WRONG_USE,
    )
