"""The warehouse is a fold over packages: what the landing zone's receipts say is loaded is loaded.

A warehouse file that was lost, or restored from an older backup, is brought up to its receipts before
anything else happens, in their order and without validating again; nothing is published from less.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from connectors import discover
from connectors.core.contract import Stream
from connectors.core.errors import Problem
from pipelines.build import begin_build
from pipelines.landing.types import engine_type
from pipelines.landing.zone import Package, Zone
from pipelines.manifest import ACCEPTED, Landed, Receipt, file_entry
from pipelines.settings import Settings
from pipelines.warehouse.connect import open_warehouse, read_warehouse
from pipelines.warehouse.load import load_package
from pipelines.warehouse.ops import ensure_ops, folded
from pipelines.warehouse.schema import declare


def columns(stream: Stream) -> dict[str, str]:
    """Column → engine type of the declared fields."""
    return {field.name: engine_type(field) for field in stream.fields}


def refold(settings: Settings) -> int:
    """Fold what the receipts name and the warehouse lacks; returns how many packages. Call under the lock."""
    receipted = _receipted(settings)
    if not receipted:
        return 0
    present: set[str] = set()
    if settings.warehouse.exists():
        with read_warehouse(settings.warehouse) as con:
            present = folded(con)
    missing = [package for package in receipted if package.id not in present]
    if missing:
        _fold(settings, settings.warehouse, missing)
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
    _fold(settings, building, receipted)
    settings.warehouse.with_name(settings.warehouse.name + ".wal").unlink(missing_ok=True)
    building.replace(settings.warehouse)
    return len(receipted)


@contextmanager
def prepared_warehouse(settings: Settings, path: Path | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse (or one at `path`) open for writing, with its ops tables and every declared raw table, empty
    where its source delivered nothing."""
    with open_warehouse(
        path or settings.warehouse, memory_limit=settings.memory_limit, threads=settings.threads
    ) as con:
        ensure_ops(con)
        declare(con, ((stream, columns(stream)) for spec in discover().values() for stream in spec.streams()))
        yield con


def _receipted(settings: Settings) -> list[Package]:
    """Every package that was loaded, of all streams."""
    return [package for *_, zone in Zone(settings.landing).streams() for package in zone.loaded()]


def _fold(settings: Settings, path: Path, packages: Iterable[Package]) -> None:
    begin_build(settings)  # models built on what was there before are not those of what will be there now
    receipts = {package: package.receipt for package in packages}
    with prepared_warehouse(settings, path) as con:
        for package, receipt in sorted(receipts.items(), key=lambda item: item[1].order if item[1] else 0):
            assert receipt is not None
            load_checked(con, package, _stream(package.landed), receipt)


def load_checked(
    con: duckdb.DuckDBPyConnection, package: Package, stream: Stream, receipt: Receipt | None = None
) -> Receipt:
    """Load a checked package; raises Problem when its rows are not those that were checked.

    receipt: of an earlier fold, to be repeated as it was.
    """
    checked, accepted = package.checked, package.folder / ACCEPTED
    entry = next((file for file in checked.files if file.name == ACCEPTED), None) if checked else None
    if checked is None or entry is None or not accepted.exists() or file_entry(accepted) != entry:
        raise Problem(
            f"the checked rows of package {package.id} are missing or damaged",
            do="restore the package folder from a backup; nothing of it was loaded",
            where=str(accepted),
        )
    return load_package(con, stream, columns(stream), package.landed, checked, accepted, receipt=receipt)


def _stream(landed: Landed) -> Stream:
    """The declared stream of a package, or a bare one where the source has dropped it since."""
    spec = discover().get(landed.source)
    for stream in spec.streams() if spec else ():
        if stream.name == landed.stream:
            return stream
    return Stream(
        source=landed.source, name=landed.stream, api_name=landed.api_name, label="", docs="", fields=()
    )
