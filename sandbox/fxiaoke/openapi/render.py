"""Records as Fxiaoke writes them: no nulls, numbers as texts, times in milliseconds, people as lists, and beside
each code what it is called (`x__r`, `x__l`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from sandbox.company.clock import OFFICE, parse
from sandbox.company.dialects.base import mobile
from sandbox.fxiaoke.openapi.schema import AREAS, OTHER, FieldFacts, ObjectFacts, area_code, option_code
from sandbox.fxiaoke.openapi.store import Shown, Store
from sandbox.fxiaoke.openapi.switches import Switches

TENANT = "700001"
OPEN = "FSUID_"  # what the id of a user begins with in the older form


class Writer:
    """Writes the records of one object. open_ids: people as FSUID_…, the form of the older generation."""

    def __init__(self, store: Store, facts: ObjectFacts, switches: Switches, *, open_ids: bool) -> None:
        self._store, self._facts, self._switches, self._open = store, facts, switches, open_ids
        self._writers: dict[str, Callable[[FieldFacts, Any], Any]] = {
            "select_one": option_code, "record_type": option_code, "select_many": _codes, "number": self._number,
            "percentile": self._number, "currency": self._money, "date": self._day, "date_time": self._time,
            "employee": self._people, "department": self._departments,
            **dict.fromkeys(AREAS, lambda facts, label: area_code(label)),
        }  # fmt: skip

    def value(self, facts: FieldFacts, shown: Shown) -> Any:
        """A field's value on the wire; None where there is nothing to send."""
        raw = self._raw(facts, shown)
        if raw is None or raw == "":
            return None
        return self._writers.get(facts.type, lambda _, value: value)(facts, raw)

    def write(self, shown: Shown, names: Iterable[str] = (), *, nulls: bool = False) -> dict[str, Any]:
        """A record with these fields, all if none are named; without nulls unless they are asked for."""
        wanted = frozenset(names)
        out: dict[str, Any] = {"_id": shown.row.id}
        for name, facts in self._facts.fields.items():
            if wanted and name not in wanted:
                continue
            raw = self._raw(facts, shown)
            if raw is None or raw == "":
                if nulls:
                    out[name] = None
                continue
            out[name] = self.value(facts, shown)
            if self._switches.companions:
                self._accompany(out, facts, raw)
        if not wanted:
            out |= {
                "tenant_id": TENANT, "package": "CRM", "object_describe_api_name": self._facts.api_name,
                "total_num": 1, "searchAfterId": [shown.row.id],
            }  # fmt: skip
        return out

    def _raw(self, facts: FieldFacts, shown: Shown) -> Any:
        """The value in the log's terms."""
        row, void = shown.row, shown.invalid is not None
        match facts.name:
            case "created_by":
                return row.created_by or None
            case "last_modified_by":
                return row.modified_by or None
            case "create_time":
                return row.created
            case "last_modified_time":
                return shown.modified
            case "is_deleted":
                return void
            case "version":
                return self._store.versions[row.id]
            case "life_status" if void and self._switches.invalid_field:
                return "作废"
            case "stg_changed_time":
                return self._store.staged.get(row.id)
        if self._facts.entity == "users" and facts.name in ("user_id", "phone", "email"):
            number = int(self._store.employees[row.id])
            return {"user_id": self._person(row.id), "phone": mobile(number), "email": f"u{number}@corp.example"}[
                facts.name
            ]  # fmt: skip
        return row.values.get(facts.source)

    def _accompany(self, out: dict[str, Any], facts: FieldFacts, raw: Any) -> None:
        name = facts.name
        match facts.type:
            case "select_one" | "record_type":
                out[f"{name}__r"] = raw
                if out[name] == OTHER and raw not in facts.codes:
                    out[f"{name}__r"], out[f"{name}__o"] = "其他", raw
            case kind if kind in AREAS:
                out[f"{name}__r"] = raw
            case "object_reference" | "master_detail":
                if title := self._store.title(facts.options["to"], raw):
                    out[f"{name}__r"] = title
            case "employee":
                out[f"{name}__r"] = person = self._described(raw)
                out[f"{name}__l"] = [person]
            case "department" if ids := self._departments(facts, raw):
                out[f"{name}__r"] = department = {
                    "deptId": ids[0], "deptName": self._store.title("DepartmentObj", ids[0]), "deptType": "dept",
                    "status": 0,
                }  # fmt: skip
                out[f"{name}__l"] = [department]

    def _described(self, id: str) -> dict[str, Any]:
        """A person, with more than anybody should keep."""
        number = int(self._store.employees[id])
        name = self._store.title("PersonnelObj", id)
        return {
            "id": self._person(id), "name": name, "nickname": name, "email": f"u{number}@corp.example",
            "phone": mobile(number), "dept": "", "post": "", "empNum": f"E{number}", "tenantId": TENANT, "status": 0,
        }  # fmt: skip

    def _person(self, id: str) -> str:
        number = self._store.employees[id]
        return f"{OPEN}{int(number):032X}" if self._open else number

    def _people(self, facts: FieldFacts, id: str) -> list[str]:
        return [self._person(id)]

    def _departments(self, facts: FieldFacts, label: str) -> list[str]:
        id = self._store.department(label)
        return [id] if id else []

    def _number(self, facts: FieldFacts, value: Any) -> Any:
        return value if self._switches.numbers == "json" else str(value)

    def _money(self, facts: FieldFacts, value: Any) -> Any:
        return value if self._switches.numbers == "json" else f"{value:.2f}"

    def _day(self, facts: FieldFacts, text: str) -> Any:
        """A date is the moment of its midnight in the office."""
        moment = datetime.fromisoformat(text).replace(tzinfo=OFFICE)
        return self._milliseconds(int(moment.timestamp()))

    def _time(self, facts: FieldFacts, value: int | str) -> Any:
        return self._milliseconds(value if isinstance(value, int) else parse(value))

    def _milliseconds(self, seconds: int) -> Any:
        return str(seconds * 1000) if self._switches.strings else seconds * 1000


def _codes(facts: FieldFacts, labels: list[str]) -> list[str]:
    return [option_code(facts, label) for label in labels]
