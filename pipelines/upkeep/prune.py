"""`prune`: which bytes of the landing zone are kept no longer, asked of the landing zone and the warehouse."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from pipelines.landing.retention import Fate, Held, fates, thin
from pipelines.landing.zone import Zone
from pipelines.settings import Settings
from pipelines.warehouse.connect import read_warehouse
from pipelines.warehouse.proof import held_packages, named_packages


@dataclass(slots=True)
class StreamPrune:
    """One stream of one organisation. stays: packages by the reason why nothing of them goes."""

    source: str
    org: str
    stream: str
    packages: int = 0
    files: int = 0
    bytes: int = 0
    stays: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Pruning:
    """What would go, or (applied) went. days: the limit; None keeps everything."""

    days: int | None
    applied: bool
    streams: list[StreamPrune] = field(default_factory=list)

    @property
    def bytes(self) -> int:
        """Of all streams."""
        return sum(stream.bytes for stream in self.streams)


def prune(
    settings: Settings, *, older_than: int | None = None, apply: bool = False, now: datetime | None = None
) -> Pruning:
    """What retention takes out of packages landed more than `older_than` days ago (else the setting says).

    Without `apply` nothing is touched. Call under the run lock. Raises Problem when a manifest or the warehouse
    cannot be read: then nothing goes.
    """
    days = settings.keep_pages_days if older_than is None else older_than
    limit = (now or datetime.now(UTC)) - timedelta(days=days) if days is not None else None
    held = _held(settings)
    result, going = Pruning(days, apply), list[Fate]()
    for source, org, name, zone in Zone(settings.landing).streams():
        stream = StreamPrune(source, org, name)
        for fate in fates(zone, limit, held):
            if fate.stays:
                stream.stays[fate.stays] += 1
                continue
            going.append(fate)
            entries = (*fate.files, *fate.unfinished)
            stream.packages += 1
            stream.files += len(entries)
            stream.bytes += sum(entry.bytes for entry in entries)
        result.streams.append(stream)
    for fate in going if apply else ():
        thin(fate, reason=f"landed more than {days} days before")
    return result


def _held(settings: Settings) -> Held:
    if not settings.warehouse.exists():
        return Held((), ())
    with read_warehouse(settings.warehouse, wait_seconds=settings.lock_wait_seconds) as con:
        return Held(held_packages(con).keys(), named_packages(con))
