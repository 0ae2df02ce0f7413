"""The warm parent of the kill sweep: `python -m tests.e2e.nursery`, a JSON order per line, a JSON answer per line.

Importing dbt, Great Expectations and DuckDB costs ten seconds; a child forked from here costs none. The
parent has one thread and never a DuckDB connection, so that a child is as good as a fresh process.
"""

from __future__ import annotations

import json
import logging
import os
import select
import signal
import sys
import time
from pathlib import Path
from typing import Any

import dbt.adapters.duckdb.connections
import dbt.cli.main
import duckdb

from connectors import discover
from pipelines import flow, fold
from pipelines.quality import gx
from pipelines.settings import load_settings, selected
from pipelines.warehouse.compact import compact


def act(action: str) -> list[str]:
    """What the command of the same name does, without its printing; the sentences that somebody must act on."""
    settings = load_settings()
    with flow.lock(settings, action):
        match action:
            case "sync":
                result = flow.sync_and_report(settings, selected(settings, None))
            case "build":
                result = flow.build_and_report(settings)
            case "publish":
                result = flow.reported(settings, flow.RunReport(publication=flow.publish_built(settings)))
            case "rebuild":
                fold.rebuild(settings)
                result = flow.RunReport()
            case "compact":
                compact(settings.warehouse, memory_limit=settings.memory_limit, threads=settings.threads)
                result = flow.RunReport()
            case "run":
                result = flow.run(settings, selected(settings, None))
            case _:
                raise ValueError(action)
    return result.sentences()


class Announcer(logging.Filter):
    """Tells the parent every step as it is logged, and dies on the nth of a name if told to."""

    def __init__(self, pipe: int, step: str, nth: int, at_once: bool) -> None:
        super().__init__()
        self._pipe, self._step, self._left, self._at_once = pipe, step, nth, at_once

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass."""
        name = str(record.args[0]) if record.msg == "%s %s" and record.args else ""
        if name:
            os.write(self._pipe, f"{name}\n".encode())
        if name == self._step:
            self._left -= 1
            if self._left == 0 and self._at_once:
                os.kill(os.getpid(), signal.SIGKILL)
        return True


def child(order: dict[str, Any], pipe: int) -> None:
    """Do the action in a session of our own and never come back."""
    os.setsid()
    os.chdir(order["folder"])
    os.environ.update(order["environment"])
    log = os.open("child.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    at_once = order["delay"] == 0
    logging.getLogger("crm_warehouse").addFilter(Announcer(pipe, order["step"], order["nth"], at_once))
    code = 1
    try:
        Path("sentences.json").write_text(json.dumps(act(order["action"])))
        code = 0
    except BaseException as error:  # the parent wants to know, whatever it was
        Path("sentences.json").write_text(json.dumps([str(error)]))
        logging.getLogger("crm_warehouse").exception("the child failed")
    finally:
        os._exit(code)


def raised(order: dict[str, Any]) -> dict[str, Any]:
    """Fork, watch the steps, kill `delay` seconds after the nth `step` (after the start if that is empty)."""
    read, write = os.pipe()
    started = time.monotonic()
    pid = os.fork()
    if pid == 0:
        os.close(read)
        child(order, write)
    os.close(write)
    steps: list[tuple[float, str]] = []
    left, kill_at = order["nth"], None
    if order["nth"] and not order["step"]:
        kill_at = started + order["delay"]
    rest = b""
    while True:
        timeout = None if kill_at is None else max(0.0, kill_at - time.monotonic())
        ready, _, _ = select.select([read], [], [], timeout)
        if not ready:
            os.kill(pid, signal.SIGKILL)
            kill_at = None
            continue
        data = os.read(read, 1 << 16)
        if not data:
            break
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            steps.append((round(time.monotonic() - started, 4), line.decode()))
            if line.decode() == order["step"]:
                left -= 1
                if left == 0 and order["delay"]:
                    kill_at = time.monotonic() + order["delay"]
    os.close(read)
    _, status = os.waitpid(pid, 0)
    return {
        "killed": os.WIFSIGNALED(status),
        "code": os.waitstatus_to_exitcode(status),
        "seconds": round(time.monotonic() - started, 4),
        "steps": steps,
    }


def main() -> None:
    """Serve orders until standard input ends."""
    assert dbt.cli.main and dbt.adapters.duckdb.connections
    gx.load()
    for spec in discover().values():
        spec.streams()
    duckdb.default_connection().close()  # `import duckdb` opened one, with a thread
    assert len(list(Path("/proc/self/task").iterdir())) == 1, "a parent with threads cannot fork safely"
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(raised(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
