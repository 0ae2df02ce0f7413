"""Access tokens from a refresh token (self client of one organisation).

https://www.zoho.com/crm/developer/docs/api/v8/refresh.html
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from connectors.core.errors import Actor, Problem
from connectors.core.http import BadBody, HttpClient, Reply
from connectors.core.tokens import Token, TokenKeeper
from connectors.zoho.centres import api_of
from connectors.zoho.errors import THROTTLED, judge_token

_LOCKED_OUT = 600.0  # seconds: ten tokens in ten minutes, and none for the rest of them


@dataclass(frozen=True, slots=True)
class Credentials:
    """What an operator puts into the settings. api_url "" means: as the token reply says."""

    client_id: str
    client_secret: str = field(repr=False)
    refresh_token: str = field(repr=False)
    accounts_url: str
    api_url: str = ""

    def digest(self) -> str:
        """Changes with each part, reveals none: the name of the cached token's file."""
        parts = (self.accounts_url, self.client_id, self.client_secret, self.refresh_token)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:20]


class _Grant(msgspec.Struct):
    access_token: str
    expires_in: float = 3600
    api_domain: str = ""
    scope: str | None = None


def keeper(
    credentials: Credentials, http: HttpClient, cache: Path, *, now: Callable[[], float] = time.time
) -> TokenKeeper:
    """The shared token of these credentials; `facts["api"]` is the checked address of its API."""

    def grant() -> Token:
        # In the body: an address ends up in the logs of every proxy on the way.
        form = {
            "grant_type": "refresh_token",
            "client_id": credentials.client_id,
            "client_secret": credentials.client_secret,
            "refresh_token": credentials.refresh_token,
        }
        url = f"{credentials.accounts_url.rstrip('/')}/oauth/v2/token"
        # Few attempts: each may count as one of the ten tokens in ten minutes.
        policy = replace(http.policy, attempts=min(3, http.policy.attempts))
        granted = http.call("POST", url, form=form, parse=_parse, judge=judge_token, credits=0, policy=policy)
        api = granted.api_domain.rstrip("/") or api_of(credentials.accounts_url)
        if not credentials.api_url and not http.hosts.permits(api):
            raise _foreign()
        return Token(
            granted.access_token, now() + granted.expires_in, {"api": api, "scope": granted.scope or ""}
        )

    file = cache / f"zoho-{credentials.digest()}.json"
    return TokenKeeper(grant, file, throttle=(THROTTLED, _LOCKED_OUT), now=now)


def _parse(reply: Reply) -> _Grant:
    try:
        return msgspec.json.decode(reply.body, type=_Grant)
    except msgspec.DecodeError as error:
        raise BadBody("it is not the JSON of a token") from error


def _foreign() -> Problem:
    return Problem(
        "the accounts server named an API address that is not Zoho's; no token was sent there",
        do="Check ZOHO_ACCOUNTS_URL; behind a proxy, set ZOHO_API_URL too",
        actor=Actor.OPERATOR,
        code="HOST_REFUSED",
    )
