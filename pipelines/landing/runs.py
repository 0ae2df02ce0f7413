"""The diary of syncs: `landing/_runs/<year>-<month>.jsonl`, a line per run, idle ones included.

It belongs to the landing zone because the warehouse is made from the landing zone alone, and because an idle
run does not open the warehouse.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec

from pipelines.files import private_folder, sync_folder
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
    folder = private_folder(landing / FOLDER)
    path = folder / f"{run.started_at:%Y-%m}.jsonl"
    new = not path.exists()
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "r+b") as file:
        torn = file.seek(0, os.SEEK_END) and _last_byte(path) != b"\n"
        file.write((b"\n" if torn else b"") + msgspec.json.encode(run) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    if new:
        sync_folder(folder)


def read_runs(landing: Path) -> Iterator[Run]:
    """Every run, oldest first. A line that a killed process left unfinished is no run."""
    decoder = msgspec.json.Decoder(Run)
    for path in sorted((landing / FOLDER).glob("*.jsonl")):
        for line in path.read_bytes().splitlines():
            try:
                yield decoder.decode(line)
            except msgspec.DecodeError:
                continue


def last_reconciled(
    landing: Path, source: str, org: str, stream: str
) -> tuple[datetime, list[Measure]] | None:
    """When a stream's totals were last compared with the CRM's own, and what came of it; None if never."""
    decoder = msgspec.json.Decoder(Run)
    for path in sorted((landing / FOLDER).glob("*.jsonl"), reverse=True):
        for line in reversed(path.read_bytes().splitlines()):
            if b'"reconciled":[{' not in line:
                continue
            try:
                run = decoder.decode(line)
            except msgspec.DecodeError:
                continue
            for one in run.streams:
                if (one.source, one.org, one.stream) == (source, org, stream) and one.reconciled:
                    return run.started_at, one.reconciled
    return None


def _last_byte(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1)
