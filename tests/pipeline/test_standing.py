"""How a stream stands after each sync: what fails, since when, who must act, and what readers are told of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from connectors.core.errors import Problem
from pipelines import after_load, flow
from pipelines import sync as sync_room
from pipelines.health import read_health
from pipelines.landing.decisions import drop
from pipelines.landing.standing import (
    RuleStanding,
    Standing,
    digest,
    read_standing,
    stand,
    together,
    write_standing,
)
from pipelines.landing.zone import Zone
from tests.pipeline.conftest import BLOCKING, RULES, Bench
from tests.pipeline.scripted import deal

T0 = datetime(2026, 3, 1, tzinfo=UTC)
SECOND, THIRD = "2026-03-02T10:00:00+08:00", "2026-03-03T10:00:00+08:00"
WARNING = RULES.replace("severity: quarantine", "severity: warn")


def result(rule: str, failing: int, checked: int = 10, **more: object) -> dict[str, object]:
    return {
        "rule": rule, "scope": "package", "severity": "warn", "owner": "sales", "reason": "it must be so",
        "passed": not failing, "checked": checked, "failing": failing, "samples": [], "not_applicable": None,
        "observed": None, **more,
    }  # fmt: skip


def standing(before: Standing | None, day: int, *results: dict[str, object], good: bool = True) -> Standing:
    return stand(
        before, status="loaded" if good else "failed", good=good, messages=[], results=results,
        rules={"a": "1", "b": "1"},
        package="p", began=T0 + timedelta(days=day), now=T0 + timedelta(days=day),
    )  # fmt: skip


def test_since_moves_only_when_the_verdict_does() -> None:
    first = standing(None, 0, result("a", 1), result("b", 0))
    second = standing(first, 1, result("a", 2))
    third = standing(second, 2, result("a", 0), result("b", 3), good=False)
    fourth = standing(third, 3, result("a", 5), good=False)
    assert [s.rules["a"].since for s in (first, second, third, fourth)] == [
        T0,
        T0,
        None,
        T0 + timedelta(days=3),
    ]
    assert [s.rules["b"].since for s in (second, third, fourth)] == [None, *[T0 + timedelta(days=2)] * 2]
    assert [s.since for s in (second, third, fourth)] == [T0, *[T0 + timedelta(days=2)] * 2]
    assert fourth.served_at == second.served_at == T0 + timedelta(days=1)


def test_a_rule_that_is_no_longer_written_is_forgotten() -> None:
    before = standing(None, 0, result("a", 1), result("old", 1))
    assert sorted(standing(before, 1).rules) == ["a"]


def test_a_rule_that_was_changed_is_forgotten_until_it_is_judged_again() -> None:
    before = standing(None, 0, result("a", 1))
    changed = stand(
        before,
        status="loaded",
        good=True,
        messages=[],
        results=[],
        rules={"a": "2"},
        package="p",
        began=T0,
        now=T0,
    )
    assert changed.rules == {}


def test_what_could_not_be_judged_says_nothing_new() -> None:
    before = standing(None, 0, result("a", 1))
    after = standing(before, 1, result("a", 0, 0, not_applicable="the CRM was not asked"))
    assert after.rules == before.rules


def test_a_decided_package_blocks_nothing_any_more() -> None:
    before = standing(None, 0, result("a", 1, severity="block"), result("b", 1))
    after = stand(
        before, status="loaded", good=True, messages=[], results=[], rules={"a": "1", "b": "1"}, package="p",
        decided={"p"}, began=T0, now=T0,
    )  # fmt: skip
    assert sorted(after.rules) == ["b"]


def test_one_failure_among_several_packages_is_a_failure_and_rows_add_up() -> None:
    found = together(
        [
            result("a", 2, 7, samples=[{"position": 1}]),
            result("a", 0, 5),
            result("a", 0, 0, not_applicable="the package has no column"),
            result("b", 0, 0, not_applicable="the package has no column"),
            result("b", 1, 4),
        ]
    )
    assert [(r["rule"], r["passed"], r["failing"], r["checked"]) for r in found] == [
        ("a", False, 2, 12),
        ("b", False, 1, 4),
    ]
    assert found[0]["samples"] == [{"position": 1}]


def test_the_digest_tells_what_readers_must_be_told() -> None:
    """Only what begins or ceases to fail makes a new version; how many rows fail does not."""
    key = ("zoho", "default", "deals")
    fine, one = standing(None, 0, result("a", 0)), standing(None, 0, result("a", 1))
    assert digest({key: fine}) == digest({}) == ""
    assert digest({key: one}) == digest({key: standing(one, 1, result("a", 9))}) != ""
    assert digest({key: one}) != digest({key: standing(None, 0, result("a", 1), good=False)})


@pytest.mark.parametrize(
    ("scope", "severity", "blocks"), [("cross", "block", True), ("package", "block", False)]
)
def test_only_a_blocking_rule_about_loaded_tables_holds_a_version_back(
    scope: str, severity: str, blocks: bool
) -> None:
    of = result("a", 1, scope=scope, severity=severity)
    assert RuleStanding(result=of, judged_at=T0, since=T0).blocks is blocks
    assert not RuleStanding(result=of, judged_at=T0).blocks


CHECKS = "SELECT rule, severity, owner, passed, checked::INT, failing::INT, failing_since IS NOT NULL FROM ops.checks"


def test_a_failing_rule_is_told_in_ops_and_health_until_it_passes(bench: Bench) -> None:
    bench.rules.write_text(WARNING)
    bench.source.pages = [[deal("1", Amount=1), deal("2", Amount=-2)]]
    assert bench.sync().ok
    named = ("amount_is_not_negative", "warn", "sales operations")
    assert bench.query(CHECKS) == [(*named, False, 2, 1, True)]
    health = read_health(bench.settings.published)
    assert health and health.ok, "a warning blocks nothing"
    (failing,) = health.streams[0].failing
    assert (failing.rule, failing.owner, failing.failing) == (named[0], named[2], 1)
    bench.source.pages = [[deal("2", SECOND, Amount=2)]]
    assert bench.sync().ok
    assert bench.query(CHECKS) == [(*named, True, 1, 0, False)]
    health = read_health(bench.settings.published)
    assert health and health.streams[0].failing == []


def test_what_waits_in_quarantine_is_counted_until_somebody_decides(bench: Bench) -> None:
    bench.source.pages = [[deal("1", Amount=1), deal("2", Amount=-2), deal("3", Amount=-3)]]
    assert bench.sync().ok
    package = bench.zone.packages()[0]
    standing = read_standing(bench.zone)
    assert standing and (standing.aside.rows, standing.aside.since) == (2, package.landed.landed_at)
    bench.source.pages = []
    assert bench.sync().ok
    drop(bench.zone, package, [1_000_002])
    assert bench.sync().ok
    health = read_health(bench.settings.published)
    assert health and (health.streams[0].quarantined, health.streams[0].quarantined_since) == (
        1,
        package.landed.landed_at,
    )


UNIQUE = (
    RULES
    + """
  - name: names_are_unique
    scope: cross
    severity: block
    owner: the admin
    unique: [Name]
    reason: Two deals of one name are one deal.
"""
)


def test_a_blocking_rule_about_tables_speaks_until_it_holds(bench: Bench) -> None:
    bench.rules.write_text(UNIQUE)
    bench.source.pages = [[deal("1", Amount=1, Name="a"), deal("2", Amount=2, Name="a")]]
    assert "the admin: repair it in the source" in " ".join(bench.sync().sentences())
    bench.source.pages = []
    idle = bench.sync()
    assert "names_are_unique" in " ".join(idle.sentences()), "an idle sync judges nothing and forgets nothing"
    assert [o.status.value for o in idle.outcomes] == ["blocked"]
    bench.source.pages = [[deal("2", SECOND, Amount=2, Name="b")]]
    assert bench.sync().ok


@pytest.mark.parametrize("room", ["judge_loaded", "judge_cross"])
def test_what_a_killed_run_did_not_judge_is_judged_by_the_next(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, room: str
) -> None:
    bench.rules.write_text(UNIQUE)
    bench.source.pages = [[deal("1", Amount=1, Name="a")]]
    assert bench.sync().ok

    def killed(*_: object, **__: object) -> None:
        raise MemoryError

    bench.source.pages = [[deal("2", SECOND, Amount=2, Name="a")]]
    with monkeypatch.context() as patch:
        patch.setattr(sync_room if room == "judge_loaded" else after_load, room, killed)
        assert not bench.sync().ok
    bench.source.pages = []
    assert "names_are_unique" in " ".join(bench.sync().sentences())


def test_who_must_act_is_told_while_rows_wait(bench: Bench) -> None:
    """The next package is clean; the row still waits."""
    bench.source.pages = [[deal("1", Amount=1), deal("2", Amount=-2)]]
    assert bench.sync().ok
    landed = bench.zone.packages()[0].landed.landed_at
    bench.source.pages = [[deal("5", SECOND, Amount=5)]]
    assert bench.sync().ok
    health = read_health(bench.settings.published)
    assert health
    (failing,) = health.streams[0].failing
    assert (failing.rule, failing.severity, failing.owner, failing.since, failing.failing) == (
        "amount_is_not_negative", "quarantine", "sales operations", landed, 1,
    )  # fmt: skip
    assert bench.query(CHECKS)[0][3:] == (False, 1, 1, True)
    version = flow.built_from(bench.settings)
    drop(bench.zone, bench.zone.packages()[0], [1_000_002])
    bench.source.pages = []
    assert bench.sync().ok
    health = read_health(bench.settings.published)
    assert health and health.streams[0].failing == []
    assert flow.built_from(bench.settings) != version, "what is published must say so"


def test_a_warning_stays_while_a_loaded_record_breaks_the_rule(bench: Bench) -> None:
    bench.rules.write_text(WARNING)
    bench.source.pages = [[deal("1", Amount=-1), deal("2", Amount=-2)]]
    assert bench.sync().ok
    bench.source.pages = [[deal("3", SECOND, Amount=3), deal("2", SECOND, Amount=2)]]
    assert bench.sync().ok
    health = read_health(bench.settings.published)
    assert health and [(f.rule, f.failing) for f in health.streams[0].failing] == [
        ("amount_is_not_negative", 1)
    ]
    bench.rules.write_text(WARNING.replace("min_value: 0", "min_value: -5"))
    bench.source.pages = [[deal("3", THIRD, Amount=4)]]
    assert bench.sync().ok
    health = read_health(bench.settings.published)
    assert health and health.streams[0].failing == [], "the rule was another when record 1 was judged"


def test_a_blocked_stream_and_a_dead_source_are_old_since_then(bench: Bench) -> None:
    bench.source.pages = [[deal("1", Amount=1)]]
    assert bench.sync().ok
    served = read_standing(bench.zone)
    assert served and served.good and served.served_at
    version = flow.built_from(bench.settings)
    bench.rules.write_text(BLOCKING)
    bench.source.pages = [[deal("2", SECOND, Amount=-2)]]
    bench.sync()
    blocked = read_standing(bench.zone)
    assert blocked and (blocked.status, blocked.served_at) == ("blocked", served.served_at)
    assert blocked.since > served.since
    assert flow.built_from(bench.settings) != version, "a version that says so must be published"
    state = "SELECT served, status, status_since, served_at FROM ops.stream_state"
    assert bench.query(state) == [(False, "blocked", blocked.since, served.served_at)]

    def dead(*_: object) -> None:
        raise Problem("the CRM does not answer", do="wait")

    bench.source.streams = dead  # type: ignore[method-assign,assignment]
    report = bench.sync()
    still = read_standing(bench.zone)
    assert [str(s) for _, s in report.problems] and still
    assert (still.status, still.since, still.served_at) == ("failed", blocked.since, served.served_at)
    health = read_health(bench.settings.published)
    assert health and [(s.stream, s.status) for s in health.streams] == [("deals", "failed")]


def test_a_source_that_never_answered_and_one_that_lost_a_stream(bench: Bench) -> None:
    def dead(*_: object) -> None:
        raise Problem("the CRM does not answer", do="wait")

    alive, bench.source.streams = bench.source.streams, dead  # type: ignore[method-assign,assignment]
    bench.sync()
    health = read_health(bench.settings.published)
    assert health and [(s.stream, s.status, s.served_at) for s in health.streams] == [
        ("deals", "failed", None)
    ]
    bench.source.streams = alive  # type: ignore[method-assign]
    gone = Zone(bench.settings.landing).stream("scripted", "default", "gone")
    failed = read_standing(bench.zone)
    assert failed
    write_standing(gone, failed)
    bench.source.pages = [[deal("1", Amount=1)]]
    assert bench.sync().sentences() == []
    health = read_health(bench.settings.published)
    assert health and [(s.stream, s.status) for s in health.streams] == [("deals", "loaded")]
