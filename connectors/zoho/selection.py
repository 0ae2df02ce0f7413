"""Which modules are read, see `core.selection`."""

from __future__ import annotations

from pathlib import Path

from connectors.core.selection import Choice

MODULES = Choice(
    thing="module",
    allow="ZOHO_MODULES",
    deny="ZOHO_MODULES_EXCEPT",
    default=Path(__file__).with_name("selection.yml"),
    show="show the module to the API user's profile",
)
