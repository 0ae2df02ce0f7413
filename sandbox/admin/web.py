"""`/__sandbox__/…`: clock, faults, statistics, switches and exports over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from starlette.routing import Route

from sandbox.admin.faults import Fault
from sandbox.admin.state import remember
from sandbox.admin.switches import Switches
from sandbox.company.clock import DAY, office_iso, parse
from sandbox.company.world import World
from sandbox.fxiaoke.exports import Export, write_exports
from sandbox.fxiaoke.openapi.switches import Switches as FxiaokeSwitches
from sandbox.inputs.files import write_inputs
from sandbox.serving.json_http import Handler, endpoint
from sandbox.zoho.web import Web

Query = Mapping[str, str]
Body = dict[str, Any]


class Admin:
    """Routes that no CRM has. `moved` is called after the clock moved, `refounded` after the company was lived through
    anew; `state` remembers the clock."""

    def __init__(
        self,
        world: World,
        moved: Callable[[], None],
        refounded: Callable[[], None],
        web: Web,
        switches: Switches,
        fxiaoke: FxiaokeSwitches,
        state: Path | None,
    ) -> None:
        self._world, self._moved, self._web, self._switches, self._state = world, moved, web, switches, state
        self._fxiaoke, self._refounded = fxiaoke, refounded

    def routes(self) -> list[Route]:
        """For the application."""
        handlers: dict[str, tuple[str, Handler]] = {
            "clock": ("GET", self._clock),
            "advance": ("POST", self._advance),
            "act": ("POST", self._act),
            "exports": ("POST", self._exports),
            "inputs": ("POST", self._inputs),
            "faults": ("POST", self._plant),
            "faults/clear": ("POST", self._clear),
            "stats": ("GET", self._stats),
            "stats/reset": ("POST", self._reset),
            "settings": ("POST", self._settings),
        }
        return [
            Route(f"/__sandbox__/{name}", endpoint(handler), methods=[method])
            for name, (method, handler) in handlers.items()
        ]

    def _clock(self, query: Query, body: Body) -> Any:
        world = self._world
        return {
            "clock": office_iso(world.clock),
            "seed": world.seed,
            "size": world.size,
            "events": len(world.log),
        }

    def _advance(self, query: Query, body: Body) -> Any:
        """days, or seconds for a small step (which frees no credits)."""
        unit = "seconds" if "seconds" in body else "days"
        count, most = body.get(unit), 86_400 if unit == "seconds" else 3660
        if type(count) is not int or not 1 <= count <= most:
            raise ValueError(f"{unit} must be a whole number from 1 to {most}")
        events = self._world.run(self._world.clock + count * (DAY if unit == "days" else 1))
        self._moved()
        if unit == "days":
            self._web.stats.spent = 0  # the credits of the last 24 hours
        if self._state:
            remember(self._state, self._world)
        return {"clock": office_iso(self._world.clock), "events": events}

    def _act(self, query: Query, body: Body) -> Any:
        """act, entity and what it takes (`company/acts.py`), and `crm` where it is not zoho."""
        if self._state:
            raise ValueError("a sandbox with --state cannot act: a restart would not know of it")
        if not {"act", "entity"} <= set(body):
            raise ValueError("an act needs `act` and `entity`")
        crm, rest = body.get("crm", "zoho"), {name: value for name, value in body.items() if name != "crm"}
        if crm not in self._world.acts:
            raise ValueError(f"crm {crm!r} is none of {', '.join(self._world.acts)}")
        id = self._world.acts[crm].do(**rest)
        self._moved()
        return {"id": id, "clock": office_iso(self._world.clock)}

    def _exports(self, query: Query, body: Body) -> Any:
        at = self._moment_of(body)
        options = Export(**{name: body[name] for name in ("format", "ids", "layout", "pack") if name in body})
        return {
            "files": [str(path) for path in write_exports(self._world.log, at, Path(body["dir"]), options)]
        }

    def _inputs(self, query: Query, body: Body) -> Any:
        at = self._moment_of(body)
        return {"files": [str(path) for path in write_inputs(self._world.log, at, Path(body["dir"]))]}

    def _moment_of(self, body: Body) -> int:
        at = parse(body["at"]) if "at" in body else self._world.clock
        if at > self._world.clock or not body.get("dir"):
            raise ValueError("files need a dir, and an `at` that is not in the future")
        return at

    def _plant(self, query: Query, body: Body) -> Any:
        try:
            fault = Fault(**body)
        except TypeError as error:
            raise ValueError(f"a fault takes kind, times, path, skip, seconds and code: {error}") from error
        self._web.faults.plant(fault)
        return {"planted": self._web.faults.left()}

    def _clear(self, query: Query, body: Body) -> Any:
        self._web.faults.clear()
        return {"planted": 0}

    def _stats(self, query: Query, body: Body) -> Any:
        return self._web.stats.report() | {"faults_left": self._web.faults.left()}

    def _reset(self, query: Query, body: Body) -> Any:
        self._web.stats.reset()
        return self._stats(query, body)

    def _settings(self, query: Query, body: Body) -> Any:
        """credits: the budget of 24 hours (also forgets what was spent); fxiaoke: `fxiaoke/openapi/switches.py`;
        the rest: `admin/switches.py`."""
        rest = {name: value for name, value in body.items() if name not in ("credits", "fxiaoke")}
        self._switches.turn(rest)
        if self._switches.ledger is not self._world.books:
            self._world.refound(books=self._switches.ledger)
            self._refounded()
        self._fxiaoke.turn({**body.get("fxiaoke", {}), "ledger": self._switches.ledger})
        if "credits" in body:
            self._web.stats.budget, self._web.stats.spent = int(body["credits"]), 0
        own = {"credits": self._web.stats.budget, "fxiaoke": asdict(self._fxiaoke)}
        return own | asdict(self._switches)
