"""Our totals against Fxiaoke's `total`, and what that leaves open: no sums, a total of 0, void without a stamp."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from pipelines.tally import Verdict
from tests.conftest import Sandbox
from tests.contract.fxiaoke_api_truth import FxiaokeApiTruth
from tests.pipeline.reconciled import Compared, start, told, verdicts

DEALS = "new_opportunity_obj"
TABLE = f"raw_fxiaoke.{DEALS}"
pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compared]:
    sandbox = Sandbox(seed=11, size=600)
    sandbox.set(fxiaoke={"tokens": 1000, "calls": 100_000})
    with pytest.MonkeyPatch.context() as patch:
        home = start(sandbox, "fxiaoke", tmp_path_factory.mktemp("settled"), patch)
        assert home.sync(streams=(DEALS,)).ok
        yield home
    sandbox.close()


@pytest.fixture
def home(settled: Compared) -> Iterator[Compared]:
    """Put back behind the test."""
    yield from (settled for _ in settled.put_back())


def amounts(home: Compared) -> dict[str, Decimal | None]:
    return {id: record.get("amount") for id, record in FxiaokeApiTruth(home.sandbox).records(DEALS).items()}


@pytest.mark.slow
def test_a_tenant_that_lives_on(
    fresh_sandbox: Callable[..., Sandbox], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox = fresh_sandbox(seed=11, size=200)
    sandbox.set(fxiaoke={"tokens": 1000, "calls": 100_000})
    home = start(sandbox, "fxiaoke", tmp_path, monkeypatch)
    ruled = {stream: found for stream, found in home.outcomes(home.sync()).items() if found.reconciled}
    assert DEALS in ruled and len(ruled) > 4
    for stream, outcome in ruled.items():
        rows = outcome.reconciled[0]
        assert (rows.verdict, rows.calls) == (Verdict.AGREES, 1), (stream, rows)
        assert rows.theirs == len(FxiaokeApiTruth(sandbox).records(stream)), stream
    for _ in range(3):
        sandbox.advance(12)
        for stream, outcome in home.outcomes(home.sync()).items():
            wrong = [(m.items, m.why) for m in outcome.reconciled if m.verdict is Verdict.DIFFERS]
            assert not wrong, (stream, wrong)
    home.sync(full=True, sweep=True)
    for stream in ruled:
        assert home.compare(stream).measures[0].verdict is Verdict.AGREES, stream


def test_equal_totals_take_one_call_and_sums_are_not_given(home: Compared) -> None:
    found = home.compare(DEALS)
    rows, money = found.measures
    assert (rows.verdict, rows.calls) == (Verdict.AGREES, 1)
    assert rows.ours == rows.theirs == len(amounts(home)) > 100
    assert (
        money.verdict is Verdict.NOT_ASKED and money.why == "Fxiaoke gives no sums" and money.theirs is None
    )
    assert money.ours == sum(amount for amount in amounts(home).values() if amount)
    assert found.verdict is Verdict.AGREES


def test_a_row_that_is_gone_is_found_by_halving_and_its_money_told(home: Compared) -> None:
    known = amounts(home)
    ids = sorted(known)
    assert 400 < len(ids) <= 800, "halved twice or three times until a call lists what is left"
    removed = next(id for id in ids[5:] if known[id])
    home.plant(f"DELETE FROM {TABLE} WHERE _record_id = ?", [removed])
    found = home.compare(DEALS)
    assert told(found) == [
        ("rows", removed, "missing_here", "lost_here", None, None),
        ("amount", removed, "missing_here", "lost_here", None, known[removed]),
    ]
    assert verdicts(found) == {"rows": "differs", "amount": "differs"}
    halved = 2 if len(ids) <= 400 else 3
    assert found.measures[0].calls == 2 + halved + 1, "all of it before and after, the halves, and one list"


@pytest.mark.slow
def test_thirty_spread_differences(home: Compared) -> None:
    known = amounts(home)
    ids = sorted(known)
    step = len(ids) // 31
    gone, doubled = ids[step : 16 * step : step], ids[16 * step : 31 * step : step]
    home.plant(f"DELETE FROM {TABLE} WHERE list_contains(?, _record_id)", [gone])
    home.plant(f"INSERT INTO {TABLE} SELECT * FROM {TABLE} WHERE list_contains(?, _record_id)", [doubled])
    home.plant(f"DELETE FROM {TABLE} WHERE _record_id = ?", [ids[0]])  # else both sides count alike
    found = home.compare(DEALS)
    items = [item[1:4] for item in told(found) if item[0] == "rows"]
    assert {i[0] for i in items if i[1:] == ("missing_here", "lost_here")} == {ids[0], *gone}
    assert {i[0] for i in items if i[1:] == ("missing_there", "doubled")} == set(doubled)
    assert found.measures[0].calls <= 60


def test_a_total_that_is_not_given_is_no_zero(home: Compared) -> None:
    home.sandbox.set(fxiaoke={"totals": False})
    try:
        found = home.compare(DEALS)
    finally:
        home.sandbox.set(fxiaoke={"totals": True})
    assert verdicts(found) == {"rows": "not_asked", "amount": "not_asked"}
    assert found.measures[0].why == "Fxiaoke gives no total of its records"
    assert found.result(home.rule(DEALS)).not_applicable


def test_nothing_is_asked_where_the_days_calls_are_used_up(
    home: Compared, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FXIAOKE_DAILY_CALLS", "2")  # for the objects and the describe
    for counted in (home.settings.home / "cache" / "fxiaoke").glob("*.calls"):
        counted.unlink()
    found = home.compare(DEALS)
    assert verdicts(found) == {"rows": "not_asked", "amount": "not_asked"}
    assert "of this day that are ours are used up" in found.measures[0].why and found.usage.calls == 0


@pytest.mark.slow
def test_void_records_are_explained_with_and_without_a_stamp(
    fresh_sandbox: Callable[..., Sandbox], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox = fresh_sandbox(seed=11, size=200)
    sandbox.set(fxiaoke={"tokens": 1000, "calls": 100_000})
    home = start(sandbox, "fxiaoke", tmp_path, monkeypatch)
    assert home.sync(streams=(DEALS,)).ok
    ids = sorted(amounts(home))
    silent, hidden, edited = ids[10], ids[30], ids[40]
    sandbox.step(3600)
    sandbox.act("delete", "deals", id=silent, crm="fxiaoke")
    found = home.compare(DEALS)
    assert [i[1:4] for i in told(found)][:1] == [(silent, "missing_there", "deleted_without_stamp")]
    assert verdicts(found)["rows"] == "explained"
    sandbox.set(fxiaoke={"unseen": [hidden]})
    sandbox.act("edit", "deals", id=edited, changes={"amount": 3.25}, crm="fxiaoke")
    found = home.compare(DEALS)
    causes = {item[1]: item[3] for item in told(found) if item[0] == "rows"}
    assert causes == {silent: "deleted_without_stamp", hidden: "gone_without_trace"}
    assert verdicts(found)["rows"] == "explained"
    sandbox.set(fxiaoke={"unseen": ids[50:71]})  # a right that was lost, not a clean-up
    found = home.compare(DEALS)
    assert {i[1] for i in told(found) if i[3] == "shown_neither" and i[0] == "rows"} == set(ids[50:71])
    assert verdicts(found)["rows"] == "differs"
    sandbox.set(fxiaoke={"unseen": [hidden]})
    assert home.sync(streams=(DEALS,), sweep=True)
    assert home.compare(DEALS).measures[0].verdict is Verdict.AGREES
