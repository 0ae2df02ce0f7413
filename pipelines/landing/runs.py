"""The diary of syncs: `landing/_runs/<year>-<month>.jsonl`, a line per run, idle ones included.

It belongs to the landing zone because the warehouse is made from the landing zone alone, and because an idle
run does not open the warehouse.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import chain
from pathlib import Path

import msgspec

from pipelines.files import append_line, private_folder
from pipelines.tally import Measure

FOLDER = "_runs"


class StreamRun(msgspec.Struct, frozen=True, kw_only=True):
    """One stream in one run; an empty stream name stands for the source as a whole."""

    source: str
    org: str
    stream: str
    status: str
    seconds: float = 0.0
    calls: int = 0
    credits: int = 0
    bytes: int = 0
    packages: int = 0
    received: int = 0
    accepted: int = 0
    quarantined: int = 0
    known_again: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0
    message: str = ""
    reconciled: list[Measure] = []


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One line. command: what started it."""

    run_id: str
    command: str
    started_at: datetime
    ended_at: datetime
    code_version: str
    streams: list[StreamRun]


def append_run(landing: Path, run: Run) -> None:
    """Add a line, durable when this returns. Call under the run lock."""
    append_line(private_folder(landing / FOLDER) / f"{run.started_at:%Y-%m}.jsonl", msgspec.json.encode(run))


def read_runs(landing: Path) -> Iterator[Run]:
    """Every run, oldest first. A line that a killed process left unfinished is no run."""
    decoder = msgspec.json.Decoder(Run)
    for path in sorted((landing / FOLDER).glob("*.jsonl")):
        for line in path.read_bytes().splitlines():
            try:
                yield decoder.decode(line)
            except msgspec.DecodeError:
                continue


def last_reconciled(landing: Path, source: str, org: str, stream: str) -> tuple[Run, list[Measure]] | None:
    """The newest run that compared a stream's totals with the CRM's own, and what came of it, each measure with its
    items and the run that wrote them down; None if there was none."""
    found = _compared(landing, (source, org, stream))
    run, measures = next(found, (None, []))
    if run is None:
        return None
    whole = {_named(m): _with_items(m, m, run) for m in measures if not m.items_of}
    wanted = {_named(m): m for m in measures if m.items_of}
    while wanted:
        older, theirs = next(found, (None, []))
        if older is None:  # that line is lost: what it found is not known any more
            break
        for one in theirs:
            if (measure := wanted.get(_named(one))) and measure.items_of == older.run_id:
                whole[_named(one)] = _with_items(wanted.pop(_named(one)), one, older)
    return run, [whole.get(_named(measure), measure) for measure in measures]


def unless_known(landing: Path, one: StreamRun) -> StreamRun:
    """The same, with a reference for items that the newest run which compared this stream has found too: a difference
    that stays for months would be written down at every run."""
    if not any(measure.items for measure in one.reconciled):
        return one
    last = last_reconciled(landing, one.source, one.org, one.stream)
    before = {_named(measure): measure for measure in last[1]} if last else {}
    measures = [_referring(measure, before.get(_named(measure))) for measure in one.reconciled]
    return msgspec.structs.replace(one, reconciled=measures)


def _referring(measure: Measure, before: Measure | None) -> Measure:
    same = before is not None and (measure.items, measure.counts) == (before.items, before.counts)
    if before is None or not same or not measure.items:
        return measure
    differing, unexplained = measure.counts
    return msgspec.structs.replace(
        measure, items=[], items_of=before.items_of, differing=differing, unexplained=unexplained
    )


def _with_items(measure: Measure, of: Measure, run: Run) -> Measure:
    return msgspec.structs.replace(measure, items=of.items, items_of=run.run_id)


def _named(measure: Measure) -> tuple[str, str]:
    return measure.rule, measure.measure


def _compared(landing: Path, names: tuple[str, str, str]) -> Iterator[tuple[Run, list[Measure]]]:
    """Runs that compared this stream, newest first."""
    decoder = msgspec.json.Decoder(Run)
    paths = sorted((landing / FOLDER).glob("*.jsonl"), reverse=True)
    for line in chain.from_iterable(reversed(path.read_bytes().splitlines()) for path in paths):
        if b'"reconciled":[{' not in line:
            continue
        try:
            run = decoder.decode(line)
        except msgspec.DecodeError:
            continue
        for one in run.streams:
            if (one.source, one.org, one.stream) == names and one.reconciled:
                yield run, one.reconciled
