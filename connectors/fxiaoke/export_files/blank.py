"""A copy of an export file with some cells empty: for people who were erased. Text stays text, in its
encoding; a workbook of any kind becomes an .xlsx with the one sheet that is read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import islice
from pathlib import Path

from connectors.core.contract import CELLS
from connectors.core.files.cells import Cell, text_of
from connectors.core.files.content import Kind, kind_of
from connectors.core.files.limits import HEADER_ROWS
from connectors.core.files.probe import open_grid
from connectors.core.files.rewrite import rewrite
from connectors.core.files.workbook import sheet_name
from connectors.fxiaoke.export_files.columns import best_row
from connectors.fxiaoke.export_files.keys import deciding
from connectors.fxiaoke.export_files.labels import ObjectLabels, Vocabulary
from connectors.fxiaoke.export_files.layout import Layout, lay_out


def blank(
    file: Path,
    cells: Mapping[int, Collection[str]],
    aliases: Mapping[int, str],
    target: Path,
    words: ObjectLabels,
    vocabulary: Vocabulary,
) -> Path:
    """See `Source.blank`."""
    head = [tuple(map(text_of, row)) for row in islice(open_grid(file).rows(), HEADER_ROWS)]
    fit = best_row(head, words, vocabulary)
    layout = lay_out(head[fit.row - 1], words, vocabulary, "UTC")
    kind = kind_of(file)
    sheet = "" if kind is Kind.TEXT else sheet_name(file, kind)
    return rewrite(file, sheet, _blanked(file, layout, cells, aliases), target)


def _blanked(
    file: Path, layout: Layout, cells: Mapping[int, Collection[str]], aliases: Mapping[int, str]
) -> Iterator[list[Cell]]:
    names = {column.index: column.name for column in layout.columns}
    for position, row in enumerate(open_grid(file).rows(), 1):
        gone = cells.get(position)
        if gone is None:
            yield row
            continue
        place, is_name = deciding(layout, [text_of(cell).strip() for cell in row])
        whole = CELLS in gone
        new: list[Cell] = ["" if names.get(i, CELLS) in gone else cell for i, cell in enumerate(row)]
        if place >= 0 and whole:
            new[place] = aliases[position] if is_name and position in aliases else row[place]
        yield new
