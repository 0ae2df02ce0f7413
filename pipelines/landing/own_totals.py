"""What a file's cells add up to, counted from their texts as the file is cut and apart from how the engine types them;
and what its rows of totals say."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow, localcontext

from connectors.core.contract import Block, Field, Table

Parse = Callable[[Field, str], str | None]

# What `ops` has room for before the point (DECIMAL(38,9)). A cell beyond, or finer than any currency, is no number to
# anybody: 1E+900000 written out would fill a disk.
_MOST_DIGITS, _MOST_PLACES = 29, 40
# Adds exactly, and says so where it could not.
_EXACT = Context(
    prec=90, Emax=_MOST_DIGITS - 1, Emin=-_MOST_PLACES, traps=[InvalidOperation, Overflow, Inexact]
)
_ROOMY = Context(prec=90)


@dataclass(slots=True)
class OwnTotals:
    """fields: those that are summed and the file has a column for. unread: position → text of cells that are no
    numbers, by field. said: rows of totals: position → what each says, by field."""

    fields: Mapping[str, Field]
    parse: Parse
    rows: int = 0
    sums: dict[str, Decimal] = field(default_factory=dict)
    unread: dict[str, dict[int, str]] = field(default_factory=dict)
    said: dict[int, dict[str, Decimal]] = field(default_factory=dict)

    def see(self, block: Block, columns: Sequence[str]) -> None:
        """Take in a block of the table whose columns these are."""
        self.rows += len(block.positions)
        for name in self.fields:
            texts = block.columns[columns.index(name)]
            found = _plain_sum(texts)
            with localcontext(_ROOMY):
                if found is None:
                    found = sum((value for _, value in self._read(name, block.positions, texts)), Decimal(0))
                self.sums[name] = self.sums.get(name, Decimal(0)) + found

    def end(self, table: Table) -> None:
        """Take in the rows of totals of a table that was gone through."""
        for position, texts in table.totals:
            values = {name: self.value(name, texts[name]) for name in self.fields if name in texts}
            self.said[position] = {name: value for name, value in values.items() if value is not None}

    def value(self, name: str, text: str) -> Decimal | None:
        """The number that a cell says; None where it says none, or one that nothing here has room for."""
        try:
            value = Decimal(text) if text else None
        except ArithmeticError:
            value = None
        if value is not None and value.is_finite():
            return value if _has_room(value) else None
        try:
            said = self.parse(self.fields[name], text) if text else None
            value = Decimal(said) if said else None
        except ArithmeticError:
            return None
        return value if value is not None and _has_room(value) else None

    def _read(
        self, name: str, positions: Sequence[int], texts: Sequence[str]
    ) -> Iterator[tuple[int, Decimal]]:
        for position, text in zip(positions, texts, strict=True):
            if not text:
                continue
            value = self.value(name, text)
            if value is None:
                self.unread.setdefault(name, {})[position] = text
            else:
                yield position, value


def _plain_sum(texts: Sequence[str]) -> Decimal | None:
    """The sum of cells that are all plain numbers; None where one is not, or has no room."""
    try:
        with localcontext(_EXACT):
            found = sum(map(Decimal, filter(None, texts)), Decimal(0))
    except ArithmeticError:
        return None
    return found if found.is_finite() else None


def _has_room(value: Decimal) -> bool:
    if not value.is_finite():
        return False
    exponent = value.as_tuple().exponent
    return value.adjusted() < _MOST_DIGITS and isinstance(exponent, int) and exponent >= -_MOST_PLACES


def cells_of(table: Table, own: OwnTotals, name: str) -> dict[int, Decimal | None]:
    """Position → the number of every filled cell of a field, None where it is none; a second look at the file."""
    place = list(table.columns).index(name)
    return {
        position: own.value(name, text)
        for block in table.blocks
        for position, text in zip(block.positions, block.columns[place], strict=True)
        if text
    }
