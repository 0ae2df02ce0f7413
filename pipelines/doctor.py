"""Is this installation fit to run? Every finding is a sentence; a bad one says what to do."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator

from connectors.core.contract import Finding
from connectors.core.errors import Problem
from pipelines.landing.zone import Zone
from pipelines.settings import Settings, load_settings, selected
from pipelines.warehouse.lock import run_lock

_ENOUGH_DISK = 5 << 30


def examine(sources: list[str] | None) -> list[Finding]:
    """Look at settings, home, disk, lock and every selected source, in that order."""
    try:
        settings = load_settings()
        settings.prepare_home()
    except Problem as problem:
        return [Finding(False, str(problem))]
    return [*_machine(settings), *_lock(settings), *_sources(settings, sources)]


def _machine(settings: Settings) -> Iterator[Finding]:
    version = ".".join(str(part) for part in sys.version_info[:3])
    yield Finding((3, 11) <= sys.version_info < (3, 14), f"Python {version} (3.11 to 3.13 are supported).")
    free = shutil.disk_usage(settings.home).free
    advice = "" if free > _ENOUGH_DISK else " Free some: a run needs room for one package and a compaction."
    yield Finding(free > _ENOUGH_DISK, f"{free / (1 << 30):,.0f} GiB free in {settings.home}.{advice}")


def _lock(settings: Settings) -> Iterator[Finding]:
    try:
        with run_lock(settings.home, "doctor"):
            yield Finding(True, "No other run is at work.")
    except Problem as problem:
        yield Finding(False, str(problem))


def _sources(settings: Settings, names: list[str] | None) -> Iterator[Finding]:
    try:
        chosen = selected(settings, names)
    except Problem as problem:
        yield Finding(False, str(problem))
        return
    for spec, org in chosen:
        try:
            known = Zone(settings.landing).api_names(spec.name, org)
            with spec.open(settings.context(spec, org, known_streams=known)) as source:
                streams = [stream.name for stream in source.streams()]
                problems = list(source.problems())
                findings = list(source.examine())
        except Problem as problem:
            yield Finding(False, str(problem.located(source=spec.name)))
            continue
        yield Finding(True, f"{spec.label} ({spec.name}, organisation {org}) answers: {', '.join(streams)}.")
        yield from findings
        yield from (Finding(False, str(problem.located(source=spec.name))) for problem in problems)
