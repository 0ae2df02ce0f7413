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

from sandbox.zoho.describe import setup
from sandbox.zoho.schema import FieldFacts, modules

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
        self._gone = cache(lambda entity: frozenset(sandbox.truth("zoho", entity)["deleted"]))

    def records(self, stream: str) -> Mapping[str, dict[str, Any]]:
        """Every record of the stream by id."""
        if stream == "currencies":
            return self._currencies()
        found, fields = self._sandbox.truth("zoho", stream), self.fields(stream)
        return {
            id: {name: self._typed(fields[name], value) for name, value in record.items()}
            for id, record in found["records"].items()
        }

    def _currencies(self) -> Mapping[str, dict[str, Any]]:
        """They are set up, not lived: `sandbox/zoho/settings.yml`, without those of a company that keeps books."""
        found = (facts for facts in setup()["currencies"] if "ledger" not in facts)
        texts = ("id", "iso_code", "name", "symbol", "is_base", "is_active")
        return {
            facts["id"]: {name: facts[name] for name in texts}
            | {"exchange_rate": Decimal(facts["exchange_rate"])}
            for facts in found
        }

    def fields(self, stream: str) -> Mapping[str, FieldFacts]:
        """The fields of the stream's module by api name, with those that an administrator added."""
        own = next(m.fields for m in modules().values() if m.entity == stream)
        added = self._sandbox.truth("zoho", stream)["fields"]
        return {**own, **{name: FieldFacts(name, f["type"], f["label"]) for name, f in added.items()}}

    def changed_since(self, stream: str, since: datetime) -> set[str]:
        """Ids stamped at or after `since`."""
        return {id for id, record in self.records(stream).items() if record["Modified_Time"] >= since}

    def deleted(self, stream: str) -> set[str]:
        """Ids on the deleted list, which forgets after 120 days."""
        oldest = datetime.fromisoformat(self._sandbox.clock()) - timedelta(days=120)
        found = self._sandbox.truth("zoho", stream)["deleted"]
        return {id for id, delete in found.items() if datetime.fromisoformat(delete["time"]) > oldest}

    def _typed(self, field: FieldFacts, value: Any) -> Any:
        if value is None or value == "":
            return None
        if field.target in modules() and value in self._gone(modules()[field.target].entity):
            return None  # Zoho empties a reference to a record that is gone
        return _READERS.get(field.type, lambda same: same)(value)
