"""What a file from outside may cost, in one place."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one file. Beyond any of them the file is refused with a sentence, never half read.

    file_bytes: as it lies in the inbox. bundle_members: files in a zip of files. members, unpacked_bytes, ratio: of
    a zip; the ratio counts only beyond `ratio_from` unpacked bytes, since small repetitive parts pack well and harm
    nobody. part_bytes: styles, sheet list and the like. columns: of a sheet. lines: rows of a text, blank ones too.
    cells: rows × columns that the reader may hold (24 bytes each). memory_bytes, seconds: of the separate process
    that looks at an unknown file.
    """

    file_bytes: int = 512 << 20
    bundle_members: int = 1_000
    members: int = 2_000
    unpacked_bytes: int = 4 << 30
    ratio: int = 200
    ratio_from: int = 64 << 20
    part_bytes: int = 64 << 20
    columns: int = 702  # A to ZZ
    lines: int = 10_000_000
    cells: int = 60_000_000
    memory_bytes: int = 4 << 30
    seconds: int = 300


HEADER_ROWS = 10  # a header is looked for in the first ten rows
HEAD_ROWS = HEADER_ROWS + 2  # what a look at a file brings back: the header may be the tenth, then tips
