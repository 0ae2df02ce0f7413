"""Access tokens of both generations. Ten calls a minute, one at a time; within 6,600 seconds the same token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.fxiaoke.openapi import errors

# The only app there is; no real one could look like it.
CREDENTIALS = {
    "appId": "FSAID_sandbox",
    "appSecret": "sandbox-app-secret",
    "permanentCode": "sandbox-permanent-code",
}
COMPANY, ACCOUNT = "FSCID_sandbox", "sandbox-ea"
LIFE, SAME = 7200, 6600
_MINUTE = 60


@dataclass(slots=True)
class _Token:
    value: str
    issued: int


class Tokens:
    """Of one generation; time is the sandbox's clock."""

    def __init__(self, kind: str) -> None:
        self._kind, self._serial = kind, 0
        self._living: list[_Token] = []
        self._calls: list[int] = []

    def grant(self, body: Mapping[str, Any], now: int, most: int) -> tuple[str, int]:
        """A token and the seconds it still lives. Raises Refusal."""
        self._calls = [moment for moment in self._calls if now - moment < _MINUTE]
        if len(self._calls) >= most:
            raise errors.too_fast()
        self._calls.append(now)
        if body.get("appSecret") != CREDENTIALS["appSecret"]:
            raise errors.bad_secret()
        if body.get("appId") != CREDENTIALS["appId"]:
            raise errors.bad_app()
        if body.get("permanentCode") != CREDENTIALS["permanentCode"]:
            raise errors.bad_permanent_code()
        self._living = [token for token in self._living if now - token.issued < LIFE]
        if not self._living or now - self._living[-1].issued >= SAME:
            self._serial += 1
            self._living.append(_Token(f"{self._kind}-{self._serial:028d}", now))
        newest = self._living[-1]
        return newest.value, LIFE - (now - newest.issued)

    def valid(self, value: str, now: int) -> bool:
        """Whether a token lives."""
        return any(token.value == value and now - token.issued < LIFE for token in self._living)

    def revoke(self) -> None:
        """End every token; the next call gives another one."""
        self._living.clear()
