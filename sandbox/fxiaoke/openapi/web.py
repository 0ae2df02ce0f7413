"""The OpenAPI as HTTP: both generations of authentication, rates, the day's calls, planted faults.

Rates are told in real seconds: a pace can only be kept by somebody who waits. Data and tokens know the company's
clock alone.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from sandbox.admin.faults import Fault, Faults
from sandbox.admin.stats import Stats
from sandbox.company.clock import local_day
from sandbox.fxiaoke.openapi import errors
from sandbox.fxiaoke.openapi.api import Api
from sandbox.fxiaoke.openapi.auth import ACCOUNT, COMPANY, Tokens
from sandbox.fxiaoke.openapi.render import OPEN
from sandbox.serving.spoiling import CutResponse

_JSON = "application/json;charset=UTF-8"
_encode = msgspec.json.Encoder().encode
TOKEN_PATHS = {"/cgi/corpAccessToken/get/V2": "legacy", "/oauth2.0/token": "oauth"}


class Web:
    """Routes of `/cgi` and `/oauth2.0`. `now` gives the sandbox's time in seconds."""

    def __init__(self, api: Api, faults: Faults, stats: Stats, now: Callable[[], int]) -> None:
        self.api, self.faults, self.stats, self.now = api, faults, stats, now
        self.tokens = {kind: Tokens(kind) for kind in ("legacy", "oauth")}
        self._granting = False
        self._recent: dict[str, deque[float]] = defaultdict(deque)
        self._today: Counter[int] = Counter()
        self._serial = 0

    def routes(self) -> list[Route]:
        """For the application."""
        tokens = [Route(path, self._token, methods=["POST"]) for path in TOKEN_PATHS]
        return [*tokens, Route("/cgi/{path:path}", self._call, methods=["POST"])]

    async def _token(self, request: Request) -> Response:
        fault = self.faults.take(request.url.path)
        if self._granting:
            return await self._reply(request, errors.too_fast(), None)
        self._granting = True
        try:
            if fault and fault.kind == "slow":
                await asyncio.sleep(fault.seconds)
            body = await _sent(request)
            if fault and fault.kind == "error_code":
                return await self._reply(request, errors.planted(fault.code), None)
            try:
                return await self._reply(request, self._granted(request, body), fault)
            except errors.Refusal as refusal:
                return await self._reply(request, refusal, fault)
        finally:
            self._granting = False

    def _granted(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        kind = TOKEN_PATHS[request.url.path]
        switches = self.api.switches
        if switches.generations not in ("both", kind):
            raise errors.planted(20014)
        if kind == "oauth" and body.get("grantType") != "app_secret":
            raise errors.bad_parameter("grantType")
        if kind == "oauth" and switches.trace and "thirdTraceId" not in request.query_params:
            raise errors.bad_parameter("thirdTraceId")
        token, life = self.tokens[kind].grant(body, self.now(), switches.tokens)
        if kind == "legacy":
            return {"corpAccessToken": token, "corpId": COMPANY, "expiresIn": life}
        return {
            "accessToken": token, "ea": ACCOUNT, "appId": body["appId"], "openUserId": COMPANY, "expiresIn": life,
        }  # fmt: skip

    async def _call(self, request: Request) -> Response:
        path, switches = request.url.path, self.api.switches
        if switches.latency:
            await asyncio.sleep(switches.latency)
        fault = self.faults.take(path)
        if fault and fault.kind == "token_revoked":
            for tokens in self.tokens.values():
                tokens.revoke()
        body = await _sent(request)
        try:
            self._counted(path)
            if fault and fault.kind == "error_code":
                raise errors.planted(fault.code)
            open_ids = self._user_of(request, body) or bool(body.get("convertUserId"))
            reply = self.api.answer(path, body, open_ids=open_ids)
            return await self._reply(request, reply, fault)
        except errors.Refusal as refusal:
            return await self._reply(request, refusal, fault)

    def _counted(self, path: str) -> None:
        """Rate and the day's calls."""
        switches, now = self.api.switches, asyncio.get_running_loop().time()
        recent = self._recent[path]
        while recent and now - recent[0] >= switches.seconds:
            recent.popleft()
        if len(recent) >= switches.calls:
            raise errors.too_fast()
        recent.append(now)
        today = local_day(self.now())
        if self._today[today] >= switches.daily:
            raise errors.day_used() if switches.daily else errors.nothing_bought()
        self._today[today] += 1

    def _user_of(self, request: Request, body: dict[str, Any]) -> bool:
        """Whether the call is of the older generation, which knows people as FSUID_…. Raises Refusal."""
        authorization = request.headers.get("authorization", "")
        kind = "oauth" if authorization else "legacy"
        token = authorization.removeprefix("Bearer ") if authorization else body.get("corpAccessToken")
        if not token:
            raise errors.no_token()
        if self.api.switches.generations not in ("both", kind):
            raise errors.planted(20014)
        company = request.headers.get("x-fs-ea") if authorization else body.get("corpId")
        if not self.tokens[kind].valid(str(token), self.now()) or company not in (ACCOUNT, COMPANY):
            raise errors.bad_token()
        if kind == "oauth" and self.api.switches.trace and "thirdTraceId" not in request.query_params:
            raise errors.bad_parameter("thirdTraceId")
        user = str(request.headers.get("x-fs-userid") if authorization else body.get("currentOpenUserId"))
        known = self.api.store.employees.values()
        if user not in ({f"{OPEN}{int(n):032X}" for n in known} if kind == "legacy" else set(known)):
            raise errors.no_user()
        return kind == "legacy"

    async def _reply(
        self, request: Request, said: dict[str, Any] | errors.Refusal, fault: Fault | None
    ) -> Response:
        self._serial += 1
        trace = f"E-O.{self._serial}"
        rows = 0
        if isinstance(said, errors.Refusal):
            body = said.body(trace)
        else:
            head = {"traceId": trace, "errorCode": 0, "errorMessage": "OK", "errorDescription": "success"}
            body = head | said
            rows = _twice(said, fault)
        self.stats.count(request.url.path, 200, rows, 0)
        return await _spoil(Response(_encode(body), media_type=_JSON), fault)


def _twice(said: dict[str, Any], fault: Fault | None) -> int:
    """Rows of a reply; a fault shows one of them a second time, or all in another order."""
    data = said.get("data")
    rows = data.get("dataList") if isinstance(data, dict) else None
    if not rows:
        return 0
    if fault and fault.kind == "duplicate_row":
        rows.insert(0, rows[0])
    if fault and fault.kind == "disorder":
        rows.reverse()
    return len(rows)


async def _sent(request: Request) -> dict[str, Any]:
    try:
        return msgspec.json.decode(await request.body() or b"{}", type=dict[str, Any])
    except msgspec.DecodeError:
        return {}


async def _spoil(response: Response, fault: Fault | None) -> Response:
    """What a planted fault does to an answer that is already made."""
    if fault is None:
        return response
    body = bytes(response.body)
    if fault.kind == "slow":
        await asyncio.sleep(fault.seconds)
    elif fault.kind == "html":
        return HTMLResponse("<html><body><h1>纷享销客</h1></body></html>")
    elif fault.kind == "redirect":
        return RedirectResponse("https://www.fxiaoke.com/", 302)
    elif fault.kind == "truncated":
        return CutResponse(body, media_type=_JSON)
    elif fault.kind == "truncated_json":
        return Response(body[: len(body) // 2], media_type=_JSON)
    return response
