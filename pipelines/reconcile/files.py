"""Files: what their own cells and rows of totals add up to, against what was typed of them."""

from __future__ import annotations

from pipelines.landing.zone import StreamZone
from pipelines.quality.model import Rule
from pipelines.tally import Measure


def measures_of_files(zone: StreamZone, rule: Rule) -> list[Measure]:
    """TODO."""
    return []
