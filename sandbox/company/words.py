"""The company's vocabulary, read from the two YAML files beside this one."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

_SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml where the wheel has it


def read_yaml(path: Path) -> Any:
    """What a YAML file of ours says."""
    loader = _SafeLoader(path.read_text("utf-8"))
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()


@cache
def words() -> dict[str, Any]:
    """Names, places, products and phrases (`words.yml`)."""
    return read_yaml(Path(__file__).with_name("words.yml"))


@cache
def sales() -> dict[str, Any]:
    """Stages, sources and tempo per CRM (`sales.yml`)."""
    return read_yaml(Path(__file__).with_name("sales.yml"))
