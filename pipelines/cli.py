"""The `crm-warehouse` command. Exit codes: 0 done, 1 failed, 2 wrong use.

Only wiring: what a command does is in `flow`, what it prints in `console`. Heavy libraries are imported when
a command needs them, so that `status` answers at once.
"""

from __future__ import annotations

import getpass
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from connectors.core.errors import Problem
from pipelines import console
from pipelines.faults import known, noted
from pipelines.settings import WRONG_USE, load_settings, selected

if TYPE_CHECKING:
    from pipelines.flow import RunReport

app = typer.Typer(
    name="crm-warehouse",
    help="Zoho CRM and Fxiaoke (纷享销客) in one warehouse: synced, proven, turned into KPI, tiers and funnel.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
sandbox = typer.Typer(help="A pretend company that speaks the CRMs' protocols.", no_args_is_help=True)
app.add_typer(sandbox, name="sandbox")
quarantine = typer.Typer(
    help="Rows and packages that were set aside, and what becomes of them.", no_args_is_help=True
)
app.add_typer(quarantine, name="quarantine")

SourceOption = Annotated[
    list[str] | None, typer.Option("--source", "-s", help="Only this source; may be given again.")
]
StreamOption = Annotated[
    list[str] | None, typer.Option("--stream", "-t", help="Only this stream; may be given again.")
]
FullOption = Annotated[bool, typer.Option("--full", help="Read from the beginning; nothing is doubled.")]
SweepOption = Annotated[
    bool, typer.Option("--sweep", help="Compare all ids with the CRM now, not only once a week.")
]
PackageArgument = Annotated[
    str, typer.Argument(metavar="PACKAGE", help="Its id, as `quarantine list` shows it.")
]
RowOption = Annotated[
    list[int] | None, typer.Option("--row", help="Only the row at this position; may be given again.")
]
RuleOption = Annotated[
    list[str] | None, typer.Option("--rule", help="Every row that this rule set aside; may be given again.")
]
AllOption = Annotated[bool, typer.Option("--all", help="Every row of the package that waits.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]


@app.command()
def run(
    source: SourceOption = None,
    stream: StreamOption = None,
    full: FullOption = False,
    sweep: SweepOption = False,
    json: JsonOption = False,
) -> None:
    """Sync, build and publish: what the scheduled job does."""
    from pipelines import flow

    settings = load_settings()
    chosen = selected(settings, source)
    with flow.lock(settings, "run"), console.progress(quiet=json) as progress:
        result = flow.run(settings, chosen, streams=stream or (), full=full, sweep=sweep, progress=progress)
    _end(result, json)


@app.command()
def sync(
    source: SourceOption = None,
    stream: StreamOption = None,
    full: FullOption = False,
    sweep: SweepOption = False,
    json: JsonOption = False,
) -> None:
    """Bring new and changed records into the raw tables."""
    from pipelines import flow

    settings = load_settings()
    chosen = selected(settings, source)
    with flow.lock(settings, "sync"), console.progress(quiet=json) as progress:
        result = flow.sync_and_report(
            settings, chosen, streams=stream or (), full=full, sweep=sweep, progress=progress
        )
    _end(result, json)


@app.command()
def build(
    as_published: Annotated[
        str | None,
        typer.Option(metavar="VERSION|DAY", help="Build that past publication again, as a file of its own."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Build and test the models on what is loaded. Does not publish.

    With --as-published: from what was loaded then, into published/past; exit 1 where it may differ from what was
    published, and why.
    """
    from pipelines import flow

    settings = load_settings()
    if as_published is not None:
        from pipelines.past import build_past

        with flow.lock(settings, "build"):
            again = build_past(settings, as_published)
        console.show_past(again, as_json=json)
        raise typer.Exit(1 if again.differences else 0)
    with flow.lock(settings, "build"):
        result = flow.build_and_report(settings)
    _end(result, json)


@app.command()
def publish(json: JsonOption = False) -> None:
    """Swap in a new published copy of the marts as they were last built; refused after a failed build."""
    from pipelines import flow

    settings = load_settings()
    with flow.lock(settings, "publish"):
        result = flow.reported(settings, flow.RunReport(publication=flow.publish_built(settings)))
    _end(result, json)


def _end(result: RunReport, json: bool) -> NoReturn:
    console.show_run(result, as_json=json)
    raise typer.Exit(0 if result.ok else 1)


@app.command()
def rebuild(json: JsonOption = False) -> None:
    """Make the warehouse anew from the landing zone, then build and publish. The old file stays until then."""
    from pipelines import flow
    from pipelines.fold import rebuild as rebuild_warehouse

    settings = load_settings()
    with flow.lock(settings, "rebuild"):
        packages = rebuild_warehouse(settings)
        result = flow.build_and_report(settings)
        if result.ok:
            result.publication = flow.publish_built(settings)
            flow.reported(settings, result)
    if not json:
        console.out.print(f"Folded {packages} packages into a new warehouse.")
    _end(result, json)


@app.command()
def status(json: JsonOption = False) -> None:
    """What is fresh, blocked or quarantined, since when, and who must act. Never opens the warehouse."""
    from pipelines.health import read_health

    settings = load_settings()
    health = read_health(settings.published)
    console.show_status(health, settings, as_json=json)
    raise typer.Exit(0 if health is None or health.ok else 1)


@quarantine.command("list")
def quarantine_list(
    source: SourceOption = None,
    stream: StreamOption = None,
    rule: Annotated[
        list[str] | None, typer.Option("--rule", help="Only what this rule set aside; may be given again.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Packages with rows set aside, blocked packages, and full lists whose word about other records waits: since
    when, by which rule, and who must act."""
    from pipelines.aside import Chosen, waiting

    chosen = Chosen(source or (), stream or (), rule or ())
    console.show_waiting(list(waiting(load_settings(), chosen)), as_json=json)


@quarantine.command("show")
def quarantine_show(
    package: PackageArgument,
    personal: Annotated[
        bool, typer.Option("--personal", help="Show personal values too; keep them out of tickets and chats.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Why each row was set aside: file, sheet, row, column, value and reason. Personal values are masked."""
    from pipelines.aside import faults

    console.show_faults(list(faults(load_settings(), package, personal=personal)), as_json=json)


@quarantine.command("replay")
def quarantine_replay(
    packages: Annotated[
        list[str] | None, typer.Argument(metavar="[PACKAGE]…", help="Their ids; all that wait without one.")
    ] = None,
    source: SourceOption = None,
    stream: StreamOption = None,
    json: JsonOption = False,
) -> None:
    """Judge what waits again, by today's rules and as today's reader reads it. A sync does so by itself when either
    has changed. What passes enters with the next sync, in its original place; nothing that was loaded is taken back."""
    from pipelines import flow
    from pipelines.aside import Chosen, replay_waiting

    settings = load_settings()
    with flow.lock(settings, "quarantine"):
        done = list(
            replay_waiting(settings, packages or (), Chosen(source or (), stream or ()), by=getpass.getuser())
        )
    console.show_replayed(done, as_json=json)


@quarantine.command("release")
def quarantine_release(
    package: PackageArgument, row: RowOption = None, rule: RuleOption = None, every: AllOption = False
) -> None:
    """Let rows (or, where none are chosen, a blocked package or a stopped full list) into the warehouse with the next
    sync."""
    _decide(package, row, rule, every=every, let=True)


@quarantine.command("drop")
def quarantine_drop(
    package: PackageArgument, row: RowOption = None, rule: RuleOption = None, every: AllOption = False
) -> None:
    """Decide that rows, a blocked package or the word of a stopped full list are never loaded. The bytes stay."""
    _decide(package, row, rule, every=every, let=False)


def _decide(package: str, rows: list[int] | None, rules: list[str] | None, *, every: bool, let: bool) -> None:
    from pipelines import flow
    from pipelines.aside import decide

    settings = load_settings()
    with flow.lock(settings, "quarantine"):
        made = decide(
            settings, package, rows or (), rules=rules or (), every=every, let=let, by=getpass.getuser()
        )
    console.out.print(f"Decided ({made.id}); the next `crm-warehouse sync` or `run` folds it in.")


@app.command()
def doctor(source: SourceOption = None, json: JsonOption = False) -> None:
    """Check settings, folders, locks and the connection to every CRM; every line says what to do."""
    from pipelines.doctor import examine

    findings = examine(source)
    console.show_findings(findings, as_json=json)
    raise typer.Exit(0 if all(f.ok for f in findings) else 1)


@app.command()
def verify(source: SourceOption = None, stream: StreamOption = None, json: JsonOption = False) -> None:
    """Prove that every byte of the landing zone is as it was written, and that the warehouse agrees with it."""
    from pipelines import flow
    from pipelines.upkeep import screen
    from pipelines.upkeep.verify import audit

    settings = load_settings()
    with flow.lock(settings, "verify"), screen.progress("verifying", quiet=json) as advance:
        result = audit(settings, sources=source or (), streams=stream or (), advance=advance)
    screen.show_audit(result, as_json=json)
    raise typer.Exit(1 if result.wrong else 0)


@app.command()
def prune(
    older_than: Annotated[
        int | None, typer.Option(min=0, metavar="DAYS", help="Instead of CRM_WAREHOUSE_KEEP_PAGES_DAYS.")
    ] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Remove them. Without it, only show.")] = False,
    json: JsonOption = False,
) -> None:
    """Show, and with --apply remove, old bytes that the warehouse has folded in and history does not need."""
    from pipelines import flow
    from pipelines.upkeep import screen
    from pipelines.upkeep.prune import prune as prune_landing

    settings = load_settings()
    with flow.lock(settings, "prune"):
        result = prune_landing(settings, older_than=older_than, apply=apply)
    screen.show_pruning(result, as_json=json)


@app.command()
def backup(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where backups lie, outside the home.")],
    json: JsonOption = False,
) -> None:
    """Copy landing zone, warehouse and published versions to DIR/crm-warehouse-<time>. Never tokens."""
    from pipelines import flow
    from pipelines.upkeep import screen
    from pipelines.upkeep.backup import backup as back_up

    settings = load_settings()
    with flow.lock(settings, "backup"), screen.progress("copying", quiet=json) as advance:
        made = back_up(settings, folder, advance=advance)
    screen.show_backup(made, as_json=json)


@app.command()
def restore(
    folder: Annotated[Path, typer.Argument(metavar="BACKUP", help="A folder crm-warehouse-<time>.")],
    json: JsonOption = False,
) -> None:
    """Fill an empty home from a backup, after every digest in it was compared."""
    from pipelines import flow
    from pipelines.upkeep import screen
    from pipelines.upkeep.restore import restore as restore_home

    settings = load_settings()
    with flow.lock(settings, "restore"), screen.progress("restoring", quiet=json) as advance:
        manifest = restore_home(settings, folder, advance=advance)
    screen.show_restored(manifest, settings.home, as_json=json)


@app.command()
def forget(
    source: Annotated[str, typer.Option("--source", "-s", help="The source that the person is in.")],
    stream: Annotated[str, typer.Option("--stream", "-t", help="The stream of the person's record.")],
    record: Annotated[list[str], typer.Option("--record", metavar="ID", help="Its id; may be given again.")],
    org: Annotated[str, typer.Option(help="The organisation, if there are several.")] = "default",
    reason: Annotated[str, typer.Option(help="Kept in the manifests: a case number, never a name.")] = "",
    json: JsonOption = False,
) -> None:
    """Take a person out of everything that was kept, and keep them out. Cannot be undone."""
    from pipelines import flow
    from pipelines.upkeep import screen
    from pipelines.upkeep.forget import Record
    from pipelines.upkeep.forget import forget as forget_records

    settings = load_settings()
    (spec, _), *_ = selected(settings, [source])
    with flow.lock(settings, "forget"):
        done = forget_records(settings, spec, org, [Record(stream, key) for key in record], reason)
    screen.show_forgotten(done, as_json=json)
    raise typer.Exit(0 if done.ok else 1)


@app.command()
def template(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]…", help="Such as targets or 销售目标; all without one."),
    ] = None,
    folder: Annotated[Path, typer.Option("--dir", metavar="DIR", help="Where to write them.")] = Path(),
    json: JsonOption = False,
) -> None:
    """Write workbooks to be filled in and put into the inbox of `inputs`: targets, teams, policies, rates …"""
    from pipelines.templates import write_templates

    paths = write_templates(names or (), folder)
    if json:
        console.print_json({"ok": True, "files": [str(path) for path in paths]})
    else:
        console.out.print("\n".join(map(str, paths)), highlight=False)


@app.command()
def demo(
    size: Annotated[str, typer.Option(help="small, medium, large or a number of deals.")] = "small",
    days: Annotated[int, typer.Option(help="Days the clock moves between the two syncs.")] = 7,
    seed: Annotated[int, typer.Option(help="Which pretend company.")] = 7,
) -> None:
    """Start the sandbox, sync, let a week pass, sync again, build, publish, and show the three marts."""
    from pipelines.demo import run_demo

    raise typer.Exit(0 if run_demo(size=size, days=days, seed=seed) else 1)


@app.command()
def dagster(
    port: Annotated[int, typer.Option(help="Where the UI listens, on this machine only.")] = 3000,
) -> None:
    """Open the Dagster UI over this home: assets, checks, the job and its runs."""
    settings = load_settings()
    settings.prepare_home()
    home = (settings.home / "dagster").resolve()
    home.mkdir(exist_ok=True, mode=0o700)
    if not (home / "dagster.yaml").exists():  # nothing leaves this machine unless its owner says so
        (home / "dagster.yaml").write_text("telemetry:\n  enabled: false\nnux:\n  enabled: false\n")
    environment = {
        **os.environ,
        "DAGSTER_HOME": str(home),
        "CRM_WAREHOUSE_HOME": str(settings.home.resolve()),
    }
    where = ["-m", "pipelines.definitions", "-h", "127.0.0.1", "-p", str(port)]
    raise typer.Exit(subprocess.call([sys.executable, "-m", "dagster", "dev", *where], env=environment))


_PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


@sandbox.command("serve", context_settings=_PASS_ON, add_help_option=False)
def sandbox_serve(context: typer.Context) -> None:
    """Serve a company: --port P --seed N --size small|medium|large|DEALS."""
    _sandbox("serve", context.args)


@sandbox.command("advance", context_settings=_PASS_ON, add_help_option=False)
def sandbox_advance(context: typer.Context) -> None:
    """Move a served company's clock: --days D --url URL."""
    _sandbox("advance", context.args)


@sandbox.command("exports", context_settings=_PASS_ON, add_help_option=False)
def sandbox_exports(context: typer.Context) -> None:
    """Write the company's Fxiaoke export workbooks: DIR."""
    _sandbox("exports", context.args)


@sandbox.command("inputs", context_settings=_PASS_ON, add_help_option=False)
def sandbox_inputs(context: typer.Context) -> None:
    """Write the spreadsheets that the company's managers keep: DIR."""
    _sandbox("inputs", context.args)


def _sandbox(command: str, arguments: list[str]) -> None:
    raise typer.Exit(subprocess.call([sys.executable, "-m", "sandbox", command, *arguments]))


def main() -> None:
    """Entry point: a Problem is a sentence on standard error and an exit code, never a traceback."""
    try:
        with noted(_fail):
            _answered()
    except KeyboardInterrupt:
        console.complain("stopped; complete packages are kept and the next run goes on from there")
        sys.exit(130)


def _answered() -> None:
    try:
        app()
    except OSError as error:
        raise known(error) or Problem(
            f"the operating system refused: {error.strerror or type(error).__name__}",
            do="give this user the right to use it, or set CRM_WAREHOUSE_HOME to another folder",
            where=str(error.filename or ""),
        ) from error


def _fail(problem: Problem) -> NoReturn:
    if "--json" in sys.argv:
        console.print_json({"ok": False, "sentences": [str(problem)]})
    console.complain(str(problem))
    sys.exit(2 if problem.code == WRONG_USE else 1)
