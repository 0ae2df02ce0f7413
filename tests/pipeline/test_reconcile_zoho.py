"""Our totals against Zoho's own: agreement costs one call, and every planted difference is named with its reason.

What is expected comes from the sandbox's truth or is what the test planted.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from connectors.core.contract import Listing, Page, Stream, Totals, Untold, Window
from connectors.core.errors import Problem
from connectors.zoho.source import ZohoSource
from pipelines.aside import decide, faults
from pipelines.aside import waiting as waiting_rows
from pipelines.fold import rebuild
from pipelines.settings import load_settings
from pipelines.tally import Verdict
from tests.conftest import Sandbox
from tests.contract.zoho_truth import ZohoTruth
from tests.pipeline.reconciled import Compared, start, told, verdicts

COUNTED = ("accounts", "contacts", "leads", "deals", "products", "deal_history")
TABLE = "raw_zoho.deals"
WITHOUT_COQL = [f"ZohoCRM.{part}.READ" for part in ("modules", "settings", "users", "org", "bulk")]
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
    assert result.observed == f"{len(deals(home)):,} records; {total(home):,} Amount"


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


@pytest.mark.parametrize("missing", [0, 15])
def test_thirty_differences_spread_over_fifty_pages(
    home: Compared, monkeypatch: pytest.MonkeyPatch, missing: int
) -> None:
    """As 5,000 records are of Fxiaoke, 100 at a call: all are named within the budget, whatever shows them."""
    amounts, ids = deals(home), sorted(deals(home), key=int)
    step = len(ids) // 30
    chosen = ids[: 30 * step : step]
    gone, changed = chosen[: 2 * missing : 2], [id for id in chosen if id not in chosen[: 2 * missing : 2]]
    home.plant(f"DELETE FROM {TABLE} WHERE list_contains(?, _record_id)", [gone])
    home.plant(f'UPDATE {TABLE} SET "Amount" = 1.01 WHERE list_contains(?, _record_id)', [changed])
    short_pages(monkeypatch, -(-len(ids) // 50))
    found = home.compare("deals")
    items = told(found)
    assert {i[1] for i in items if i[0] == "rows"} == set(gone)
    assert {i[1]: i[4:] for i in items if i[2] == "differs"} == {
        id: (nine(Decimal("1.01")), nine(amounts[id]) if amounts[id] is not None else None) for id in changed
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


def test_a_sum_in_another_currency_is_no_sum_of_the_records(
    home: Compared, monkeypatch: pytest.MonkeyPatch
) -> None:
    totals = ZohoSource.totals

    def dollars(self: ZohoSource, *asked: Any) -> Totals | Untold:
        found = totals(self, *asked)
        assert isinstance(found, Totals)
        return replace(found, sums={name: value * 7 for name, value in found.sums.items()})

    monkeypatch.setattr(ZohoSource, "totals", dollars)
    short_pages(monkeypatch, 8)
    found = home.compare("deals")
    assert verdicts(found) == {"rows": "agrees", "Amount": "not_asked"}
    assert "its list of them adds up to" in found.measures[1].why and found.usage.calls <= 2 + 5 + 2


@pytest.mark.parametrize(
    ("switched", "code"),
    [({"coql_count": False}, "INVALID_QUERY"), ({"scopes": WITHOUT_COQL}, "OAUTH_SCOPE_MISMATCH")],
)
def test_where_coql_does_not_count_rows_are_counted_once_a_day(
    home: Compared, switched: Any, code: str
) -> None:
    home.sandbox.set(**switched)
    try:
        first, second = home.compare("deals"), home.compare("deals")
    finally:
        home.sandbox.set(coql_count=True, scopes=[])
        (home.settings.home / "cache" / "zoho" / "counted-default.json").unlink()
    assert verdicts(first) == {"rows": "agrees", "Amount": "not_asked"}
    assert first.measures[0].theirs == len(deals(home)) and first.usage.credits >= 50
    assert f"COQL gives no count of Deals ({code})" in first.measures[1].why
    assert verdicts(second) == {"rows": "not_asked", "Amount": "not_asked"}
    assert "once a day" in second.measures[0].why and second.usage.credits < 50
    result = second.result(home.rule("deals"))
    assert result.passed and result.not_applicable and "once a day" in result.not_applicable


def test_nothing_is_asked_where_credits_are_short(home: Compared, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOHO_CREDIT_RESERVE", "2")
    home.sandbox.set(credits=4)  # two go for the modules and fields, and then it tells what is left
    try:
        found = home.compare("deals")
    finally:
        home.sandbox.set(credits=1_000_000)
    assert verdicts(found) == {"rows": "not_asked", "Amount": "not_asked"}
    assert "the API credits that may be spent are used up" in found.measures[0].why
    assert found.usage.calls == 0


def test_what_the_crm_did_since_is_explained_and_what_it_did_silently_too(own: Compared) -> None:
    """Between read and count: no alarm. And the next sync must keep the word."""
    assert own.sync(streams=("deals",)).ok
    amounts, ids = deals(own), priced(own)
    changed, deleted, silent, restored = ids[3], ids[30], ids[60], ids[90]
    own.sandbox.act("delete", "deals", id=restored)
    own.sandbox.step(600)
    assert own.sync(streams=("deals",)).ok
    own.sandbox.act("restore", "deals", id=restored)
    own.sandbox.step(600)
    own.sandbox.act("edit", "deals", id=changed, changes={"Amount": 4.5})
    own.sandbox.act("delete", "deals", id=deleted)
    own.sandbox.act("recompute", "deals", id=silent, changes={"Amount": 9.5})
    created = own.sandbox.act("create", "deals", changes={"Deal_Name": "新单", "Amount": 12.25})
    found = own.compare("deals")
    assert verdicts(found) == {"rows": "explained", "Amount": "explained"}
    expected = {
        ("rows", created, "missing_here", "changed_since", None, None),
        ("rows", deleted, "missing_there", "deleted_since", None, None),
        ("rows", restored, "missing_here", "restored_without_stamp", None, None),
        ("Amount", created, "missing_here", "changed_since", None, Decimal("12.25")),
        ("Amount", deleted, "missing_there", "deleted_since", amounts[deleted], None),
        ("Amount", restored, "missing_here", "restored_without_stamp", None, amounts[restored]),
        ("Amount", changed, "differs", "changed_since", amounts[changed], Decimal("4.5")),
        ("Amount", silent, "differs", "changed_without_stamp", amounts[silent], Decimal("9.5")),
    }
    assert set(told(found)) == expected
    result = found.result(own.rule("deals"))
    assert result.passed and "1 changed since" in (result.observed or "")

    outcome = own.outcomes(own.sync(streams=("deals",)))["deals"]
    assert [m.verdict for m in outcome.reconciled] == [Verdict.AGREES] * 2, (
        "what no stamp tells was read by key"
    )
    held = dict(own.query(f'SELECT _record_id, "Amount" FROM {TABLE} WHERE _deleted_at IS NULL'))
    assert held[restored] == amounts[restored] and held[silent] == Decimal("9.5")
    assert own.compare("deals").verdict is Verdict.AGREES


@pytest.mark.slow
def test_a_crm_that_never_stands_still_raises_no_alarm_and_hides_no_loss(
    own: Compared, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With every list that is read somebody adds a deal."""
    assert own.sync(streams=("deals",)).ok
    removed = priced(own)[50]
    own.sandbox.step(600)
    own.sandbox.act("create", "deals", changes={"Deal_Name": "先", "Amount": 1})
    listed, added = ZohoSource.listed, list[str]()

    def adding(self: ZohoSource, *asked: Any) -> Listing:
        found = listed(self, *asked)
        added.append(own.sandbox.act("create", "deals", changes={"Deal_Name": "又", "Amount": 1}))
        return found

    monkeypatch.setattr(ZohoSource, "listed", adding)
    found = own.compare("deals")
    assert verdicts(found) == {"rows": "explained", "Amount": "explained"}, told(found)
    assert len(added) > 1 and {i[3] for i in told(found)} == {"changed_since"}
    assert "it changes while it is counted" in found.measures[0].why
    own.plant(f"DELETE FROM {TABLE} WHERE _record_id = ?", [removed])
    found = own.compare("deals")
    assert (removed, "missing_here", "lost_here") in [i[1:4] for i in told(found)]
    assert verdicts(found) == {"rows": "differs", "Amount": "differs"}


@pytest.mark.slow
def test_a_promise_that_the_next_sync_broke_is_no_excuse(
    own: Compared, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A read that never brings a record, though the count knows it: the first time it may be new, then not."""
    assert own.sync(streams=("deals",)).ok
    own.sandbox.step(60)
    lost = own.sandbox.act("create", "deals", changes={"Deal_Name": "丢", "Amount": 5})
    own.sandbox.step(60)
    other = own.sandbox.act("create", "deals", changes={"Deal_Name": "到", "Amount": 6})
    read = ZohoSource.read

    def losing(self: ZohoSource, stream: Stream, window: Window) -> Iterator[Page]:
        for page in read(self, stream, window):
            data = json.loads(page.body)
            data["data"] = [row for row in data.get("data", ()) if row["id"] != lost]
            yield replace(page, body=json.dumps(data).encode(), rows=len(data["data"]))

    monkeypatch.setattr(ZohoSource, "read", losing)
    causes = []
    for _ in range(3):
        outcome = own.outcomes(own.sync(streams=("deals",)))["deals"]
        assert other in dict(own.query(f"SELECT _record_id, 1 FROM {TABLE}"))
        causes.append({(i.record, str(i.because)) for m in outcome.reconciled for i in m.items})
    assert causes == [{(lost, "changed_since")}, {(lost, "not_brought")}, {(lost, "not_brought")}]
    assert outcome.reconciled[0].verdict is Verdict.DIFFERS


@pytest.mark.slow
def test_what_waits_is_explained_for_one_call(own: Compared) -> None:
    """A row in quarantine, an older version of it in the table, a blocked package, and one that somebody dropped."""
    assert own.sync(streams=("deals",)).ok
    ids = priced(own)
    amounts = deals(own)
    own.sandbox.step(600)
    own.sandbox.act("edit", "deals", id=ids[0], changes={"Amount": -4})
    bad = own.sandbox.act("create", "deals", changes={"Deal_Name": "负", "Amount": -7})
    outcome = own.outcomes(own.sync(streams=("deals",)))["deals"]
    assert outcome.quarantined == 2
    items = {
        (m.measure, i.record, str(i.because), i.ours, i.theirs) for m in outcome.reconciled for i in m.items
    }
    assert items == {
        ("rows", bad, "set_aside", None, None),
        ("Amount", bad, "set_aside", None, Decimal(-7)),
        ("Amount", ids[0], "set_aside", amounts[ids[0]], Decimal(-4)),
    }
    assert [m.verdict for m in outcome.reconciled] == [Verdict.EXPLAINED] * 2
    assert outcome.reconciled[0].set_aside == 2 and sum(m.calls for m in outcome.reconciled) == 1

    package = own.zone("deals").packages()[-1]
    rows = sorted({fault.row for fault in faults(own.settings, package.id)})
    decide(own.settings, package.id, rows, let=False, by="test")
    dropped = own.outcomes(own.sync(streams=("deals",)))["deals"]
    causes = {(i.record, str(i.because)) for m in dropped.reconciled for i in m.items}
    assert causes == {(bad, "dropped"), (ids[0], "dropped")}
    path = own.rules / "zoho" / "deals.yml"
    kept = path.read_text("utf-8")
    content = yaml.safe_load(kept)
    content["rules"].append({
        "name": "blocks", "scope": "package", "severity": "block", "measure": {"sum": "Amount"},
        "expect": "expect_column_values_to_be_between", "with": {"max_value": 10}, "reason": "A planted fault.",
    })  # fmt: skip
    path.write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
    own.sandbox.step(600)
    first = own.sandbox.act("create", "deals", changes={"Deal_Name": "阻", "Amount": 70})
    blocked = own.outcomes(own.sync(streams=("deals",)))["deals"]
    own.sandbox.step(600)
    second = own.sandbox.act("create", "deals", changes={"Deal_Name": "后", "Amount": 80})
    behind = own.outcomes(own.sync(streams=("deals",)))["deals"]
    assert [blocked.status, behind.status] == ["blocked", "blocked"]
    causes = {(i.record, str(i.because)) for m in behind.reconciled for i in m.items}
    # The overlap has brought the two once more.
    assert causes == {(bad, "set_aside"), (ids[0], "set_aside"), (first, "waiting"), (second, "waiting")}
    assert [m.verdict for m in behind.reconciled] == [Verdict.EXPLAINED] * 2
    assert sum(m.calls for m in behind.reconciled) == 1
    path.write_text(kept, "utf-8")
    healed = own.outcomes(own.sync(streams=("deals",)))["deals"]
    assert {i.record: str(i.because) for i in healed.reconciled[0].items} == {bad: "set_aside"}
    waiting = next(w.package for w in waiting_rows(own.settings) if w.package != package.id)
    decide(own.settings, waiting, sorted({f.row for f in faults(own.settings, waiting)}), let=True, by="test")
    released = own.outcomes(own.sync(streams=("deals",)))["deals"]
    assert [(m.verdict, m.set_aside) for m in released.reconciled] == [(Verdict.AGREES, 0)] * 2

    # The diary and ops hold it, and a rebuild gives it again.
    kept_rows = own.query(RECONCILED), own.query(ITEMS)
    assert len(kept_rows[0]) == 7 * 2 and kept_rows[0][1][1:4] == ("rows", len(amounts), len(amounts))
    assert {row[0] for row in kept_rows[1]} == {bad, first, second, ids[0]}
    rebuild(own.settings)
    assert (own.query(RECONCILED), own.query(ITEMS)) == kept_rows


RECONCILED = (
    "SELECT run_id, measure, ours, theirs, difference, set_aside, verdict, calls FROM ops.reconciliation "
    "ORDER BY run_id, measure"
)
ITEMS = "SELECT record, run_id, measure, what, because, ours, theirs, stamp FROM ops.reconciliation_items ORDER BY ALL"


def test_hours_between_two_comparisons(own: Compared, monkeypatch: pytest.MonkeyPatch) -> None:
    def measures() -> int:
        return len(own.outcomes(own.sync(streams=("deals",)))["deals"].reconciled)

    monkeypatch.setenv("CRM_WAREHOUSE_RECONCILE_HOURS", "off")
    own.settings = load_settings()
    assert measures() == 0
    monkeypatch.setenv("CRM_WAREHOUSE_RECONCILE_HOURS", "12")
    own.settings = load_settings()
    assert [measures(), measures()] == [2, 0]
    (diary,) = (own.settings.landing / "_runs").glob("*.jsonl")
    earlier = datetime.now(UTC) - timedelta(hours=12)
    lines = [
        json.loads(line) | {"started_at": earlier.isoformat()} for line in diary.read_text().splitlines()
    ]
    diary.write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines))
    assert measures() == 2
    monkeypatch.setenv("CRM_WAREHOUSE_RECONCILE_HOURS", "soon")
    with pytest.raises(Problem, match="CRM_WAREHOUSE_RECONCILE_HOURS"):
        load_settings()
    # An idle sync of one stream: modules, fields, changes, deletes, and the count.
    own.sandbox.stats(reset=True)
    monkeypatch.setenv("CRM_WAREHOUSE_RECONCILE_HOURS", "0")
    own.settings = load_settings()
    stamp = own.settings.warehouse.stat().st_mtime_ns
    assert measures() == 2
    assert own.sandbox.stats()["calls"] == {
        "/crm/v8/settings/modules": 1, "/crm/v8/settings/fields": 1, "/crm/v8/Deals": 1, "/crm/v8/Deals/deleted": 1,
        "/crm/v8/coql": 1,
    }  # fmt: skip
    assert own.settings.warehouse.stat().st_mtime_ns == stamp, "to look is not to touch"
