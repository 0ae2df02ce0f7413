"""Zoho's part of a life: its acts, its truth as an API user polls it, and what it neither stamps nor lists."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from connectors.zoho import records as records_room
from connectors.zoho.source import ZohoSource
from tests.conftest import Sandbox
from tests.contract.zoho_truth import ZohoTruth
from tests.pipeline.life import RECOMPUTED, REMOVED, Life, Once, begun
from tests.pipeline.observer import Snapshot, filled

MODULES = {"accounts": "Accounts", "contacts": "Contacts", "deals": "Deals", "leads": "Leads"}
SEED, SIZE = 11, 50
CLOCK = "2026-11-01T13:30:00+08:00"  # half an hour before New York puts its clocks back
PAGE = 15  # records: several pages of each module
KINDS_OF_FIELDS = ("integer", "boolean", "picklist", "date")
_PATHS = ("{}", "{}/deleted", "settings/fields")
# What Zoho neither stamps nor lists, so that no increment can see it. Each is known by what the truth says.
EMPTIED = "a reference to a record that is gone, emptied without a stamp"
RETURNED = "a reference whose record came back, filled without a stamp"
MERGED = "a reference moved by a merge without a stamp"
TICKED = "a checkbox that was added, unticked in every record"
FORMULAS = {"Expected_Revenue"}


class ZohoLife(Life):
    """One home and one organisation of Zoho."""

    crm = source = "zoho"
    entities: ClassVar = {name: name for name in MODULES}
    stamp = "Modified_Time"
    reader = ZohoSource

    def snapshots(self) -> dict[str, Snapshot]:
        asked = Once(self.sandbox)
        truth = ZohoTruth(asked)
        found = {}
        for stream in MODULES:
            fields = truth.fields(stream)
            ticks = [name for name, field in fields.items() if field.type == "boolean"]
            records = {id: filled(record, ticks) for id, record in truth.records(stream).items()}
            gone = {
                id: datetime.fromisoformat(delete["time"])
                for id, delete in asked.truth("zoho", stream)["deleted"].items()
            }
            types = {name: field.type for name, field in fields.items()}
            found[stream] = Snapshot(records, gone, types, self.stamp)
        return found

    def created(self, entity: str, number: int) -> dict[str, Any]:
        made = {
            "accounts": {"Account_Name": f"新客户 {number}", "Employees": number},
            "contacts": {"Full_Name": f"张 {number}", "Account_Name": self.pick("accounts", number)},
            "leads": {"Last_Name": "李", "Company": f"线索 {number}", "Lead_Status": "Contacted"},
            "deals": self._deal(number),
        }  # fmt: skip
        return made[entity]

    def changed(self, entity: str, number: int) -> dict[str, Any]:
        changes = {
            "accounts": {"Employees": number, "Rating": "Active" if number % 2 else None},
            "contacts": {"Title": f"经理 {number}", "Account_Name": self.pick("accounts", number)},
            "leads": {"Company": f"线索 {number}"},
            "deals": {
                "Amount": number + 0.25,
                "Contact_Name": self.pick("contacts", number) if number % 3 else None,
            },
        }
        return changes[entity]

    def excuse(self, name: str, expected: Any, got: Any, truth: Snapshot) -> str:
        kind = truth.types.get(name)
        if kind is None:
            return REMOVED
        if kind == "lookup" and expected is None:
            return EMPTIED
        if kind == "lookup":
            return RETURNED if got is None else MERGED
        if name in FORMULAS:
            return RECOMPUTED
        if kind == "boolean" and name.startswith("Own_") and got is None and expected is False:
            return TICKED
        return ""

    def plant(self, *where: int) -> None:
        path, module, skip = where
        name = list(MODULES.values())[module % len(MODULES)]
        self.sandbox.fault(
            "no_permission", times=1000, skip=skip, path="/crm/v8/" + _PATHS[path % len(_PATHS)].format(name)
        )

    def _recompute(self, pick: int, number: int) -> None:
        if id := self.pick("deals", pick):
            self.act("recompute", "deals", id=id, changes={"Expected_Revenue": number + 0.5})

    def _merge(self, entity: str, pick: int, other: int, stamp: bool) -> None:
        winner, loser = self.pick(entity, pick), self.pick(entity, other)
        if winner and loser and winner != loser:
            self.act("merge", entity, id=winner, loser=loser, stamp=stamp)

    def _convert(self, pick: int, number: int | None) -> None:
        leads = self.sandbox.truth("zoho", "leads")["records"]
        if unconverted := sorted(id for id, lead in leads.items() if not lead.get("Converted__s")):
            deal = None if number is None else self._deal(number)
            self.act("convert", "leads", id=unconverted[pick % len(unconverted)], deal=deal)

    def _turn_field(self, entity: str, pick: int, kind: str) -> None:
        types = self.sandbox.truth("zoho", entity)["fields"]
        if (name := self.own_field(entity, pick)) and types[name]["type"] in ("integer", "picklist"):
            self.act(
                "turn_field", entity, name=name, type=kind if types[name]["type"] == "integer" else "text"
            )

    def _deal(self, number: int) -> dict[str, Any]:
        return {
            "Deal_Name": f"商机 {number}", "Stage": "Qualification", "Probability": 10, "Amount": number + 0.5,
            "Closing_Date": "2026-12-01", "Account_Name": self.pick("accounts", number),
        }  # fmt: skip


@contextmanager
def life(home: Path | None, folder: Path, zone: str) -> Iterator[ZohoLife]:
    """A life in an organisation of that time zone."""
    sandbox = Sandbox(seed=SEED, size=SIZE, clock=CLOCK)
    with begun(ZohoLife, sandbox, home, folder, sandbox.settings) as (lived, patch):
        patch.setattr(records_room, "PER_PAGE", str(PAGE))
        sandbox.set(time_zone=zone)
        yield lived
