"""A plain function as an HTTP endpoint."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

_encode = msgspec.json.Encoder().encode
Handler = Callable[[Mapping[str, str], dict[str, Any]], Any]


def endpoint(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """Gives the handler query and JSON body, answers its result as JSON; a ValueError is a 400 with its sentence."""

    async def answer(request: Request) -> Response:
        try:
            raw = await request.body()
            body = msgspec.json.decode(raw, type=dict[str, Any]) if raw else {}
            # Not in a thread: while the clock moves, nobody may read the tables.
            return Response(_encode(handler(request.query_params, body)), media_type="application/json")
        except (ValueError, msgspec.DecodeError) as error:
            return Response(_encode({"error": str(error)}), 400, media_type="application/json")

    return answer
