"""Faults a test plants: the next answers of a path go wrong in a given way."""

from __future__ import annotations

from dataclasses import dataclass

KINDS = (
    "http_500", "429", "scope_mismatch", "no_permission", "token_revoked", "refresh_revoked", "token_throttled",
    "truncated", "truncated_json", "html", "slow", "count_lie", "page_token_expired",
    "bulk_failure", "error_code", "redirect", "duplicate_row", "disorder",
)  # fmt: skip


@dataclass(slots=True)
class Fault:
    """kind: one of KINDS. times: how many answers; skip: how many good ones before. path: exact, `*` at the end
    for a prefix. seconds: how long a slow answer takes. code: the errorCode of an answer of Fxiaoke's."""

    kind: str
    times: int = 1
    path: str = "/crm/*"
    skip: int = 0
    seconds: float = 2.0
    code: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"fault kind {self.kind!r} is none of {', '.join(KINDS)}")

    def meets(self, path: str) -> bool:
        """Whether a request path is concerned."""
        return path.startswith(self.path[:-1]) if self.path.endswith("*") else path == self.path


class Faults:
    """The planted faults, in the order they were planted."""

    def __init__(self) -> None:
        self._planted: list[Fault] = []

    def plant(self, fault: Fault) -> None:
        """Add one."""
        self._planted.append(fault)

    def clear(self) -> None:
        """Remove all."""
        self._planted.clear()

    def left(self) -> int:
        """Answers that will still go wrong."""
        return sum(fault.times for fault in self._planted)

    def take(self, path: str) -> Fault | None:
        """The fault that this request meets, if any; it counts down."""
        for fault in self._planted:
            if fault.meets(path):
                if fault.skip:
                    fault.skip -= 1
                    continue
                fault.times -= 1
                if not fault.times:
                    self._planted.remove(fault)
                return fault
        return None
