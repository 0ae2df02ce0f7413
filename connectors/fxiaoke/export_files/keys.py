"""What makes a row the same record as a row of another file.

Strongest first: 唯一性ID as it stands, the object's own number, its normalised name. A name shared by
different rows of one file says nothing, so those rows are set aside, all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from connectors.core.contract import BY_NAME, BY_NUMBER
from connectors.core.files.normal import match_name
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

    def of(self, texts: Sequence[str]) -> tuple[str | None, str | None]:
        """Key and misfit of a row, given its stripped texts; one of them may be None."""
        strong = self._strong(texts)
        if strong:
            return strong, None
        name = self._name(texts)
        if not name:
            return None, NO_KEY
        if self._ambiguous is None:
            self._ambiguous = self._find_ambiguous()
        return f"{BY_NAME}{name}", AMBIGUOUS if name in self._ambiguous else None

    def also(self, texts: Sequence[str]) -> tuple[str | None, str | None]:
        """The number and the normalised name of a row, whatever its key is: files may differ in what they hold."""
        number = next((texts[i] for i in self._layout.numbers if _given(texts[i])), None)
        return number, self._name(texts) or None

    def _strong(self, texts: Sequence[str]) -> str | None:
        for index in self._layout.ids:
            if _given(texts[index]):
                return texts[index]
        for index in self._layout.numbers:
            if _given(texts[index]):
                return f"{BY_NUMBER}{texts[index]}"
        return None

    def _name(self, texts: Sequence[str]) -> str:
        return next((n for i in self._layout.names if _given(texts[i]) and (n := match_name(texts[i]))), "")

    def _find_ambiguous(self) -> frozenset[str]:
        seen: dict[str, int] = {}
        ambiguous: set[str] = set()
        for texts in self._rows():
            if not self._strong(texts) and (name := self._name(texts)):
                # A digest is enough: two different rows taken for equal would need a collision of hash().
                content = hash(tuple(texts))
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


def _given(text: str) -> bool:
    return text not in ("", "--")
