"""Looking at an unknown file in a process of its own, with bounded memory and time.

The spreadsheet reader is native code: a hostile file can make it ask for more memory than there is, and the
process dies. Here a small process dies instead, and the file gets a sentence.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import connectors
from connectors.core.errors import Problem
from connectors.core.files import text, workbook
from connectors.core.files.content import SAVE_AGAIN, Kind, kind_of
from connectors.core.files.grid import Grid, Peek
from connectors.core.files.limits import Limits

_ROOT = Path(connectors.__file__).parent.parent
# Isolated from the user's environment and working folder, so the package's place must be told.
_START = "import sys; sys.path.insert(0, sys.argv[1]); from connectors.core.files.probe import main; main()"


def look(path: Path, limits: Limits) -> Peek:
    """What a file of the inbox holds. Raises Problem when it is no table or beyond the limits."""
    if kind_of(path) is Kind.TEXT:  # plain Python in bounded memory: nothing that could kill the process
        return look_here(path, limits)
    command = [sys.executable, "-I", "-c", _START, str(_ROOT), str(path), json.dumps(asdict(limits))]
    try:
        done = subprocess.run(command, capture_output=True, timeout=limits.seconds, check=False)
    except subprocess.TimeoutExpired as error:
        raise Problem(
            f"reading the workbook takes more than {limits.seconds} seconds", do=SAVE_AGAIN
        ) from error
    if done.returncode != 0:
        raise Problem(
            f"reading the workbook needs more than {limits.memory_bytes >> 20:,} MB of memory or breaks the reader",
            do=SAVE_AGAIN,
        )
    answer = json.loads(done.stdout)
    if "what" in answer:
        raise Problem(answer["what"], do=answer["do"])
    return Peek(answer["sheet"], tuple(tuple(row) for row in answer["head"]), answer["last_row"])


def look_here(path: Path, limits: Limits) -> Peek:
    """The same without the process of its own: a hostile workbook may end this one. Raises Problem."""
    kind = kind_of(path)
    return text.peek(path, limits) if kind is Kind.TEXT else workbook.peek(path, kind, limits)


def open_grid(path: Path) -> Grid:
    """All rows of a file that `look` has let pass. Raises Problem."""
    kind = kind_of(path)
    return text.open_grid(path) if kind is Kind.TEXT else workbook.open_grid(path, kind)


def main() -> None:
    """The small process: arguments are the package's root, the file and the limits; prints one JSON object."""
    path, limits = Path(sys.argv[2]), Limits(**json.loads(sys.argv[3]))
    _restrain(limits)
    try:
        answer = asdict(look_here(path, limits))
    except Problem as problem:
        answer = {"what": problem.what, "do": problem.do}
    sys.stdout.buffer.write(json.dumps(answer).encode())


def _restrain(limits: Limits) -> None:
    try:
        import resource
    except ImportError:  # not on Windows: there the time limit must do
        return
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (limits.seconds, limits.seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
