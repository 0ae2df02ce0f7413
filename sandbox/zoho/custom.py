"""The organisation's modules as its administrator left them: fields added, renamed, turned and removed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import msgspec

from sandbox.company.log import ADD_FIELD, REMOVE_FIELD, Event
from sandbox.serving.rows import Row
from sandbox.zoho.schema import FieldFacts, Module, modules

_FIRST = 1000  # the number of the first field that was added to a module: a number is used once
_TEXTS = frozenset({"text", "textarea"})


class Customised:
    """modules: by api name, kept up to date."""

    def __init__(self) -> None:
        self.modules: dict[str, Module] = dict(modules())
        self._names = {module.entity: module.api_name for module in modules().values()}
        self._added: dict[str, int] = defaultdict(int)
        self._texts: dict[str, set[str]] = defaultdict(set)  # by entity: fields that became texts

    def apply(self, event: Event, rows: Iterable[Row]) -> None:
        """Take in one change of a field; the values in these rows follow."""
        module = self.modules[self._names[event.entity]]
        fields = dict(module.fields)
        if event.kind == ADD_FIELD:
            number = _FIRST + self._added[event.entity]
            self._added[event.entity] += 1
            options = {"custom": True, "number": number}
            fields[event.id] = FieldFacts(event.id, event.changes["type"], event.changes["label"], options)
        elif event.kind == REMOVE_FIELD:
            del fields[event.id]  # what is no field is not served, and no api name is used twice
        else:
            fields[event.id] = replace(fields[event.id], **event.changes)
            if event.changes.get("type") in _TEXTS:
                self._texts[event.entity].add(event.id)
        self.modules[module.api_name] = replace(module, fields=fields)
        for row in rows:
            row.values = self._fitted(event.entity, row.values)

    def fitted(self, event: Event) -> Event:
        """The event with values of the types that their fields have now."""
        if event.entity not in self._texts:
            return event
        return msgspec.structs.replace(event, changes=self._fitted(event.entity, dict(event.changes)))

    def _fitted(self, entity: str, values: dict[str, Any]) -> dict[str, Any]:
        texts = self._texts[entity]
        return {
            name: str(value) if name in texts and value is not None else value
            for name, value in values.items()
        }
