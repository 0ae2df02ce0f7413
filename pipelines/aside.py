"""What was set aside, for people: where each row is found, what is wrong with it, and what somebody decides about it.

Reads the landing zone only, so that it works while a run holds the warehouse.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from connectors import discover
from connectors.core.errors import Problem
from pipelines.check import personal_fields
from pipelines.fold import stream_of
from pipelines.landing.decisions import drop, release
from pipelines.landing.zone import Aside, Package, StreamZone, Zone, aside_of
from pipelines.manifest import LIST_BRAKE, QUARANTINED, REPLAYED, Landed
from pipelines.quality.privacy import Privacy
from pipelines.quality.rules import load_rules
from pipelines.quality.verdict import MASK
from pipelines.replay import Replayed, replay
from pipelines.settings import EXPECTATIONS, WRONG_USE, Settings
from pipelines.sql import literal, quote


@dataclass(frozen=True, slots=True)
class Waiting:
    """A package with something to decide about. rows: set aside and undecided; rules: of these, by rule (a row that
    breaks two counts for both); why: rules, or what blocks it. landed_at: since when it waits. owner: who must act."""

    package: str
    stream: str
    landed_at: datetime
    file: str
    rows: int
    rules: Mapping[str, int]
    owner: str
    why: str


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which of what waits is meant; nothing chosen is everything."""

    sources: Collection[str] = ()
    streams: Collection[str] = ()
    rules: Collection[str] = ()

    def zones(self, settings: Settings) -> Iterator[tuple[str, str, str, StreamZone]]:
        """The streams of the landing zone that are meant. Raises Problem for one that was never landed."""
        found = list(Zone(settings.landing).streams())
        for asked, place in ((self.sources, 0), (self.streams, 2)):
            if unknown := sorted(set(asked) - {str(names[place]) for names in found}):
                raise Problem(
                    f"nothing was landed of {', '.join(unknown)}",
                    do=f"choose among {', '.join(sorted({str(names[place]) for names in found}))}",
                    code=WRONG_USE,
                )
        for source, org, stream, zone in found:
            if source in (self.sources or (source,)) and stream in (self.streams or (stream,)):
                yield source, org, stream, zone


ALL = Chosen()


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


def waiting(settings: Settings, chosen: Chosen = ALL) -> Iterator[Waiting]:
    """Every package of which rows, the whole or the word of a full list wait for somebody, oldest first by stream."""
    for source, _, stream, zone in chosen.zones(settings):
        blocked = {package.id for package in zone.pending()}
        decisions = zone.decided()
        owners: Owners | None = None
        for package in zone.packages():
            decided = decisions.get(package.id, [])
            if (found := _open(zone, package, blocked, decided)) is None:
                continue
            counts, rows, whole = found
            owners = owners or _owners(source, stream)
            if chosen.rules:
                counts = {rule: n for rule, n in counts.items() if rule in chosen.rules}
                whole = {rule: why for rule, why in whole.items() if rule in chosen.rules}
                if not counts and not whole:
                    continue
                rows = len(open_rows(package, decided, counts)) if counts else 0
            landed = package.landed
            who = [owners.of(rule) for rule in (*counts, *whole)]
            yield Waiting(
                package.id,
                f"{source}.{stream}",
                landed.landed_at,
                landed.request if landed.file_name else "",
                rows,
                counts,
                ", ".join(dict.fromkeys(who)),
                "; ".join([*counts, *(why.rstrip(".") for why in whole.values())]),
            )


def _open(
    zone: StreamZone, package: Package, blocked: Collection[str], decided: Sequence[Landed]
) -> tuple[dict[str, int], int, dict[str, str]] | None:
    """What of a package waits: rows by rule, rows, and by rule why the whole or its word does; None if nothing."""
    checked = package.checked
    if checked is None or package.landed.positions is not None:  # a whole decision may hold rows set aside
        return None
    aside = aside_of(package, decided)
    rows, counts = (aside.rows, _by_rule(zone, aside, decided)) if aside else (0, dict[str, int]())
    whole = {}
    if checked.stopped_list and not any(d.positions == [] for d in decided):
        whole[LIST_BRAKE] = str(checked.stopped_list["reason"])
    if checked.blocked and package.id in blocked:
        failed = (r for r in checked.results if r["severity"] == "block" and not r["passed"])
        whole |= {str(r["rule"]): str(r["reason"]) for r in failed}
    return (counts, rows, whole) if rows or whole else None


def _by_rule(zone: StreamZone, aside: Aside, decided: Sequence[Landed]) -> dict[str, int]:
    """Rows that wait, by rule: as the manifests have it, and where somebody was erased, as the rows themselves do."""
    positions = {p for decision in decided for p in decision.positions or ()}
    counts: Counter[str] = Counter()
    if aside.settled - positions:
        waiting = {(row, rule) for row, _, rule, *_ in _rows(aside.package.rows(QUARANTINED))}
        counts.update(rule for row, rule in waiting if row not in aside.settled)
    else:
        counts.update(aside.checked.set_aside)
        for decision in decided:
            taken = Package(zone.folder / decision.package).checked
            counts.subtract(taken.resolved if taken else {})
    return {rule: rows for rule, rows in sorted(counts.items()) if rows > 0}


def open_rows(package: Package, decided: Sequence[Landed], rules: Collection[str] = ()) -> list[int]:
    """Positions that wait, in order; of rows that one of these rules set aside, if any are given: a row may break
    several."""
    aside = aside_of(package, decided)
    found = {row for row, _, rule, *_ in _rows(package.rows(QUARANTINED)) if not rules or rule in rules}
    return sorted(found - aside.settled) if aside else []


@dataclass(frozen=True, slots=True)
class Owners:
    """Who answers for the rules of a stream; what no rule file names (a value that does not fit) is the stream's."""

    stream: str
    rules: Mapping[str, str]

    def of(self, rule: str) -> str:
        """Who must act."""
        return self.rules.get(rule, self.stream)


def _owners(source: str, stream: str) -> Owners:
    rules = load_rules(EXPECTATIONS, source, stream, needed=False)
    return Owners(rules.owner, {rule.name: rule.owner or rules.owner for rule in rules.rules})


def faults(settings: Settings, package_id: str, *, personal: bool = False) -> Iterator[Fault]:
    """Why each undecided row of a package was set aside, in the order of its rows. personal: show what fields about
    people hold, and keys that may be names. Raises Problem."""
    zone, package = find(settings, package_id)
    checked, landed = package.checked, package.landed
    path = package.rows(QUARANTINED)
    if checked is None or not path.exists():
        return
    aside = aside_of(package, zone.decisions(package.id))
    file = (landed.request or landed.file_name) if landed.file_name else ""
    fields = personal_fields(package, stream_of(landed))
    privacy = Privacy(() if personal else fields)
    for position, record, rule, field, value, reason in _rows(path, fields):
        if aside and position not in aside.settled:
            column = checked.headers.get(field or "", field or "")
            shown = privacy.value(bases_of(field or ""), value)
            yield Fault(
                file,
                checked.sheet,
                position,
                privacy.record_id(record) or "",
                column,
                shown or "",
                reason,
                rule,
            )


def bases_of(named: str) -> frozenset[str]:
    """The columns that a fault names: `Owner.id, Created_Time.date` are Owner and Created_Time."""
    parts = [part for part in named.split(", ") if part]
    return frozenset(parts) | {part.rpartition(".")[0] for part in parts if "." in part}


def _rows(
    path: Path, personal: Collection[str] = ()
) -> list[tuple[int, str | None, str, str | None, str | None, str]]:
    """Faults with their values: what was masked when the row was set aside is read from the row itself."""
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        source = f"read_parquet({literal(str(path))})"
        columns = {name for name, *_ in con.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}
        named = con.execute(
            f"SELECT DISTINCT f.field FROM (SELECT unnest(_faults) AS f FROM {source}) WHERE f.value = '{MASK}'"
        ).fetchall()
        held = []
        for (field,) in named:
            bases = [base for base in sorted(bases_of(field or "")) if base in columns]
            if set(bases) & set(personal):
                text = " || ', ' || ".join(f"coalesce(CAST({quote(base)} AS VARCHAR), '')" for base in bases)
                held.append(f"WHEN f.value = '{MASK}' AND f.field = {literal(field)} THEN {text}")
        value = f"CASE {' '.join(held)} ELSE f.value END" if held else "f.value"
        return con.execute(
            f"SELECT _position, _record_id, f.rule, f.field, {value}, f.reason FROM (SELECT *, "
            f"unnest(_faults) AS f FROM {source}) ORDER BY 1, 3, 4"
        ).fetchall()


def replay_waiting(
    settings: Settings, packages: Collection[str] = (), chosen: Chosen = ALL, *, by: str = ""
) -> Iterator[Replayed]:
    """Judge what waits again, by today's rules and as today's reader reads it; the next sync folds what may enter.

    packages: only these. by: who asked for it. Call under the run lock. Raises Problem.
    """
    missing = set(packages)
    for source, org, name, zone in chosen.zones(settings):
        asides = [a for a in zone.undecided() if not packages or a.package.id in packages]
        if not asides:
            continue
        missing -= {aside.package.id for aside in asides}
        rules = load_rules(EXPECTATIONS, source, name, needed=False)
        spec = discover().get(source)
        with ExitStack() as stack:
            reader = None
            if spec and not spec.settings:  # a source of files reads them itself; a CRM need not be asked
                reader = stack.enter_context(spec.open(settings.context(spec, org)))
            for aside in asides:
                stream = stream_of(aside.package.landed)
                yield replay(
                    settings,
                    zone,
                    aside,
                    reader,
                    stream,
                    rules,
                    by=f"{by}, by {REPLAYED}" if by else REPLAYED,
                )
    if missing:
        raise Problem(
            f"no row of {', '.join(sorted(missing))} waits",
            do="take the package's id from `crm-warehouse quarantine list`",
            code=WRONG_USE,
        )


def decide(
    settings: Settings,
    package_id: str,
    rows: Collection[int] = (),
    *,
    let: bool,
    by: str,
    rules: Collection[str] = (),
    every: bool = False,
) -> Package:
    """Release (let) or drop rows of a package: those named, those that one of these rules set aside, or every one that
    waits; none of these: the package, or the word of its full list. Call under the run lock; the next sync folds it.
    Raises Problem."""
    if sum(map(bool, (rows, rules, every))) > 1:
        raise Problem(
            "rows were chosen in more than one way",
            do="give `--row`, `--rule` or `--all`, one of them",
            code=WRONG_USE,
        )
    zone, package = find(settings, package_id)
    if rules or every:
        rows = open_rows(package, zone.decisions(package.id), rules)
        if not rows:
            raise Problem(
                f"no row of package {package_id} waits"
                + (f" because of {', '.join(rules)}" if rules else ""),
                do="see `crm-warehouse quarantine list`, which names packages and rules",
                code=WRONG_USE,
            )
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
