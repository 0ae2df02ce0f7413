"""A request and its answer, free of the web framework."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Call:
    """One request: path segments after the version, query, headers (lower-case names), the sandbox's time."""

    path: tuple[str, ...]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    now: int
    method: str = "GET"
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Attachment:
    """An answer that is a file."""

    name: str
    content: bytes
    media_type: str = "application/zip"


@dataclass(frozen=True, slots=True)
class Reply:
    """Status, body (JSON or a file; None = empty) and what the call cost in API credits."""

    status: int
    body: Any = None
    credits: int = 1


NO_CONTENT = Reply(204)
NOT_MODIFIED = Reply(304)
