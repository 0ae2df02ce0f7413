"""What the company's managers keep in spreadsheets: who is in which team, targets, policies, rates.

Plain facts as of a moment, from the event log and `ledger.yml`: texts, ISO dates, whole numbers, decimals as texts,
None for what is left empty. Codes are those of the warehouse's inputs (docs: connectors/inputs/README.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

from sandbox.company.books.office import KINDS, OFFICE
from sandbox.company.clock import HISTORY_BEGINS, day_text, local_day
from sandbox.company.log import CREATE, UPDATE, Log
from sandbox.company.words import read_yaml, words

Facts = dict[str, Any]
_GONE = ("停用", "disabled", "deleted")


@dataclass(slots=True)
class _Person:
    """Somebody who sells. id: the employee number, or the e-mail where the CRM has none. serial: of entry, in a CRM."""

    name: str
    id: str
    region: str
    serial: int
    begin: str
    end: str | None = None
    manages: bool = False


def ledger(log: Log, at: int) -> dict[str, list[Facts]]:
    """Input → its rows as of `at` (seconds)."""
    people, day = _people(log, at), day_text(local_day(at))
    year = int(day[:4])
    return {
        "teams": list(_teams(people)),
        "team_memberships": [row for person in people for row in _memberships(person)],
        "targets": list(_targets(people, year)),
        "tier_policies": list(_tiers()),
        "visit_policies": list(_visits()),
        "key_results": list(_key_results(people, year)),
        "manager_ratings": list(_ratings(people, year)),
        "market_sizes": list(_markets(year)),
        "exchange_rates": list(_rates(day, kept=bool(log.of(OFFICE, "receipts")))),
        "workdays": list(_special_days(year)),
        "identity_decisions": list(_decisions(log, at)),
        **{kind: _written(log, kind, at) for kind in KINDS if log.of(OFFICE, kind)},
    }


def _written(log: Log, kind: str, at: int) -> list[Facts]:
    """Rows that managers write themselves, where books are kept."""
    rows: dict[str, Facts] = {}
    for event in log.of(OFFICE, kind):
        if event.time > at:
            break
        rows.setdefault(event.id, {}).update(event.changes)
    return list(rows.values())


@cache
def _decided() -> dict[str, Any]:
    return read_yaml(Path(__file__).with_name("ledger.yml"))


def _people(log: Log, at: int) -> list[_Person]:
    found: dict[str, _Person] = {}
    for crm in ("zoho", "fxiaoke"):
        entered = count()  # of this CRM: who comes later changes nobody's place
        for event in log.of(crm, "users"):
            if event.time > at:
                break
            facts, day = event.changes, day_text(local_day(event.time))
            if event.kind == CREATE:
                found[event.id] = _Person(
                    name=facts.get("full_name") or facts["name"],
                    id=facts.get("employee_number") or facts.get("email") or event.id,
                    region=facts.get("state") or facts.get("main_department") or "",
                    serial=next(entered),
                    begin=day,
                    manages=facts.get("position") == "销售经理",
                )
            elif event.kind == UPDATE and facts.get("status") in _GONE and event.id in found:
                found[event.id].end = day
    return [person for person in found.values() if person.region]


def _regions() -> list[str]:
    return [region["name"] for region in words()["regions"]]


def _lines() -> list[str]:
    return [line["name"] for line in words()["product_lines"]]


def _first_day() -> str:
    return day_text(local_day(HISTORY_BEGINS))


def _teams(people: list[_Person]) -> Iterator[Facts]:
    head, first = _decided()["head"], _first_day()
    leaders = {p.region: p for p in reversed(people) if p.manages}
    yield {"axis": "org", "team": head, "valid_from": first}
    for name in _regions():
        leader = leaders.get(name)
        yield {
            "axis": "region", "team": name, "valid_from": first, "leader": leader and leader.name,
            "leader_id": leader and leader.id,
        }  # fmt: skip
    for name in _lines():
        yield {"axis": "product_line", "team": name, "valid_from": first}
    for name in _decided()["customer_types"]:
        yield {"axis": "customer_type", "team": name, "valid_from": first}


def _memberships(person: _Person) -> Iterator[Facts]:
    """One region; two product lines, of which one is the main one."""
    who = {"person": person.name, "person_id": person.id, "valid_from": person.begin, "valid_to": person.end}
    role = "销售经理" if person.manages else "销售代表"
    yield {**who, "axis": "region", "team": person.region, "weight": "1", "is_primary": True, "role": role}
    lines = _lines()
    for step, (weight, main) in enumerate((("0.6", True), ("0.4", False))):
        line = lines[(person.serial + step) % len(lines)]
        yield {
            **who,
            "axis": "product_line",
            "team": line,
            "weight": weight,
            "is_primary": main,
            "role": role,
        }


def _targets(people: list[_Person], year: int) -> Iterator[Facts]:
    """The company's year, locked; the regions' quarters; the year of everybody who is here, or was in it."""
    a_head = _decided()["target_per_head"]
    here = [person for person in people if person.end is None]
    common = {"version": "V1", "status": "approved", "metric": "won_amount", "year": year, "currency": "CNY"}
    company = {**common, "period": "FY", "level": "company", "locked": True, "target_no": f"C-{year}"}
    yield {**company, "target_value": str(a_head * len(here))}
    for region in _regions():
        heads = sum(person.region == region for person in here)
        for quarter, share in enumerate(_decided()["seasons"], 1):
            yield {
                **common, "period": f"Q{quarter}", "level": "team", "axis": "region", "team": region, "locked": False,
                "target_value": str(a_head * heads * share // 100), "target_no": f"R-{year}-{region}-{quarter}",
                "parent_no": f"C-{year}",
            }  # fmt: skip
    for person in people:
        if (
            person.end is None or person.end >= f"{year}-01-01"
        ):  # who left keeps the row: one left out would stay
            yield {
                **common, "status": "approved" if person.end is None else "retired", "period": "FY", "level": "person",
                "person": person.name, "person_id": person.id, "target_value": str(a_head), "locked": False,
                "parent_no": f"C-{year}",
            }  # fmt: skip


def _tiers() -> Iterator[Facts]:
    for tier, order, enter, keep, grace in _decided()["tiers"]:
        yield {
            "policy": "默认", "tier": tier, "tier_order": order, "measure": "value", "enter_at": str(enter),
            "keep_at": None if keep is None else str(keep), "keep_periods": grace, "window_months": 12,
            "valid_from": _first_day(),
        }  # fmt: skip


def _visits() -> Iterator[Facts]:
    for tier, activity, days, hours in _decided()["visits"]:
        yield {
            "policy": "默认", "tier": tier, "activity": activity, "every_days": days,
            "respond_hours": None if hours is None else str(hours), "valid_from": _first_day(),
        }  # fmt: skip


def _key_results(people: list[_Person], year: int) -> Iterator[Facts]:
    for person in (p for p in people if p.manages):
        base, goal = 60 + person.serial % 10, 85
        yield {
            "year": year, "period": "H1", "level": "person", "person": person.name, "person_id": person.id,
            "objective_no": "O1", "objective": "提高客户满意度", "key_result_no": "KR1",
            "key_result": f"满意度达到 {goal}%",
            "base_value": str(base), "goal_value": str(goal), "current_value": str(base + 10),
            "measured_on": f"{year}-05-31", "weight": "1",
        }  # fmt: skip


def _ratings(people: list[_Person], year: int) -> Iterator[Facts]:
    leaders = {p.region: p for p in reversed(people) if p.manages}
    for person in people:
        leader = leaders.get(person.region)
        stayed = person.begin < f"{year}-01-01" and (person.end is None or person.end > f"{year}-04-05")
        if stayed and leader and person is not leader:
            yield {
                "person": person.name, "person_id": person.id, "year": year, "period": "Q1", "aspect": "总体",
                "rater": leader.name, "score": str(70 + person.serial % 30), "full_score": "100",
                "rated_on": f"{year}-04-05", "comment": "沟通主动，报价响应及时。" if person.serial % 3 == 0 else None,
            }  # fmt: skip


def _markets(year: int) -> Iterator[Facts]:
    for place, region in enumerate(_regions()):
        for line, size in _decided()["markets"].items():
            yield {
                "market": "默认", "year": year, "period": "FY", "region": region, "product_line": line,
                "market_size": str(size // (place + 1)), "currency": "CNY", "provider": "行业协会年度报告",
                "provided_on": f"{year}-02-28",
            }  # fmt: skip


def _rates(day: str, *, kept: bool) -> Iterator[Facts]:
    """One per currency and month, from the company's first one on; kept: with those that books are kept in."""
    months = (f"{year}-{month:02d}-01" for year in range(2025, int(day[:4]) + 1) for month in range(1, 13))
    for step, first in enumerate(month for month in months if month <= day):
        for currency, units, rate, more in [
            *_decided()["rates"],
            *(_decided()["rates_kept"] if kept else ()),
        ]:
            yield {
                "currency": currency, "base_currency": "CNY", "rate_type": "mid", "rate_date": first, "units": units,
                "rate": str(Decimal(rate) + step * Decimal(more)), "provider": "外汇交易中心",
            }  # fmt: skip


def _special_days(year: int) -> Iterator[Facts]:
    for of in range(2025, year + 1):
        for day, kind, occasion in _decided()["special_days"]:
            yield {"calendar": "CN", "day": f"{of}-{day}", "day_type": kind, "occasion": occasion}


def _decisions(log: Log, at: int) -> Iterator[Facts]:
    """Of the first companies that became customers in both CRMs a person has said so."""
    known: dict[int, dict[str, tuple[int, str, str]]] = {}
    for crm, name in (("zoho", "Account_Name"), ("fxiaoke", "name")):
        for event in log.of(crm, "accounts"):
            if event.time > at:
                break
            if event.kind == CREATE and "_party" in event.changes:
                found = (event.time, event.id, event.changes[name])
                known.setdefault(event.changes["_party"], {}).setdefault(crm, found)
    both = [pair for pair in known.values() if len(pair) == 2]
    for pair in sorted(both, key=lambda pair: max(pair.values()))[:3]:
        (_, left, left_name), (_, right, right_name) = pair["zoho"], pair["fxiaoke"]
        yield {
            "entity": "account", "left_source": "zoho", "left_id": left, "left_name": left_name,
            "right_source": "fxiaoke", "right_id": right, "right_name": right_name, "decision": "same",
            "decided_by": "销售运营", "decided_on": _first_day(), "reason": "统一社会信用代码一致",
        }  # fmt: skip
