"""Switches that are set by name over HTTP."""

from __future__ import annotations

from dataclasses import fields
from typing import Any


class Turning:
    """For dataclasses of switches."""

    __slots__ = ()

    def turn(self, wanted: dict[str, Any]) -> None:
        """Set some of them. Raises ValueError for a switch there is not, or a value of another type."""
        known = {item.name for item in fields(self)}  # type: ignore[arg-type]
        if unknown := set(wanted) - known:
            raise ValueError(
                f"unknown settings {sorted(unknown)}; there are credits, {', '.join(sorted(known))}"
            )
        for name, value in wanted.items():
            if type(value) is not type(getattr(self, name)):
                raise ValueError(f"{name} must be like {getattr(self, name)!r}, not {value!r}")
        self.check(wanted)
        for name, value in wanted.items():
            setattr(self, name, value)

    def check(self, wanted: dict[str, Any]) -> None:
        """Raise ValueError for a value that cannot be."""
