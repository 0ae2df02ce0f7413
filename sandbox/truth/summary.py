"""Totals that a person can check by hand: how many deals are open, won and lost, and who won how much when."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from sandbox.company.log import Log
from sandbox.truth.fold import State, fold

_ENDS = {
    "zoho": {"Closed Won": "won", "Closed Lost": "lost", "Closed Lost to Competition": "lost"},
    "fxiaoke": {"赢单": "won", "输单": "lost", "无效": "derailed"},
}
# stage, closing day, amount, owner; and the name of a user
_FIELDS = {
    "zoho": ("Stage", "Closing_Date", "Amount", "Owner", "full_name"),
    "fxiaoke": ("sales_stage", "actual_close_date", "amount", "owner", "name"),
}


def summary(log: Log, crm: str, as_of: int) -> dict[str, Any]:
    """Counts by status, won amount in all and per owner and month of closing (money as text)."""
    deals = fold(log.of(crm, "deals"), as_of)
    users = fold(log.of(crm, "users"), as_of)
    stage, day, amount, owner, name = _FIELDS[crm]
    counts: Counter[str] = Counter({"open": 0, "won": 0, "lost": 0, "derailed": 0})
    won: dict[tuple[str, str], list[int]] = defaultdict(list)
    for deal in deals.records.values():
        status = _ENDS[crm].get(deal[stage], "open")
        counts[status] += 1
        if status == "won":
            won[deal[owner], deal[day][:7]].append(_cents(deal.get(amount)))
    rows = [
        {
            "owner": id, "owner_name": users.records[id][name], "month": month, "deals": len(amounts),
            "amount": _text(sum(amounts)),
        }
        for (id, month), amounts in sorted(won.items(), key=lambda item: (item[0][1], item[0][0]))
    ]  # fmt: skip
    total = sum(sum(amounts) for amounts in won.values())
    return {
        "deals": len(deals.records), **counts, "deleted": len(deals.deleted), "won_amount": _text(total),
        "won_by_owner_and_month": rows,
    }  # fmt: skip


def identities(log: Log, as_of: int) -> list[dict[str, Any]]:
    """Companies that are customers in both CRMs, with their ids and spellings there."""
    known: dict[int, dict[str, tuple[str, str]]] = defaultdict(dict)
    for crm, name in (("zoho", "Account_Name"), ("fxiaoke", "name")):
        live: State = fold(log.of(crm, "accounts"), as_of)
        for event in log.of(crm, "accounts"):
            if "_party" in event.changes and event.id in live.records:
                known[event.changes["_party"]][crm] = (event.id, live.records[event.id][name])
    return [
        {crm: {"id": id, "name": name} for crm, (id, name) in found.items()}
        for _, found in sorted(known.items())
        if len(found) == 2
    ]


# What tells one thing from another: the mark of an event, else a field.
_MEANT = {
    "accounts": {"zoho": ("_party", ""), "fxiaoke": ("_party", "")},
    "contacts": {"zoho": ("_person", ""), "fxiaoke": ("_person", "")},
    "users": {"zoho": ("_person", ""), "fxiaoke": ("_person", "")},
    "products": {"zoho": ("_product", "Product_Code"), "fxiaoke": ("_product", "product_code")},
}


def same_records(log: Log, as_of: int) -> dict[str, list[list[dict[str, str]]]]:
    """Per entity the groups of two or more living records that mean one thing, as {"crm", "id"}."""
    found: dict[str, list[list[dict[str, str]]]] = {}
    for entity, crms in _MEANT.items():
        groups: dict[Any, list[dict[str, str]]] = defaultdict(list)
        for crm, (mark, field) in crms.items():
            living = fold(log.of(crm, entity), as_of).records
            for event in log.of(crm, entity):
                meant = event.changes.get(mark) or (event.changes.get(field) if field else None)
                if event.kind == "create" and meant and event.id in living:
                    groups[meant].append({"crm": crm, "id": event.id})
        found[entity] = [group for group in groups.values() if len(group) > 1]
    return found


def _cents(amount: float | None) -> int:
    return round((amount or 0) * 100)


def _text(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"
