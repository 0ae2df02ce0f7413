"""A fault must not stop the other streams, and a fault of ours must not look like a fault of the data.

What befalls machines (a full disk, a missing right, too little memory) has a sentence for the operator;
anything else is ours. The log tells how far a run came, a line per step, and where a fault of ours was.
"""

from __future__ import annotations

import errno
import logging
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from logging.handlers import RotatingFileHandler
from pathlib import Path

from connectors.core.errors import Actor, Problem
from pipelines.files import private_folder

LOG_FILE = "crm-warehouse.log"
_LOG = logging.getLogger("crm_warehouse")

_FULL = (
    "the disk is full",
    "make room on the disk (or raise this user's quota or limit of file size), then run again; "
    "nothing half-written was taken over",
)
_REFUSED = (
    "this user may not do what is needed here",
    "give this user the right to write there, then run again",
)
_BROKEN = (
    "the disk reports an error",
    "check the disk; restore the home folder from a backup if files are lost",
)
_FILES = ("too many files are open", "raise the limit of open files (ulimit -n), then run again")
_MEMORY = (
    "there is too little memory for this",
    "give CRM_WAREHOUSE_MEMORY_LIMIT a value that this machine has free, then run again",
)
_DAMAGED = (
    "the warehouse file is damaged",
    "run `crm-warehouse rebuild`, which makes it anew from the landing zone",
)
# errno → what happened, what to do. DuckDB gives the operating system's own words, so this reads both.
_BY_NUMBER = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), _FULL),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), _REFUSED),
    errno.EIO: _BROKEN,
    **dict.fromkeys((errno.EMFILE, errno.ENFILE), _FILES),
    errno.ENOMEM: _MEMORY,
}
# Words of DuckDB 1.5.5, in this order: a spill that finds no room says that it is out of memory.
_BY_WORDS = {
    "max_temp_directory_size": _FULL,
    **{os.strerror(number): words for number, words in _BY_NUMBER.items()},
    "Out of Memory": _MEMORY,
    "Corrupt database file": _DAMAGED,
    "database has been invalidated": _DAMAGED,
}
_DUCKDB_FILE = re.compile(r'file "([^"]+)"')


def known(error: BaseException) -> Problem | None:
    """What befell the machine, as a sentence; None if this is not known to befall machines.

    Looks at what the error came from, too: a rollback after a failed commit fails in its own words.
    """
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, Problem):
            return seen
        if problem := _befallen(seen):
            return problem
        seen = seen.__cause__ or seen.__context__
    return None


def worded(text: str) -> Problem | None:
    """The same for the words of a message of DuckDB's."""
    found = next((words for mark, words in _BY_WORDS.items() if mark in text), None)
    file = _DUCKDB_FILE.search(text)
    return _problem(found, file[1] if file else "") if found else None


def _befallen(error: BaseException) -> Problem | None:
    if isinstance(error, MemoryError):
        return _problem(_MEMORY)
    if isinstance(error, OSError):
        words = _BY_NUMBER.get(error.errno or 0)
        return _problem(words, str(error.filename or "")) if words else None
    duckdb = sys.modules.get("duckdb")  # whoever raised its error has imported it
    return worded(str(error)) if duckdb and isinstance(error, duckdb.Error) else None


def _problem(words: tuple[str, str], where: str = "") -> Problem:
    what, do = words
    return Problem(what, do=do, where=where)


@contextmanager
def in_words() -> Iterator[None]:
    """Whatever befalls the machine inside is raised as its Problem; everything else as it is."""
    try:
        yield
    except Exception as error:
        problem = known(error)
        if problem is None or problem is error:
            raise
        raise problem from error


@contextmanager
def noted(note: Callable[[Problem], None]) -> Iterator[None]:
    """Hand what goes wrong inside to `note` and go on: a Problem as it is, what befalls machines as theirs,
    anything else as a sentence that says where its traceback went."""
    try:
        yield
    except Problem as problem:
        note(problem)
    except Exception as error:
        problem = known(error)
        _LOG.error("unexpected:\n%s" if problem is None else "the machine:\n%s", _without_values(error))
        place = f"the last one in logs/{LOG_FILE} of the home folder" if _LOG.handlers else "above"
        note(
            problem
            or Problem(
                f"something unexpected happened: {type(error).__name__}",
                do=f"report it with its traceback, {place}",
                actor=Actor.DEVELOPER,
            )
        )


def _without_values(error: BaseException) -> str:
    """A traceback of code and names. Only our own sentences and the operating system's keep their words: the
    engine's quote the values of records."""
    parts: list[str] = []
    seen: BaseException | None = error
    while seen is not None:
        words = f": {seen}" if isinstance(seen, Problem | OSError) else ""
        parts.append("".join(traceback.format_tb(seen.__traceback__)) + type(seen).__name__ + words)
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    return "\nwhich led to\n".join(reversed(parts))


def step(name: str, **facts: object) -> None:
    """A line in the log: this is true now (`package landed`, `version published`)."""
    _LOG.info("%s %s", name, " ".join(f"{key}={value}" for key, value in facts.items()))


class _Log(RotatingFileHandler):
    """Where the disk is full the log stays silent: the sentence says so, and a traceback would talk over it."""

    def handleError(self, record: logging.LogRecord) -> None:
        if (error := sys.exc_info()[1]) is None or known(error) is None:
            super().handleError(record)


def log_to(home: Path) -> None:
    """Tracebacks go to a private file of the home. They hold code and names, never values of variables."""
    path = (private_folder(home / "logs") / LOG_FILE).resolve()
    if not any(isinstance(h, RotatingFileHandler) and Path(h.baseFilename) == path for h in _LOG.handlers):
        for old in list(_LOG.handlers):
            _LOG.removeHandler(old)
            old.close()
        handler = _Log(path, maxBytes=5 << 20, backupCount=3, encoding="utf-8", delay=True)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(threadName)s %(message)s"))
        _LOG.addHandler(handler)
        _LOG.setLevel(logging.INFO)
        _LOG.propagate = False
