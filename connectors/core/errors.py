"""One error type whose text is a sentence for the person who must act.

No secret may reach an error: callers pass paths and codes, never headers, bodies or query values.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any


class Actor(StrEnum):
    """Who must act for the error to go away."""

    OPERATOR = "operator"
    CRM_ADMIN = "CRM administrator"
    DEVELOPER = "crm-warehouse developer"


class Problem(Exception):
    """Something went wrong that a person can mend.

    what: what happened, a sentence without its full stop.
    do: the next step, an imperative without its full stop.
    where: file, sheet, row, record id or request path.
    transient: the same call may succeed later without anyone acting.
    code: the vendor's own error code, for programs.
    """

    def __init__(
        self,
        what: str,
        *,
        do: str,
        actor: Actor = Actor.OPERATOR,
        source: str = "",
        stream: str = "",
        where: str = "",
        request_id: str = "",
        code: str = "",
        transient: bool = False,
    ) -> None:
        super().__init__(what)
        self.what, self.do, self.actor = what, do, actor
        self.source, self.stream, self.where = source, stream, where
        self.request_id, self.code, self.transient = request_id, code, transient

    def located(self, *, source: str, stream: str = "") -> Problem:
        """The same problem, with source and stream filled in where it did not know them."""
        self.source = self.source or source
        self.stream = self.stream or stream
        return self

    def __str__(self) -> str:
        place = "/".join(part for part in (self.source, self.stream) if part)
        head = "".join(
            (f"[request {self.request_id}] " if self.request_id else "", f"{place}: " if place else "")
        )
        where = f" ({self.where})" if self.where else ""
        return f"{head}{self.what}{where}. Next ({self.actor}): {self.do}."

    def __reduce__(self) -> tuple[Any, ...]:
        # Keyword-only arguments do not survive the default protocol; errors cross process boundaries.
        return _rebuild, (type(self), self.__dict__)


def _rebuild(kind: type[Problem], state: dict[str, Any]) -> Problem:
    problem = kind.__new__(kind)
    Exception.__init__(problem, state["what"])
    problem.__dict__.update(state)
    return problem
