"""A recognised file cut into the rows of a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import compress, islice, zip_longest
from pathlib import Path

import msgspec

from connectors.core.contract import BLOCK_ROWS, Block, FieldType, Shape, Table
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
from connectors.fxiaoke.export_files.layout import Column, Layout, lay_out, places
from connectors.fxiaoke.export_files.recognise import TIPS
from connectors.fxiaoke.export_files.skipped import Skipped

BLANK, TOTAL, HINTS = "blank", "total", "tips"
_TOTALS = frozenset({"合计", "总计", "小计"})
_LONGEST_TOTAL = 8
_VERBATIM = frozenset({FieldType.TEXT, FieldType.LOOKUP, FieldType.JSON})
_encode_lines = msgspec.json.Encoder().encode_lines


def tabulate(file: Path, words: ObjectLabels, vocabulary: Vocabulary, timezone: str) -> tuple[Shape, Table]:
    """Shape and table of a file that holds this object. Raises Problem when it cannot be read.

    `Table.blocks` is a generator: it can be iterated once, and `Table.skipped` is complete only after that.
    A damaged file may raise Problem while iterating.
    """
    grid = open_grid(file)
    head = [tuple(map(text_of, row)) for row in islice(grid.rows(), HEADER_ROWS)]
    fit = best_row(head, words, vocabulary)
    if not fit.known:
        raise Problem(f"the file has no header of {words.stream.label}", do=EXPORT_AGAIN, where=file.name)
    layout = lay_out(head[fit.row - 1], words, vocabulary, timezone)
    skipped = Skipped()
    cutter = _Cutter(grid, layout, fit.row, skipped)
    table = Table(layout.table_columns(), cutter.blocks(), skipped, cutter.totals, grid.sheet, places(layout))
    return layout.shape, table


@dataclass(slots=True)
class _Cells:
    """Rows of the grid, column by column. written: their texts as they are in the file; texts: these, stripped.
    wrong: place → why the row as a whole is not to be trusted."""

    positions: list[int]
    written: list[Sequence[str]]
    texts: list[Sequence[str]]
    wrong: dict[int, str]

    def only(self, kept: Sequence[bool]) -> _Cells:
        """The rows marked true."""
        places = {old: new for new, old in enumerate(compress(range(len(kept)), kept))}
        return _Cells(
            list(compress(self.positions, kept)),
            [list(compress(column, kept)) for column in self.written],
            [list(compress(column, kept)) for column in self.texts],
            {places[place]: why for place, why in self.wrong.items() if kept[place]},
        )


class _Cutter:
    """Cuts one file, block by block and column by column: of millions of cells none is touched by a statement of
    its own unless there is something about it."""

    def __init__(self, grid: Grid, layout: Layout, header_row: int, skipped: Skipped) -> None:
        self._grid, self._layout, self._header, self._skipped = grid, layout, header_row, skipped
        self._width = len(layout.labels)
        # A number typed into a cell loses digits beyond the 15th; where nobody declared the column we do not
        # know that it matters.
        self._exact = {c.index: c.label for c in layout.columns if c.declared}
        self._exact.update((i, layout.labels[i]) for i in layout.numbers)
        dates = (FieldType.DATE, FieldType.DATETIME)
        self._days = frozenset(c.index for c in layout.columns if c.declared and c.field.type in dates)
        self._keys = Keys(layout, self._texts_again)
        self.totals: list[tuple[int, dict[str, str]]] = []  # rows of totals that blocks came by

    def blocks(self) -> Iterator[Block]:
        """Every record of the file, in file order."""
        for block in self._records(self._skipped):
            values = [self._values(column, block.texts[column.index]) for column in self._layout.columns]
            keys, numbers, names, unkeyed = self._keys.of(block.texts)
            for place in block.wrong:
                keys[place] = ""  # it may be anybody's
            yield Block(
                block.positions,
                [keys, *values, numbers, names, self._originals(block, values)],
                {**unkeyed, **block.wrong},
            )

    def _records(self, skipped: Skipped) -> Iterator[_Cells]:
        """The rows that are records; the others go to `skipped` with a reason."""
        rows = islice(self._grid.rows(), self._header, None)
        position = self._header + 1
        while some := list(islice(rows, BLOCK_ROWS)):
            if not any(map(any, some)):
                skipped.add(range(position, position + len(some)), BLANK)
                position += len(some)
                continue
            block = self._columns(position, some)
            if reasons := self._no_records(block):
                for place, why in sorted(reasons.items()):
                    skipped.add(range(position + place, position + place + 1), why)
                    if why == TOTAL and skipped is self._skipped:
                        self.totals.append((position + place, self._said(block, place)))
                block = block.only([place not in reasons for place in range(len(some))])
            position += len(some)
            if block.positions:
                yield block

    def _columns(self, position: int, rows: Sequence[Sequence[Cell]]) -> _Cells:
        """Rows of the grid turned into columns as wide as the header."""
        wrong: dict[int, str] = {}
        width = self._width
        if set(map(len, rows)) == {width}:
            cells: list[Sequence[Cell]] = list(zip(*rows, strict=True))
        else:
            for place, row in enumerate(rows):
                if len(row) > width and any(row[width:]):
                    wrong[place] = (
                        f"the row has {len(row)} cells under {width} headers: a delimiter inside a text?"
                    )
            filled = zip_longest(*rows, [""] * width, fillvalue="")  # no narrower than the header
            cells = [column[:-1] for column in filled]
        written, texts = zip(*(self._texts(i, column, wrong) for i, column in enumerate(cells)), strict=True)
        return _Cells(list(range(position, position + len(rows))), list(written), list(texts), wrong)

    def _texts(
        self, index: int, cells: Sequence[Cell], wrong: dict[int, str]
    ) -> tuple[Sequence[str], Sequence[str]]:
        """A column's texts, as written and stripped; adds to `wrong` where it holds numbers of which digits are
        lost."""
        try:
            return cells, list(map(str.strip, cells))  # type: ignore[arg-type, return-value]
        except TypeError:  # numbers or dates
            written = list(map(text_of, cells))
        texts = list(map(str.strip, written))
        if self._grid.since_1904 and index in self._days:
            for place, cell in enumerate(cells):
                if type(cell) in (int, float):  # a date that came as a bare number
                    texts[place] = text_of(cell + BEHIND_1904)
        if index in self._exact:
            for place, cell in enumerate(cells):
                if loses_digits(cell):
                    wrong.setdefault(
                        place,
                        f"{self._exact[index]} holds a number of more than 15 digits as a number, "
                        "and a spreadsheet keeps only 15: format the column as text",
                    )
        return written, texts

    def _no_records(self, block: _Cells) -> dict[int, str]:
        """Place → reason, of blank rows, totals and the row of hints below a template's header."""
        texts, reasons = block.texts, dict[int, str]()
        first = texts[0]
        words = {text for text in set(first) if _is_total_word(text)}
        for place, text in enumerate(first):
            if not text:
                text = next((column[place] for column in texts if column[place]), "")
                if not text:
                    reasons[place] = BLANK
                    continue
                if not _is_total_word(text):
                    continue
            elif text not in words:
                continue
            # A record may be called 合计; a row with an id of its own is one.
            if not any(texts[i][place] not in ("", text) for i in self._layout.ids):
                reasons[place] = TOTAL
        if block.positions[0] == self._header + 1 and any(TIPS.search(column[0]) for column in texts):
            reasons[0] = HINTS
        return reasons

    def _said(self, block: _Cells, place: int) -> dict[str, str]:
        """The texts of a row by the fields that its columns are."""
        found = {
            c.field.name: self._values(c, [block.texts[c.index][place]])[0] for c in self._layout.columns
        }
        return {name: text for name, text in found.items() if text}

    def _values(self, column: Column, texts: Sequence[str]) -> Sequence[str]:
        blanks = column.blanks - {""}
        if any(word in texts for word in blanks):  # few words: quicker than to hash every text
            texts = ["" if text in blanks else text for text in texts]
        if column.factor != 1:
            texts = [scaled(text, column.factor) if text else "" for text in texts]
        return texts

    def _originals(self, block: _Cells, values: Sequence[Sequence[str]]) -> Sequence[str]:
        """As JSON what the file's cells say and no column does: of numbers and dates the text, of other columns the
        cells that were trimmed or mean nothing, and columns without a label."""
        verbatim = {
            c.index: texts for c, texts in zip(self._layout.columns, values, strict=True)
            if c.field.type in _VERBATIM
        }  # fmt: skip
        labels, columns = [], []
        for index, (label, written) in enumerate(zip(self._layout.labels, block.written, strict=False)):
            if (kept := verbatim.get(index)) is not None:
                if list(written) == list(kept):
                    continue
                written = ["" if text == value else text for text, value in zip(written, kept, strict=True)]
            labels.append(label)
            columns.append(written)
        if not columns:
            return [""] * len(block.positions)
        rows = zip(*columns, strict=True)
        said = ({k: v for k, v in zip(labels, row, strict=True) if v} for row in rows)
        return _encode_lines(said).decode().split("\n")[:-1]

    def _texts_again(self) -> Iterator[Sequence[str]]:
        for block in self._records(Skipped()):
            yield from zip(*block.texts, strict=True)


def _is_total_word(text: str) -> bool:
    return len(text) <= _LONGEST_TOTAL and text.replace(" ", "").rstrip(":：") in _TOTALS
