"""The JSON schema of a rule file, for editors: `python -m pipelines.quality.schema` writes
`expectations/rules.schema.json` anew from the models that the pipeline itself reads rules with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipelines.quality.model import CROSS, RuleFile
from pipelines.quality.vocabulary import PICKLIST, VOCABULARY, Arg, Expectation

PATH = Path(__file__).parents[2] / "expectations" / "rules.schema.json"
_BOUND = {"type": ["number", "string"]}
_TEXT = {"type": "string", "minLength": 1}
_ARGUMENTS: Mapping[Arg, Mapping[str, Any]] = {
    Arg.COLUMN: _TEXT,
    Arg.COLUMNS: {"type": "array", "items": _TEXT, "minItems": 2},
    Arg.BOUND: _BOUND,
    Arg.VALUES: {
        "anyOf": [
            {"type": "array", "items": {"type": ["number", "string", "boolean"]}, "minItems": 1},
            {
                "type": "object",
                "properties": {PICKLIST: _TEXT},
                "required": [PICKLIST],
                "additionalProperties": False,
            },
        ]
    },
    Arg.REGEX: {"type": "string", "format": "regex"},
    Arg.COUNT: {"type": "integer", "minimum": 0},
    Arg.FLAG: {"type": "boolean"},
}


def rules_schema() -> dict[str, Any]:
    """The schema as JSON data: the models, and for each expectation its arguments."""
    schema = RuleFile.model_json_schema(by_alias=True)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "Rules of a stream"
    schema["required"] = ["grain", "key", "owner", "rules"]
    rule = schema["$defs"]["Rule"]
    rule["properties"]["expect"] = {"enum": list(VOCABULARY)}
    rule["allOf"] = [*_scopes(), *(_takes(name, spec) for name, spec in VOCABULARY.items())]
    return schema


def _scopes() -> list[dict[str, Any]]:
    """What a rule of each scope must say, and what of it is for others."""
    of_packages = ["measure", "min_rows", "even_if_empty"]
    asked = [{"required": [name]} for name in CROSS]
    return [
        _if("scope", "row", {"required": ["expect", "with"], **_without(*of_packages, *CROSS)}),
        _if(
            "scope",
            "package",
            {
                "required": ["expect", "with", "measure"],
                "properties": {"severity": {"enum": ["block", "warn"]}, **_without(*CROSS)["properties"]},
            },
        ),
        _if(
            "scope",
            "cross",
            {
                "oneOf": asked,
                "properties": {
                    "severity": {"enum": ["block", "warn"]},
                    **_without("expect", "with", "when", *of_packages)["properties"],
                },
            },
        ),
    ]


def _takes(name: str, spec: Expectation) -> dict[str, Any]:
    arguments = {argument: dict(_ARGUMENTS[kind]) for argument, kind in spec.args.items()}
    needed = [argument for argument in spec.required if argument != "column"]  # a measure has its own
    with_ = {"properties": arguments, "additionalProperties": False, "required": needed}
    if spec.any_of:
        with_["anyOf"] = [{"required": [argument]} for argument in spec.any_of]
    return _if("expect", name, {"properties": {"with": with_}})


def _without(*names: str) -> dict[str, Any]:
    return {"properties": dict.fromkeys(names, False)}


def _if(key: str, value: str, then: Mapping[str, Any]) -> dict[str, Any]:
    return {"if": {"properties": {key: {"const": value}}, "required": [key]}, "then": dict(then)}


def text() -> str:
    """The file as it must be."""
    return json.dumps(rules_schema(), ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    PATH.write_text(text(), "utf-8")
