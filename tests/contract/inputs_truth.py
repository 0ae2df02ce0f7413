"""The sandbox's truth about the spreadsheets that its managers keep, in canonical values.

The company's ledger gives plain facts; the files are written from them by other code, in words, units and formats as
people use them. How keys are made is written down here once more.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.conftest import Sandbox

KEYS = {
    "teams": ["axis", "team", "valid_from"],
    "team_memberships": ["person", "person_id", "axis", "team", "valid_from"],
    "targets": [
        "version", "metric", "year", "period", "level", "axis", "team", "person", "person_id", "product_line",
        "region", "channel", "customer_type",
    ],
    "tier_policies": ["policy", "tier", "measure", "customer_type", "valid_from"],
    "visit_policies": ["policy", "tier", "customer_type", "activity", "valid_from"],
    "market_sizes": ["market", "year", "period", "region", "product_line", "customer_type"],
    "key_results": [
        "year", "period", "level", "axis", "team", "person", "person_id", "objective_no", "key_result_no",
    ],
    "manager_ratings": ["person", "person_id", "year", "period", "aspect", "rater"],
    "identity_decisions": ["entity", "left_source", "left_id", "right_source", "right_id"],
    "exchange_rates": ["currency", "base_currency", "rate_type", "rate_date"],
    "workdays": ["calendar", "day"],
    "receipts": ["receipt_no", "crm", "order_no", "contract_no", "opportunity_id"],
    "contracts": ["contract_no"],
    "payment_plans": ["crm", "contract_no", "order_no", "opportunity_id", "instalment"],
    "survey_responses": ["survey", "response_no", "kind"],
    "opportunity_splits": ["crm", "opportunity_id", "person", "person_id", "role", "valid_from"],
}  # fmt: skip
CODES = {
    "axis", "metric", "period", "level", "measure", "activity", "entity", "left_source", "right_source", "rate_type",
    "crm", "kind", "role",
}  # fmt: skip
_DATES = (
    "valid_from",
    "valid_to",
    "rated_on",
    "measured_on",
    "provided_on",
    "decided_on",
    "rate_date",
    "day",
    "paid_on",
    "signed_on",
    "starts_on",
    "ends_on",
    "due_on",
    "answered_on",
)
_DECIMALS = (
    "weight", "target_value", "enter_at", "keep_at", "respond_hours", "market_size", "base_value", "goal_value",
    "current_value", "score", "full_score", "rate", "amount", "scale_min", "scale_max", "share",
)  # fmt: skip
_READERS: Mapping[str, Callable[[str], Any]] = {
    **dict.fromkeys(_DATES, date.fromisoformat),
    **dict.fromkeys(_DECIMALS, Decimal),
}


class InputsTruth:
    """`sources.Truth` of the files that a served company's managers keep."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._ledger = sandbox.ledger()

    def records(self, stream: str) -> Mapping[str, dict[str, Any]]:
        """Every row by its key."""
        return {
            key_of(stream, row): {n: _typed(n, v) for n, v in row.items()}
            for row in self._ledger.get(stream, ())
        }

    def changed_since(self, stream: str, since: datetime) -> set[str]:
        """Files have no window."""
        raise NotImplementedError

    def deleted(self, stream: str) -> set[str]:
        """Files say nothing of deletes."""
        return set()


def key_of(stream: str, row: Mapping[str, Any]) -> str:
    """`name=value|…` of the filled key columns; texts that are no codes without width and case."""
    filled = [(name, str(row[name])) for name in KEYS[stream] if row.get(name) not in (None, "")]
    return "|".join(
        f"{n}={v if n in CODES else unicodedata.normalize('NFKC', v).casefold()}" for n, v in filled
    )


def _typed(name: str, value: Any) -> Any:
    return None if value in (None, "") else _READERS.get(name, lambda same: same)(value)
