"""The sandbox's truth about its Zoho organisation, in canonical values.

The truth endpoint folds the company's event log and shares nothing with what serves `/crm/v8`; the types
come from the sandbox's own description of the modules, not from the connector.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any

from sandbox.zoho.schema import modules

if TYPE_CHECKING:
    from tests.conftest import Sandbox

_READERS: Mapping[str, Callable[[Any], Any]] = {
    "currency": Decimal,
    "double": float,
    "percent": float,
    "date": date.fromisoformat,
    "datetime": datetime.fromisoformat,
}


class ZohoTruth:
    """`sources.Truth` of a served company as it is now."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self.records = cache(self.records)

    def records(self, stream: str) -> Mapping[str, dict[str, Any]]:
        """Every record of the stream by id."""
        types = next(
            {name: facts.type for name, facts in module.fields.items()}
            for module in modules().values()
            if module.entity == stream
        )
        found = self._sandbox.truth("zoho", stream)["records"]
        return {
            id: {name: _typed(types[name], value) for name, value in record.items()}
            for id, record in found.items()
        }

    def changed_since(self, stream: str, since: datetime) -> set[str]:
        """Ids stamped at or after `since`."""
        return {id for id, record in self.records(stream).items() if record["Modified_Time"] >= since}

    def deleted(self, stream: str) -> set[str]:
        """Ids on the deleted list, which forgets after 120 days."""
        oldest = datetime.fromisoformat(self._sandbox.clock()) - timedelta(days=120)
        found = self._sandbox.truth("zoho", stream)["deleted"]
        return {id for id, delete in found.items() if datetime.fromisoformat(delete["time"]) > oldest}


def _typed(kind: str, value: Any) -> Any:
    return None if value is None or value == "" else _READERS.get(kind, lambda same: same)(value)
