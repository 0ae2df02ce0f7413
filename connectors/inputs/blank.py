"""A copy of an input file with some cells empty: for people who were erased."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from connectors.core.files.cells import Cell
from connectors.core.files.rewrite import rewrite
from connectors.inputs.as_seen import rows_as_seen
from connectors.inputs.recognise import Holding
from connectors.inputs.rows import CELLS


def blank(file: Path, holding: Holding, cells: Mapping[int, Collection[str]], target: Path) -> Path:
    """See `Source.blank`. No personal column is part of a key or required (`schema` sees to it)."""
    return rewrite(file, holding.sheet, _blanked(file, holding, cells), target)


def _blanked(file: Path, holding: Holding, cells: Mapping[int, Collection[str]]) -> Iterator[list[Cell]]:
    names = {place.index: name for name, place in holding.places.items()} | dict(holding.others)
    for position, row in enumerate(rows_as_seen(file, holding), 1):
        gone = cells.get(position)
        if gone is None:
            yield row
            continue
        yield ["" if names.get(i, CELLS) in gone else cell for i, cell in enumerate(row)]
