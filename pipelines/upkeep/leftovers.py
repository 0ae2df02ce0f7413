"""Where a text still stands in the home's smaller files: logs, data docs, dbt's artefacts, diaries, health."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from pathlib import Path

from pipelines.settings import Settings

_ROOMS = ("docs", "logs", "dbt", "dagster", "scratch", "published", "landing/_runs")
_SHORTEST = 6  # bytes: two Chinese characters; anything shorter is found everywhere
_COMMON = frozenset({"true", "false", "none", "null"})


def files_with(settings: Settings, texts: Collection[str]) -> Iterator[Path]:
    """Files outside packages, warehouse and inbox that hold one of these texts, as it is or in JSON escapes.

    Not the published copies: they are new, so that what they hold is somebody else's.
    """
    needles = set(_needles(texts))
    for path in (p for room in _ROOMS for p in sorted((settings.home / room).rglob("*")) if needles):
        if (
            path.suffix != ".duckdb"
            and path.is_file()
            and any(needle in path.read_bytes() for needle in needles)
        ):
            yield path


def _needles(texts: Collection[str]) -> Iterator[bytes]:
    for text in texts:
        raw = text.encode("utf-8", "surrogatepass")
        if len(raw) >= _SHORTEST and text.casefold() not in _COMMON:
            yield raw
            yield json.dumps(text)[1:-1].encode()
