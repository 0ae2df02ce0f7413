"""`python -m sandbox`: serve the company, move its clock, write its exports.

argparse rather than typer: the tests start this many times, and typer alone costs a third of a second.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

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
    _company(serve)
    serve.set_defaults(run=_serve)
    return parser


def _company(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--size", default="small", help="small, medium, large or a number of deals")
    parser.add_argument("--clock", default=None, help="ISO 8601; office time (+08:00) without an offset")


def _serve(options: argparse.Namespace) -> int:
    from sandbox.admin.state import recall, remember
    from sandbox.server import application, serve

    clock = parse(options.clock) if options.clock else OPENING
    if options.state:
        clock = recall(options.state, options.seed, options.size) or clock
    world = World(options.seed, options.size, clock)
    if options.state:
        remember(options.state, world)
    serve(application(world, options.state), options.host, options.port)
    return 0
