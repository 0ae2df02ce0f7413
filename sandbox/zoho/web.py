"""The Zoho API as HTTP: tokens, credits, planted faults and the shape of answers around `Api`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from sandbox.admin.faults import Fault, Faults
from sandbox.admin.stats import Stats
from sandbox.serving.spoiling import CutResponse
from sandbox.zoho import errors
from sandbox.zoho.api import Api
from sandbox.zoho.auth import THROTTLED, Tokens
from sandbox.zoho.bulk import BulkRead
from sandbox.zoho.call import Attachment, Call, Reply
from sandbox.zoho.scopes import EVERY, covered, needed

_JSON = "application/json;charset=UTF-8"
_encode = msgspec.json.Encoder().encode
# Faults that are an ordinary refusal of Zoho's.
_REFUSALS = {
    "http_500": errors.internal_error,
    "429": errors.too_many_requests,
    "scope_mismatch": errors.scope_mismatch,
    "no_permission": errors.no_permission,
}


class Web:
    """Routes of `/crm` and `/oauth/v2`. `now` gives the sandbox's time in seconds."""

    def __init__(
        self, api: Api, bulk: BulkRead, faults: Faults, stats: Stats, now: Callable[[], int]
    ) -> None:
        self.api, self.bulk, self.faults, self.stats, self.now = api, bulk, faults, stats, now
        self.tokens = Tokens()
        self._under_way = self._sub_under_way = 0

    def routes(self) -> list[Route]:
        """For the application."""
        return [
            Route("/oauth/v2/token", self._token, methods=["POST"]),
            Route("/oauth/v2/token/revoke", self._revoke, methods=["POST"]),
            Route("/crm/v8/{path:path}", self._crm, methods=["GET", "POST"]),
            Route("/crm/bulk/v8/{path:path}", self._crm, methods=["GET", "POST"]),
        ]

    async def _token(self, request: Request) -> Response:
        form = {**request.query_params, **dict(parse_qsl((await request.body()).decode("utf-8", "replace")))}
        fault = self.faults.take(request.url.path)
        body: dict[str, Any]
        if fault and fault.kind == "refresh_revoked":
            body = {"error": "invalid_code"}
        elif fault and fault.kind == "token_throttled":
            body = THROTTLED
        else:
            switches, base = self.api.switches, str(request.base_url).rstrip("/")
            body = self.tokens.answer(form, self.now(), base, switches.tokens)
            if "access_token" in body and switches.scope_told:
                body["scope"] = " ".join(self._scopes())
        response = Response(_encode(body), media_type=_JSON)
        self.stats.count(request.url.path, 200, 0, 0)
        return await _spoil(response, fault)

    async def _revoke(self, request: Request) -> Response:
        self.tokens.revoke()
        self.stats.count(request.url.path, 200, 0, 0)
        return Response(_encode({"status": "success"}), media_type=_JSON)

    async def _crm(self, request: Request) -> Response:
        """One request; those under way at once are counted, over all and for the dear ones apart."""
        path, switches = request.url.path, self.api.switches
        sub = path.endswith("/coql") or not {"sort_by", "cvid"}.isdisjoint(request.query_params)
        if self._under_way >= switches.concurrency or (
            sub and self._sub_under_way >= switches.sub_concurrency
        ):
            self.stats.count(path, 429, 0, 0)
            return Response(_encode(errors.too_many_requests().body()), 429, media_type=_JSON)
        self._under_way += 1
        self._sub_under_way += sub
        try:
            if switches.latency:
                await asyncio.sleep(switches.latency)
            return await self._answered(request, path)
        finally:
            self._under_way -= 1
            self._sub_under_way -= sub

    async def _answered(self, request: Request, path: str) -> Response:
        fault = self.faults.take(path)
        if fault and fault.kind == "token_revoked":
            self.tokens.revoke()
        sent = await request.body()
        try:
            reply = self._reply(request, sent, fault)
        except errors.Refusal as refusal:
            reply = Reply(refusal.status, refusal.body())
        if fault and fault.kind == "count_lie" and isinstance(reply.body, dict) and "info" in reply.body:
            reply.body["info"]["count"] += 1
        self.stats.count(path, reply.status, _rows(reply.body), reply.credits if reply.status < 400 else 0)
        headers = self.stats.header()
        if reply.body is None:
            return await _spoil(Response(status_code=reply.status, headers=headers), fault)
        if isinstance(reply.body, Attachment):
            headers["Content-Disposition"] = f"attachment;filename*=UTF-8''{reply.body.name}"
            content, media = reply.body.content, reply.body.media_type
        else:
            content, media = _encode(reply.body), _JSON
        return await _spoil(Response(content, reply.status, headers=headers, media_type=media), fault)

    def _scopes(self) -> Sequence[str]:
        return self.api.switches.scopes or EVERY

    def _reply(self, request: Request, sent: bytes, fault: Fault | None) -> Reply:
        headers = request.headers
        if not self.tokens.valid(headers.get("authorization", ""), self.now()):
            raise errors.invalid_token()
        if fault and fault.kind in _REFUSALS:
            raise _REFUSALS[fault.kind]()
        path = tuple(part for part in request.path_params["path"].split("/") if part)
        bulk = request.url.path.startswith("/crm/bulk/")
        if not covered(self._scopes(), *needed(path, bulk=bulk)):
            raise errors.scope_mismatch()
        if self.stats.exhausted():
            raise errors.too_many_requests()
        if fault and fault.kind == "page_token_expired" and "page_token" in request.query_params:
            raise errors.token_expired()
        call = Call(path, request.query_params, headers, self.now(), request.method, sent)
        if not bulk:
            return self.api.answer(call)
        if fault and fault.kind == "bulk_failure":
            self.bulk.fail(path[-1])
        return self.bulk.answer(call)


def _rows(body: Any) -> int:
    """Rows in an answer, for the statistics."""
    lists = [value for value in body.values() if isinstance(value, list)] if isinstance(body, dict) else []
    return sum(map(len, lists))


async def _spoil(response: Response, fault: Fault | None) -> Response:
    """What a planted fault does to an answer that is already made."""
    if fault is None:
        return response
    if fault.kind == "slow":
        await asyncio.sleep(fault.seconds)
    elif fault.kind == "html":
        return HTMLResponse("<html><body><h1>Service temporarily unavailable</h1></body></html>")
    elif fault.kind == "truncated":
        return CutResponse(bytes(response.body), response.status_code, media_type=_JSON)
    elif fault.kind == "truncated_json":
        return Response(
            bytes(response.body)[: len(response.body) // 2], response.status_code, media_type=_JSON
        )
    return response
