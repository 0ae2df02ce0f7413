"""What makes a row the same record as a row of another file.

Strongest first: 唯一性ID as it stands, the object's own number, its normalised name. A name shared by
different rows of one file says nothing, so those rows are set aside, all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from connectors.core.contract import BY_NAME, BY_NUMBER
from connectors.core.files.normal import match_name, match_names
from connectors.fxiaoke.export_files.layout import Layout

NO_KEY = "the row has no 唯一性ID, no number and no name, so it cannot be told apart from other records"
AMBIGUOUS = (
    "several different rows of the file have this name, and neither 唯一性ID nor a number tells them apart"
)


class Keys:
    """The keys of one file's rows.

    rows: gives the texts of every row again, from the first below the header; called at most once, and only
    when a row has nothing but its name.
    """

    def __init__(self, layout: Layout, rows: Callable[[], Iterable[Sequence[str]]]) -> None:
        self._layout, self._rows = layout, rows
        self._ambiguous: frozenset[str] | None = None

    def of(
        self, columns: Sequence[Sequence[str]]
    ) -> tuple[list[str], Sequence[str], Sequence[str], dict[int, str]]:
        """Of a block of rows, given the stripped texts of its columns: key, number and normalised name of each row,
        "" for none, and place → why, of the rows whose key says nothing.

        Number and name are told whatever the key is: files may differ in what they hold.
        """
        layout, rows = self._layout, len(columns[0])
        numbers = _first_given([columns[i] for i in layout.numbers], rows)
        names = _first_given([_names(columns[i]) for i in layout.names], rows)
        keys = _first_given([columns[i] for i in layout.ids], rows)
        misfits: dict[int, str] = {}
        for place, key in enumerate(keys):
            if key:
                continue
            if numbers[place]:
                keys[place] = f"{BY_NUMBER}{numbers[place]}"
            elif name := names[place]:
                keys[place] = f"{BY_NAME}{name}"
                if self._ambiguous is None:
                    self._ambiguous = self._find_ambiguous()
                if name in self._ambiguous:
                    misfits[place] = AMBIGUOUS
            else:
                misfits[place] = NO_KEY
        return keys, numbers, names, misfits

    def _is_strong(self, texts: Sequence[str]) -> bool:
        return any(_given(texts[i]) for i in (*self._layout.ids, *self._layout.numbers))

    def _find_ambiguous(self) -> frozenset[str]:
        seen: dict[str, int] = {}
        ambiguous: set[str] = set()
        for texts in self._rows():
            if self._is_strong(texts):
                continue
            named = (texts[i] for i in self._layout.names if _given(texts[i]))
            if name := next(filter(None, map(match_name, named)), ""):
                # A digest is enough: two different rows taken for equal would need a collision of hash().
                # A row is as wide as the widest of its block.
                content = hash(tuple(texts[: len(self._layout.labels)]))
                if seen.setdefault(name, content) != content:
                    ambiguous.add(name)
        return frozenset(ambiguous)


def deciding(layout: Layout, texts: Sequence[str]) -> tuple[int, bool]:
    """The place in the row whose cell gives the row its key, and whether that is a name; -1 where none does."""
    for index in (*layout.ids, *layout.numbers):
        if index < len(texts) and _given(texts[index]):
            return index, False
    named = (i for i in layout.names if i < len(texts) and _given(texts[i]) and match_name(texts[i]))
    return next(named, -1), True


def _first_given(columns: Sequence[Sequence[str]], rows: int) -> list[str]:
    """Row by row the first text that says something."""
    if not columns:
        return [""] * rows
    if len(columns) == 1 and "--" not in columns[0]:
        return list(columns[0])
    return [next(filter(_given, texts), "") for texts in zip(*columns, strict=True)]


def _names(texts: Sequence[str]) -> list[str]:
    return match_names(["" if text == "--" else text for text in texts] if "--" in texts else texts)


def _given(text: str) -> bool:
    return text not in ("", "--")
