"""Homes that are killed, and the ways to kill what works in them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines.settings import Settings
from tests.conftest import Sandbox

ROOT = Path(__file__).resolve().parents[2]
_ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
_OURS = ("ZOHO_", "FXIAOKE_", "CRM_WAREHOUSE_", "DAGSTER_")


@dataclass(frozen=True)
class Kill:
    """What is done, and when it dies: `delay` seconds after the `nth` line of `step` (at once if 0), after
    its start if there is no step; never if `nth` is 0."""

    action: str
    step: str = ""
    nth: int = 0
    delay: float = 0.0


@dataclass(frozen=True)
class Life:
    """How a child fared. steps: (seconds since its start, step)."""

    killed: bool
    code: int
    seconds: float
    steps: list[tuple[float, str]]

    @property
    def last(self) -> str:
        """The last step it came to."""
        return self.steps[-1][1] if self.steps else "started"


@dataclass
class Home:
    """A home that follows a served company through Zoho and through Fxiaoke's export files."""

    folder: Path
    sandbox: Sandbox
    settings: Settings = field(init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        self.settings = Settings(home=self.folder / "home", _env_file=None)  # type: ignore[call-arg]
        self.settings.prepare_home()

    @property
    def environment(self) -> dict[str, str]:
        """What its commands are configured with."""
        return {**self.sandbox.settings, "CRM_WAREHOUSE_HOME": str(self.settings.home)}

    def drop_files(self, files: list[Path]) -> None:
        """Put these export files into the inbox, in the place of what lies there."""
        inbox = self.settings.inbox("fxiaoke_export")
        shutil.rmtree(inbox, ignore_errors=True)
        inbox.mkdir(parents=True)
        for file in files:
            shutil.copy2(file, inbox)


class Nursery:
    """The warm parent (`tests.e2e.nursery`) that children are forked from."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.e2e.nursery"],
            cwd=ROOT, env={**_clean(), **_ONE_THREAD}, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        if self._process.stdout.readline() != "ready\n":
            raise RuntimeError("the nursery did not start")

    def raises(self, home: Home, kill: Kill) -> Life:
        """Let a child work in a home, and kill it as told."""
        assert self._process.stdin is not None and self._process.stdout is not None
        order = {**vars(kill), "folder": str(home.folder), "environment": home.environment}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return Life(**{**answer, "steps": [(at, step) for at, step in answer["steps"]]})

    def works(self, home: Home, action: str) -> Life:
        """Let a child do its work to the end; nothing must be left for a person to act on."""
        life = self.raises(home, Kill(action))
        sentences = json.loads((home.folder / "sentences.json").read_text())
        assert (life.code, sentences) == (0, []), f"{action}: {sentences}"
        return life

    def close(self) -> None:
        """End the parent."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(20)
        self._process.stdout.close()


def command_line(home: Home, delay: float | None) -> tuple[int, float]:
    """`crm-warehouse run` in a session of its own; its whole tree is killed after `delay` seconds.

    Gives its exit code (-9 when killed) and how long it lived.
    """
    command = [str(Path(sys.executable).with_name("crm-warehouse")), "run"]
    started = time.monotonic()
    with (home.folder / "command.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=home.folder, env={**_clean(), **home.environment}, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        process.wait(delay)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # the session's only group: the command and all its children
        process.wait()
    return process.returncode, time.monotonic() - started


def _clean() -> Mapping[str, str]:
    """This environment without settings of ours, and with bytecode kept (imports cost a third)."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(_OURS)}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return {**kept, "PYTHONUTF8": "1"}
