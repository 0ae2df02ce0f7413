"""Records that came as archives: a ZIP of one CSV each, kept as received (`rows-0001.csv.zip`).

The header names the fields, the key in any case; references are bare ids, an empty cell is no value, lists are
separated by semicolons. What a list read would have given for the same version hashes alike.
"""

from __future__ import annotations

import csv
import io
import os
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import duckdb

from connectors.core.contract import FieldType, Page, Shape
from connectors.core.errors import Problem
from pipelines.landing.cells import MAX_RECORD, PAGE_STRIDE
from pipelines.landing.intact import MEND_PENDING
from pipelines.landing.zone import Package
from pipelines.manifest import FileEntry, Landed, file_entry
from pipelines.sql import literal, quote

_SUFFIX = ".csv.zip"
_LISTS = ";"


def is_archived(landed: Landed) -> bool:
    """Whether a package holds archives in the place of pages."""
    return any(entry.name.endswith(_SUFFIX) for entry in landed.files)


class ArchiveWriter:
    """Puts a package's archives on disk, each as a file of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._entries = folder, list[FileEntry]()

    @property
    def pages(self) -> int:
        """How many there are."""
        return len(self._entries)

    def add(self, page: Page) -> None:
        """Write one archive, durable when this returns."""
        assert isinstance(page.body, bytes) and page.archive
        path = self._folder / f"rows-{self.pages + 1:04}{_SUFFIX}"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(page.body)
            file.flush()
            os.fsync(file.fileno())
        self._entries.append(file_entry(path))

    def close(self) -> list[FileEntry]:
        """The manifest's entries."""
        return self._entries

    def abandon(self) -> None:
        """Nothing is open; the folder is removed by the caller."""


@contextmanager
def opened(archive: Path | io.BytesIO) -> Iterator[io.TextIOWrapper]:
    """The CSV in an archive, decompressed as it is read."""
    with zipfile.ZipFile(archive) as whole, whole.open(whole.namelist()[0]) as file:
        yield io.TextIOWrapper(file, "utf-8-sig", newline="")


def archived_rows(path: Path) -> int:
    """The records of an archive. Raises Problem when it cannot be read."""
    csv.field_size_limit(MAX_RECORD)
    try:
        with opened(path) as file:
            return max(0, sum(1 for _ in csv.reader(file)) - 1)
    except (zipfile.BadZipFile, csv.Error, UnicodeDecodeError, EOFError) as error:
        raise _damaged(path, error) from error


def cells_from_archives(
    package: Package, shape: Shape, columns: Mapping[str, str], con: duckdb.DuckDBPyConnection, scratch: Path
) -> None:
    """The view `cells` of the rows of all archives of a package. columns: field → column. Raises Problem."""
    parts = []
    for number, entry in enumerate(package.landed.files, 1):
        path = package.folder / entry.name
        text = scratch / f"rows{number}.csv"
        try:
            with opened(path) as file:
                header = next(csv.reader(file), [])
            with (
                zipfile.ZipFile(path) as whole,
                whole.open(whole.namelist()[0]) as source,
                text.open("wb") as target,
            ):
                shutil.copyfileobj(source, target, 1 << 20)
        except (zipfile.BadZipFile, csv.Error, UnicodeDecodeError, EOFError) as error:
            raise _damaged(path, error) from error
        parts.append(_rows(text, header, number * PAGE_STRIDE, shape, columns))
    con.execute(f"CREATE VIEW cells AS {' UNION ALL '.join(parts)}")


def _rows(text: Path, header: list[str], base: int, shape: Shape, columns: Mapping[str, str]) -> str:
    """SQL of one file's rows. One reader at a time: positions are the order of the file."""
    names = {name: f"t{place}" for place, name in reversed(list(enumerate(header)))}
    key = next((text for name, text in names.items() if name.lower() == shape.key.lower()), "NULL::VARCHAR")
    cells = [
        f"row_number() OVER () + {base} AS _position",
        f"{key} AS _record_id",
        "NULL::VARCHAR AS _misfit",
    ]
    for field in shape.fields:
        cell = key if field.name == shape.key else names.get(field.name, "NULL::VARCHAR")
        cell = _list(cell) if field.type is FieldType.JSON else cell
        cells.append(f"{cell} AS {quote(columns[field.name])}")
    types = ", ".join(f"t{place}: 'VARCHAR'" for place in range(len(header)))
    return (
        f"SELECT {', '.join(cells)} FROM read_csv({literal(str(text))}, columns={{{types}}}, header=true, "
        "auto_detect=false, delim=',', quote='\"', escape='\"', nullstr='', parallel=false, "
        f"max_line_size={MAX_RECORD})"
    )


def _list(cell: str) -> str:
    """SQL: the JSON of a list whose texts are separated; JSON stays as it is."""
    split = f"CAST(to_json(string_split({cell}, {literal(_LISTS)})) AS VARCHAR)"
    return f"CASE WHEN starts_with({cell}, '[') THEN {cell} WHEN {cell} <> '' THEN {split} END"


def _damaged(path: Path, error: Exception) -> Problem:
    return Problem(
        f"the file {path.name} of package {path.parent.name} is damaged ({type(error).__name__})",
        do=MEND_PENDING,
        where=str(path),
    )
