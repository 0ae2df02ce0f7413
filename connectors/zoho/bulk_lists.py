"""Whether a bulk file writes the values of a multi-select as we read them: no page says what stands between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

import msgspec

from connectors.core.contract import Stream
from connectors.core.errors import Actor, Problem
from connectors.core.verdicts import LATER
from connectors.zoho.api import Api
from connectors.zoho.bulk import PATH, opened
from connectors.zoho.fields import Reading
from connectors.zoho.records import read_by_ids

BETWEEN = ";"
_SAMPLES = 50  # records, half a call
_PER_FIELD = 20


@dataclass(frozen=True, slots=True)
class _Sample:
    stamp: str
    cells: Mapping[str, str]


def confirm(api: Api, stream: Stream, reading: Reading, archive: bytes) -> None:
    """Ask for some records of a file by id, too. Raises Problem where their lists differ.

    Only a cell with more than letters and digits may hold several values.
    """
    stamp, lists = reading.shape.stamp, sorted(reading.lists)
    if not lists or stamp is None:
        return
    samples = dict(islice(_doubtful(archive, stream.key, stamp, lists), _SAMPLES))
    asked = replace(reading, chunks=((stamp, *lists),))
    for page in read_by_ids(api, stream, asked, list(samples)):
        for record in msgspec.json.decode(page.body)["data"]:
            sample = samples.get(record[stream.key])
            if sample is None or datetime.fromisoformat(record[stamp]) != datetime.fromisoformat(
                sample.stamp
            ):
                continue  # changed meanwhile
            for name, cell in sample.cells.items():
                if cell.split(BETWEEN) != record.get(name):
                    raise Problem(
                        f"Zoho's bulk file does not separate the values of {name} by a semicolon",
                        do=LATER,
                        actor=Actor.OPERATOR,
                        where=f"{PATH} of {stream.api_name}",
                        code="BULK_LISTS",
                    )


def _doubtful(archive: bytes, key: str, stamp: str, lists: list[str]) -> Iterator[tuple[str, _Sample]]:
    """Some records of each field whose cell may hold several values, by id."""
    with opened(archive) as lines:
        header = next(lines)
        places = {name.casefold() if name.casefold() == key else name: at for at, name in enumerate(header)}
        left = dict.fromkeys(lists, _PER_FIELD)
        for line in filter(None, lines):
            cells = {name: line[places[name]] for name in left}
            cells = {name: cell for name, cell in cells.items() if cell and not cell.isalnum()}
            if not cells:
                continue
            for name in cells:
                left[name] -= 1
                if not left[name]:
                    del left[name]
            yield line[places[key]], _Sample(line[places[stamp]], cells)
            if not left:
                return
