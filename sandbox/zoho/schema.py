"""The organisation's modules and fields, and how Zoho describes them.

https://www.zoho.com/crm/developer/docs/api/v8/modules-api.html, …/field-meta.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from sandbox.company.words import read_yaml, sales, words

_FOLDER = Path(__file__).parent / "modules"
LOOKUPS = frozenset({"lookup", "ownerlookup", "userlookup", "profilelookup"})


@dataclass(frozen=True, slots=True)
class FieldFacts:
    """One field: type, label and the options of its line in the YAML file."""

    name: str
    type: str
    label: str
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def target(self) -> str | None:
        """Api name of the module a lookup points to."""
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

    @property
    def id(self) -> str:
        """As settings/modules says it."""
        return str(554_023_000_000_000_000 - 1000 + self.number)


@cache
def modules() -> dict[str, Module]:
    """Every module by api name."""
    found = {}
    for path in sorted(_FOLDER.glob("*.yml")):
        if path.name == "types.yml":
            continue
        data = read_yaml(path)
        head = data["module"]
        fields = {name: FieldFacts(name, *facts) for name, facts in data["fields"].items()}
        found[head["api_name"]] = Module(
            head["id"], head["api_name"], head["entity"], head["name"], head["singular"], head["plural"],
            head.get("listed", True), fields, head.get("bulk", True), head.get("parent"),
        )  # fmt: skip
    return dict(sorted(found.items(), key=lambda item: item[1].number))


@cache
def _types() -> dict[str, list]:
    return read_yaml(_FOLDER / "types.yml")


def _stages() -> Iterator[dict[str, Any]]:
    """Probability and forecast type sit on the Stage field's values, not on the pipeline."""
    zoho = sales()["zoho"]
    groups = ((zoho["stages"], "Open"), ([zoho["won"]], "Closed Won"), (zoho["lost"], "Closed Lost"))
    for stages, forecast in groups:
        for name, probability in stages:
            yield {"name": name, "probability": probability, "forecast_type": forecast}


def _values(facts: FieldFacts) -> list[dict[str, Any]]:
    options, zoho = facts.options, sales()["zoho"]
    if options.get("stages"):
        return list(_stages())
    if options.get("statuses"):
        names = [*zoho["lead_statuses"], *zoho["lead_dead"], zoho["lead_won"]]
    elif options.get("trades"):
        names = sorted({trade["zoho"] for trade in words()["trades"]})
    elif "of" in options:
        names = zoho.get(options["of"]) or words()[options["of"]]
    else:
        names = options.get("values", [])
    return [{"name": name} for name in names]


def _pick_list(module: Module, number: int, facts: FieldFacts) -> list[dict[str, Any]]:
    return [
        {
            "id": _id(module, 500_000 + number * 100 + i),
            "display_value": value["name"],
            "actual_value": value["name"],
            "reference_value": value["name"],
            "sequence_number": i,
            "colour_code": None,
            "type": "used",
            **{key: value[key] for key in ("probability", "forecast_type") if key in value},
        }
        for i, value in enumerate(_values(facts), 1)
    ]


def _id(module: Module, number: int) -> str:
    return str(554_023_000_000_000_000 - 10_000_000 * (8 - module.number) + number)


def describe_fields(module: Module) -> list[dict[str, Any]]:
    """What settings/fields says about the module."""
    return [_describe(module, number, facts) for number, facts in enumerate(module.fields.values(), 1)]


def _describe(module: Module, number: int, facts: FieldFacts) -> dict[str, Any]:
    json_type, length, places = _types()[facts.type]
    options = facts.options
    read_only = options.get("read_only", facts.name == "id")
    lookup: dict[str, Any] = {}
    if facts.target:
        lookup = {"display_label": facts.label, "api_name": facts.name, "module": {"api_name": facts.target}}
    return {
        "id": _id(module, number), "api_name": facts.name, "field_label": facts.label, "display_label": facts.label,
        "data_type": facts.type, "json_type": json_type, "length": options.get("length", length),
        "decimal_place": options.get("decimal_place", places), "custom_field": options.get("custom", False),
        "visible": True, "system_mandatory": options.get("mandatory", False), "read_only": read_only,
        "field_read_only": read_only, "type": "used", "created_source": "default", "display_type": -1,
        "view_type": {"view": True, "edit": not read_only, "create": not read_only, "quick_create": False},
        "pick_list_values": _pick_list(module, number, facts), "lookup": lookup, "multiselectlookup": {},
        "subform": None, "formula": {}, "unique": {}, "auto_number": {}, "crypt": None, "virtual_field": False,
        "currency": {"precision": 2, "rounding_option": "round_half_up"} if facts.type == "currency" else {},
        "history_tracking": None, "sortable": True, "searchable": True, "webhook": True, "tooltip": None,
    }  # fmt: skip


def describe_modules() -> list[dict[str, Any]]:
    """What settings/modules says: the modules, and three that no reader can use."""
    real = [
        _module(m.number, m.api_name, m.singular, m.plural, api=True, generated="default")
        for m in modules().values()
        if m.listed
    ]
    return [
        *real,
        _module(90, "Home", "主页", "主页", api=False, generated="default"),
        _module(91, "Feeds", "动态", "动态", api=False, generated="default"),
        _module(92, "Reports", "报表", "报表", api=False, generated="default"),
    ]


def _module(
    number: int, api_name: str, singular: str, plural: str, *, api: bool, generated: str
) -> dict[str, Any]:
    return {
        "id": str(554_023_000_000_000_000 - 1000 + number), "api_name": api_name, "module_name": plural,
        "singular_label": singular, "plural_label": plural, "generated_type": generated, "api_supported": api,
        "visible": True, "viewable": True, "creatable": api, "editable": api, "deletable": api, "convertable": False,
        "status": "visible", "visibility": 1, "sequence_number": number, "parent_module": {}, "modified_by": None,
        "modified_time": None, "profiles": [], "web_link": None, "global_search_supported": api,
    }  # fmt: skip
