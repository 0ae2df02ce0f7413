"""Our totals against Zoho's own: agreement costs one call, and every planted difference is named with its reason.

What is expected comes from the sandbox's truth or is what the test planted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from connectors.core.contract import Listing, Stream
from connectors.zoho.source import ZohoSource
from pipelines.tally import Verdict
from tests.conftest import Sandbox
from tests.contract.zoho_truth import ZohoTruth
from tests.pipeline.reconciled import Compared, start, told, verdicts

COUNTED = ("accounts", "contacts", "leads", "deals", "products", "deal_history")
TABLE = "raw_zoho.deals"
pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compared]:
    """One company, whose deals were synced; of which tests change the warehouse only."""
    sandbox = Sandbox(seed=11, size=200)
    sandbox.set(tokens=1000)
    with pytest.MonkeyPatch.context() as patch:
        home = start(sandbox, "zoho", tmp_path_factory.mktemp("settled"), patch)
        assert home.sync(streams=("deals",)).ok
        yield home
    sandbox.close()


@pytest.fixture
def home(settled: Compared) -> Iterator[Compared]:
    """Put back behind the test."""
    yield from (settled for _ in settled.put_back())


@pytest.fixture
def own(
    fresh_sandbox: Callable[..., Sandbox], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Compared]:
    """A company of the test's own, nothing synced yet."""
    sandbox = fresh_sandbox(seed=11, size=200)
    sandbox.set(tokens=1000)
    yield start(sandbox, "zoho", tmp_path, monkeypatch)


def deals(home: Compared) -> dict[str, Decimal | None]:
    return {id: record.get("Amount") for id, record in ZohoTruth(home.sandbox).records("deals").items()}


def total(home: Compared) -> Decimal:
    return sum((amount for amount in deals(home).values() if amount), Decimal(0))


def priced(home: Compared) -> list[str]:
    return sorted(id for id, amount in deals(home).items() if amount)


@pytest.mark.slow
def test_a_company_that_lives_on_agrees_for_one_call_a_stream(own: Compared) -> None:
    first = own.outcomes(own.sync())
    for stream in COUNTED:
        measures = first[stream].reconciled
        assert [m.verdict for m in measures] == [Verdict.AGREES] * len(measures), (stream, measures)
        assert sum(m.calls for m in measures) == 1, stream
        truth = ZohoTruth(own.sandbox).records(stream)
        assert measures[0].ours == measures[0].theirs == len(truth), stream
    assert [m.verdict for m in first["users"].reconciled] == [Verdict.NOT_ASKED]
    assert first["users"].reconciled[0].calls == 0
    for _ in range(3):  # deletes, conversions, restores
        own.sandbox.advance(12)
        for stream, outcome in own.outcomes(own.sync()).items():
            wrong = [(m.measure, m.items, m.why) for m in outcome.reconciled if m.verdict is Verdict.DIFFERS]
            assert not wrong, (stream, wrong)
    own.sync(full=True, sweep=True)
    for stream in COUNTED:
        found = own.compare(stream)
        assert found.verdict is Verdict.AGREES, (stream, found.observed, told(found))


def test_equal_totals_take_one_call(home: Compared) -> None:
    found = home.compare("deals")
    assert [(m.measure, m.verdict, m.calls) for m in found.measures] == [
        ("rows", Verdict.AGREES, 1), ("Amount", Verdict.AGREES, 0),
    ]  # fmt: skip
    rows, money = found.measures
    assert rows.ours == rows.theirs == len(deals(home)) > 100
    assert money.ours == money.theirs == total(home) > 0
    result = found.result(home.rule("deals"), owner="sales operations")
    assert (result.passed, result.failing, result.checked) == (True, 0, len(deals(home)))
    assert result.observed == f"{len(deals(home)):,} records; {total(home):,.9f} Amount"


def test_what_is_wrong_in_the_table_is_named(home: Compared) -> None:
    amounts = deals(home)
    removed, altered, doubled = priced(home)[10:40:10]
    home.plant(f"DELETE FROM {TABLE} WHERE _record_id = ?", [removed])
    home.plant(f'UPDATE {TABLE} SET "Amount" = "Amount" + 100 WHERE _record_id = ?', [altered])
    other = f"SELECT * REPLACE ('999' AS _record_id, 7 AS \"Amount\") FROM {TABLE} LIMIT 1"
    home.plant(f"INSERT INTO {TABLE} {other}")
    home.plant(f"INSERT INTO {TABLE} SELECT * FROM {TABLE} WHERE _record_id = ?", [doubled])
    found = home.compare("deals")
    assert verdicts(found) == {"rows": "differs", "Amount": "differs"}
    assert sorted(map(str, told(found))) == sorted(
        map(
            str,
            [
                ("rows", removed, "missing_here", "lost_here", None, None),
                ("rows", "999", "missing_there", "shown_neither", None, None),
                ("rows", doubled, "missing_there", "doubled", None, None),
                ("Amount", removed, "missing_here", "lost_here", None, nine(amounts[removed])),
                ("Amount", "999", "missing_there", "shown_neither", nine(7), None),
                ("Amount", doubled, "missing_there", "doubled", nine(amounts[doubled]), None),
                (
                    "Amount",
                    altered,
                    "differs",
                    "altered_here",
                    nine(amounts[altered] + 100),
                    nine(amounts[altered]),
                ),
            ],
        )
    )
    rows, money = found.measures
    assert (rows.ours, rows.theirs, rows.difference) == (len(amounts) + 1, len(amounts), -1)
    assert money.theirs == total(home) and money.difference == -(107 + amounts[doubled] - amounts[removed])
    assert rows.calls <= 6
    result = found.result(home.rule("deals"), owner="sales operations")
    assert not result.passed and result.failing == 4 and result.checked == len(amounts)
    assert f"{len(amounts) + 1:,} of {len(amounts):,} records" in (result.observed or "")


def nine(value: Decimal | int) -> Decimal:
    """As the engine writes it."""
    return Decimal(value).quantize(Decimal("1.000000000"))


def test_a_row_that_even_the_history_lost_is_a_loss(home: Compared) -> None:
    removed = priced(home)[5]
    for table in (TABLE, f"{TABLE}__history"):
        home.plant(f"DELETE FROM {table} WHERE _record_id = ?", [removed])
    found = home.compare("deals")
    assert told(found)[0] == ("rows", removed, "missing_here", "never_received", None, None)
    assert verdicts(found)["rows"] == "differs"


def test_the_newest_record_is_no_newcomer(home: Compared) -> None:
    """Its stamp is the cursor itself: that it may have come after the read must not excuse its loss."""
    newest = max(ZohoTruth(home.sandbox).records("deals").items(), key=lambda pair: pair[1]["Modified_Time"])[
        0
    ]
    for table in (TABLE, f"{TABLE}__history"):
        home.plant(f"DELETE FROM {table} WHERE _record_id = ?", [newest])
    assert told(home.compare("deals"))[0][3] == "lost_here"


def test_a_tombstone_that_nobody_said_is_a_loss(home: Compared) -> None:
    buried = priced(home)[8]
    home.plant(f"UPDATE {TABLE} SET _deleted_at = now() WHERE _record_id = ?", [buried])
    found = home.compare("deals")
    assert told(found)[0] == ("rows", buried, "missing_here", "lost_here", None, None)


def test_a_thirty_differences_in_ranges_of_ids(home: Compared, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list gives eight records at a call, as if there were 250 times as many deals."""
    amounts, ids = deals(home), sorted(deals(home), key=int)
    step = len(ids) // 30
    gone, changed = ids[: 15 * 2 * step : 2 * step], ids[step : 30 * step : 2 * step]
    home.plant(f"DELETE FROM {TABLE} WHERE list_contains(?, _record_id)", [gone])
    home.plant(f'UPDATE {TABLE} SET "Amount" = 1.01 WHERE list_contains(?, _record_id)', [changed])
    short_pages(monkeypatch, 8)
    found = home.compare("deals")
    items = told(found)
    assert {i[1] for i in items if i[0] == "rows"} == set(gone)
    assert {i[1]: i[5] for i in items if i[2] == "differs"} == {
        id: nine(amounts[id]) for id in changed if amounts[id]
    }
    assert sum(m.calls for m in found.measures) <= 60


def short_pages(monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    listed = ZohoSource.listed

    def short(self: ZohoSource, stream: Stream, fields: object, after: str = "", until: str = "") -> Listing:
        found = listed(self, stream, fields, after, until)  # type: ignore[arg-type]
        return Listing(found.records[:rows], found.ended and len(found.records) <= rows)

    monkeypatch.setattr(ZohoSource, "listed_at_once", rows)
    monkeypatch.setattr(ZohoSource, "listed", short)


def test_one_difference_is_found_by_halving(home: Compared, monkeypatch: pytest.MonkeyPatch) -> None:
    altered = priced(home)[77]
    home.plant(f'UPDATE {TABLE} SET "Amount" = "Amount" + 0.01 WHERE _record_id = ?', [altered])
    short_pages(monkeypatch, 8)
    found = home.compare("deals")
    assert [i[1:4] for i in told(found)] == [(altered, "differs", "altered_here")]
    assert found.measures[1].difference == Decimal("-0.01")
    # Two asks of all, five halvings of 200, one list of what is left.
    assert sum(m.calls for m in found.measures) <= 2 + 6 + 1


def test_what_the_budget_left_unsearched_is_said(home: Compared, monkeypatch: pytest.MonkeyPatch) -> None:
    home.plant(f'UPDATE {TABLE} SET "Amount" = "Amount" + 1')
    short_pages(monkeypatch, 8)
    with home.opened() as source:
        found = home.compare("deals", source=source, budget=7)
    money = found.measures[1]
    assert sum(m.calls for m in found.measures) <= 8 and money.verdict is Verdict.DIFFERS
    assert "were not looked at: the calls for one search are used up" in money.why


def test_where_coql_does_not_count_rows_are_counted_once_a_day(home: Compared) -> None:
    home.sandbox.set(coql_count=False)
    try:
        first, second = home.compare("deals"), home.compare("deals")
    finally:
        home.sandbox.set(coql_count=True)
        (home.settings.home / "cache" / "zoho" / "counted-default.json").unlink()
    assert verdicts(first) == {"rows": "agrees", "Amount": "not_asked"}
    assert first.measures[0].theirs == len(deals(home)) and first.usage.credits >= 50
    assert "COQL gives no count of Deals (INVALID_QUERY)" in first.measures[1].why
    assert verdicts(second) == {"rows": "not_asked", "Amount": "not_asked"}
    assert "once a day" in second.measures[0].why and second.usage.credits < 50
    result = second.result(home.rule("deals"))
    assert result.passed and result.not_applicable and "once a day" in result.not_applicable


def test_nothing_is_asked_where_credits_are_short(home: Compared, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOHO_CREDIT_RESERVE", "1000000")
    spent = home.sandbox.stats()["credits"]["spent"]
    home.sandbox.set(credits=spent + 10)  # it tells what is left from half on
    try:
        found = home.compare("deals")
    finally:
        home.sandbox.set(credits=1_000_000)
    assert verdicts(found) == {"rows": "not_asked", "Amount": "not_asked"}
    assert "the API credits that may be spent are used up" in found.measures[0].why
    assert found.usage.calls == 0
