"""How Zoho describes the organisation's modules, fields and pick lists.

https://www.zoho.com/crm/developer/docs/api/v8/modules-api.html, …/field-meta.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from sandbox.company.words import read_yaml, sales, words
from sandbox.zoho.schema import FOLDER, LOOKUPS, FieldFacts, Module, modules


@cache
def setup() -> dict[str, Any]:
    """How the organisation is set up (`settings.yml`)."""
    return read_yaml(Path(__file__).with_name("settings.yml"))


@cache
def _types() -> dict[str, list]:
    return read_yaml(FOLDER / "types.yml")


def _stages() -> Iterator[dict[str, Any]]:
    """Probability and forecast type sit on the Stage field's values, not on the pipeline."""
    zoho = sales()["zoho"]
    groups = ((zoho["stages"], "Open"), ([zoho["won"]], "Closed Won"), (zoho["lost"], "Closed Lost"))
    for stages, forecast in groups:
        for name, probability in stages:
            yield {
                "name": name, "probability": probability, "forecast_type": forecast,
                "forecast_category": _category(setup()["forecast_categories"][probability]),
            }  # fmt: skip


NO_CHOICE = "-None-"  # what a form shows where nothing was chosen; records hold null


def _category(name: str) -> dict[str, Any]:
    names = sorted(set(setup()["forecast_categories"].values()))
    return {"name": name, "id": str(554_022_999_999_980_000 + names.index(name))}


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
    no_choice = [] if options.get("mandatory") or facts.type != "picklist" or not names else [NO_CHOICE]
    retired = [{"name": name, "type": "unused"} for name in options.get("retired", ())]
    return [*({"name": name} for name in (*no_choice, *names)), *retired]


def _pick_list(module: Module, number: int, facts: FieldFacts) -> list[dict[str, Any]]:
    return [
        {
            "id": _id(module, 500_000 + number * 100 + i),
            "display_value": value["name"],
            "actual_value": value["name"],
            "reference_value": value["name"],
            "sequence_number": i,
            "colour_code": None,
            "type": value.get("type", "used"),
            **{
                key: value[key]
                for key in ("probability", "forecast_type", "forecast_category")
                if key in value
            },
        }
        for i, value in enumerate(_values(facts), 1)
    ]


def _id(module: Module, number: int) -> str:
    return str(554_023_000_000_000_000 - 10_000_000 * (8 - module.number) + number)


def describe_fields(module: Module) -> list[dict[str, Any]]:
    """What settings/fields says about the module."""
    return [
        _describe(module, facts.options.get("number", place), facts)
        for place, facts in enumerate(module.fields.values(), 1)
    ]


def _describe(module: Module, number: int, facts: FieldFacts) -> dict[str, Any]:
    json_type, length, places = _types()[facts.type]
    options = facts.options
    read_only = options.get("read_only", facts.name == "id")
    lookup: dict[str, Any] = {}
    formula = {"return_type": "currency", "expression": ""} if facts.type == "formula" else {}
    if facts.type in LOOKUPS and facts.target:
        lookup = {
            "display_label": facts.label,
            "api_name": facts.name,
            "module": {"api_name": options.get("module", facts.target)},
        }
    return {
        "id": _id(module, number), "api_name": facts.name, "field_label": facts.label, "display_label": facts.label,
        "data_type": facts.type, "json_type": json_type, "length": options.get("length", length),
        "decimal_place": options.get("decimal_place", places), "custom_field": options.get("custom", False),
        "visible": True, "system_mandatory": options.get("mandatory", False), "read_only": read_only,
        "field_read_only": read_only, "type": "used", "created_source": "default", "display_type": -1,
        "view_type": {"view": True, "edit": not read_only, "create": not read_only, "quick_create": False},
        "pick_list_values": _pick_list(module, number, facts), "lookup": lookup,
        "multiselectlookup": _linking(facts), "subform": _subform(facts),
        "formula": formula, "unique": {}, "auto_number": {}, "crypt": None, "virtual_field": False,
        "currency": {"precision": 2, "rounding_option": "round_half_up"} if facts.type == "currency" else {},
        "textarea": _textarea(facts),
        "history_tracking": None, "sortable": True, "searchable": True, "webhook": True, "tooltip": None,
    }  # fmt: skip


def _textarea(facts: FieldFacts) -> dict[str, str] | None:
    if facts.type != "textarea":
        return None
    plain = "large" if facts.options.get("length", 0) > 2_000 else "small"
    return {"type": "rich_text" if facts.rich else plain}


def _linking(facts: FieldFacts) -> dict[str, Any]:
    """The linking module behind a multi-select lookup."""
    if facts.type != "multiselectlookup":
        return {}
    linking = modules()[facts.options["linking"]]
    return {
        "api_name": facts.name, "display_label": facts.label,
        "linking_module": {"api_name": linking.api_name, "id": linking.id},
        "connected_module": {"api_name": facts.target, "id": modules()[facts.target or ""].id},
    }  # fmt: skip


def _subform(facts: FieldFacts) -> dict[str, Any] | None:
    if facts.type != "subform":
        return None
    return {"module": facts.target, "id": modules()[facts.target or ""].id}


def describe_modules(shown: Iterable[Module]) -> list[dict[str, Any]]:
    """What settings/modules says: these modules, and three that no reader can use."""
    useless = ((90, "Home", "主页"), (91, "Feeds", "动态"), (92, "Reports", "报表"))
    return [
        *(_module(m.number, m.api_name, m.singular, m.plural, m) for m in shown),
        *(_module(number, api_name, label, label, None) for number, api_name, label in useless),
    ]


def _module(number: int, api_name: str, singular: str, plural: str, module: Module | None) -> dict[str, Any]:
    api, parent = module is not None, {}
    if module and module.parent_module:
        parent = {"api_name": module.parent_module, "id": modules()[module.parent_module].id}
    return {
        "id": str(554_023_000_000_000_000 - 1000 + number), "api_name": api_name, "module_name": plural,
        "singular_label": singular, "plural_label": plural, "api_supported": api,
        "generated_type": module.generated if module else "default",
        "visible": True, "viewable": True, "creatable": api, "editable": api, "deletable": api, "convertable": False,
        "status": "visible", "visibility": 1, "sequence_number": number, "parent_module": parent, "modified_by": None,
        "modified_time": None, "profiles": [], "web_link": None, "global_search_supported": api,
    }  # fmt: skip
