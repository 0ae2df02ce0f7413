"""How to talk to a CRM. Knows HTTP and files; knows no Dagster, DuckDB, dbt or Great Expectations.

`discover()` is the only list of sources: every sub-package that has `SPECS` is one or more sources, so
adding a CRM is adding a folder.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from connectors.core.contract import SourceSpec


@cache
def discover() -> dict[str, SourceSpec]:
    """Every source by name, in alphabetical order."""
    found: dict[str, SourceSpec] = {}
    for module in pkgutil.iter_modules(__path__):
        if module.name != "core":
            for spec in importlib.import_module(f"connectors.{module.name}").SPECS:
                found[spec.name] = spec
    return dict(sorted(found.items()))
