"""The business's own spreadsheets: targets, teams, policies, rates and what else no CRM holds.

Each input is one file in `schemas/`; nothing here knows any of them by name.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from connectors.core.contract import Source, SourceContext, SourceSpec, Stream

if TYPE_CHECKING:
    from connectors.inputs.schema import Schema


@cache
def _schemas() -> tuple[Schema, ...]:
    from connectors.inputs.schema import load_schemas

    return load_schemas()


def _streams() -> tuple[Stream, ...]:
    return tuple(schema.stream for schema in _schemas())


def _open(context: SourceContext) -> Source:
    # Imported here: listing the sources must not load a spreadsheet reader.
    from connectors.inputs.source import Inputs

    return Inputs(context, _schemas())


def _templates(names: Collection[str], folder: Path) -> list[Path]:
    from connectors.inputs.template import write_templates  # a spreadsheet writer, rarely needed

    return write_templates([schema for schema in _schemas() if schema.name in names], folder)


SPECS = (
    SourceSpec(
        "inputs",
        "业务台账（自有表格）",
        settings=(),
        streams=_streams,
        open=_open,
        crm=False,
        templates=_templates,
    ),
)
