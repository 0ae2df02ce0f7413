"""What judging a package says: plain data, free of personal data, for manifests, checks and people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

MASK = "***"


@dataclass(frozen=True, slots=True)
class Sample:
    """One failing row. record_id and value are masked where they could be personal data."""

    position: int
    record_id: str | None
    value: str | None


@dataclass(frozen=True, slots=True)
class RuleResult:
    """How one rule fared. checked: rows (package scope: facts) it was about; failing: of these.

    passed is True, and the counts 0, where not_applicable gives a reason why it was not judged.
    observed: the measured fact, for package scope. column: what was judged, as the rule names it.
    """

    rule: str
    scope: str
    severity: str
    expectation: str
    column: str
    passed: bool
    checked: int
    failing: int
    samples: tuple[Sample, ...]
    reason: str
    owner: str
    observed: str | None = None
    not_applicable: str | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """One rule that rejects one row."""

    rule: str
    column: str
    value: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Rejection:
    """A row to set aside: once per position, with every rule that rejects it (`faults`).

    rule, column, value and reason join those of all faults with "; ".
    """

    position: int
    faults: tuple[Fault, ...]

    @property
    def rule(self) -> str:
        return _joined(f.rule for f in self.faults)

    @property
    def column(self) -> str:
        return _joined(f.column for f in self.faults)

    @property
    def value(self) -> str | None:
        return _joined(f.value for f in self.faults if f.value is not None) or None

    @property
    def reason(self) -> str:
        return _joined(f.reason for f in self.faults)


def _joined(parts: Any) -> str:
    return "; ".join(dict.fromkeys(parts))


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement of one package.

    findings: rule → positions of all rows that break it, of every rule over rows that failed.
    evidence: the Great Expectations validation result as JSON data, for Data Docs; None if nothing was
        judged.
    """

    source: str
    stream: str
    package_id: str
    rules_hash: str
    rows: int
    judged_at: datetime
    results: tuple[RuleResult, ...] = ()
    rejections: list[Rejection] = field(default_factory=list)
    evidence: dict[str, Any] | None = None
    findings: Mapping[str, Sequence[int]] = field(default_factory=dict)

    @property
    def blocked(self) -> bool:
        """A rule of severity block failed: the package waits, whatever its rows are worth."""
        return any(not r.passed and r.severity == "block" for r in self.results)

    @property
    def failed(self) -> tuple[RuleResult, ...]:
        """The rules that did not pass, of every severity."""
        return tuple(r for r in self.results if not r.passed)
