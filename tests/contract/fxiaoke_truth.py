"""The sandbox's truth about its Fxiaoke organisation, in canonical values.

The truth endpoint folds the company's event log; the export files are written from it by other code. Only
what an export shows is compared: it names people who created or changed a record, but not their ids.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.conftest import Sandbox

_ENTITIES = {
    "new_opportunity_obj": "deals",
    "account_obj": "accounts",
    "contact_obj": "contacts",
    "leads_obj": "leads",
    "product_obj": "products",
    "personnel_obj": "users",
}
# Where books are kept.
LEDGER = ("sales_order_obj", "payment_obj", "payment_plan_obj")
_MOMENTS = ("create_time", "last_modified_time", "transform_time")
_READERS: Mapping[str, Callable[[str], Any]] = {
    **dict.fromkeys(
        (
            "close_date",
            "actual_close_date",
            "order_time",
            "delivery_date",
            "payment_time",
            "plan_payment_time",
        ),
        date.fromisoformat,
    ),
    **dict.fromkeys(_MOMENTS, datetime.fromisoformat),
}
# people are shown by name, the rest is text of its own label or the API alone tells it
_NOT_COMPARED = {"created_by", "last_modified_by", "remark", "review_round", "version", "stg_changed_time"}


class FxiaokeTruth:
    """`sources.Truth` of the files that a served company exported."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def records(self, stream: str) -> Mapping[str, dict[str, Any]]:
        """Every record of the stream by 唯一性ID."""
        try:
            found = self._sandbox.truth("fxiaoke", _ENTITIES.get(stream, stream))["records"]
        except ValueError:  # there is no such thing in this company
            return {}
        return {
            id: {name: _typed(name, v) for name, v in record.items() if name not in _NOT_COMPARED}
            for id, record in found.items()
        }

    def changed_since(self, stream: str, since: datetime) -> set[str]:
        """Ids stamped at or after `since`."""
        return {id for id, record in self.records(stream).items() if record["last_modified_time"] >= since}

    def deleted(self, stream: str) -> set[str]:
        """Exports say nothing of deletes."""
        return set()


def _typed(name: str, value: Any) -> Any:
    return None if value in (None, "") else _READERS.get(name, lambda same: same)(value)
