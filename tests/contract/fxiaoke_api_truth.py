"""The sandbox's truth about its Fxiaoke tenant as the API tells it, in canonical values.

The truth endpoint folds the company's event log and shares nothing with what serves `/cgi`; types and codes come from
the sandbox's own description of the objects, not from the connector. Where the API has a code, so has this truth; what
the code is called (`label`) is the log's own word.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, time
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sandbox.fxiaoke.openapi.schema import (
    AREAS,
    OTHER,
    FieldFacts,
    ObjectFacts,
    area_code,
    objects,
    option_code,
)

if TYPE_CHECKING:
    from tests.conftest import Sandbox

OFFICE = ZoneInfo("Asia/Shanghai")
STREAMS = {
    "new_opportunity_obj": "NewOpportunityObj",
    "account_obj": "AccountObj",
    "contact_obj": "ContactObj",
    "leads_obj": "LeadsObj",
    "product_obj": "ProductObj",
    "personnel_obj": "PersonnelObj",
    "department_obj": "DepartmentObj",
    "visit_report_c": "visit_report__c",
}
# With the switch `ledger`.
LEDGER = {facts.entity: name for name, facts in objects().items() if facts.ledger}


class FxiaokeApiTruth:
    """`sources.Truth` of a served company as it is now."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._state = cache(lambda entity: sandbox.truth("fxiaoke", entity))
        # People have the numbers from 1000 on, in the order in which they came; departments are called by their names.
        users = self._state("users")["records"]
        self._numbers = {id: str(1000 + i) for i, id in enumerate(users)}
        departments = self._state("departments")["records"]
        self._departments = {record["name"]: id for id, record in departments.items()}

    def records(self, stream: str) -> Mapping[str, dict[str, Any]]:
        """Every living record of the stream by `_id`."""
        facts = self.facts(stream)
        return {id: self._record(facts, record) for id, record in self._raw(facts).items()}

    def labels(self, stream: str) -> Mapping[str, dict[str, Any]]:
        """What the codes of every record are called: fields of pick lists, areas, people, departments, references."""
        facts = self.facts(stream)
        coded = {n: f for n, f in facts.fields.items() if f.type in _CODED or f.type in AREAS}
        return {
            id: {name: self._label(field, record.get(field.source)) for name, field in coded.items()}
            for id, record in self._raw(facts).items()
        }

    def changed_since(self, stream: str, since: datetime) -> set[str]:
        """Ids stamped at or after `since`."""
        return {id for id, record in self.records(stream).items() if record["last_modified_time"] >= since}

    def deleted(self, stream: str) -> set[str]:
        """Ids of void records; what was deleted for good is on no list."""
        found = self._state(self.facts(stream).entity)["deleted"]
        return {id for id, delete in found.items() if not delete["permanent"]}

    def lost(self, stream: str) -> set[str]:
        """Ids of records that were deleted for good: no list names them, only a sweep finds that they are gone."""
        found = self._state(self.facts(stream).entity)["deleted"]
        return {id for id, delete in found.items() if delete["permanent"]}

    def facts(self, stream: str) -> ObjectFacts:
        """The object of a stream, with the fields that were added to it."""
        facts = objects()[(STREAMS | LEDGER)[stream]]
        added = {
            name: FieldFacts(name, _ADDED.get(field["type"], field["type"]), field["label"])
            for name, field in self._state(facts.entity)["fields"].items()
        }
        return replace(facts, fields={**facts.fields, **added})

    def _raw(self, facts: ObjectFacts) -> Mapping[str, dict[str, Any]]:
        return self._state(facts.entity)["records"]

    def _record(self, facts: ObjectFacts, record: Mapping[str, Any]) -> dict[str, Any]:
        typed = {
            name: self._typed(field, record.get(field.source))
            for name, field in facts.fields.items()
            if name in record or field.source in record
        }
        typed |= {  # what people typed under 其他
            f"{name}__o": record[field.source]
            for name, field in facts.fields.items()
            if typed.get(name) == OTHER and record[field.source] not in field.codes
        }
        if facts.entity == "users":
            typed["user_id"] = self._numbers[record["_id"]]
        return typed | {"_id": record["_id"], "is_deleted": False}

    def _typed(self, field: FieldFacts, value: Any) -> Any:
        if value is None or value == "":
            return None
        match field.type:
            case "select_one" | "record_type":
                return option_code(field, value)
            case kind if kind in AREAS:
                return area_code(value)
            case "employee":
                return self._numbers[value]
            case "department":
                return value if value.isdigit() else self._departments[value]
            case "currency":
                return Decimal(value)
            case "number":
                return int(value) if value == int(value) else float(value)
            case "true_or_false":
                return bool(value)
            case "percentile":
                return float(value)
            case "date":
                return datetime.combine(date.fromisoformat(value), time(), OFFICE)
            case "date_time":
                return datetime.fromisoformat(value)
            case "select_many":
                return [option_code(field, label) for label in value]
        return value

    def _label(self, field: FieldFacts, value: Any) -> Any:
        if value is None or value == "":
            return None
        match field.type:
            case "employee":
                return self._state("users")["records"][value]["name"]
            case "department" if value.isdigit():
                return self._state("departments")["records"][value]["name"]
            case "object_reference":
                target = self._state(objects()[field.options["to"]].entity)["records"].get(value)
                return target["name"] if target else ...
        return value


_CODED = frozenset({"select_one", "record_type", "employee", "department", "object_reference"})
# How an act calls the type of a new field, and what Fxiaoke calls it.
_ADDED = {"integer": "number", "boolean": "true_or_false", "textarea": "long_text", "datetime": "date_time"}
