"""What a person sees: tables, progress, sentences. Reads health and outcomes; decides nothing."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from typing import TYPE_CHECKING, Any

import msgspec
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from pipelines.health import Health, StreamHealth, sentences
from pipelines.outcome import Status, StreamOutcome
from pipelines.settings import Settings

if TYPE_CHECKING:
    from connectors.core.contract import Finding
    from pipelines.aside import Fault, Waiting
    from pipelines.flow import RunReport
    from pipelines.past import Again
    from pipelines.replay import Replayed
    from pipelines.sync import Progress as ProgressCall

_WIDE = 120  # where no terminal says how wide it is, nothing need be cut
out = Console(soft_wrap=True, width=None if sys.stdout.isatty() else _WIDE)
err = Console(soft_wrap=True, stderr=True)
_COLOURS = {Status.LOADED: "green", Status.UNCHANGED: "dim", Status.BLOCKED: "yellow", Status.FAILED: "red"}


def complain(sentence: str) -> None:
    """One sentence on standard error."""
    err.print(f"[red]✗[/] {escape(sentence)}", highlight=False)


@contextmanager
def progress(*, quiet: bool = False) -> Iterator[ProgressCall]:
    """A line per stream on a terminal; nothing elsewhere."""
    if quiet or not err.is_terminal:
        yield lambda outcome, step: None
        return
    columns = (SpinnerColumn(finished_text="✓"), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True) as bar:
        tasks: dict[tuple[str, str, str], Any] = {}

        def show(outcome: StreamOutcome, step: str) -> None:
            key = (outcome.source, outcome.org, outcome.stream)
            if key not in tasks:
                tasks[key] = bar.add_task("", total=1)
            text = f"{outcome.source} {outcome.stream}: {step}"
            bar.update(tasks[key], description=text, completed=int(step == "done"))

        yield show


def show_run(result: RunReport, *, as_json: bool = False) -> None:
    """A run's outcome; what must be acted on goes to standard error."""
    if as_json:
        print_json(
            {
                "ok": result.ok,
                "streams": [asdict(o) for o in result.sync.outcomes],
                "build": asdict(result.build) if result.build else None,
                "published": str(result.publication.path) if result.publication else None,
                "warnings": result.sync.warnings,
                "sentences": result.sentences(),
            }
        )
    else:
        if result.sync.outcomes:
            out.print(_streams_table(result.sync.outcomes))
        if result.build:
            warnings = f", {len(result.build.warnings)} warnings" if result.build.warnings else ""
            out.print(f"Built and tested {result.build.nodes} models, seeds and tests{warnings}.")
            for warning in result.build.warnings:
                out.print(f"  [yellow]![/] {escape(warning)}", highlight=False)
        if result.publication:
            out.print(f"Published {result.publication.path}")
        elif result.ok and not result.build and not result.sync.changed:
            out.print("Nothing new: the published version stays.")
    for warning in result.sync.warnings:
        err.print(f"[yellow]![/] {escape(warning)}", highlight=False)
    for sentence in result.sentences():
        complain(sentence)


def show_past(again: Again, *, as_json: bool = False) -> None:
    """A past publication that was built again, and why it may be another than then."""
    if as_json:
        print_json(
            {
                "version": again.published.version,
                "published_at": again.published.published_at.isoformat(),
                "path": str(again.path),
                "same_as_then": not again.differences,
                "differences": list(again.differences),
            }
        )
    else:
        then = again.published
        out.print(f"Built version {then.version} (as of {then.as_of_date}) again: {again.path}")
    for difference in again.differences:
        complain(f"It may not be what was published then: {difference}.")


def show_status(health: Health | None, settings: Settings, *, as_json: bool) -> None:
    """The last health, as a table or as JSON."""
    if as_json:
        print_json(msgspec.to_builtins(health) if health else None)
        return
    if health is None:
        out.print(f"Nothing has run in {settings.home} yet. Start with `crm-warehouse run`.")
        return
    published = health.published
    if published:
        out.print(
            f"Published {published.path} at {published.at:%Y-%m-%d %H:%M} UTC, as of {published.as_of_date}"
        )
    else:
        out.print("Nothing is published yet.")
    columns = ("Stream", "Status", "Since", "Read", "Newest record", "Aside", "Rules failing")
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for name in columns:
        table.add_column(name, no_wrap=True)
    for s in health.streams:
        status = f"[{_COLOURS[Status(s.status)]}]{s.status}[/]"
        moments = map(_minute, (s.since, s.served_at, s.cursor))
        table.add_row(f"{s.source}.{s.stream}", status, *moments, str(s.quarantined), _failing(s))
    out.print(table)
    out.print("Times are UTC.", style="dim")
    for owner, lines in _by_owner(health).items():
        out.print(f"\n[bold]For {escape(owner)}[/]:")
        for line in lines:
            out.print(line, markup=False, highlight=False)
    for sentence in sentences(health):
        complain(sentence)


def _minute(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else "–"


def _failing(stream: StreamHealth) -> str:
    """How many rules fail, by severity, the worst first."""
    counts = Counter(rule.severity for rule in stream.failing)
    return ", ".join(f"{count} {severity}" for severity, count in counts.items()) or "–"


def _by_owner(health: Health) -> dict[str, list[str]]:
    """Who must act → a line per failing rule, the worst first."""
    found: dict[str, list[str]] = {}
    for stream in health.streams:
        for rule in stream.failing:
            told = rule.observed or f"{rule.failing:,} of {rule.checked:,} rows"
            line = (
                f"  {stream.source}.{stream.stream} {rule.rule} ({rule.severity}, since {_minute(rule.since)}): "
                f"{told}. {rule.reason}"
            )
            found.setdefault(rule.owner or "nobody", []).append(line)
    return found


def show_waiting(packages: Sequence[Waiting], *, as_json: bool) -> None:
    """What waits for somebody's decision, a package a line."""
    if as_json:
        print_json([asdict(one) for one in packages])
        return
    if not packages:
        out.print("Nothing waits for a decision.")
        return
    for one in packages:  # lines, not a table: ids are there to be copied
        rows = f"{one.rows} rows set aside" if one.rows else "waits"
        file = f" of {one.file}" if one.file else ""
        out.print(
            f"{one.package}  {one.stream}, since {one.landed_at:%Y-%m-%d %H:%M} UTC: {rows}{file}: "
            f"{_by_rule(one)}. Who must act: {one.owner}",
            markup=False,
            highlight=False,
        )


def _by_rule(one: Waiting) -> str:
    counts = [f"{rule} ({rows})" for rule, rows in one.rules.items()]
    return "; ".join([*counts, *(why for why in one.why.split("; ") if why not in one.rules)])


def show_replayed(done: Sequence[Replayed], *, as_json: bool) -> None:
    """What became of rows that were judged again, a package a line."""
    if as_json:
        print_json([asdict(one) for one in done])
        return
    if not done:
        out.print("No row waits.")
    for one in done:
        out.print(
            f"{one.package}  {one.stream}: {one.released} rows may enter, {one.mended} were replaced by newer ones, "
            f"{one.lapsed} are no records, "
            f"{one.waiting} still wait",
            markup=False,
            highlight=False,
        )
    if any(one.released or one.mended or one.lapsed for one in done):
        out.print("The next `crm-warehouse sync` or `run` folds them in.")


def show_faults(found: Sequence[Fault], *, as_json: bool) -> None:
    """Why rows were set aside, a fault a paragraph: values may be long."""
    if as_json:
        print_json([asdict(one) for one in found])
        return
    if not found:
        out.print("No row of this package waits for a decision.")
    for one in found:
        sheet = f", sheet {one.sheet}" if one.sheet else ""
        column = f", column {one.column}" if one.column else ""
        value = f": {one.value!r}" if one.value else ""
        record = f" (record {one.record})" if one.record else ""
        line = f"{one.file}{sheet}, row {one.row}{column}{value}: {one.reason} [{one.rule}]{record}"
        out.print(line.removeprefix(", "), markup=False, highlight=False)


def show_findings(findings: Sequence[Finding], *, as_json: bool) -> None:
    """The doctor's findings."""
    if as_json:
        print_json([asdict(f) for f in findings])
        return
    for finding in findings:
        mark = "[green]✓[/]" if finding.ok else "[red]✗[/]"
        out.print(f"{mark} {escape(finding.sentence)}", highlight=False)


def show_rows(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A small result as a table, numbers to the right."""
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    for number, name in enumerate(columns):
        numeric = any(isinstance(row[number], int | float | Decimal) for row in rows)
        table.add_column(name, justify="right" if numeric else "left", no_wrap=True)
    for row in rows:
        table.add_row(*map(_cell, row))
    out.print(table)


def _cell(value: object) -> str:
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int | Decimal) else str(value)


def _streams_table(outcomes: Sequence[StreamOutcome]) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for name in ("Stream", "Status"):
        table.add_column(name, no_wrap=True)
    for name in ("Rows", "New", "Changed", "Same", "Deleted", "Aside"):
        table.add_column(name, justify="right", no_wrap=True)
    for (source, org), group in groupby(outcomes, key=lambda o: (o.source, o.org)):
        table.add_row(f"[bold]{source}[/]" + ("" if org == "default" else f" {org}"))
        for o in group:
            counts = (o.received, o.inserted, o.updated, o.unchanged, o.deleted, o.quarantined)
            status = f"[{_COLOURS[o.status]}]{o.status}[/]"
            table.add_row(f"  {o.stream}", status, *(f"{n:,}" if n else "·" for n in counts))
    return table


def print_json(data: object) -> None:
    """An answer for a program, on standard output."""
    json.dump(data, sys.stdout, ensure_ascii=False, indent=1, default=str)
    sys.stdout.write("\n")
