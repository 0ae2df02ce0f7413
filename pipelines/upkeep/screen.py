"""What a person sees of `verify`, `prune`, `backup`, `restore` and `forget`. Decides nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from connectors.core.errors import Problem
from pipelines.console import complain, err, out, print_json, show_rows
from pipelines.upkeep.backup import Backup, BackupManifest
from pipelines.upkeep.forget import Forgotten
from pipelines.upkeep.prune import Pruning
from pipelines.upkeep.verify import Audit

_UNITS = ("bytes", "kB", "MB", "GB", "TB")


@contextmanager
def progress(what: str, *, quiet: bool = False) -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal, fed with (done, total); nothing elsewhere."""
    if quiet or not err.is_terminal:
        yield lambda done, total: None
        return
    columns = (TextColumn(what), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def show_audit(result: Audit, *, as_json: bool) -> None:
    """What was proven, what is wrong, and what a crash left."""
    if as_json:
        print_json(
            {
                "ok": not result.wrong,
                **{
                    name: getattr(result, name)
                    for name in ("packages", "files", "bytes", "records", "warehouse")
                },
                "findings": [_plain(problem) for problem in result.wrong],
                "notes": [_plain(problem) for problem in result.notes],
            }
        )
    else:
        looked = f"{result.packages:,} packages, {result.files:,} files intact ({_size(result.bytes)})"
        out.print(f"Looked at {looked}, {result.records:,} records counted in their pages.")
        for note in result.notes:
            out.print(f"  [yellow]![/] {escape(str(note))}", highlight=False)
        if not result.wrong:
            held = "The warehouse holds" if result.warehouse else "There is no warehouse yet; it will hold"
            out.print(f"{held} exactly what was loaded; nothing is lost, doubled or damaged.")
    for problem in result.wrong:
        complain(str(problem))


def show_pruning(result: Pruning, *, as_json: bool) -> None:
    """Per stream what goes, and per reason what stays."""
    if as_json:
        print_json({**asdict(result), "bytes": result.bytes})
        return
    columns = ("Stream", "Packages", "Files", "Bytes", "What stays, and why")
    rows = [
        (
            f"{s.source}.{s.stream}" + ("" if s.org == "default" else f" ({s.org})"),
            s.packages,
            s.files,
            s.bytes,
            "; ".join(f"{count:,} {reason}" for reason, count in sorted(s.stays.items())),
        )
        for s in result.streams
    ]
    if rows:
        show_rows("Removed" if result.applied else "Would be removed (nothing was)", columns, rows)
    if result.days is None:
        out.print(
            "Everything is kept: set CRM_WAREHOUSE_KEEP_PAGES_DAYS, or say --older-than DAYS.",
            highlight=False,
        )
    elif not result.applied and result.bytes:
        out.print(f"{_size(result.bytes)} would be freed; say --apply to do it.", highlight=False)


def show_backup(made: Backup, *, as_json: bool) -> None:
    """Where it is and what it takes."""
    if as_json:
        print_json(asdict(made))
        return
    new = _size(made.bytes - made.shared)
    out.print(f"Saved {made.files:,} files, {_size(made.bytes)}, of which {new} are new on disk.")
    out.print(f"{made.path}", highlight=False)


def show_restored(manifest: BackupManifest, home: Path, *, as_json: bool) -> None:
    """What the home holds now."""
    if as_json:
        print_json({"ok": True, "home": home, "files": len(manifest.files), "at": manifest.at})
        return
    out.print(
        f"{home} is as it was at {manifest.at:%Y-%m-%d %H:%M} UTC ({len(manifest.files):,} files). The next "
        "`crm-warehouse run` reads on from there.",
        highlight=False,
    )


def _plain(problem: Problem) -> dict[str, str]:
    names = ("what", "do", "actor", "source", "stream", "where")
    return {name: str(getattr(problem, name)) for name in names}


def _size(count: float) -> str:
    for unit in _UNITS:
        if count < 1000 or unit == _UNITS[-1]:
            return f"{count:,.0f} {unit}" if unit == "bytes" else f"{count:,.1f} {unit}"
        count /= 1000
    raise AssertionError


def show_forgotten(done: Forgotten, *, as_json: bool) -> None:
    """What was rewritten, and what is left for people to do."""
    problems = done.run.sentences() if done.run else []
    if as_json:
        print_json(
            {
                "ok": done.ok,
                "packages": done.packages,
                "rows": done.rows,
                "folded": done.rebuilt,
                "sentences": [*problems, *done.sentences],
            }
        )
        return
    out.print(f"Rewrote {done.packages} packages ({done.rows} checked rows).")
    if done.rebuilt:
        out.print(f"Folded {done.rebuilt} packages into a new warehouse.")
    if done.run and done.run.publication:
        out.print(f"Published {done.run.publication.path}; older versions are removed.")
    for sentence in done.sentences:
        out.print(sentence, highlight=False, markup=False)
    for problem in problems:
        complain(problem)
