"""`/__sandbox__/truth`: the state as of any time, over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from starlette.routing import Route

from sandbox.company.clock import office_iso, parse
from sandbox.company.ledger import ledger
from sandbox.company.log import Log
from sandbox.serving.json_http import endpoint
from sandbox.truth.fold import KEYS, fold, fold_statuses, fold_visits
from sandbox.truth.summary import identities, same_records, summary

# The warehouse's stream names are understood too.
_STREAMS = {
    "new_opportunity_obj": "deals", "account_obj": "accounts", "contact_obj": "contacts", "leads_obj": "leads",
    "product_obj": "products", "personnel_obj": "users",
    "department_obj": "departments", "visit_report_c": "visit_reports",
}  # fmt: skip


class Truth:
    """Routes of the truth; `now` gives the sandbox's clock in seconds."""

    def __init__(self, log: Log, now: Callable[[], int]) -> None:
        self._log, self._now = log, now

    def routes(self) -> list[Route]:
        """For the application."""
        handlers = {
            "truth": self._state,
            "truth/summary": self._summary,
            "truth/identities": self._identities,
            "truth/inputs": self._inputs,
        }
        return [Route(f"/__sandbox__/{path}", endpoint(handler)) for path, handler in handlers.items()]

    def _state(self, query: Mapping[str, str], body: dict[str, Any]) -> Any:
        """crm, entity, as_of → records, deleted ids, and the fields that were added."""
        crm, asked = query.get("crm", "zoho"), query.get("entity", "deals")
        entity = _STREAMS.get(asked, asked)
        as_of = self._moment(query)
        if crm == "zoho" and entity == "deal_history":
            state = fold_visits(self._log.of(crm, "deals"), as_of)
        elif crm == "zoho" and entity == "lead_status_history":
            state = fold_statuses(self._log.of(crm, "leads"), as_of)
        elif (crm, entity) in self._log.entities():
            state = fold(self._log.of(crm, entity), as_of)
        else:
            known = ", ".join(f"{c}/{e}" for c, e in self._log.entities())
            raise ValueError(
                f"the company has no {crm}/{asked}; it has {known}, zoho/deal_history, zoho/lead_status_history"
            )
        return {
            "crm": crm, "entity": entity, "key": KEYS[crm], "as_of": office_iso(as_of), "records": state.records,
            "deleted": state.deleted, "fields": state.fields,
        }  # fmt: skip

    def _summary(self, query: Mapping[str, str], body: dict[str, Any]) -> Any:
        as_of = self._moment(query)
        return {"as_of": office_iso(as_of)} | {crm: summary(self._log, crm, as_of) for crm in KEYS}

    def _identities(self, query: Mapping[str, str], body: dict[str, Any]) -> Any:
        at = self._moment(query)
        return {"pairs": identities(self._log, at), "same": same_records(self._log, at)}

    def _inputs(self, query: Mapping[str, str], body: dict[str, Any]) -> Any:
        return {"inputs": ledger(self._log, self._moment(query))}

    def _moment(self, query: Mapping[str, str]) -> int:
        """as_of, by default now; a `+` that became a blank on the way is put back."""
        return parse(query["as_of"].replace(" ", "+")) if "as_of" in query else self._now()
