"""`crm-warehouse template`: workbooks to be filled in, of every source that reads such files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from connectors import discover
from connectors.core.errors import Problem
from pipelines.settings import WRONG_USE


def write_templates(names: Sequence[str], folder: Path) -> list[Path]:
    """Write the templates of these streams (by name or label; all if empty) into a folder; returns their paths.

    Raises Problem for a name that nobody knows and for a file that is in the way.
    """
    specs = [spec for spec in discover().values() if spec.templates]
    known = {stream.name: stream.label for spec in specs for stream in spec.streams()}
    by_word = {word: name for name, label in known.items() for word in (name, label)}
    if unknown := [name for name in names if name not in by_word]:
        raise Problem(
            f"there is no template named {', '.join(unknown)}",
            do=f"choose among {', '.join(f'{name} ({label})' for name, label in known.items())}",
            code=WRONG_USE,
        )
    wanted = {by_word[name] for name in names} or known.keys()
    return [path for spec in specs if spec.templates for path in spec.templates(wanted, folder)]
