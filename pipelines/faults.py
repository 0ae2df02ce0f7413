"""A fault must not stop the other streams, and a fault of ours must not look like a fault of the data.

The log tells how far a run came, a line per step, and where a fault of ours was."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from logging.handlers import RotatingFileHandler
from pathlib import Path

from connectors.core.errors import Actor, Problem
from pipelines.files import private_folder

LOG_FILE = "crm-warehouse.log"
_LOG = logging.getLogger("crm_warehouse")


@contextmanager
def noted(note: Callable[[Problem], None]) -> Iterator[None]:
    """Hand what goes wrong inside to `note` and go on: a Problem as it is, anything else as a sentence that
    says where its traceback went."""
    try:
        yield
    except Problem as problem:
        note(problem)
    except Exception as error:
        _LOG.exception("unexpected %s", type(error).__name__)
        note(
            Problem(
                f"something unexpected happened: {type(error).__name__}",
                do=f"report it with its traceback, the last one in logs/{LOG_FILE} of the home folder",
                actor=Actor.DEVELOPER,
            )
        )


def step(name: str, **facts: object) -> None:
    """A line in the log: this is true now (`package landed`, `version published`)."""
    _LOG.info("%s %s", name, " ".join(f"{key}={value}" for key, value in facts.items()))


def log_to(home: Path) -> None:
    """Tracebacks go to a private file of the home. They hold code and names, never values of variables."""
    path = (private_folder(home / "logs") / LOG_FILE).resolve()
    if not any(isinstance(h, RotatingFileHandler) and Path(h.baseFilename) == path for h in _LOG.handlers):
        for old in list(_LOG.handlers):
            _LOG.removeHandler(old)
            old.close()
        handler = RotatingFileHandler(path, maxBytes=5 << 20, backupCount=3, encoding="utf-8", delay=True)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(threadName)s %(message)s"))
        _LOG.addHandler(handler)
        _LOG.setLevel(logging.INFO)
        _LOG.propagate = False
