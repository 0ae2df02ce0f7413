"""Access tokens of both generations, and how a call carries them.

legacy: `corpAccessToken` in the body, users as openUserId (FSUID_…). oauth: a Bearer header, users as employee
numbers. Both give the same token for 6,600 of its 7,200 seconds; ten calls a minute, never two at once.
https://open.fxiaoke.com
"""

from __future__ import annotations

import hashlib
import re
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec

from connectors.core.errors import Problem
from connectors.core.http import BadBody, HttpClient, Reply
from connectors.core.tokens import Token, TokenKeeper
from connectors.fxiaoke.api.errors import TOO_FAST, judge_token

LEGACY, OAUTH = "legacy", "oauth"
TOKEN_PATHS = {LEGACY: "/cgi/corpAccessToken/get/V2", OAUTH: "/oauth2.0/token"}
_OPEN_USER = "FSUID_"
_PLAIN = re.compile(r"[!-~]+")  # what a header takes
_THROTTLE = 60.0  # seconds


@dataclass(frozen=True, slots=True)
class Credentials:
    """What an operator puts into the settings."""

    base_url: str
    app_id: str
    app_secret: str = field(repr=False)
    permanent_code: str = field(repr=False)
    user_id: str
    generation: str = OAUTH

    def __post_init__(self) -> None:
        if self.generation not in TOKEN_PATHS:
            raise Problem(
                f"FXIAOKE_AUTH is {self.generation!r}",
                do=f"Set it to {OAUTH} (the vendor's current way) or to {LEGACY}",
                code="SETTINGS",
            )
        if not _PLAIN.fullmatch(self.user_id):
            raise Problem(
                "FXIAOKE_USER_ID is no id",
                do="Set it to an employee number such as 1000 (or an openUserId), not to a person's name",
                code="SETTINGS",
            )
        if (self.generation == LEGACY) is not self.user_id.startswith(_OPEN_USER):
            asked = (
                "an openUserId (FSUID_…)" if self.generation == LEGACY else "an employee number such as 1000"
            )
            raise Problem(
                f"FXIAOKE_USER_ID does not fit FXIAOKE_AUTH={self.generation}",
                do=f"Set FXIAOKE_USER_ID to {asked}, or FXIAOKE_AUTH to the other generation",
                code="SETTINGS",
            )

    def digest(self) -> str:
        """Changes with each part that a token depends on, reveals none: the name of the cached token's file."""
        parts = (self.base_url, self.generation, self.app_id, self.app_secret, self.permanent_code)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:20]


class _Grant(msgspec.Struct):
    """The reply of either generation."""

    expiresIn: float = 7200
    accessToken: str = ""
    ea: str = ""
    corpAccessToken: str = ""
    corpId: str = ""


@dataclass(frozen=True, slots=True)
class Dressed:
    """What a call carries beside its own."""

    params: Mapping[str, str]
    headers: Mapping[str, str]
    body: Mapping[str, Any]


def keeper(
    credentials: Credentials, http: HttpClient, cache: Path, *, now: Callable[[], float] = time.time
) -> TokenKeeper:
    """The shared token of these credentials; `facts["company"]` is what must be said with it."""

    def grant() -> Token:
        path = TOKEN_PATHS[credentials.generation]
        body = {
            "appId": credentials.app_id,
            "appSecret": credentials.app_secret,
            "permanentCode": credentials.permanent_code,
        }
        legacy = credentials.generation == LEGACY
        # Few attempts: each is one of the ten calls of a minute.
        policy = replace(http.policy, attempts=min(3, http.policy.attempts))
        granted = http.call(
            "POST",
            credentials.base_url + path,
            params={} if legacy else _trace(),
            json=body if legacy else {**body, "grantType": "app_secret"},
            parse=_parser(legacy=legacy),
            judge=judge_token,
            credits=0,
            policy=policy,
        )
        value, company = (
            (granted.corpAccessToken, granted.corpId) if legacy else (granted.accessToken, granted.ea)
        )
        return Token(value, now() + granted.expiresIn, {"company": company})

    file = cache / f"fxiaoke-{credentials.digest()}.json"
    return TokenKeeper(grant, file, throttle=(TOO_FAST, _THROTTLE), now=now)


def dressed(credentials: Credentials, token: Token, body: Mapping[str, Any]) -> Dressed:
    """A call's parameters, headers and body with the token in its place."""
    company = token.facts["company"]
    if credentials.generation == LEGACY:
        own = {
            "corpAccessToken": token.value,
            "corpId": company,
            "currentOpenUserId": credentials.user_id,
        }
        return Dressed({}, {}, {**own, **body})
    headers = {
        "authorization": f"Bearer {token.value}",
        "x-fs-ea": company,
        "x-fs-userid": credentials.user_id,
    }
    return Dressed(_trace(), headers, body)


def _trace() -> dict[str, str]:
    """Whether the vendor insists on it is not known."""
    return {"thirdTraceId": str(uuid.uuid4())}


def _parser(*, legacy: bool) -> Callable[[Reply], _Grant]:
    def parse(reply: Reply) -> _Grant:
        try:
            granted = msgspec.json.decode(reply.body, type=_Grant, strict=False)
        except msgspec.DecodeError as error:
            raise BadBody("it is not the JSON of a token") from error
        if not ((granted.corpAccessToken and granted.corpId) if legacy else granted.accessToken):
            raise BadBody("it holds no token")
        return granted

    return parse
