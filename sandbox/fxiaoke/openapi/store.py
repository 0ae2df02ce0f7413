"""The tenant's tables, brought up to date from the log, with what only Fxiaoke tells: versions, stages, 作废."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from sandbox.company.collector import collector_paused
from sandbox.company.log import ADD_FIELD, FIELD_KINDS, REMOVE_FIELD, RESTORE, Event, Log
from sandbox.fxiaoke.openapi.schema import FieldFacts, ObjectFacts, objects
from sandbox.fxiaoke.openapi.switches import Switches
from sandbox.serving.rows import Row, Table

# How an act calls the type of a new field, and what Fxiaoke calls it.
_TYPES = {
    "textarea": "long_text", "picklist": "select_one", "integer": "number", "double": "number",
    "percent": "percentile", "boolean": "true_or_false", "datetime": "date_time",
}  # fmt: skip
FIRST_EMPLOYEE = 1000


@dataclass(frozen=True, slots=True)
class Shown:
    """A record as a query meets it. invalid: when it was made void (作废); modified: its stamp, in seconds."""

    row: Row
    modified: int
    invalid: int | None = None


class Store:
    """Tables by entity; call `catch_up` after the clock moved."""

    def __init__(self, log: Log, switches: Switches) -> None:
        self._log, self._switches = log, switches
        self.objects: dict[str, ObjectFacts] = dict(objects())
        self._names = {facts.entity: name for name, facts in self.objects.items()}
        self.restart()

    def restart(self) -> None:
        """Forget all records and take in the log from its beginning."""
        self._read = 0
        self.tables = {entity: Table() for entity in self._names}
        self.versions: Counter[str] = Counter()
        self.staged: dict[str, int] = {}  # when an opportunity entered its stage
        self.employees: dict[str, str] = {}  # id of the record → the employee's number
        self._recovered: dict[str, int] = {}
        self._sorted: dict[str, tuple[int, list[str]]] = {}
        self.catch_up()

    def catch_up(self) -> None:
        """Take in what happened since the last call."""
        with collector_paused():
            for event in self._log.since(self._read):
                if event.crm == "fxiaoke":
                    self._apply(event)
        self._read = len(self._log)

    def _apply(self, event: Event) -> None:
        if event.kind in FIELD_KINDS:
            self._reshape(event)
            return
        self.tables[event.entity].apply(event)
        self.versions[event.id] += 1
        if "sales_stage" in event.changes:
            self.staged[event.id] = event.time
        if event.kind == RESTORE:
            self._recovered[event.id] = event.time
        if event.entity == "users" and event.id not in self.employees:
            self.employees[event.id] = str(FIRST_EMPLOYEE + len(self.employees))

    def _reshape(self, event: Event) -> None:
        name = self._names[event.entity]
        fields = dict(self.objects[name].fields)
        if event.kind == ADD_FIELD:
            kind = str(event.changes["type"])
            places = {"integer": 0, "double": 2, "currency": 2, "percent": 1}.get(kind)
            options = {"custom": True} | ({"places": places} if places is not None else {})
            fields[event.id] = FieldFacts(event.id, _TYPES.get(kind, kind), event.changes["label"], options)
        elif event.kind == REMOVE_FIELD:
            del fields[event.id]
        else:
            label = event.changes.get("label", fields[event.id].label)
            fields[event.id] = replace(fields[event.id], label=label)
        self.objects[name] = replace(self.objects[name], fields=fields)

    def ids(self, facts: ObjectFacts) -> list[str]:
        """The ids of all records that a query can meet, ascending."""
        table = self.tables[facts.entity]
        version, ids = self._sorted.get(facts.entity, (-1, []))
        if version != table.version:
            void = (id for id, binned in table.bin.items() if not binned.permanent)
            ids = sorted([*table.rows, *void])
            self._sorted[facts.entity] = (table.version, ids)
        return ids

    def shown(self, facts: ObjectFacts, id: str) -> Shown:
        """The record of an id that `ids` gave."""
        table, switches = self.tables[facts.entity], self._switches
        row = table.rows.get(id)
        if row is not None:
            recovered = self._recovered.get(id, 0) if switches.recover_stamps else 0
            return Shown(row, max(row.modified, recovered))
        binned = table.bin[id]
        stamp = max(binned.row.modified, binned.time) if switches.invalid_stamps else binned.row.modified
        return Shown(binned.row, stamp, binned.time)

    def title(self, api_name: str, id: str) -> str | None:
        """What a reference to a record shows; nothing once it is deleted for good."""
        table = self.tables[self.objects[api_name].entity]
        row = table.rows.get(id) or (table.bin[id].row if id in table.bin else None)
        return row.values.get("name") if row else None

    def department(self, label: str) -> str | None:
        """The id of a department by its id or name."""
        rows = self.tables["departments"].rows
        if label in rows:
            return label
        return next((id for id, row in rows.items() if row.values["name"] == label), None)
