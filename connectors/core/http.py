"""One HTTP client for all sources: closed host list, no redirects, no proxies from the environment, bounded
time, bounded size, bounded retries, and every failure a sentence.

Never here: a vendor's codes (they come in as a `judge`), credentials (callers pass headers), query values
or bodies in errors.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from contextlib import closing, nullcontext
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from typing import Any, NoReturn, TypeVar
from urllib.parse import urlsplit

import requests
import tenacity
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError as TransportError
from urllib3.exceptions import NewConnectionError

from connectors.core.allowance import Allowance
from connectors.core.errors import Problem
from connectors.core.hosts import HostList
from connectors.core.limits import Limiter, Meter
from connectors.core.verdicts import (
    BAD_BODY,
    BROKEN,
    TOO_LARGE,
    TOO_SLOW,
    UNREACHABLE,
    UNTRUSTED,
    Verdict,
    by_status,
)

T = TypeVar("T")

# `read1` returns after one receive, so the deadline is looked at between receives; pieces of this size cost
# no more CPU than one `read()` of the whole body (measured 2026-11-21: 1.2 against 1.5 ms for 270 kB).
_PIECE = 1 << 18
_REQUEST_ID_HEADERS = ("X-Request-Id", "Request-Id", "X-Trace-Id")


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer read to its end, body decompressed."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def date(self) -> datetime | None:
        """The vendor's own time, where the answer tells it."""
        try:
            found = parsedate_to_datetime(self.headers.get("Date", ""))
        except ValueError:
            return None
        return found if found.tzinfo else None


Judge = Callable[[Reply], Verdict | None]
"""What is wrong with a reply; None if nothing is."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Seconds, bytes and attempts. `deadline` covers all attempts of one call with their pauses."""

    connect: float = 10.0
    read: float = 60.0
    deadline: float = 300.0
    attempts: int = 5
    first_pause: float = 0.5
    longest_pause: float = 60.0
    largest_body: int = 64 << 20


class BadBody(Exception):
    """Raised by a `parse` for a body that a second attempt may deliver whole; the text is a sentence part."""


class _Again(Exception):
    """A failed attempt that may be repeated, `after` at least so many seconds."""

    def __init__(self, problem: Problem, after: float = 0.0) -> None:
        super().__init__(problem.what)
        self.problem, self.after = problem, after


class HttpClient:
    """Thread-safe; one per organisation. `clock`, `sleep` and `rand` are for tests."""

    def __init__(
        self,
        *,
        hosts: HostList,
        limiter: Limiter,
        meter: Meter,
        allowance: Allowance | None = None,
        policy: Policy | None = None,
        threads: int = 32,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        rand: Callable[[], float] = random.random,
    ) -> None:
        self.hosts, self.policy = hosts, policy or Policy()
        self._limiter, self._meter, self._allowance = limiter, meter, allowance
        self._clock, self._sleep, self._rand = clock, sleep, rand
        self._session = _session(threads)

    def call(
        self,
        method: str,
        url: str,
        *,
        parse: Callable[[Reply], T],
        judge: Judge = lambda reply: by_status(reply.status),
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        json: Mapping[str, Any] | None = None,
        credits: int = 1,
        sub: bool = False,
        policy: Policy | None = None,
    ) -> T:
        """What `parse` makes of the reply. Raises Problem when the last attempt failed or none may follow.

        parse raises BadBody to have the call repeated. credits: what one attempt costs in the vendor's
        coin. sub: the call is of the vendor's expensive kind. policy: other times for this one call.
        """
        self.hosts.check(url)
        policy = policy or self.policy
        ends = self._clock() + policy.deadline
        where = f"{method} {urlsplit(url).path}"
        request = {
            "method": method, "url": url, "params": params, "headers": headers, "data": form, "json": json,
        }  # fmt: skip

        def attempt() -> T:
            with self._limiter.slot(sub=sub):
                reply = self._paid(credits, request, policy, ends, where)
            if verdict := judge(reply):
                raise _failed(verdict, reply, where)
            try:
                return parse(reply)
            except BadBody as bad:
                raise _Again(BAD_BODY.problem(where, detail=str(bad), request_id=_request_id(reply))) from bad

        return tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_Again),
            stop=lambda state: (
                state.attempt_number >= policy.attempts or self._clock() + state.upcoming_sleep >= ends
            ),
            wait=lambda state: self._pause(state, policy),
            sleep=self._sleep,
            retry_error_callback=_give_up,
        )(attempt)

    def close(self) -> None:
        """Give back the connections."""
        self._session.close()

    def _paid(
        self, credits: int, request: Mapping[str, Any], policy: Policy, ends: float, where: str
    ) -> Reply:
        spending = self._allowance.spending(credits, where) if self._allowance else nullcontext(None)
        with spending as hear:
            self._meter.add(calls=1, credits=credits)
            reply = self._exchange(request, policy, ends, where)
            if hear:
                hear(reply.headers)
            return reply

    def _exchange(self, request: Mapping[str, Any], policy: Policy, ends: float, where: str) -> Reply:
        left = max(0.001, ends - self._clock())
        timeout = (min(policy.connect, left), min(policy.read, left))
        try:
            with closing(
                self._session.request(**request, stream=True, allow_redirects=False, timeout=timeout)
            ) as response:
                body = self._drain(response, policy, ends, where)
                return Reply(response.status_code, response.headers, body)
        except requests.exceptions.SSLError as error:
            raise UNTRUSTED.problem(where) from error
        except (requests.exceptions.RequestException, TransportError) as error:
            raise _Again(_broken(error, where)) from error

    def _drain(self, response: requests.Response, policy: Policy, ends: float, where: str) -> bytes:
        # urllib3 raises IncompleteRead when the body is shorter than its Content-Length or its last chunk.
        pieces: list[bytes] = []
        size = 0
        while piece := response.raw.read1(_PIECE, decode_content=True):
            pieces.append(piece)
            size += len(piece)
            if size > policy.largest_body:
                raise TOO_LARGE.problem(where, detail=f"more than {policy.largest_body} bytes")
            # A body that drips never trips the read timeout.
            if self._clock() > ends:
                raise _Again(TOO_SLOW.problem(where, detail=f"{policy.deadline:g} seconds"))
        self._meter.add(size=size)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _pause(self, state: tenacity.RetryCallState, policy: Policy) -> float:
        again = state.outcome.exception() if state.outcome else None
        after = again.after if isinstance(again, _Again) else 0.0
        grown = min(policy.longest_pause, policy.first_pause * 2 ** (state.attempt_number - 1))
        return max(after, self._jittered(grown))

    def _jittered(self, seconds: float) -> float:
        # Between half and all of it: many threads that failed together must not come back together.
        return seconds * (0.5 + self._rand() / 2)


def _session(threads: int) -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # no proxy, no .netrc, no certificate bundle that the environment names
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers.update({"User-Agent": "crm-warehouse", "Accept-Encoding": "gzip, deflate"})
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(pool_connections=8, pool_maxsize=threads))
    return session


def _give_up(state: tenacity.RetryCallState) -> NoReturn:
    again = state.outcome.exception() if state.outcome else None
    if not isinstance(again, _Again):
        raise RuntimeError("retried something that is not ours") from again
    raise again.problem from again.__cause__


def _failed(verdict: Verdict, reply: Reply, where: str) -> Exception:
    place = f"{where}, HTTP {reply.status}"
    problem = verdict.problem(place, request_id=_request_id(reply), code=str(reply.status))
    return _Again(problem, _retry_after(reply.headers)) if verdict.retry else problem


def _request_id(reply: Reply) -> str:
    found = next((reply.headers[name] for name in _REQUEST_ID_HEADERS if name in reply.headers), "")
    return found[:80] if found.isprintable() else ""


def _retry_after(headers: Mapping[str, str]) -> float:
    """Seconds the server asks for; 0 if it does not say. Both forms of RFC 9110 §10.2.3."""
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except ValueError:
        return 0.0


def _broken(error: Exception, where: str) -> Problem:
    # The library's own text holds the address with its query, so only the kind of the error is told.
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    unreachable = isinstance(error, requests.exceptions.ConnectTimeout)
    verdict = UNREACHABLE if unreachable or isinstance(reason, NewConnectionError) else BROKEN
    return verdict.problem(where, detail=type(reason or error).__name__)
