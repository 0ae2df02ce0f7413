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

_FIRST, _ALL = "first", "all"


def look(path: Path, limits: Limits) -> Peek:
    """What a file of the inbox holds. Raises Problem when it is no table or beyond the limits."""
    if kind_of(path) is Kind.TEXT:  # plain Python in bounded memory: nothing that could kill the process
        return look_here(path, limits)
    return _looked_apart(path, limits, _FIRST)[0]


def look_at_sheets(path: Path, limits: Limits) -> tuple[Peek, ...]:
    """The same of every visible sheet; a text file is one without a name. Raises Problem."""
    if kind_of(path) is Kind.TEXT:
        return look_at_sheets_here(path, limits)
    return _looked_apart(path, limits, _ALL)


def _looked_apart(path: Path, limits: Limits, sheets: str) -> tuple[Peek, ...]:
    command = [sys.executable, "-I", "-c", _START, str(_ROOT), str(path), json.dumps(asdict(limits)), sheets]
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
    if isinstance(answer, dict):
        raise Problem(answer["what"], do=answer["do"])
    return tuple(Peek(p["sheet"], tuple(tuple(row) for row in p["head"]), p["last_row"]) for p in answer)


def look_here(path: Path, limits: Limits) -> Peek:
    """The same without the process of its own: a hostile workbook may end this one. Raises Problem."""
    kind = kind_of(path)
    return text.peek(path, limits) if kind is Kind.TEXT else workbook.peek(path, kind, limits)


def look_at_sheets_here(path: Path, limits: Limits) -> tuple[Peek, ...]:
    """`look_at_sheets` without the process of its own. Raises Problem."""
    kind = kind_of(path)
    return (text.peek(path, limits),) if kind is Kind.TEXT else workbook.peek_sheets(path, kind, limits)


def open_grid(path: Path, sheet: str | None = None) -> Grid:
    """All rows of a file that `look` has let pass; of a workbook those of one sheet, the first one unless it is
    named. Raises Problem."""
    kind = kind_of(path)
    return text.open_grid(path) if kind is Kind.TEXT else workbook.open_grid(path, kind, sheet)


def main() -> None:
    """The small process: arguments are the package's root, the file, the limits and which sheets; prints a JSON list
    of what it saw, or an object that says what is wrong."""
    path, limits = Path(sys.argv[2]), Limits(**json.loads(sys.argv[3]))
    _restrain(limits)
    try:
        seen = look_at_sheets_here(path, limits) if sys.argv[4] == _ALL else (look_here(path, limits),)
        answer: object = [asdict(peek) for peek in seen]
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
