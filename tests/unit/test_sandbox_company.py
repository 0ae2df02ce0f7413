"""The pretend company: the same seed gives the same history, and the history makes sense."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from sandbox.company.clock import DAY, OPENING, office_iso, parse
from sandbox.company.log import Event, Log
from sandbox.company.world import World, deals_of

ROOT = Path(__file__).resolve().parents[2]
SMALL = 200
_DIGEST = "from sandbox.company.world import World; print(World({seed}, {size}).log.digest())"


@pytest.fixture(scope="module")
def world() -> World:
    return World(11, SMALL, OPENING + 30 * DAY)


def _digest_elsewhere(seed: int, hash_seed: str) -> str:
    """The digest as another process computes it, with another order of hashes."""
    found = subprocess.run(
        [sys.executable, "-c", _DIGEST.format(seed=seed, size=SMALL)],
        cwd=ROOT,
        env={"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    return found.stdout.strip()


def test_two_processes_agree_on_every_event():
    assert _digest_elsewhere(11, "1") == _digest_elsewhere(11, "2") == World(11, SMALL).log.digest()


def test_another_seed_is_another_company():
    assert World(11, SMALL).log.digest() != World(12, SMALL).log.digest()


def test_the_way_to_a_clock_does_not_matter(world):
    in_steps = World(11, SMALL)
    for days in (1, 7, 22):
        in_steps.advance(days)
    assert in_steps.log.digest() == world.log.digest()


def test_an_earlier_clock_is_a_prefix(world):
    early = World(11, SMALL, parse("2025-07-01T12:00:00"))
    assert list(early.log) == list(world.log)[: len(early.log)]
    assert list(world.log)[len(early.log)].time > early.clock


def test_the_clock_does_not_go_back(world):
    with pytest.raises(ValueError, match="does not go back"):
        world.run(world.clock - 1)


def test_size_is_the_number_of_deals_at_the_opening():
    log = World(3, 600).log
    created = Counter(event.crm for event in log if event.entity == "deals" and event.kind == "create")
    assert 580 <= created["zoho"] <= 660
    assert 380 <= created["fxiaoke"] <= 450


@pytest.mark.parametrize("size", ["huge", "0", "49", "-5", "1.5"])
def test_a_size_that_cannot_be_is_refused(size):
    with pytest.raises(ValueError, match=f"size '{size}'"):
        deals_of(size)


def test_every_event_meets_a_record_in_the_right_state(world):
    alive: dict[tuple[str, str], dict[str, bool]] = {}
    for event in world.log:
        known = alive.setdefault((event.crm, event.entity), {})
        expected = {"create": None, "update": True, "recompute": True, "delete": True, "restore": False}[
            event.kind
        ]
        assert known.get(event.id) is expected, event
        known[event.id] = event.kind != "delete"


def test_references_point_to_records_that_are_there(world):
    targets = {
        "zoho": {
            "Account_Name": "accounts", "Contact_Name": "contacts", "Owner": "users", "Product": "products",
            "Reporting_To": "users", "role": "roles", "profile": "profiles", "Converted_Account": "accounts",
            "Converted_Contact": "contacts", "Converted_Deal": "deals",
        },
        "fxiaoke": {"account_id": "accounts", "product_id": "products", "owner": "users", "leader": "users"},
    }  # fmt: skip
    there: set[tuple[str, str, str]] = set()
    for event in world.log:
        if event.kind in ("create", "restore"):
            there.add((event.crm, event.entity, event.id))
        elif event.kind == "delete":
            there.discard((event.crm, event.entity, event.id))
        for name, entity in targets[event.crm].items():
            named = event.changes.get(name)
            if named and not (name == "Account_Name" and event.entity == "accounts"):
                assert (event.crm, entity, named) in there, event


def test_ids_of_a_crm_grow(world):
    for crm in ("zoho", "fxiaoke"):
        made = [event for event in world.log if event.crm == crm and event.kind == "create"]
        assert len({event.id for event in made}) == len(made)
        beside = {
            "quotes",
            "quoted_items",
            "site_visits",
            "equipment",
            "equipment_x_contacts",
            "notes",
            "visit_reports",
        }
        for later in (
            [event.id for event in made if event.by and event.entity not in beside],
            [event.id for event in made if event.entity in beside - {"quotes", "quoted_items"}],
            *([event.id for event in made if event.entity == lines] for lines in ("quotes", "quoted_items")),
        ):
            assert later == sorted(later)
    assert all(len(e.id) == 18 and e.id.isdigit() for e in world.log if e.crm == "zoho")
    assert all(len(e.id) == 24 for e in world.log if e.crm == "fxiaoke" and e.entity != "departments")


def test_deals_move_stall_come_back_and_end(world):
    stages: dict[str, list[str]] = {}
    for event in world.log.of("zoho", "deals"):
        if "Stage" in event.changes:
            stages.setdefault(event.id, []).append(event.changes["Stage"])
    ends = Counter(walk[-1] for walk in stages.values())
    assert ends["Closed Won"] > 20
    assert ends["Closed Lost"] > 20
    reopened = [w for w in stages.values() if any(a.startswith("Closed Lost") for a in w[:-1])]
    assert reopened, "no lost deal ever came back"
    backwards = [
        w for w in stages.values() if "Proposal/Price Quote" in w[: w.index(w[-1])] and len(set(w)) < len(w)
    ]
    assert backwards, "no deal ever went back a stage"


def test_every_day_after_the_opening_has_changes_and_a_delete():
    world = World(5, 60)
    for _ in range(7):
        before = len(world.log)
        world.advance(1)
        kinds = Counter((e.crm, e.kind) for e in world.log.since(before))
        assert kinds["zoho", "update"] >= 1
        assert kinds["fxiaoke", "update"] >= 1
    assert sum(e.kind == "delete" and e.time > OPENING for e in world.log.of("zoho", "deals")) >= 5


def test_the_mass_update_gives_many_deals_one_stamp(world):
    stamps = Counter(e.time for e in world.log.of("zoho", "deals") if "Review_Round" in e.changes)
    assert office_iso(max(stamps)) == "2026-07-01T20:00:00+08:00"
    assert stamps[max(stamps)] >= 3


def test_some_companies_are_customers_in_both_crms_under_other_names(world):
    names: dict[int, dict[str, str]] = {}
    for crm, field in (("zoho", "Account_Name"), ("fxiaoke", "name")):
        for event in world.log.of(crm, "accounts"):
            if "_party" in event.changes:
                names.setdefault(event.changes["_party"], {})[crm] = event.changes[field]
    both = [found for found in names.values() if len(found) == 2]
    assert len(both) >= 5
    assert any(found["zoho"] != found["fxiaoke"] for found in both)


def test_credit_codes_have_a_valid_check_digit(world):
    # GB 32100-2015: sum of value × 3^i mod 31 over all 18 characters (weight 1 for the check) is 0 mod 31.
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    codes = [
        e.changes["Credit_Code"] for e in world.log.of("zoho", "accounts") if e.changes.get("Credit_Code")
    ]
    assert len(codes) > 10
    for code in codes:
        body = sum(alphabet.index(c) * pow(3, i, 31) for i, c in enumerate(code[:17]))
        assert (body + alphabet.index(code[17])) % 31 == 0


def test_the_log_refuses_to_go_back_in_time():
    log = Log()
    log.append(Event(100, "zoho", "deals", "1", "create", "u", {}))
    with pytest.raises(ValueError, match="cannot follow"):
        log.append(Event(99, "zoho", "deals", "2", "create", "u", {}))


def test_office_time_is_eight_hours_ahead_and_parses_back():
    # 2026-06-30T10:00:00Z, computed by hand: 20,634 days and 36,000 seconds after 1970.
    assert office_iso(20_634 * 86_400 + 36_000) == "2026-06-30T18:00:00+08:00"
    assert parse("2026-06-30T18:00:00+08:00") == parse("2026-06-30T18:00:00") == parse("2026-06-30T10:00:00Z")
    assert OPENING == 20_634 * 86_400 + 36_000
