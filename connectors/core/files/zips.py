"""Opening a zip from outside in bounded memory."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from connectors.core.errors import Problem

_DIRECTORY = 8 << 20  # bytes: some 100,000 entries


class Archive(zipfile.ZipFile):
    """A zip whose table of contents, which the reader holds as a whole, is bounded. Raises Problem for one beyond
    the bound, and what a ZipFile raises."""

    def __init__(self, path: Path) -> None:
        self._own = _Sparing(io.FileIO(path))
        try:
            super().__init__(self._own)
        except BaseException:
            self._own.close()
            raise

    def close(self) -> None:
        """Close the file too, which the reader leaves to whoever opened it."""
        super().close()
        self._own.close()


class _Sparing(io.BufferedReader):
    """A file of which nobody takes more at once than a table of contents may have: parts are read in blocks."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > _DIRECTORY:
            raise Problem(
                f"the zip's table of contents has {size:,} bytes, as no workbook or archive of exports needs",
                do="Delete it",
            )
        return super().read(size)
