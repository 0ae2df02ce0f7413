"""The file that lets a restarted sandbox go on where it stood: seed, size and clock say everything."""

from __future__ import annotations

from pathlib import Path

import msgspec

from sandbox.company.clock import office_iso, parse
from sandbox.company.world import World


def remember(path: Path, world: World) -> None:
    """Write the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = {"seed": world.seed, "size": world.size, "clock": office_iso(world.clock)}
    path.write_bytes(msgspec.json.encode(text))


def recall(path: Path, seed: int, size: str) -> int | None:
    """The clock in the file, or None when there is none yet. Raises ValueError for another company's file."""
    if not path.exists():
        return None
    state = msgspec.json.decode(path.read_bytes())
    if (state["seed"], state["size"]) != (seed, size):
        raise ValueError(
            f"{path} belongs to seed {state['seed']}, size {state['size']}; give those or another file"
        )
    return parse(state["clock"])
