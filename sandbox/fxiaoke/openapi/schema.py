"""The tenant's objects and fields, and how a value of the log looks on the wire."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from sandbox.company.words import read_yaml

AREAS = frozenset({"country", "province", "city", "district"})
OTHER = "other"
# Stamped by the platform, whatever an act says; their values are attributes of a row.
STAMPED = ("created_by", "create_time", "last_modified_by", "last_modified_time")


@dataclass(frozen=True, slots=True)
class FieldFacts:
    """One field: type, label and the options of its line in the YAML file."""

    name: str
    type: str
    label: str
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def codes(self) -> dict[str, str]:
        """label → code of a pick list."""
        return {label: code for code, label in self.options.get("options", ())}

    @property
    def source(self) -> str:
        """The field of the log whose value it shows."""
        return str(self.options.get("stands_for", self.name))


@dataclass(frozen=True, slots=True)
class ObjectFacts:
    """One object: how the log calls its records, and its fields in order."""

    api_name: str
    label: str
    entity: str
    fields: dict[str, FieldFacts]
    ledger: bool = False  # of what follows a won deal: served when that is switched on

    @property
    def custom(self) -> bool:
        """Whether the tenant made it: it then answers at other addresses."""
        return self.api_name.endswith("__c")


@cache
def objects() -> dict[str, ObjectFacts]:
    """Every object by api name."""
    data = read_yaml(Path(__file__).with_name("objects.yml"))
    system = {name: FieldFacts(name, *facts) for name, facts in data["system"].items()}
    return {
        api_name: ObjectFacts(
            api_name,
            facts["label"],
            facts["entity"],
            {name: FieldFacts(name, *field) for name, field in facts["fields"].items()} | system,
            facts.get("ledger", False),
        )
        for api_name, facts in data["objects"].items()
    }


def area_code(label: str) -> str:
    """The code of a country, province or city."""
    return str(100_000 + zlib.crc32(label.encode()) % 900_000)


def option_code(facts: FieldFacts, label: str) -> str:
    """The code of an option; a label that is none was typed under 其他."""
    return facts.codes.get(label, OTHER)
