"""Calls of Zoho CRM's REST API v8 with the shared token. Nothing here writes: POST asks (COQL, Bulk Read).

https://www.zoho.com/crm/developer/docs/api/v8/
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from connectors.core.errors import Problem
from connectors.core.http import HttpClient, Policy, Reply
from connectors.core.tokens import Token, TokenKeeper
from connectors.zoho.errors import STALE_TOKEN, judge
from connectors.zoho.scopes import SCOPES, needed_for

T = TypeVar("T")

VERSION = "/crm/v8/"


class Api:
    """Thread-safe. api_url "" means: where the token reply says."""

    def __init__(self, http: HttpClient, tokens: TokenKeeper, api_url: str = "") -> None:
        self._http, self._tokens, self._api_url = http, tokens, api_url.rstrip("/")
        self.clock: datetime | None = None  # Zoho's own time: the Date of its last answer

    def get(
        self,
        path: str,
        params: Mapping[str, str],
        parse: Callable[[bytes], T],
        *,
        since: datetime | None = None,
        credits: int = 1,
        sub: bool = False,
    ) -> T | None:
        """What `parse` makes of the body; None where Zoho says there is nothing (204, 304).

        path: below /crm/v8/. since: If-Modified-Since. credits: what the call costs. sub: it is of the
        kind that Zoho counts in its sub-concurrency. Raises Problem; parse raises BadBody to try again.
        """

        headers = {} if since is None else {"If-Modified-Since": http_stamp(since)}
        return self._ask(
            "GET",
            VERSION + path,
            unless_empty(parse),
            params=params,
            headers=headers,
            credits=credits,
            sub=sub,
        )

    def get_at(
        self, path: str, parse: Callable[[bytes], T], *, policy: Policy | None = None, credits: int = 1
    ) -> T | None:
        """Like `get`, with a path from the root of the API's host."""
        return self._ask("GET", path, unless_empty(parse), policy=policy, credits=credits)

    def post(
        self,
        path: str,
        body: Mapping[str, Any],
        parse: Callable[[bytes], T],
        *,
        credits: int = 1,
        sub: bool = False,
    ) -> T | None:
        """Like `get`, with a JSON body. path: from the root of the API's host, such as /crm/v8/coql."""
        return self._ask("POST", path, unless_empty(parse), json=body, credits=credits, sub=sub)

    def refusal(self, path: str) -> Problem | None:
        """What Zoho says against a GET of this path from the root of the API's host; None if nothing. 1 credit."""
        try:
            self._ask("GET", path, lambda reply: None)
        except Problem as problem:
            return problem
        return None

    def granted(self) -> list[str]:
        """The scopes that Zoho named when it gave the token; none where it did not say. Raises Problem."""
        return self._tokens.current().facts.get("scope", "").replace(",", " ").split()

    def by_now(self, moment: datetime) -> datetime:
        """The moment, or Zoho's own time where that is earlier: a stamp in the future says nothing of what is done
        until then; and our own clock may be wrong."""
        return min(moment, self.clock) if self.clock else moment

    def _ask(
        self, method: str, path: str, parse: Callable[[Reply], T], *, headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> T:  # fmt: skip
        def heard(reply: Reply) -> T:
            self.clock = reply.date or self.clock
            return parse(reply)

        def call(token: Token) -> T:
            own = {"Authorization": f"Zoho-oauthtoken {token.value}", **(headers or {})}
            url = (self._api_url or token.facts["api"]) + path
            try:
                return self._http.call(method, url, headers=own, parse=heard, judge=judge, **options)
            except Problem as problem:
                _scoped(problem, path)
                raise

        token = self._tokens.current()
        try:
            return call(token)
        except Problem as problem:
            if problem.code not in STALE_TOKEN:
                raise
        return call(self._tokens.renewed(token.value))


def _scoped(problem: Problem, path: str) -> None:
    """A missing scope is the one that this path needs."""
    if problem.code == "OAUTH_SCOPE_MISMATCH" and (scope := needed_for(path)):
        problem.what = f"the refresh token was created without the scope {scope}"
        problem.do = f"Create a new refresh token with {scope} beside the others, best all of {SCOPES}"


def unless_empty(parse: Callable[[bytes], T]) -> Callable[[Reply], T | None]:
    """A parser of replies that gives None where Zoho says that there is nothing."""
    return lambda reply: None if reply.status in (204, 304) else parse(reply.body)


def http_stamp(moment: datetime) -> str:
    """Zoho's form of If-Modified-Since: ISO 8601 with offset, cut (never rounded up) to the second."""
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone is ambiguous")
    return moment.astimezone(UTC).isoformat(timespec="seconds")
