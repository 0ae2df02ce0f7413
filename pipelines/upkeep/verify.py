"""`verify`: the landing zone against its manifests, and the warehouse against the landing zone. Read-only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import duckdb

from connectors.core.errors import Actor, Problem
from pipelines.landing.order import verify_folders, verify_receipts, verify_stream
from pipelines.landing.verify import Verified, verify_package
from pipelines.landing.zone import Package, Zone
from pipelines.settings import WRONG_USE, Settings
from pipelines.warehouse.connect import read_warehouse
from pipelines.warehouse.proof import Held, held_packages, verify_tables

Advance = Callable[[int, int], None]  # packages done, of how many


@dataclass(slots=True)
class Audit:
    """What was looked at and found. Those findings that are transient need nobody."""

    packages: int = 0
    files: int = 0
    bytes: int = 0
    records: int = 0
    warehouse: bool = False  # there was one to look into
    findings: list[Problem] = field(default_factory=list)

    @property
    def wrong(self) -> list[Problem]:
        """What somebody must act on."""
        return [f for f in self.findings if not f.transient]

    @property
    def notes(self) -> list[Problem]:
        """What a crash left, and what cannot be known from here."""
        return [f for f in self.findings if f.transient]


def audit(
    settings: Settings,
    *,
    sources: Sequence[str] = (),
    streams: Sequence[str] = (),
    advance: Advance = lambda done, total: None,
) -> Audit:
    """Look at every byte of the landing zone and at the warehouse. Call under the run lock.

    sources, streams: only these; what lies between streams (places in the fold, foreign files, the law of
    conservation in `ops`) is asked only for the whole. Raises Problem when the landing zone holds none of them.
    """
    zone, whole = Zone(settings.landing), not sources and not streams
    chosen = [
        stream.folders()
        for source, _, name, stream in zone.streams()
        if (not sources or source in sources) and (not streams or name in streams)
    ]
    if not whole and not chosen:
        raise Problem(
            f"the landing zone holds nothing of {', '.join([*sources, *streams])}",
            do="choose among the folders of the landing zone",
            where=str(settings.landing),
            code=WRONG_USE,
        )
    found = _verified([package for packages in chosen for package in packages], settings.threads, advance)
    result = Audit(len(found))
    result.findings += verify_folders(zone) if whole else ()
    by_folder = {one.package.folder: one for one in found}
    for packages in chosen:
        of_stream = [by_folder[package.folder] for package in packages]
        for one in of_stream:
            result.findings += one.findings
            result.files += len(one.files)
            result.bytes += one.bytes
            result.records += one.records
        result.findings += verify_stream(of_stream)
    result.findings += verify_receipts(found) if whole else ()
    _verify_warehouse(settings, found, result, whole=whole)
    return result


def _verified(packages: Sequence[Package], threads: int, advance: Advance) -> list[Verified]:
    found = []
    with ThreadPoolExecutor(threads, thread_name_prefix="verify") as pool:
        for one in pool.map(verify_package, packages):
            found.append(one)
            advance(len(found), len(packages))
    return found


def _verify_warehouse(settings: Settings, found: Sequence[Verified], result: Audit, *, whole: bool) -> None:
    loaded = {one.package.id: one for one in found if one.receipt}
    if not settings.warehouse.exists():
        if loaded:
            result.findings.append(
                Problem(
                    "there is no warehouse although packages were loaded",
                    do="run `crm-warehouse run`, which folds them in anew",
                    where=str(settings.warehouse),
                )
            )
        return
    result.warehouse = True
    try:
        with read_warehouse(settings.warehouse) as con:
            held = held_packages(con)
            if not whole:
                seen = {one.package.folder.parts[-4::2] for one in found}  # (source, stream)
                held = {id: one for id, one in held.items() if (one.source, one.stream) in seen}
            result.findings += _same_packages(found, loaded, held)
            result.findings += verify_tables(con, held, whole=whole and bool(held))
    except Problem as problem:
        result.findings.append(problem)
    except duckdb.Error as error:
        result.findings.append(
            Problem(
                f"the warehouse cannot be read ({str(error).splitlines()[0]})",
                do="run `crm-warehouse rebuild`, which makes it anew from the landing zone",
                where=str(settings.warehouse),
            )
        )


def _same_packages(
    found: Sequence[Verified], loaded: Mapping[str, Verified], held: Mapping[str, Held]
) -> list[Problem]:
    """The warehouse holds exactly the packages that have a receipt, folded as the receipt says."""
    here = {one.package.id: str(one.package.folder) for one in found}
    problems = [
        Problem(
            f"package {id} was loaded, but the warehouse does not hold it",
            do="nothing; the next sync folds it in",
            where=here[id],
            transient=True,
        )
        for id in sorted(loaded.keys() - held.keys())
    ]
    for id in sorted(held.keys() - loaded.keys()):
        if id in here:
            what, do = (
                f"package {id} is in the warehouse, its receipt was not written",
                "the next sync writes it",
            )
            problems.append(Problem(what, do=f"nothing; {do}", where=here[id], transient=True))
        else:
            problems.append(
                Problem(
                    f"the warehouse holds package {id}, the landing zone has lost it",
                    do="restore the package folder from a backup; else run `crm-warehouse rebuild` and "
                    "`crm-warehouse sync --full`",
                    source=held[id].source,
                    stream=held[id].stream,
                )
            )
    for id in sorted(held.keys() & loaded.keys()):
        receipt = loaded[id].receipt
        assert receipt is not None
        said = {name: getattr(receipt, name) for name in held[id].counts}
        if (receipt.order, said) != (held[id].order, dict(held[id].counts)):
            problems.append(
                Problem(
                    f"package {id} was folded otherwise than its receipt says",
                    do="run `crm-warehouse rebuild`; report it if it comes again",
                    actor=Actor.DEVELOPER,
                    where=here[id],
                )
            )
    return problems
