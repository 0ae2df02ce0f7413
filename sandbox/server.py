"""The sandbox as one web application: the CRMs' own URLs, and `/__sandbox__` for whoever tests against it."""

from __future__ import annotations

import signal
import socket
import sys
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware

from sandbox.admin.faults import Faults
from sandbox.admin.stats import Stats
from sandbox.admin.switches import Switches
from sandbox.admin.web import Admin
from sandbox.company.world import World
from sandbox.fxiaoke.openapi.api import Api as OpenApi
from sandbox.fxiaoke.openapi.store import Store as Tenant
from sandbox.fxiaoke.openapi.switches import Switches as OpenSwitches
from sandbox.fxiaoke.openapi.web import Web as OpenWeb
from sandbox.serving.dated import Dated
from sandbox.truth.web import Truth
from sandbox.zoho.api import Api
from sandbox.zoho.bulk import BulkRead
from sandbox.zoho.store import Store
from sandbox.zoho.views import Views
from sandbox.zoho.web import Web

CREDITS = 5_000_000  # of 24 hours; a test may lower them


def application(world: World, state: Path | None = None, *, extras: bool = False) -> Starlette:
    """The application around a company; `state` is the file that remembers the clock, `extras` a switch."""
    switches = Switches(extras=extras, ledger=world.books)
    store, faults, stats, views = Store(world.log, switches), Faults(), Stats(CREDITS), Views()
    api, bulk = Api(store, switches, views), BulkRead(store, switches, views)
    web = Web(api, bulk, faults, stats, lambda: world.clock)
    turned = OpenSwitches(ledger=world.books)
    tenant = Tenant(world.log, turned)
    fxiaoke = OpenWeb(OpenApi(tenant, turned), faults, stats, lambda: world.clock)

    def moved() -> None:
        store.catch_up()
        tenant.catch_up()

    def refounded() -> None:
        store.restart()
        tenant.restart()
        views.forget()

    admin = Admin(world, moved, refounded, web, switches, turned, state)
    truth = Truth(world.log, lambda: world.clock)
    dated = Middleware(Dated, now=lambda: world.clock)
    return Starlette(
        routes=[*web.routes(), *fxiaoke.routes(), *admin.routes(), *truth.routes()], middleware=[dated]
    )


def serve(app: Starlette, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT; port 0 takes a free one. Prints one line when ready."""
    listener = socket.create_server((host, port), backlog=128)
    # uvicorn ends gracefully and then raises the signal again; whoever stopped us asked for no more than that.
    for end in (signal.SIGTERM, signal.SIGINT):
        signal.signal(end, lambda *_: sys.exit(0))
    config = uvicorn.Config(
        app, log_level="error", access_log=False, lifespan="off", timeout_graceful_shutdown=2,
        date_header=False,  # `Dated` tells the company's time
    )  # fmt: skip
    server = uvicorn.Server(config)
    # The socket listens already: a client may connect now and will be answered as soon as the loop runs.
    print(f"sandbox ready on http://{host}:{listener.getsockname()[1]}", flush=True)
    server.run(sockets=[listener])
