"""The company's vocabulary, read from the two YAML files beside this one."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml


@cache
def _read(name: str) -> dict[str, Any]:
    return yaml.load(
        (Path(__file__).parent / name).read_text("utf-8"),
        Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader),
    )


def words() -> dict[str, Any]:
    """Names, places, products and phrases (`words.yml`)."""
    return _read("words.yml")


def sales() -> dict[str, Any]:
    """Stages, sources and tempo per CRM (`sales.yml`)."""
    return _read("sales.yml")
