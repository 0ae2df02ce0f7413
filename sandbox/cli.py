"""`python -m sandbox`: serve the company, move its clock, write its exports.

argparse rather than typer: the tests start this many times, and typer alone costs a third of a second.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sandbox.company.clock import OPENING, parse
from sandbox.company.world import World


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; 0 done, 1 failed, 2 wrong use."""
    options = _parser().parse_args(arguments)
    try:
        return options.run(options)
    except (ValueError, OSError) as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sandbox", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    serve = commands.add_parser("serve", help="serve the company over HTTP until it is stopped")
    serve.add_argument("--port", type=int, default=0, help="0 takes a free port")
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--state", type=Path, help="a file that remembers the clock between runs")
    serve.add_argument("--extras", action="store_true", help="with the modules beside the core (README)")
    _company(serve)
    serve.set_defaults(run=_serve)
    advance = commands.add_parser("advance", help="let days pass in a sandbox that is being served")
    advance.add_argument("--days", type=int, default=1)
    advance.add_argument("--url", required=True, help="what `serve` printed")
    advance.set_defaults(run=_advance)
    exports = commands.add_parser("exports", help="write Fxiaoke's export files into a folder")
    exports.add_argument("dir", type=Path)
    exports.add_argument(
        "--url", help="of a served sandbox; its company and clock, not --seed, --size and --at"
    )
    exports.add_argument(
        "--format", default="xlsx", help="xlsx, xls, xlsb, csv (with BOM), csv-plain or csv-gb18030"
    )
    exports.add_argument("--ids", default="all", help="all, own or none: which 唯一性ID columns there are")
    exports.add_argument(
        "--layout",
        default="plain",
        help="plain, titled, tips, totals, hidden, lying, units or report; or what is no export: template, result, "
        "shell, checkins, statistics",
    )
    exports.add_argument("--pack", default="none", help="none, zip or zip-gbk: all files in one zip")
    _company(exports, clock="--at")
    exports.set_defaults(run=_exports)
    inputs = commands.add_parser("inputs", help="write the spreadsheets that the company's managers keep")
    inputs.add_argument("dir", type=Path)
    inputs.add_argument("--url", help="of a served sandbox, as above")
    _company(inputs, clock="--at")
    inputs.set_defaults(run=_inputs)
    return parser


def _company(parser: argparse.ArgumentParser, clock: str = "--clock") -> None:
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--ledger", action="store_true", help="with what follows a won deal (README)")
    parser.add_argument("--size", default="small", help="small, medium, large or a number of deals")
    parser.add_argument(clock, dest="clock", help="ISO 8601; office time (+08:00) without an offset")


def _serve(options: argparse.Namespace) -> int:
    from sandbox.admin.state import recall, remember
    from sandbox.server import application, serve

    clock = parse(options.clock) if options.clock else OPENING
    if options.state:
        clock = recall(options.state, options.seed, options.size) or clock
    world = _world(options, clock)
    if options.state:
        remember(options.state, world)
    serve(application(world, options.state, extras=options.extras), options.host, options.port)
    return 0


def _advance(options: argparse.Namespace) -> int:
    answer = _post(options.url, "advance", {"days": options.days})
    print(f"{answer['events']} events; the clock stands at {answer['clock']}")
    return 0


def _exports(options: argparse.Namespace) -> int:
    if options.url:
        body = {"dir": str(options.dir.resolve()), "format": options.format, "ids": options.ids}
        body |= {"layout": options.layout, "pack": options.pack}
        files = _post(options.url, "exports", body)["files"]
    else:
        from sandbox.fxiaoke.exports import Export, write_exports

        wish = Export(options.format, options.ids, options.layout, options.pack)
        clock = parse(options.clock) if options.clock else OPENING
        files = write_exports(_world(options, clock).log, clock, options.dir, wish)
    print("\n".join(map(str, files)))
    return 0


def _inputs(options: argparse.Namespace) -> int:
    if options.url:
        files = _post(options.url, "inputs", {"dir": str(options.dir.resolve())})["files"]
    else:
        from sandbox.inputs.files import write_inputs

        clock = parse(options.clock) if options.clock else OPENING
        files = write_inputs(_world(options, clock).log, clock, options.dir)
    print("\n".join(map(str, files)))
    return 0


def _world(options: argparse.Namespace, clock: int) -> World:
    return World(options.seed, options.size, clock, books=options.ledger)


def _post(url: str, action: str, body: dict[str, Any]) -> dict[str, Any]:
    import requests

    try:
        answer = requests.post(f"{url.rstrip('/')}/__sandbox__/{action}", json=body, timeout=600)
    except requests.exceptions.ConnectionError as error:
        raise ValueError(f"no sandbox answers at {url}; start one with `python -m sandbox serve`") from error
    if answer.status_code != 200:
        raise ValueError(answer.json().get("error", f"HTTP {answer.status_code}"))
    return answer.json()
