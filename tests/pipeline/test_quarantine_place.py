"""Quarantine is a place: rows leave it when the CRM mends them, when a rule is mended, when a reader is mended."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from connectors.core.contract import Field
from connectors.core.errors import Problem
from pipelines import aside as aside_room
from pipelines import flow, fold, hygiene, replay
from pipelines import sync as sync_room
from pipelines.aside import Chosen, replay_waiting, waiting
from pipelines.fold import prepared_warehouse, rebuild
from pipelines.landing import decode as decode_room
from pipelines.landing.decisions import drop, release
from pipelines.landing.types import typed
from pipelines.manifest import GONE, MENDED, REPLAYED
from pipelines.replay import Replayed
from pipelines.upkeep.verify import audit
from tests.pipeline.conftest import BLOCKING, RULES, Bench
from tests.pipeline.scripted import STREAM, deal

SECOND, THIRD = "2026-03-02T10:00:00+08:00", "2026-03-03T10:00:00+08:00"
LI, WANG = {"id": "u1", "name": "Li Lei"}, {"id": "u2", "name": "Wang Fang"}
TABLES = ("raw_scripted.deals", "raw_scripted.deals__history", "ops.packages", "ops.quarantine", "ops.set_aside",
          "ops.findings")  # fmt: skip
NAMED = """
  - name: name_is_given
    scope: row
    severity: warn
    expect: expect_column_values_to_not_be_null
    with: {column: Name}
    reason: Nobody finds a deal without a name.
"""
MILDER = RULES.replace("min_value: 0", "min_value: -10")


@pytest.fixture(autouse=True)
def known_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rebuild finds the streams of shipped sources; the scripted one is none of them."""
    monkeypatch.setattr(fold, "stream_of", lambda landed: STREAM)


class Killed(BaseException):
    """What no handler of ours catches."""


def kill(*_: object, **__: object) -> None:
    raise Killed


def summary(bench: Bench) -> list[tuple[Any, ...]]:
    counts = "rule, set_aside::INT, released::INT, dropped::INT, mended::INT, still_open::INT"
    return bench.query(f"SELECT {counts} FROM ops.quarantine_summary ORDER BY rule")


def decided(bench: Bench) -> list[tuple[str, str, list[int] | None]]:
    return [(d.kind, d.decided_by, d.positions) for d in bench.zone.decisions()]


def assert_rebuilt_alike_and_sound(bench: Bench) -> None:
    before = {t: sorted(bench.query(f"SELECT * FROM {t}"), key=repr) for t in TABLES}
    with flow.lock(bench.settings, "test"):
        rebuild(bench.settings)
        assert audit(bench.settings).findings == []
    assert {t: sorted(bench.query(f"SELECT * FROM {t}"), key=repr) for t in TABLES} == before
    assert bench.query("SELECT * FROM ops.conservation") == []


def give(bench: Bench, *deals: dict[str, Any]) -> None:
    bench.source.pages = [list(deals)] if deals else []
    assert bench.sync().ok


@pytest.fixture
def aside(bench: Bench) -> Bench:
    """Deal 1 is loaded; 2 (of Li), 3 and one without a key wait."""
    give(
        bench,
        deal("1", Amount=1),
        deal("2", Amount=-2, Owner=LI),
        deal("3", Amount=-30),
        {"Modified_Time": SECOND, "Amount": -4},
    )
    return bench


def test_a_newer_version_settles_the_row_that_waits(aside: Bench) -> None:
    bench = aside
    (first,) = waiting(bench.settings)
    assert first.rows == 3
    give(bench, deal("2", THIRD, Amount=20), deal("3", "2026-02-01T10:00:00+08:00", Amount=3))
    give(bench)
    assert decided(bench) == [("drop", MENDED, [1_000_002])], (
        "3 came in an older version, the last has no key"
    )
    assert summary(bench) == [
        ("amount_is_not_negative", 2, 0, 0, 1, 1),
        ("has_key", 1, 0, 0, 0, 1),
    ]
    (left,) = waiting(bench.settings)
    assert left.rows == 2
    assert bench.query("SELECT position, decision FROM ops.set_aside ORDER BY 1") == [
        (1_000_002, "mended"),
        (1_000_003, ""),
        (1_000_004, ""),
    ]
    assert_rebuilt_alike_and_sound(bench)


def test_a_later_read_of_the_same_stamp_is_newer(aside: Bench) -> None:
    """Law 4: content is ordered by stamp, then by the start of the read."""
    give(aside, deal("2", Amount=20))
    assert decided(aside) == [("drop", MENDED, [1_000_002])]


def test_a_row_that_came_behind_its_newer_version_is_settled_at_once(bench: Bench) -> None:
    give(bench, deal("2", THIRD, Amount=20))
    give(bench, deal("2", SECOND, Amount=-2))
    assert decided(bench) == [("drop", MENDED, [1_000_001])]
    assert bench.raw() == [("2", Decimal("20.00"))]
    assert_rebuilt_alike_and_sound(bench)


def test_a_tombstone_is_no_newer_version_but_the_record_is_gone(aside: Bench) -> None:
    bench = aside
    give(bench, deal("2", "2026-02-01T10:00:00+08:00", Amount=2))  # an older one, and then it is deleted
    assert decided(bench) == []
    bench.source.deleted = [{"id": "2", "deleted_time": THIRD}]
    give(bench)
    assert decided(bench) == [("drop", GONE, [1_000_002])]
    assert_rebuilt_alike_and_sound(bench)


@pytest.mark.parametrize(
    "where",
    [
        *(pytest.param(w, marks=pytest.mark.slow) for w in ("settle_needless", "write_looked")),
        "_load",
    ],
)
def test_killed_while_settling_the_next_sync_settles(
    aside: Bench, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = aside
    load, calls = sync_room._load, []

    def second_load(*arguments: Any) -> None:
        calls.append(arguments)
        if len(calls) == 2:
            raise Killed
        load(*arguments)

    bench.source.pages = [[deal("2", THIRD, Amount=20)]]
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(sync_room, where, second_load if where == "_load" else kill)
        bench.sync()
    give(bench)
    assert decided(bench) == [("drop", MENDED, [1_000_002])]
    assert summary(bench)[0] == ("amount_is_not_negative", 2, 0, 0, 1, 1)
    assert_rebuilt_alike_and_sound(bench)


def test_an_idle_sync_with_rows_waiting_does_not_open_the_warehouse(
    aside: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    give(aside)
    monkeypatch.setattr(sync_room, "prepared_warehouse", kill)
    give(aside)


def test_a_mended_rule_lets_rows_in_by_itself_in_the_originals_place(aside: Bench) -> None:
    bench = aside
    bench.rules.write_text(MILDER)
    give(bench)
    assert decided(bench) == [("release", REPLAYED, [1_000_002])], "-30 is still too little"
    assert bench.raw() == [("1", Decimal("1.00")), ("2", Decimal("-2.00"))]
    assert summary(bench)[0] == ("amount_is_not_negative", 2, 1, 0, 0, 1)
    (row,) = bench.query(
        "SELECT _position, _modified_at::DATE::TEXT FROM raw_scripted.deals WHERE _record_id = '2'"
    )
    assert row == (1_000_002, "2026-03-01")
    assert_rebuilt_alike_and_sound(bench)


def test_a_newer_version_wins_over_a_row_that_a_mended_rule_lets_in(aside: Bench) -> None:
    bench = aside
    bench.rules.write_text(MILDER)
    give(bench, deal("2", THIRD, Amount=20))
    assert bench.raw()[1] == ("2", Decimal("20.00"))
    assert summary(bench)[0][2:] == (1, 0, 0, 1), "it was let in, as history"


def test_a_package_is_judged_once_by_the_same_rules_and_a_stricter_rule_takes_nothing_back(
    aside: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = aside
    bench.rules.write_text(MILDER)
    give(bench)
    judged: list[object] = []
    monkeypatch.setattr(replay, "decode", lambda *a: judged.append(a))
    give(bench)
    assert judged == []
    monkeypatch.undo()
    monkeypatch.setattr(sync_room, "EXPECTATIONS", bench.rules.parents[1])
    bench.rules.write_text(RULES.replace("min_value: 0", "min_value: 100"))
    give(bench)
    assert bench.raw() == [("1", Decimal("1.00")), ("2", Decimal("-2.00"))]


@pytest.mark.parametrize("where", [pytest.param("write_tried", marks=pytest.mark.slow), "release_anew"])
def test_killed_while_judging_again_the_next_sync_does_it(
    aside: Bench, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = aside
    bench.rules.write_text(MILDER)
    bench.source.pages = []
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(replay, where, kill)
        bench.sync()
    give(bench)
    assert decided(bench) == [("release", REPLAYED, [1_000_002])]
    assert_rebuilt_alike_and_sound(bench)


def test_a_row_that_todays_reader_reads_re_enters_as_it_reads_now(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    give(bench, deal("1", Amount=100.005), deal("2", Amount=7))
    assert summary(bench) == [("fits_type", 1, 0, 0, 0, 1)]

    def rounding(field: Field, text: str, *, from_json: bool) -> str:
        if field.name == "Amount":
            return f"CAST({text} AS DECIMAL(18,2))"
        return typed(field, text, from_json=from_json)

    monkeypatch.setattr(decode_room, "typed", rounding)
    give(bench)
    assert decided(bench) == [], "the same reader has tried it"
    monkeypatch.setattr(replay, "reader", lambda: "another reader")
    give(bench)
    assert decided(bench) == [("release", REPLAYED, [1_000_001])]
    assert bench.raw() == [("1", Decimal("100.01")), ("2", Decimal("7.00"))]
    assert_rebuilt_alike_and_sound(bench)


@pytest.mark.slow
def test_rows_of_a_package_that_was_released_whole_are_judged_again_from_its_origins_bytes(
    bench: Bench,
) -> None:
    counted = (
        RULES.split("rules:\n")[1].replace("amount_is", "count_is").replace("column: Amount", "column: Count")
    )
    bench.rules.write_text(BLOCKING + counted)
    bench.source.pages = [[deal("1", Amount=-1), deal("2", Amount=2, Count=-1)]]
    assert not bench.sync().ok
    bench.source.pages = []
    whole = release(bench.zone, bench.zone.packages()[0], None, by="Wang")
    assert bench.sync().ok
    bench.rules.write_text(BLOCKING)
    assert bench.sync().ok
    assert decided(bench)[1:] == [("release", REPLAYED, [1_000_002])]
    assert bench.zone.decisions(whole.id)[0].origin == whole.id
    assert [key for key, _ in bench.raw()] == ["1", "2"]
    assert_rebuilt_alike_and_sound(bench)


def test_findings_are_of_rows_that_the_tables_hold_and_set_aside_rows_say_whose_they_are(
    bench: Bench,
) -> None:
    bench.rules.write_text(RULES + NAMED)
    give(bench, deal("1", Amount=1), deal("2", Amount=-2, Owner=LI), deal("3", Amount=3, Name="three"))
    assert bench.query("SELECT position, rule, severity FROM ops.findings") == [
        (1_000_001, "name_is_given", "warn")
    ]
    told = "position, record_id, owner_id, owner_name, rule, column_name, value, reason, decision"
    assert bench.query(f"SELECT {told} FROM ops.set_aside") == [
        (1_000_002, "2", "u1", "Li Lei", "amount_is_not_negative", "Amount", "-2.00",
         "A negative amount would lower revenue.", "")
    ]  # fmt: skip
    give(bench, deal("1", Amount=1), deal("4", SECOND, Amount=4))
    assert bench.query("SELECT count(*) FROM ops.findings") == [(2,)], (
        "1 is unchanged: its finding stands already"
    )
    release(bench.zone, bench.zone.packages()[0], [1_000_002], by="Wang")
    give(bench)
    rules = bench.query("SELECT rule, severity FROM ops.findings ORDER BY package_id, rule")
    assert rules[2:] == [("amount_is_not_negative", "quarantine"), ("name_is_given", "warn")]
    assert list(bench.zone.undecided()) == []
    assert bench.query("SELECT decision FROM ops.set_aside") == [("released",)]
    assert_rebuilt_alike_and_sound(bench)


def test_findings_hold_positions_and_nothing_of_a_row(bench: Bench) -> None:
    bench.rules.write_text(RULES + NAMED)
    give(bench, deal("4711-id", Amount=-123456, Owner=WANG))
    package = bench.zone.packages()[0]
    text = (package.folder / "findings.parquet").read_bytes()
    assert b"4711-id" not in text and b"Wang" not in text and b"123456" not in text


def test_dropped_rows_are_no_longer_looked_at(aside: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    drop(aside.zone, aside.zone.packages()[0], [1_000_002, 1_000_003, 1_000_004])
    give(aside)
    monkeypatch.setattr(sync_room, "replay_outdated", kill)
    aside.rules.write_text(MILDER)
    give(aside)
    assert summary(aside)[0] == ("amount_is_not_negative", 2, 0, 2, 0, 0)


def test_the_list_says_how_many_rows_of_which_rule_wait_and_for_whom(
    aside: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench, origin = aside, aside.zone.packages()[0]
    monkeypatch.setattr(aside_room, "EXPECTATIONS", bench.rules.parents[1])
    (one,) = waiting(bench.settings)
    assert (one.rules, one.rows) == ({"amount_is_not_negative": 2, "has_key": 1}, 3)
    assert (one.owner, one.landed_at) == ("sales operations", origin.landed.landed_at)
    drop(bench.zone, origin, [1_000_003])
    (one,) = waiting(bench.settings)
    assert (one.rules, one.rows) == ({"amount_is_not_negative": 1, "has_key": 1}, 2)
    (one,) = waiting(bench.settings, Chosen(["scripted"], ["deals"], ["has_key"]))
    assert (one.rules, one.rows, one.why) == ({"has_key": 1}, 1, "has_key")
    assert list(waiting(bench.settings, Chosen(rules=["another"]))) == []
    with pytest.raises(Problem, match=r"nothing was landed of zoho.*choose among scripted"):
        list(waiting(bench.settings, Chosen(sources=["zoho"])))


def test_a_person_may_have_rows_judged_again(aside: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench, origin = aside, aside.zone.packages()[0]
    monkeypatch.setattr(aside_room, "EXPECTATIONS", bench.rules.parents[1])
    bench.rules.write_text(MILDER)
    with flow.lock(bench.settings, "test"):
        done = list(replay_waiting(bench.settings, [origin.id], by="Wang"))
        assert done == [Replayed(origin.id, "scripted.deals", released=1, mended=0, waiting=2)]
        assert list(replay_waiting(bench.settings)) == [Replayed(origin.id, "scripted.deals", 0, 0, 2)]
        with pytest.raises(Problem, match="no row of nonsense waits"):
            list(replay_waiting(bench.settings, ["nonsense"]))
    give(bench)
    assert bench.raw() == [("1", Decimal("1.00")), ("2", Decimal("-2.00"))]
    assert decided(bench) == [("release", "Wang, by a replay", [1_000_002])]


def test_a_warning_is_current_while_its_row_and_its_rule_are(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two deals of Li and one of Wang have no name; one of Li's gets one; then nobody asks for names any more."""
    monkeypatch.setattr(hygiene, "_streams", lambda con: [STREAM])
    bench.rules.write_text(RULES + NAMED)
    give(bench, deal("1", Owner=LI), deal("2", Owner=LI), deal("3", Owner=WANG), deal("4", Name="four"))

    def now() -> list[tuple[Any, ...]]:
        with flow.lock(bench.settings, "test"), prepared_warehouse(bench.settings) as con:
            hygiene.note_hygiene(con, bench.rules.parents[1])
        return bench.query("SELECT rule, owner_name, records FROM ops.warnings ORDER BY 2")

    assert now() == [("name_is_given", "Li Lei", 2), ("name_is_given", "Wang Fang", 1)]
    owned = "SELECT owner_id, records FROM ops.record_owners ORDER BY 1 NULLS LAST"
    assert bench.query(owned) == [("u1", 2), ("u2", 1), (None, 1)]
    asked = "SELECT rule, severity, owner FROM ops.rules WHERE scope = 'row' ORDER BY 1"
    assert [rule for rule, *_ in bench.query(asked)] == [
        "amount_is_not_negative", "fits_type", "has_key", "name_is_given", "readable",
    ]  # fmt: skip
    bench.source.deleted = [{"id": "3", "deleted_time": THIRD}]
    give(bench, deal("1", THIRD, Owner=LI, Name="one"))
    assert now() == [("name_is_given", "Li Lei", 1)]
    assert bench.query(owned) == [("u1", 2), (None, 1)]
    bench.rules.write_text(RULES)
    assert now() == []
