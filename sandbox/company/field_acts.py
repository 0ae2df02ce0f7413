"""What an administrator does to the fields of a module: a field of its own is added, renamed, turned, removed.

An api name is used once: what was removed never comes back under it.
"""

from __future__ import annotations

from typing import Any

from sandbox.company.log import ADD_FIELD, CHANGE_FIELD, FIELD_KINDS, REMOVE_FIELD
from sandbox.company.side import Side

TYPES = (
    "text",
    "textarea",
    "picklist",
    "integer",
    "double",
    "currency",
    "percent",
    "boolean",
    "date",
    "datetime",
)
# What a field may become; its values follow.
TURNS = {"integer": ("double", "currency", "text"), "picklist": ("text",), "text": ("textarea",)}


class FieldActs:
    """Acts on the fields of one side's entities. Each raises ValueError with a sentence when it cannot be."""

    def __init__(self, side: Side) -> None:
        self._side = side

    def add(self, entity: str, name: str, type: str = "text", label: str = "") -> str:
        """A new field, empty in every record (a checkbox: not ticked)."""
        if (self._side.crm, entity) not in self._side.log.entities():
            raise ValueError(f"there is no {entity} in {self._side.crm}")
        if type not in TYPES:
            raise ValueError(f"a field of type {type!r} cannot be added, only {', '.join(TYPES)}")
        if name.startswith("_") or any(
            name in event.changes or event.id == name for event in self._events(entity)
        ):
            raise ValueError(f"{entity} has or had a field {name}")
        self._side.reshaped(entity, name, ADD_FIELD, {"type": type, "label": label or name})
        return name

    def rename(self, entity: str, name: str, label: str) -> str:
        """Another label; the api name stays, as in Zoho."""
        self._known(entity, name)
        self._side.reshaped(entity, name, CHANGE_FIELD, {"label": label})
        return name

    def turn(self, entity: str, name: str, type: str) -> str:
        """Another type."""
        was = self._known(entity, name)["type"]
        if type not in TURNS.get(was, ()):
            raise ValueError(f"a field of type {was} cannot become {type}")
        self._side.reshaped(entity, name, CHANGE_FIELD, {"type": type})
        return name

    def remove(self, entity: str, name: str) -> str:
        """The field and all its values."""
        self._known(entity, name)
        self._side.reshaped(entity, name, REMOVE_FIELD, {})
        return name

    def _events(self, entity: str) -> Any:
        return self._side.log.of(self._side.crm, entity)

    def _known(self, entity: str, name: str) -> dict[str, Any]:
        """Type and label of a field that was added. Raises ValueError when there is none."""
        found: dict[str, Any] = {}
        for event in self._events(entity):
            if event.kind in FIELD_KINDS and event.id == name:
                found = {} if event.kind == REMOVE_FIELD else {**found, **event.changes}
        if not found:
            raise ValueError(f"no field {name} was added to {entity}, or it is there no more")
        return found
