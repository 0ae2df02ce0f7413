"""Answers that break off."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response


class CutResponse(Response):
    """Promises the whole body, sends half of it and ends the connection."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send(
            {"type": "http.response.body", "body": self.body[: len(self.body) // 2], "more_body": False}
        )
