"""object/list and object/describe: which objects there are, and what their fields are."""

from __future__ import annotations

from typing import Any

from sandbox.fxiaoke.openapi.schema import FieldFacts, ObjectFacts

_OPTION_KEYS = {"select_one": "value", "select_many": "value", "record_type": "api_name"}


def listed(facts: ObjectFacts) -> dict[str, Any]:
    """A line of object/list."""
    return {
        "describeApiName": facts.api_name,
        "describeDisplayName": facts.label,
        "defineType": "custom" if facts.custom else "package",
        "isActive": True,
    }


def described(facts: ObjectFacts) -> dict[str, Any]:
    """The describe of an object; fields are a map."""
    own = {"_id": FieldFacts("_id", "text", "唯一性ID")}
    return {
        "api_name": facts.api_name,
        "display_name": facts.label,
        "label": facts.label,
        "define_type": "custom" if facts.custom else "package",
        "is_active": True,
        "fields": {name: _field(field) for name, field in (own | facts.fields).items()},
    }


def _field(facts: FieldFacts) -> dict[str, Any]:
    options = facts.options
    out: dict[str, Any] = {
        "api_name": facts.name,
        "label": facts.label,
        "type": facts.type,
        "is_required": bool(options.get("required")),
        "is_active": True,
        "is_unique": facts.name == "_id",
        "define_type": "custom" if options.get("custom") else "package",
        "help_text": "",
    }
    if "places" in options:
        out["decimal_places"] = options["places"]
    if facts.type == "currency":
        out["currency_unit"] = "￥"
    if facts.type in ("date", "date_time"):
        out["date_format"] = "yyyy-MM-dd" if facts.type == "date" else "yyyy-MM-dd HH:mm"
        out["time_zone"] = "GMT+8"
    if "to" in options:
        out["target_api_name"] = options["to"]
    if key := _OPTION_KEYS.get(facts.type):
        out["options"] = [
            {key: code, "label": label, "is_active": True} for code, label in options.get("options", ())
        ]
    return out
