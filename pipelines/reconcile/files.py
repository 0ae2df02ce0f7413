"""Files: what their own cells and rows of totals add up to, against the rows that were typed of them.

The cells are read from the text that was cut from the file, the rows by the engine; both must say the same. A row of
totals is the writer's own word about the rows above it: about all of them, or those since the last row of totals.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from functools import reduce

import duckdb
import msgspec

from connectors.core.contract import CursorKind, Source, Stream
from pipelines.landing.decode import Decoded
from pipelines.landing.own_totals import OwnTotals, cells_of
from pipelines.landing.zone import Package, StreamZone
from pipelines.quality.model import Rule
from pipelines.sql import columns_of, quote
from pipelines.tally import MOST_ITEMS, ROOMY, Because, Item, Measure, Verdict, What, itemised

ROWS = "rows"


def compare_file(
    con: duckdb.DuckDBPyConnection,
    package: Package,
    source: Source,
    stream: Stream,
    decoded: Decoded,
    rule: Rule,
) -> list[Measure]:
    """Of a file that was just decoded: `rows` is there, and `aside` tells which are set aside."""
    own, totals = decoded.own, rule.totals
    if own is None or totals is None:
        return []
    measures = [_rows(con, own, rule)] if totals.rows else []
    for name in totals.sums:
        if name not in own.fields:
            why = f"the file has no column {name}"
            measures.append(Measure(rule=rule.name, measure=name, verdict=Verdict.NOT_ASKED, why=why))
            continue
        measures.append(_sum(con, package, source, stream, own, rule, name))
    return measures


def measures_of_files(zone: StreamZone, rule: Rule) -> list[Measure]:
    """Of the files that came last, those of one run as one."""
    found: dict[str, list[Measure]] = {}
    run = None
    for package in reversed(zone.packages(CursorKind.FILE)):
        landed, checked = package.landed, package.checked
        if run not in (None, landed.run):
            break
        run = landed.run
        for measure in checked.reconciled if checked else ():
            if measure.rule == rule.name:
                found.setdefault(measure.measure, []).append(measure)
    if found:
        return [_together(measures[::-1]) for measures in found.values()]
    why = "no file came since this is compared"
    names = [
        *([ROWS] if rule.totals and rule.totals.rows else []),
        *(rule.totals.sums if rule.totals else ()),
    ]
    return [Measure(rule=rule.name, measure=name, verdict=Verdict.NOT_ASKED, why=why) for name in names]


def _rows(con: duckdb.DuckDBPyConnection, own: OwnTotals, rule: Rule) -> Measure:
    typed = _one(con, "SELECT count(*) FROM rows") or Decimal(0)
    verdict = Verdict.AGREES if typed == own.rows else Verdict.DIFFERS
    return Measure(rule=rule.name, measure=ROWS, verdict=verdict, ours=typed, theirs=Decimal(own.rows))


def _sum(
    con: duckdb.DuckDBPyConnection,
    package: Package,
    source: Source,
    stream: Stream,
    own: OwnTotals,
    rule: Rule,
    name: str,
) -> Measure:
    column = quote(columns_of([name])[name])
    typed = _one(con, f"SELECT sum({column}) FROM rows") or Decimal(0)
    theirs, file = own.sums.get(name, Decimal(0)), package.landed.file_name
    said = {position: values[name] for position, values in own.said.items() if name in values}
    items: list[Item] = []
    if typed != theirs or name in own.unread or any(total != theirs for total in said.values()):
        _, table = source.tabulate(package.folder / package.landed.files[0].name, stream)
        cells = cells_of(table, own, name)
        items = [*_cells(con, column, name, cells, file), *_wrong_totals(cells, said, name, file)]
    if any(not item.explained for item in items) or (typed != theirs and not items):
        verdict = Verdict.DIFFERS
    else:
        verdict = Verdict.EXPLAINED if items else Verdict.AGREES
    return Measure(
        rule=rule.name,
        measure=name,
        verdict=verdict,
        ours=typed,
        theirs=theirs,
        set_aside=sum(item.because in (Because.SET_ASIDE, Because.UNREADABLE) for item in items),
        why=f"{len(said)} rows of totals were compared" if said else "",
        **itemised(items),
    )


def _cells(
    con: duckdb.DuckDBPyConnection, column: str, name: str, cells: dict[int, Decimal | None], file: str
) -> Iterator[Item]:
    """Cells whose number is not the one that was typed of them."""
    rows = con.execute(f"SELECT _position, {column} FROM rows WHERE {column} IS NOT NULL").fetchall()
    typed = {position: Decimal(value) for position, value in rows}
    aside = {position for (position,) in con.execute("SELECT DISTINCT _position FROM aside").fetchall()}
    for position in sorted(cells.keys() | typed.keys()):
        ours, theirs = typed.get(position), cells.get(position)
        unread = position in cells and theirs is None
        if ours == theirs and not unread:
            continue
        because = Because.MISREAD
        if ours is None and position in aside:
            because = Because.UNREADABLE if unread else Because.SET_ASIDE
        yield Item(
            record=_place(file, position),
            what=What.DIFFERS,
            because=because,
            field=name,
            ours=ours,
            theirs=theirs,
        )


def _wrong_totals(
    cells: dict[int, Decimal | None], said: dict[int, Decimal], name: str, file: str
) -> Iterator[Item]:
    """Rows of totals that are neither the sum of all rows above nor of those since the last such row."""
    above = sorted(cells.items())
    all_of_them, before, place, unread = Decimal(0), Decimal(0), 0, False
    for position, total in sorted(said.items()):
        while place < len(above) and above[place][0] < position:
            value = above[place][1]
            unread |= value is None
            all_of_them = ROOMY.add(all_of_them, value or Decimal(0))
            place += 1
        last = ROOMY.subtract(all_of_them, before)
        before = all_of_them
        if total not in (all_of_them, last):
            yield Item(
                record=_place(file, position),
                what=What.DIFFERS,
                because=Because.UNREADABLE if unread else Because.WRONG_TOTAL,
                field=name,
                ours=all_of_them,
                theirs=total,
            )


def _place(file: str, position: int) -> str:
    return f"{file} row {position}"


def _together(measures: list[Measure]) -> Measure:
    """Of several files as one; the verdict is the worst."""
    if len(measures) == 1:
        return measures[0]
    order = (Verdict.DIFFERS, Verdict.EXPLAINED, Verdict.AGREES, Verdict.NOT_ASKED)
    items = sorted((item for m in measures for item in m.items), key=lambda item: item.explained)
    told = [m for m in measures if m.theirs is not None]
    return msgspec.structs.replace(
        measures[0],
        verdict=min((m.verdict for m in measures), key=order.index),
        ours=reduce(ROOMY.add, (m.ours or Decimal(0) for m in told)) if told else None,
        theirs=reduce(ROOMY.add, (m.theirs or Decimal(0) for m in told)) if told else None,
        set_aside=sum(m.set_aside for m in measures),
        why="; ".join(dict.fromkeys(filter(None, (m.why for m in measures)))),
        items=items[:MOST_ITEMS],
        more=sum(m.more for m in measures) + max(0, len(items) - MOST_ITEMS),
        differing=sum(m.counts[0] for m in measures),
        unexplained=sum(m.counts[1] for m in measures),
    )


def _one(con: duckdb.DuckDBPyConnection, query: str) -> Decimal | None:
    row = con.execute(query).fetchone()
    return None if row is None or row[0] is None else Decimal(row[0])
