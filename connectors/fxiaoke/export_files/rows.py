"""A recognised file cut into the rows of a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from operator import itemgetter
from pathlib import Path

import msgspec

from connectors.core.contract import FieldType, Shape, Table, TableRow
from connectors.core.errors import Problem
from connectors.core.files.cells import Cell, loses_digits, text_of
from connectors.core.files.content import EXPORT_AGAIN
from connectors.core.files.dates import BEHIND_1904
from connectors.core.files.grid import Grid
from connectors.core.files.limits import HEADER_ROWS
from connectors.core.files.numbers import scaled
from connectors.core.files.probe import open_grid
from connectors.fxiaoke.export_files.columns import best_row
from connectors.fxiaoke.export_files.keys import Keys
from connectors.fxiaoke.export_files.labels import ObjectLabels, Vocabulary
from connectors.fxiaoke.export_files.layout import Layout, lay_out, places
from connectors.fxiaoke.export_files.recognise import TIPS

BLANK, TOTAL, HINTS = "blank", "total", "tips"
_TOTALS = frozenset({"合计", "总计", "小计"})
_LONGEST_TOTAL = 8
_TEXTS = {str}
_encode = msgspec.json.Encoder().encode


def tabulate(file: Path, words: ObjectLabels, vocabulary: Vocabulary, timezone: str) -> tuple[Shape, Table]:
    """Shape and table of a file that holds this object. Raises Problem when it cannot be read.

    `Table.rows` is a generator: it can be iterated once, and `Table.skipped` is complete only after that.
    A damaged file may raise Problem while iterating.
    """
    grid = open_grid(file)
    head = [tuple(map(text_of, row)) for row in islice(grid.rows(), HEADER_ROWS)]
    fit = best_row(head, words, vocabulary)
    if not fit.known:
        raise Problem(f"the file has no header of {words.stream.label}", do=EXPORT_AGAIN, where=file.name)
    layout = lay_out(head[fit.row - 1], words, vocabulary, timezone)
    skipped: list[tuple[int, str]] = []
    cutter = _Cutter(grid, layout, fit.row, skipped)
    return layout.shape, Table(layout.table_columns(), cutter.rows(), skipped, grid.sheet, places(layout))


class _Cutter:
    """Cuts one file. The loop runs once per row of files with hundreds of thousands: it stays flat."""

    def __init__(self, grid: Grid, layout: Layout, header_row: int, skipped: list[tuple[int, str]]) -> None:
        self._grid, self._layout, self._header, self._skipped = grid, layout, header_row, skipped
        self._width = len(layout.labels)
        # A number typed into a cell loses digits beyond the 15th; where nobody declared the column we do not
        # know that it matters.
        self._exact = {c.index: c.label for c in layout.columns if c.declared}
        self._exact.update((i, layout.labels[i]) for i in layout.numbers)
        dates = (FieldType.DATE, FieldType.DATETIME)
        self._days = [c.index for c in layout.columns if c.declared and c.field.type in dates]
        self._keys = Keys(layout, lambda: (texts for _, _, texts in self._records([])))

    def rows(self) -> Iterator[TableRow]:
        """Every record of the file, in file order."""
        layout, misfit_of, key_of, also = self._layout, self._misfit, self._keys.of, self._keys.also
        pick = _picker([c.index for c in layout.columns])
        scales = [(place, c.factor) for place, c in enumerate(layout.columns, 1) if c.factor != 1]
        blanks = [(place, c.blanks - {""}) for place, c in enumerate(layout.columns, 1) if len(c.blanks) > 1]
        any_blank = frozenset().union(*(words for _, words in blanks))
        labels = layout.labels
        for position, cells, texts in self._records(self._skipped):
            key, misfit = key_of(texts)
            # A row that cannot be trusted as a whole has no key: it may be anybody's.
            wrong = misfit_of(cells, typed := set(map(type, cells)) != _TEXTS)
            values: list[str | None] = [None if wrong else key]
            values += [text or None for text in pick(texts)]
            if not any_blank.isdisjoint(texts):
                for place, words in blanks:
                    if values[place] in words:
                        values[place] = None
            for place, factor in scales:
                if (text := values[place]) is not None:
                    values[place] = scaled(text, factor)
            values += also(texts)
            originals = map(text_of, cells) if typed else cells
            values.append(_encode({k: v for k, v in zip(labels, originals, strict=False) if v}).decode())
            yield TableRow(position, values, wrong or misfit)

    def _records(self, skipped: list[tuple[int, str]]) -> Iterator[tuple[int, Sequence[Cell], list[str]]]:
        """Row number, cells and stripped texts of each record; other rows go to `skipped` with a reason."""
        ragged, width, header = self._grid.ragged, self._width, self._header
        for position, cells in enumerate(islice(self._grid.rows(), header, None), header + 1):
            try:
                texts = list(map(str.strip, cells))
            except TypeError:  # a row with numbers or dates
                texts = [text_of(cell).strip() for cell in cells]
                if self._grid.since_1904:
                    self._count_from_1900(cells, texts)
            if not any(texts):
                skipped.append((position, BLANK))
            elif position == header + 1 and any(TIPS.search(text) for text in texts):
                skipped.append((position, HINTS))
            elif self._is_total(texts):
                skipped.append((position, TOTAL))
            else:
                if ragged and len(texts) < width:
                    texts += [""] * (width - len(texts))
                yield position, cells, texts

    def _count_from_1900(self, cells: Sequence[Cell], texts: list[str]) -> None:
        """Dates that came as bare numbers of a workbook that counts from 1904."""
        for index in self._days:
            if index < len(cells) and type(cells[index]) in (int, float):
                texts[index] = text_of(cells[index] + BEHIND_1904)

    def _is_total(self, texts: Sequence[str]) -> bool:
        first = texts[0] or next(filter(None, texts))
        if len(first) > _LONGEST_TOTAL or first.replace(" ", "").rstrip(":：") not in _TOTALS:
            return False
        # A record may be called 合计; a row with an id of its own is one.
        return not any(i < len(texts) and texts[i] not in ("", first) for i in self._layout.ids)

    def _misfit(self, cells: Sequence[Cell], typed: bool) -> str | None:
        if len(cells) > self._width and any(cells[self._width :]):
            return f"the row has {len(cells)} cells under {self._width} headers: a delimiter inside a text?"
        if typed:
            for index, cell in enumerate(cells):
                if loses_digits(cell) and index in self._exact:
                    return (
                        f"{self._exact[index]} holds a number of more than 15 digits as a number, "
                        "and a spreadsheet keeps only 15: format the column as text"
                    )
        return None


def _picker(places: Sequence[int]) -> Callable[[list[str]], Sequence[str]]:
    """Takes the columns of the table out of a row; most files have no others, so that there is nothing to do."""
    if list(places) == list(range(len(places))):
        return lambda texts: texts[: len(places)]
    if len(places) == 1:
        return lambda texts: (texts[places[0]],)
    return itemgetter(*places)
