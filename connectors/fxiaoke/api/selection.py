"""Which objects are read, see `core.selection`."""

from __future__ import annotations

from pathlib import Path

from connectors.core.selection import Choice

OBJECTS = Choice(
    thing="object",
    allow="FXIAOKE_OBJECTS",
    deny="FXIAOKE_OBJECTS_EXCEPT",
    default=Path(__file__).with_name("selection.yml"),
    show="give the API user the right to see it",
)
