"""The file of a bulk job: rows as CSV in a ZIP, written fast enough for 200,000 of them.

https://www.zoho.com/crm/developer/docs/api/v8/bulk-read/download-result.html
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

from sandbox.serving.rows import Served
from sandbox.zoho.schema import LOOKUPS, FieldFacts
from sandbox.zoho.store import Store
from sandbox.zoho.values import ACTORS, STAMPS

_BEGINNING = (1980, 1, 1, 0, 0, 0)  # the earliest a ZIP can say; the wall clock stays out
BLOCK = 2000  # lines turned into text at once
Cell = Callable[[Any], Any]


def archive(
    name: str,
    store: Store,
    fields: Sequence[FieldFacts],
    rows: Sequence[Served],
    id_column: str,
    separator: str,
) -> bytes:
    """A ZIP with `<name>.csv`: the id first, then the fields; lookups as bare ids, an empty value as nothing."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as target:
        entry = zipfile.ZipInfo(f"{name}.csv", _BEGINNING)
        entry.compress_type = zipfile.ZIP_DEFLATED
        lines = _lines(store, fields, rows, separator)
        with target.open(entry, "w", force_zip64=True) as file:
            head: list[list[Any]] = [[id_column, *(facts.name for facts in fields)]]
            while block := head or list(islice(lines, BLOCK)):
                text = io.StringIO()
                csv.writer(text, lineterminator="\r\n").writerows(block)
                file.write(text.getvalue().encode())
                head = []
    return packed.getvalue()


def _lines(
    store: Store, fields: Sequence[FieldFacts], rows: Sequence[Served], separator: str
) -> Iterator[list[Any]]:
    names = [facts.name for facts in fields]
    stamps = [(i, STAMPS[name]) for i, name in enumerate(names, 1) if name in STAMPS]
    actors = [(i, ACTORS[name]) for i, name in enumerate(names, 1) if name in ACTORS]
    cells = [
        (i, cell)
        for i, facts in enumerate(fields, 1)
        if facts.name not in STAMPS and facts.name not in ACTORS and (cell := _cell(store, facts, separator))
    ]
    stamp = store.stamper()
    for row in rows:
        line = [row.id, *map(row.values.get, names)]
        for i, cell in cells:
            line[i] = cell(line[i])
        for i, attribute in actors:
            line[i] = getattr(row, attribute)
        for i, attribute in stamps:
            line[i] = stamp(getattr(row, attribute))
        yield line


def _cell(store: Store, facts: FieldFacts, separator: str) -> Cell | None:
    """How a value of the field is written, where it is not just itself."""
    if facts.type in LOOKUPS:
        there = store.there(facts.target or "users")
        return lambda value: value if value in there else None
    if facts.type == "boolean":
        return lambda value: "true" if value else "false"
    if facts.type == "datetime" and (rewrite := store.rewriter()):
        return lambda value: rewrite(value) if value else None
    if facts.type in ("multiselectpicklist", "multiuserlookup"):
        return lambda value: separator.join(value) if value else None
    return None
