"""Calls of Fxiaoke's OpenAPI with the shared token. Every call is a POST, and none of ours writes."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from connectors.core.errors import Problem
from connectors.core.http import HttpClient, Policy, Reply
from connectors.core.tokens import Token, TokenKeeper
from connectors.fxiaoke.api.auth import LEGACY, Credentials, dressed
from connectors.fxiaoke.api.errors import STALE_TOKEN, STOPS, judge

T = TypeVar("T")

LIST, DESCRIBE = "/cgi/crm/v2/object/list", "/cgi/crm/v2/object/describe"
QUERY, CUSTOM_QUERY = "/cgi/crm/v2/data/query", "/cgi/crm/custom/v2/data/query"
# A refused rate is over after 20 seconds, whoever used it up.
POLICY = Policy(attempts=7, first_pause=1.0, longest_pause=20.0)


class Api:
    """Thread-safe. client: the HTTP client of an endpoint, which keeps its pace."""

    def __init__(
        self, client: Callable[[str], HttpClient], tokens: TokenKeeper, credentials: Credentials
    ) -> None:
        self._client, self._tokens, self._credentials = client, tokens, credentials
        self._lock = threading.Lock()
        self._stopped: Problem | None = None
        self.clock: datetime | None = None  # Fxiaoke's own time: the Date of its last answer

    @property
    def legacy(self) -> bool:
        """Whether calls are of the older generation, which has other forms of some bodies."""
        return self._credentials.generation == LEGACY

    def by_now(self, moment: datetime) -> bool:
        """Whether a moment is no later than Fxiaoke's own time; our own clock may be wrong, and is not asked."""
        return self.clock is None or moment <= self.clock

    def post(self, path: str, body: Mapping[str, Any], parse: Callable[[bytes], T]) -> T:
        """What `parse` makes of the body of a success. Raises Problem; parse raises BadBody to try again."""
        token = self._tokens.current()
        try:
            return self._call(token, path, body, parse)
        except Problem as problem:
            if problem.code not in STALE_TOKEN:
                raise
        return self._call(self._tokens.renewed(token.value), path, body, parse)

    def _call(self, token: Token, path: str, body: Mapping[str, Any], parse: Callable[[bytes], T]) -> T:
        with self._lock:
            if self._stopped:
                raise copy.copy(self._stopped)  # a copy: each caller adds its own stream
        sent = dressed(self._credentials, token, body)

        def heard(reply: Reply) -> T:
            self.clock = reply.date or self.clock
            return parse(reply.body)

        try:
            return self._client(path).call(
                "POST",
                self._credentials.base_url + path,
                params=sent.params,
                headers=sent.headers,
                json=sent.body,
                parse=heard,
                judge=judge,
            )
        except Problem as problem:
            if problem.code in STOPS:
                with self._lock:
                    self._stopped = copy.copy(problem)
            raise


def query_path(api_name: str) -> str:
    """Where records of an object are asked for: the tenant's own objects have an address of their own."""
    return CUSTOM_QUERY if api_name.endswith("__c") else QUERY
