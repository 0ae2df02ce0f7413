"""`/__sandbox__/…`: clock, faults, statistics, switches, truth and exports over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.admin.faults import Fault
from sandbox.admin.state import remember
from sandbox.company.clock import office_iso
from sandbox.company.world import World
from sandbox.zoho.web import Web

_encode = msgspec.json.Encoder().encode


class Admin:
    """Routes that no CRM has. `moved` is called after the clock moved."""

    def __init__(self, world: World, moved: Callable[[], None], web: Web, state: Path | None) -> None:
        self._world, self._moved, self._web, self._state = world, moved, web, state

    def routes(self) -> list[Route]:
        """For the application."""
        handlers: dict[str, tuple[str, Callable[[Request, dict[str, Any]], Any]]] = {
            "clock": ("GET", self._clock),
            "advance": ("POST", self._advance),
            "faults": ("POST", self._plant),
            "faults/clear": ("POST", self._clear),
            "stats": ("GET", self._stats),
            "stats/reset": ("POST", self._reset),
            "settings": ("POST", self._settings),
        }
        return [
            Route(f"/__sandbox__/{name}", _endpoint(handler), methods=[method])
            for name, (method, handler) in handlers.items()
        ]

    def _clock(self, request: Request, body: dict[str, Any]) -> Any:
        world = self._world
        return {
            "clock": office_iso(world.clock),
            "seed": world.seed,
            "size": world.size,
            "events": len(world.log),
        }

    def _advance(self, request: Request, body: dict[str, Any]) -> Any:
        days = body.get("days")
        if not isinstance(days, int) or not 1 <= days <= 3660:
            raise ValueError("days must be a whole number from 1 to 3660")
        events = self._world.advance(days)
        self._moved()
        self._web.stats.spent = 0  # the credits of the last 24 hours
        if self._state:
            remember(self._state, self._world)
        return {"clock": office_iso(self._world.clock), "events": events}

    def _plant(self, request: Request, body: dict[str, Any]) -> Any:
        try:
            fault = Fault(**body)
        except TypeError as error:
            raise ValueError(f"a fault takes kind, times, path, skip and seconds: {error}") from error
        self._web.faults.plant(fault)
        return {"planted": self._web.faults.left()}

    def _clear(self, request: Request, body: dict[str, Any]) -> Any:
        self._web.faults.clear()
        return {"planted": 0}

    def _stats(self, request: Request, body: dict[str, Any]) -> Any:
        return self._web.stats.report() | {"faults_left": self._web.faults.left()}

    def _reset(self, request: Request, body: dict[str, Any]) -> Any:
        self._web.stats.reset()
        return self._stats(request, body)

    def _settings(self, request: Request, body: dict[str, Any]) -> Any:
        """credits: the budget of 24 hours (also forgets what was spent); exclusive_since: leave out equal stamps."""
        if unknown := set(body) - {"credits", "exclusive_since"}:
            raise ValueError(f"unknown settings {sorted(unknown)}; there are credits and exclusive_since")
        if "credits" in body:
            self._web.stats.budget, self._web.stats.spent = int(body["credits"]), 0
        if "exclusive_since" in body:
            self._web.api.exclusive_since = bool(body["exclusive_since"])
        return {"credits": self._web.stats.budget, "exclusive_since": self._web.api.exclusive_since}


def _endpoint(handler: Callable[[Request, dict[str, Any]], Any]) -> Callable[[Request], Any]:
    """A handler as an HTTP endpoint: JSON in, JSON out, a ValueError is a 400 with its sentence."""

    async def endpoint(request: Request) -> Response:
        try:
            raw = await request.body()
            body = msgspec.json.decode(raw, type=dict[str, Any]) if raw else {}
            return Response(_encode(handler(request, body)), media_type="application/json")
        except (ValueError, msgspec.DecodeError) as error:
            return Response(_encode({"error": str(error)}), 400, media_type="application/json")

    return endpoint
