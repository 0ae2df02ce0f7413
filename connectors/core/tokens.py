"""One access token for all threads and all processes of this machine that use the same credentials.

Vendors count tokens and punish minting (Zoho: ten in ten minutes, then a lock-out), so a token is kept in a
private file, fetched by one thread of one process while the others wait, and never fetched in a loop.
"""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from filelock import FileLock, Timeout

from connectors.core.errors import Actor, Problem
from connectors.core.private import write_private

_EARLY = 300.0  # seconds: a token this close to its end is not handed out; a slow call must outlive it
_FAILURE_LASTS = 60.0  # seconds: while it does, nobody asks again with credentials that were just refused
_LOCK_WAIT = 120.0  # seconds: longer than any grant takes


@dataclass(frozen=True, slots=True)
class Token:
    """An access token. expires_at: seconds since 1970. facts: what came with it (Zoho's api_domain)."""

    value: str = field(repr=False)
    expires_at: float
    facts: Mapping[str, str] = field(default_factory=dict)


class _Refusal(msgspec.Struct):
    """A grant that the vendor refused for a time, as told; never what was sent."""

    until: float
    what: str
    do: str
    actor: Actor
    where: str
    code: str


class _Past(msgspec.Struct):
    """What all processes have asked for with these credentials. grants: seconds since 1970."""

    grants: list[float] = msgspec.field(default_factory=list)
    refusal: _Refusal | None = None


class TokenKeeper:
    """Hands out the shared token. Thread-safe.

    grant: fetches a new one; raises Problem. file: where it is kept (0600); its name must change with the
    credentials. budget: (grants, seconds) all processes together may make before they stop and say so. throttle:
    (codes, seconds): refusals after which no process asks again for so long; `do` of such a Problem must end so
    that "after 2026-11-22 05:40 UTC" can follow.
    """

    def __init__(
        self,
        grant: Callable[[], Token],
        file: Path,
        *,
        budget: tuple[int, float] = (5, 600.0),
        throttle: tuple[frozenset[str], float] = (frozenset(), 0.0),
        now: Callable[[], float] = time.time,
    ) -> None:
        self._grant, self._file, self._now = grant, file, now
        self._budget, self._throttle = budget, throttle
        self._lock = threading.Lock()
        self._token: Token | None = None
        self._failed: tuple[float, Problem] | None = None

    def current(self) -> Token:
        """A token that is good for some minutes. Raises Problem."""
        token = self._token
        if token is not None and self._fresh(token):
            return token
        return self.renewed(stale="")

    def renewed(self, stale: str) -> Token:
        """A token other than `stale`, which the vendor refused; the first caller fetches it for all."""
        with self._lock:
            if self._usable(self._token, stale):
                return self._token
            with self._other_processes():
                kept = self._load()
                if self._usable(kept, stale):
                    self._token = kept
                    return kept
                self._token = self._granted()
                write_private(self._file, self._token)
                return self._token

    def _usable(self, token: Token | None, stale: str) -> bool:
        return token is not None and token.value != stale and self._fresh(token)

    def _fresh(self, token: Token) -> bool:
        return token.expires_at - _EARLY > self._now()

    def _granted(self) -> Token:
        now = self._now()
        if self._failed and now - self._failed[0] < _FAILURE_LASTS:
            raise copy.copy(self._failed[1])  # a copy: each caller adds its own stream
        most, seconds = self._budget
        codes, lasts = self._throttle
        past = self._past()
        # A refusal from beyond its own length was written before the clock was set back.
        if past.refusal and past.refusal.until - lasts <= now < past.refusal.until:
            raise _again(past.refusal)
        past.grants = [moment for moment in past.grants if now - seconds < moment <= now]
        if len(past.grants) >= most:
            raise Problem(
                f"{most} access tokens were fetched and refused within {seconds / 60:g} minutes",
                do="Check that the accounts and API addresses belong together, then run again "
                f"{_after(past.grants[-most] + seconds)}",
                actor=Actor.OPERATOR,
                code="TOKENS_REFUSED",
                transient=True,
            )
        past.grants.append(now)
        past.refusal = None
        try:
            return self._grant()
        except Problem as problem:
            if problem.code in codes:
                until = self._now() + lasts
                problem.do = f"{problem.do} {_after(until)}"
                told = (problem.what, problem.do, problem.actor, problem.where, problem.code)
                past.refusal = _Refusal(until, *told)
            self._failed = (self._now(), copy.copy(problem))
            raise
        finally:
            write_private(self._file.with_suffix(".past"), past)

    @contextmanager
    def _other_processes(self) -> Iterator[None]:
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = FileLock(self._file.with_suffix(".lock"), timeout=_LOCK_WAIT, mode=0o600)
        try:
            lock.acquire()
        except Timeout as error:
            raise Problem(
                "another process has been fetching an access token for two minutes",
                do="End hanging crm-warehouse processes, then run again",
                actor=Actor.OPERATOR,
                code="TOKEN_LOCK",
                transient=True,
            ) from error
        try:
            yield
        finally:
            lock.release()

    def _load(self) -> Token | None:
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=Token)
        except (FileNotFoundError, msgspec.DecodeError):
            return None  # never written, or written by another version: a new token replaces it

    def _past(self) -> _Past:
        try:
            return msgspec.json.decode(self._file.with_suffix(".past").read_bytes(), type=_Past)
        except (FileNotFoundError, msgspec.DecodeError):
            return _Past()


def _after(moment: float) -> str:
    """The first whole minute from a moment on; in UTC, as the machines that share a token may differ."""
    minute = datetime.fromtimestamp(-(-moment // 60) * 60, UTC)
    return f"after {minute:%Y-%m-%d %H:%M} UTC"


def _again(refusal: _Refusal) -> Problem:
    return Problem(
        refusal.what,
        do=refusal.do,
        actor=refusal.actor,
        where=refusal.where,
        code=refusal.code,
        transient=True,
    )
