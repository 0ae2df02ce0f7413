"""The organisation's modules and fields.

https://www.zoho.com/crm/developer/docs/api/v8/modules-api.html, …/field-meta.html
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from sandbox.company.sidelines import SPEC_CHOICES, SPECS
from sandbox.company.words import read_yaml

FOLDER = Path(__file__).parent / "modules"
LOOKUPS = frozenset({"lookup", "ownerlookup", "userlookup", "profilelookup", "multi_module_lookup"})


@dataclass(frozen=True, slots=True)
class FieldFacts:
    """One field: type, label and the options of its line in the YAML file."""

    name: str
    type: str
    label: str
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def rich(self) -> bool:
        """A text with formats, which lists cut."""
        return bool(self.options.get("rich"))

    @property
    def target(self) -> str | None:
        """Api name of the module a lookup points to; of several, `Accounts|Deals`."""
        return "users" if self.type in ("ownerlookup", "userlookup") else self.options.get("to")


@dataclass(frozen=True, slots=True)
class Module:
    """A module: how the log calls it, which field names a record, and its fields in order."""

    number: int
    api_name: str
    entity: str
    name: str
    singular: str
    plural: str
    listed: bool
    fields: dict[str, FieldFacts]
    bulk: bool = True  # Bulk Read carries it
    parent: str | None = None  # Bulk Read leaves out rows whose parent is gone
    shown_by: tuple[
        str, ...
    ] = ()  # beside the core of the organisation: served when one of these is switched on
    generated: str = "default"
    parent_module: str | None = None

    @property
    def stamped(self) -> bool:
        """Whether its records say when they were changed."""
        return "Modified_Time" in self.fields

    @property
    def id(self) -> str:
        """As settings/modules says it."""
        return str(554_023_000_000_000_000 - 1000 + self.number)


@cache
def modules() -> dict[str, Module]:
    """Every module by api name."""
    found = {}
    for path in sorted(FOLDER.glob("*.yml")):
        if path.name == "types.yml":
            continue
        data = read_yaml(path)
        head = data["module"]
        fields = {name: FieldFacts(name, *facts) for name, facts in data["fields"].items()}
        if head.get("wide"):
            fields |= {name: _spec(name, type_) for name, type_ in SPECS}
        found[head["api_name"]] = Module(
            head["id"], head["api_name"], head["entity"], head["name"], head["singular"], head["plural"],
            head.get("listed", True), fields, head.get("bulk", True), head.get("parent"),
            tuple(head.get("shown_by", ())), head.get("generated", "default"), head.get("parent_module"),
        )  # fmt: skip
    return dict(sorted(found.items(), key=lambda item: item[1].number))


def _spec(name: str, type_: str) -> FieldFacts:
    values = {"values": list(SPEC_CHOICES)} if type_ == "picklist" else {}
    return FieldFacts(name, type_, f"参数 {name[-3:]}", {"custom": True, **values})
