"""`crm-warehouse demo`: the whole road on a pretend company, in a home of its own.

The sandbox runs as a separate process; nothing here imports it.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from connectors.core.errors import Actor, Problem
from pipelines import console, flow
from pipelines.health import read_health
from pipelines.questions import demo_questions, rows_of
from pipelines.settings import PROJECT, Settings, load_settings, selected

_HOME = Path("data/demo")
_READY = re.compile(r"sandbox ready on (http://\S+)")
_CREDENTIALS = {
    "ZOHO_CLIENT_ID": "sandbox-client",
    "ZOHO_CLIENT_SECRET": "sandbox-secret",
    "ZOHO_REFRESH_TOKEN": "sandbox-refresh-token-0123456789abcdef0123456789",
}


_FILES = {
    "exports": "fxiaoke_export",
    "inputs": "inputs",
}  # what the sandbox writes → the source that reads it


def run_demo(*, size: str, days: int, seed: int) -> bool:
    """Run it and show the marts; True when everything went well."""
    home = Path(os.environ.setdefault("CRM_WAREHOUSE_HOME", str(_HOME)))
    os.environ.setdefault(
        "CRM_WAREHOUSE_SETTLE_SECONDS", "0"
    )  # the sandbox's files are whole when they appear
    out = console.out
    if home == _HOME and home.exists():
        _forget(home)
    with _sandbox(size, seed) as url:
        os.environ.update(
            _CREDENTIALS, ZOHO_ACCOUNTS_URL=url, ZOHO_API_URL=url, CRM_WAREHOUSE_ALLOW_LOOPBACK="1"
        )
        settings = load_settings()
        settings.prepare_home()
        for source in _FILES.values():
            settings.inbox(source).mkdir(parents=True, exist_ok=True)
        out.rule("1. A pretend company: Zoho CRM over HTTP, Fxiaoke (纷享销客) as export workbooks")
        out.print(f"Zoho CRM on {url} · export files and the managers' own spreadsheets in {home / 'inbox'}")
        _write_files(url, settings)
        out.rule("2. Full sync")
        first = _sync(settings)
        out.rule(f"3. {days} days pass; incremental sync, build, test, publish")
        _post(url, "advance", {"days": days})
        _write_files(url, settings)
        second = _run(settings)
    if second.publication:
        _show(settings, second)
    return first.ok and second.ok


def _sync(settings: Settings) -> flow.RunReport:
    with flow.lock(settings, "demo"), console.progress() as progress:
        synced = flow.sync(settings, selected(settings, None), progress=progress)
        result = flow.reported(settings, flow.RunReport(sync=synced))
    console.show_run(result)
    return result


def _run(settings: Settings) -> flow.RunReport:
    with flow.lock(settings, "demo"), console.progress() as progress:
        result = flow.run(settings, selected(settings, None), progress=progress)
    console.show_run(result)
    return result


def _show(settings: Settings, result: flow.RunReport) -> None:
    assert result.publication is not None
    health = read_health(settings.published)
    console.out.rule(
        f"4. The three marts, as of {health.published.as_of_date if health and health.published else '?'}"
    )
    for question in demo_questions():
        columns, rows = rows_of(result.publication.path, question)
        console.show_rows(question.title, columns, rows)
    home = settings.home
    console.out.rule("5. Where things are")
    console.out.print(
        f"Published file   {settings.published / 'bi.duckdb'}  (open it with any DuckDB client, read-only)"
    )
    console.out.print(f"Data docs        {settings.docs / 'data_docs' / 'index.html'}")
    console.out.print(f"Health           {settings.published / 'health.json'}  (or: crm-warehouse status)")
    console.out.print(f"Dagster UI       CRM_WAREHOUSE_HOME={home} make dagster   → http://127.0.0.1:3000")


@contextmanager
def _sandbox(size: str, seed: int) -> Iterator[str]:
    command = [sys.executable, "-m", "sandbox", "serve", "--port", "0", "--seed", str(seed), "--size", size]
    command.append("--ledger")
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if match := _READY.search(line):
                    yield match[1]
                    return
            raise Problem(
                f"the sandbox did not start (exit code {process.wait()})",
                do="run `crm-warehouse sandbox serve` to see why",
                actor=Actor.DEVELOPER,
            )
        finally:
            process.terminate()


def _post(url: str, action: str, body: dict[str, object]) -> None:
    with requests.Session() as session:
        session.trust_env = False
        session.post(f"{url}/__sandbox__/{action}", json=body, timeout=300).raise_for_status()


def _write_files(url: str, settings: Settings) -> None:
    for action, source in _FILES.items():
        _post(url, action, {"dir": str(settings.inbox(source).resolve())})


def _forget(home: Path) -> None:
    """The demo's own home starts empty, so that it shows a first sync."""
    import shutil

    shutil.rmtree(home)
