"""What a run leaves to say: outcomes per stream, and the sentence for the person who must act."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from connectors.core.contract import Usage
from connectors.core.errors import Problem
from pipelines.tally import Measure

OWN = "run"


class Status(StrEnum):
    """How a stream fared. FAILED and BLOCKED make the run fail after everything else was served."""

    LOADED = "loaded"
    UNCHANGED = "unchanged"
    BLOCKED = "blocked"
    FAILED = "failed"


@dataclass(slots=True)
class StreamOutcome:
    """One stream of one organisation in one sync. Counts are rows; `checks` are rule results as plain data,
    `reconciled` totals compared with the source's own.

    seconds and usage: what reading and checking it took.
    """

    source: str
    org: str
    stream: str
    status: Status = Status.UNCHANGED
    landed: int = 0  # packages read
    packages: int = 0  # packages loaded
    received: int = 0
    accepted: int = 0
    quarantined: int = 0
    known_again: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0
    pages: int = 0
    cursor: datetime | None = None
    seconds: float = 0.0
    usage: Usage = field(default_factory=Usage)
    messages: list[str] = field(default_factory=list)
    checks: list[dict[str, object]] = field(default_factory=list)
    reconciled: list[Measure] = field(default_factory=list)

    @property
    def calls(self) -> int:
        """API calls."""
        return self.usage.calls

    @property
    def credits(self) -> int:
        """API credits."""
        return self.usage.credits

    @property
    def bytes(self) -> int:
        """Bytes received, decompressed."""
        return self.usage.bytes

    def fail(self, problem: Problem, status: Status = Status.FAILED) -> None:
        """Note what went wrong, once."""
        self.status = status
        sentence = str(problem.located(source=self.source, stream=self.stream))
        if sentence not in self.messages:
            self.messages.append(sentence)


_COUNTS = (
    "landed", "packages", "received", "accepted", "quarantined", "known_again",
    "inserted", "updated", "unchanged", "deleted", "pages",
)  # fmt: skip
_WORST_FIRST = (Status.FAILED, Status.BLOCKED, Status.LOADED, Status.UNCHANGED)


def together(outcomes: list[StreamOutcome]) -> StreamOutcome:
    """One outcome of a stream over all organisations: counts added, the worst status, the oldest cursor."""
    first = outcomes[0]
    cursors = [o.cursor for o in outcomes if o.cursor]
    return StreamOutcome(
        source=first.source,
        org=", ".join(o.org for o in outcomes),
        stream=first.stream,
        status=min((o.status for o in outcomes), key=_WORST_FIRST.index),
        cursor=min(cursors, default=None),
        messages=[message for o in outcomes for message in o.messages],
        checks=[check for o in outcomes for check in o.checks],
        reconciled=[measure for o in outcomes for measure in o.reconciled],
        **{name: sum(getattr(o, name) for o in outcomes) for name in _COUNTS},
    )


@dataclass(slots=True)
class SyncReport:
    """A whole sync. problems: (source, sentence) of what concerns a source and no stream of it (`OWN` instead
    of a source: what concerns the run). warnings: sentences that fail nothing."""

    sources: list[str] = field(default_factory=list)
    outcomes: list[StreamOutcome] = field(default_factory=list)
    problems: list[tuple[str, str]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    run_id: str = ""

    def __post_init__(self) -> None:
        self.run_id = self.run_id or f"{self.started_at:%Y%m%dT%H%M%S%fZ}-{secrets.token_hex(4)}"

    def add_own(self, problem: Problem) -> None:
        """Note a problem of the run itself."""
        self.problems.append((OWN, str(problem)))

    def add(self, source: str, problem: Problem) -> None:
        """Note a problem of a source."""
        self.problems.append((source, str(problem.located(source=source))))

    @property
    def ok(self) -> bool:
        """Nothing failed and nothing is blocked."""
        return not self.problems and not any(
            o.status in (Status.FAILED, Status.BLOCKED) for o in self.outcomes
        )

    @property
    def changed(self) -> bool:
        """Some package was loaded."""
        return any(o.packages for o in self.outcomes)

    def sentences(self) -> list[str]:
        """Everything somebody must act on."""
        return [sentence for _, sentence in self.problems] + [m for o in self.outcomes for m in o.messages]
