"""The diary of publications: `landing/_publications/<year>.jsonl`, what each published version was built from.

It belongs to the landing zone because a past version is made from the landing zone alone, long after its file and
the health that named it are gone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

import msgspec

from pipelines.files import append_line, private_folder

FOLDER = "_publications"


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """One published version. load_order: place in the fold of the last package that the warehouse held; models, rules,
    fold: digests of the models, of the expectations and of the code that folds. Names are those of `about`."""

    version: str
    published_at: datetime
    as_of_date: str
    load_order: int
    models: str
    rules: str
    fold: str
    code_version: str
    business_timezone: str


def published_of(about: Mapping[str, str]) -> Published | None:
    """What the table `about` of a version tells; None where an older crm-warehouse wrote it."""
    try:
        return msgspec.convert(dict(about), Published, strict=False)
    except msgspec.ValidationError:
        return None


def append_publication(landing: Path, published: Published) -> None:
    """Add a line, durable when this returns. Call under the run lock."""
    folder = private_folder(landing / FOLDER)
    append_line(folder / f"{published.published_at:%Y}.jsonl", msgspec.json.encode(published))


def read_publications(landing: Path) -> Iterator[Published]:
    """Every publication, oldest first. A line that a killed process left unfinished is none."""
    decoder = msgspec.json.Decoder(Published)
    for path in sorted((landing / FOLDER).glob("*.jsonl")):
        for line in path.read_bytes().splitlines():
            try:
                yield decoder.decode(line)
            except msgspec.DecodeError:
                continue
