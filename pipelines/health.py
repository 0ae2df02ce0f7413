"""`published/health.json`: replaced after every run, blocked or not, so that readers know what they read.

Says per stream how it fared and since when, what the last build said, and which version is published.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from pipelines.files import write_atomic
from pipelines.landing.standing import Failing, Standing
from pipelines.outcome import OWN, Status, StreamOutcome, SyncReport

NAME = "health.json"


class StreamHealth(msgspec.Struct, kw_only=True):
    """One stream. since: when it came into its present status; served_at: the last time it was read whole; loaded_at:
    the last time new rows came in. failing: the rules that do, as they were judged last."""

    source: str
    org: str
    stream: str
    status: str
    since: datetime
    checked_at: datetime
    loaded_at: datetime | None = None
    cursor: datetime | None = None
    quarantined: int = 0  # rows set aside that nobody has decided about
    quarantined_since: datetime | None = None
    messages: list[str] = []
    served_at: datetime | None = None
    failing: list[Failing] = []


class SourceProblem(msgspec.Struct, kw_only=True):
    """What is wrong with a source as a whole (a dead CRM, an unknown file in the inbox)."""

    source: str
    sentence: str


class PublishedHealth(msgspec.Struct, kw_only=True):
    """The published version and what it was built from: the fold's last package, and digests of models, rules and the
    code that folds."""

    version: str
    path: str
    at: datetime
    as_of_date: str
    built_from: str
    load_order: int = 0
    models: str = ""
    rules: str = ""
    fold: str = ""


class Health(msgspec.Struct, kw_only=True):
    """The whole file."""

    format: int = 1
    at: datetime
    ok: bool
    published: PublishedHealth | None = None
    build_failures: list[str] = []
    build_warnings: list[str] = []
    problems: list[SourceProblem] = []
    streams: list[StreamHealth] = []


def read_health(folder: Path) -> Health | None:
    """The last health, None before the first run or when it cannot be read (the next run replaces it)."""
    try:
        return msgspec.json.decode((folder / NAME).read_bytes(), type=Health)
    except (OSError, msgspec.MsgspecError):
        return None


def write_health(folder: Path, health: Health) -> None:
    """Replace the file in one act; readable by whoever may read the published copy."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o755)
    write_atomic(folder / NAME, msgspec.json.format(msgspec.json.encode(health), indent=1), mode=0o644)


def merged_streams(before: Health | None, outcomes: list[StreamOutcome]) -> list[StreamHealth]:
    """This run's streams over the last known ones; `since` moves only when the status changes its kind."""
    now = datetime.now(UTC)
    known = {(s.source, s.org, s.stream): s for s in (before.streams if before else [])}
    for outcome in outcomes:
        key = (outcome.source, outcome.org, outcome.stream)
        old = known.get(key)
        good = outcome.status in (Status.LOADED, Status.UNCHANGED)
        was_good = old is not None and old.status in (Status.LOADED, Status.UNCHANGED)
        known[key] = StreamHealth(
            source=outcome.source,
            org=outcome.org,
            stream=outcome.stream,
            status=outcome.status,
            since=old.since if old and good == was_good else now,
            checked_at=now,
            loaded_at=now if outcome.packages else old.loaded_at if old else None,
            cursor=max((c for c in (outcome.cursor, old.cursor if old else None) if c), default=None),
            messages=outcome.messages,
        )
    return [known[key] for key in sorted(known)]


def with_standings(
    streams: list[StreamHealth], stands: Mapping[tuple[str, str, str], Standing]
) -> list[StreamHealth]:
    """What is known of each stream beyond this run: also of those that a dead source could not name. What has no
    standing is no stream any more."""
    known = {(s.source, s.org, s.stream): s for s in streams}
    found = []
    for key, standing in sorted(stands.items()):
        health = known.get(key) or _unseen(key, standing)
        health.status, health.since, health.served_at = standing.status, standing.since, standing.served_at
        health.quarantined, health.quarantined_since = standing.aside.rows, standing.aside.since
        order = {severity: place for place, severity in enumerate(_WORST_FIRST)}
        health.failing = sorted(standing.failing(), key=lambda f: (order.get(f.severity, 0), f.since, f.rule))
        found.append(health)
    return found


_WORST_FIRST = ("block", "quarantine", "warn")


def _unseen(key: tuple[str, str, str], standing: Standing) -> StreamHealth:
    source, org, stream = key
    return StreamHealth(
        source=source, org=org, stream=stream, status=standing.status, since=standing.since,
        checked_at=standing.since,
    )  # fmt: skip


def merged_problems(before: Health | None, sync: SyncReport, of_run: list[str]) -> list[SourceProblem]:
    """This run's problems, and the last known ones of the sources it did not touch."""
    kept = [p for p in (before.problems if before else []) if p.source not in {*sync.sources, OWN}]
    new = [*sync.problems, *((OWN, sentence) for sentence in of_run)]
    return kept + [SourceProblem(source=source, sentence=sentence) for source, sentence in new]


def sentences(health: Health) -> list[str]:
    """Everything somebody must act on."""
    return [
        *(p.sentence for p in health.problems),
        *(message for s in health.streams for message in s.messages),
        *health.build_failures,
    ]
