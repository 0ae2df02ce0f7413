"""The state of every record as of a moment: an event log folded, nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.company.clock import local_day, utc_iso
from sandbox.company.log import STATUS_IDS, Event

# What each CRM stamps on a record: created at, created by, changed at, changed by.
_STAMPS = {
    "zoho": ("Created_Time", "Created_By", "Modified_Time", "Modified_By"),
    "fxiaoke": ("create_time", "created_by", "last_modified_time", "last_modified_by"),
}
_USER_STAMPS = {"zoho": ("created_time", "Created_By", "Modified_Time", "Modified_By")}
# Modules of Zoho that lack some of them.
_UNSTAMPED = {
    "site_visits": {"Modified_Time", "Modified_By"},
    **{lines: {"Created_By", "Modified_By"} for lines in ("quoted_items", "ordered_items", "invoiced_items")},
    "equipment_x_contacts": {"Created_Time", "Created_By", "Modified_Time", "Modified_By"},
}
KEYS = {"zoho": "id", "fxiaoke": "_id"}


@dataclass(slots=True)
class State:
    """records: id → fields (references as ids, stamps in UTC). deleted: id → {"time", "permanent"}. fields: those
    that were added to the entity, api name → {"type", "label"}."""

    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    deleted: dict[str, dict[str, Any]] = field(default_factory=dict)
    fields: dict[str, dict[str, Any]] = field(default_factory=dict)


def fold(events: Iterable[Event], as_of: int) -> State:
    """The state as of `as_of` (seconds, inclusive). A restore changes no stamp: no CRM says that it does. Fxiaoke also
    counts how often a record was written, and keeps when an opportunity entered its stage."""
    state = State()
    gone: dict[str, dict[str, Any]] = {}
    births: dict[str, Event] = {}
    touches: dict[str, Event] = {}
    turned: dict[str, str | None] = {}
    written: Counter[str] = Counter()
    staged: dict[str, int] = {}
    for event in events:
        if event.time > as_of:
            break
        written[event.id] += 1
        if "sales_stage" in event.changes:
            staged[event.id] = event.time
        match event.kind:
            case "create":
                state.records[event.id] = _turned(event.changes, turned)
                births[event.id] = touches[event.id] = event
            case "update":
                state.records[event.id].update(_turned(event.changes, turned))
                touches[event.id] = event
            case "recompute":  # a formula's value: nobody is stamped for it
                state.records[event.id].update(_turned(event.changes, turned))
            case "add_field":
                state.fields[event.id] = dict(event.changes)
            case "change_field" | "remove_field":
                if event.kind == "remove_field":
                    del state.fields[event.id]
                    turned[event.id] = None
                else:
                    state.fields[event.id].update(event.changes)
                    turned[event.id] = state.fields[event.id]["type"]
                for known in (state.records, gone):
                    known.update({id: _turned(fields, turned) for id, fields in known.items()})
            case "delete":
                gone[event.id] = state.records.pop(event.id)
                permanent = bool(event.changes.get("_permanent"))
                state.deleted[event.id] = {"time": utc_iso(event.time), "permanent": permanent}
            case "restore":
                state.records[event.id] = gone.pop(event.id)
                del state.deleted[event.id]
    for id, fields in state.records.items():
        state.records[id] = _stamped(fields, births[id], touches[id])
        if births[id].crm == "fxiaoke":
            state.records[id]["version"] = written[id]
            if id in staged:
                state.records[id]["stg_changed_time"] = utc_iso(staged[id])
    return state


def _turned(fields: Mapping[str, Any], turned: Mapping[str, str | None]) -> dict[str, Any]:
    """Values as the types of their fields are now; a removed field (None) has none. A number may become a text."""
    kept = {name: value for name, value in fields.items() if turned.get(name, "") is not None}
    for name in kept.keys() & turned.keys():
        if turned[name] in ("text", "textarea") and kept[name] is not None:
            kept[name] = str(kept[name])
    return kept


def _stamped(fields: dict[str, Any], birth: Event, touch: Event) -> dict[str, Any]:
    """The fields with id and stamps, without what only the log knows."""
    stamps = _USER_STAMPS.get(birth.crm) if birth.entity == "users" else None
    created, creator, changed, changer = stamps or _STAMPS[birth.crm]
    known = {name: value for name, value in fields.items() if not name.startswith("_")}
    known |= {
        created: utc_iso(birth.time),
        creator: birth.by,
        changed: utc_iso(touch.time),
        changer: touch.by,
    }
    if birth.crm == "zoho":
        known = {name: value for name, value in known.items() if name not in _UNSTAMPED.get(birth.entity, ())}
    return {KEYS[birth.crm]: birth.id, **known}


def fold_visits(events: Iterable[Event], as_of: int) -> State:
    """Zoho's DealHistory as of a moment, from the events of deals: one record per visit of a stage.

    Money and closing day are those at entry; the visit's end is written when the next one begins; a visit
    of a deal that is deleted now has no parent.
    """
    state = State()
    deals: dict[str, dict[str, Any]] = {}
    last: dict[str, tuple[str, int]] = {}
    present: set[str] = set()
    for event in events:
        if event.time > as_of:
            break
        if event.kind.endswith("_field"):
            continue
        if event.kind == "delete":
            present.discard(event.id)
            continue
        present.add(event.id)
        deal = deals.setdefault(event.id, {})
        deal.update(event.changes)
        visit = event.changes.get("_visit")
        if not visit:
            continue
        if event.id in last:
            before, entered = last[event.id]
            state.records[before]["Moved_To__s"] = deal["Stage"]
            state.records[before]["Stage_Duration_Calendar_Days"] = local_day(event.time) - local_day(entered)
        state.records[visit] = {
            "id": visit, "Potential_Name": event.id, "Stage": deal["Stage"], "Moved_To__s": None,
            "Stage_Duration_Calendar_Days": None, "Amount": deal.get("Amount"), "Probability": deal["Probability"],
            "Expected_Revenue": deal.get("Expected_Revenue"), "Closing_Date": deal["Closing_Date"],
            "Modified_Time": utc_iso(event.time), "Modified_By": event.by,
        }  # fmt: skip
        last[event.id] = (visit, event.time)
    for record in state.records.values():
        if record["Potential_Name"] not in present:
            record["Potential_Name"] = None
    return state


def fold_statuses(events: Iterable[Event], as_of: int) -> State:
    """Zoho's Lead_Status_History as of a moment, from the events of leads: one record per stay in a status.

    A lead that is deleted now is the parent of nothing.
    """
    state = State()
    stays: dict[str, list[dict[str, Any]]] = {}
    present: set[str] = set()
    for event in events:
        if event.time > as_of:
            break
        if event.kind == "delete":
            present.discard(event.id)
        elif event.kind in ("create", "restore"):
            present.add(event.id)
        status = event.changes.get("Lead_Status")
        if event.kind not in ("create", "update") or not status:
            continue
        stay = stays.setdefault(event.id, [])
        if stay and stay[-1]["Lead_Status"] == status:
            continue
        if stay:
            days = local_day(event.time) - local_day(stay[-1]["_entered"])
            stay[-1] |= {"Moved_To__s": status, "Duration_Days": days}
        stay.append({
            "id": str(int(event.id) + (len(stay) + 1) * STATUS_IDS), "Full_Name": event.id, "Lead_Status": status,
            "Moved_To__s": None, "Duration_Days": None, "Modified_Time": utc_iso(event.time), "Modified_By": event.by,
            "_entered": event.time,
        })  # fmt: skip
    for lead, records in stays.items():
        for record in records:
            del record["_entered"]
            state.records[record["id"]] = record | ({} if lead in present else {"Full_Name": None})
    return state
