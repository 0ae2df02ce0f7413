"""What of a package its rows do not tell: how its fields were said to be, what did not fit, how much others brought."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

FEWEST_READS = 3
"""Complete reads that must have been before the volume of another says anything."""


@dataclass(frozen=True, slots=True)
class Known:
    """Facts that are handed in, since this room reads no packages.

    options: field → what the CRM's own list offers. lists: fields of which a record holds several values. declared,
    arrived: field → the type that our connector declares, and in which the CRM says it comes; nothing where nobody
    knows. misfits: field → cells that their type could not hold; None where nobody counted. rows: of the complete
    read that this package ends; None where it ends none, or one that has nothing to be compared with. recent: rows of
    earlier reads of its kind, newest first.
    """

    options: Mapping[str, Sequence[str]] = field(default_factory=dict)
    lists: frozenset[str] = frozenset()
    declared: Mapping[str, str] = field(default_factory=dict)
    arrived: Mapping[str, str] = field(default_factory=dict)
    misfits: Mapping[str, int] | None = None
    rows: int | None = None
    recent: Sequence[int] = ()

    @property
    def retyped(self) -> list[str]:
        """Declared fields that came in another type, each with both."""
        return [
            f"{name} ({self.arrived[name]}, not {kind})"
            for name, kind in self.declared.items()
            if self.arrived.get(name, kind) != kind
        ]

    @property
    def usual(self) -> float:
        """Rows of an ordinary read of this kind."""
        return median(self.recent)


UNKNOWN = Known()
