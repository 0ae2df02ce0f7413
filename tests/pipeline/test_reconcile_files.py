"""What a file's cells and rows of totals add up to, against the rows typed of it. Expected: hand-worked numbers, and
the sandbox's truth for its exports."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from connectors import discover
from pipelines.check import personal_of
from pipelines.landing import decode as decode_room
from pipelines.outcome import StreamOutcome
from tests.conftest import Sandbox
from tests.contract.fxiaoke_truth import FxiaokeTruth
from tests.pipeline.reconciled import NAME, Compared, start

DEALS = "new_opportunity_obj"
HEADER = "唯一性ID,商机名称,商机金额,最后修改时间\n"


@pytest.fixture
def home(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Compared:
    made = start(sandbox, "fxiaoke_export", tmp_path, monkeypatch)
    (made.settings.home / "inbox" / "fxiaoke_export").mkdir(parents=True)
    return made


def dropped(home: Compared, rows: str, name: str = "商机对象导出结果_20260301") -> StreamOutcome:
    """The outcome after a file with these rows was dropped into the inbox."""
    inbox = home.settings.home / "inbox" / "fxiaoke_export"
    (inbox / f"{name}.csv").write_text(HEADER + rows, "utf-8")
    return home.outcomes(home.sync(streams=(DEALS,)))[DEALS]


def row(key: str, amount: str) -> str:
    return f"{key:0>24},商机 {key},{amount},2026-03-01 10:00\n"


def items(outcome: StreamOutcome) -> list[tuple[object, ...]]:
    return [
        (m.measure, i.record.rpartition(".csv ")[2], str(i.because), i.ours, i.theirs)
        for m in outcome.reconciled
        for i in m.items
    ]


def test_exports_agree_with_their_own_cells(home: Compared, sandbox: Sandbox) -> None:
    sandbox.exports(home.settings.home / "inbox" / "fxiaoke_export")
    outcome = home.outcomes(home.sync(streams=(DEALS,)))[DEALS]
    rows, money = outcome.reconciled
    amounts = [record.get("amount") for record in FxiaokeTruth(sandbox).records(DEALS).values()]
    assert (rows.verdict, money.verdict) == ("agrees", "agrees")
    assert rows.ours == rows.theirs == len(amounts)
    assert money.ours == money.theirs == sum(Decimal(str(a)) for a in amounts if a)
    assert outcome.usage.calls == 0
    result = next(r for r in outcome.checks if r["rule"] == NAME)
    assert result["passed"] and f"{len(amounts):,} records" in str(result["observed"])


def test_repeated_rows_rows_set_aside_and_right_totals(home: Compared) -> None:
    rows = row("1", '"1,000.50"') + row("1", '"1,000.50"') + row("2", "1.5万") + row("3", "-5")
    outcome = dropped(home, rows + "小计,,15997.00,\n" + row("4", "2") + "合计,,15999.00,\n")
    # 1,000.50 twice (a repeated row is a cell of the file), 15,000, -5 (set aside by its rule), and 2.
    rows_, money = outcome.reconciled
    assert (rows_.ours, rows_.theirs, money.ours, money.theirs) == (
        5,
        5,
        Decimal("16998.00"),
        Decimal("16998.00"),
    )
    assert items(outcome) == [
        ("amount", "row 6", "wrong_total", Decimal("16996.00"), Decimal("15997.00")),
        ("amount", "row 8", "wrong_total", Decimal("16998.00"), Decimal("15999.00")),
    ]
    right = dropped(home, rows + "小计,,16996.00,\n" + row("5", "2") + "合计,,16998.00,\n", "商机_20260302")
    assert [m.verdict for m in right.reconciled] == ["agrees", "agrees"]
    assert right.reconciled[1].why == "2 rows of totals were compared"
    since = dropped(home, row("6", "7") + "小计,,7,\n" + row("7", "8") + "小计,,8,\n", "商机_20260303")
    assert since.reconciled[1].verdict == "agrees", "a subtotal is of the rows since the last one"


def test_a_wrong_row_of_totals_blocks_where_the_rule_says_so(home: Compared) -> None:
    path = home.rules / "fxiaoke_export" / f"{DEALS}.yml"
    content = yaml.safe_load(path.read_text("utf-8"))
    content["rules"][-1]["severity"] = "block"
    path.write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
    outcome = dropped(home, row("1", "10") + row("2", "20") + "合计,,31,\n")
    assert outcome.status == "blocked" and NAME in outcome.messages[0]
    assert items(outcome) == [("amount", "row 4", "wrong_total", Decimal(30), Decimal(31))]
    (diary,) = (home.settings.landing / "_runs").glob("*.jsonl")
    assert '"because":"wrong_total"' in diary.read_text("utf-8")


def test_cells_that_are_no_numbers_are_named(home: Compared) -> None:
    outcome = dropped(home, row("1", "10") + row("2", "面议") + row("3", "1.005") + "合计,,25,\n")
    assert items(outcome) == [
        ("amount", "row 3", "unreadable", None, None),
        ("amount", "row 4", "set_aside", None, Decimal("1.005")),
        ("amount", "row 5", "unreadable", Decimal("11.005"), Decimal(25)),
    ]
    money = outcome.reconciled[1]
    assert money.verdict == "explained" and (money.ours, money.theirs) == (10, Decimal("11.005"))
    idle = home.outcomes(home.sync(streams=(DEALS,)))[DEALS]
    assert idle.reconciled == outcome.reconciled, "of the files that came last"


def test_a_cell_that_the_engine_reads_otherwise_is_named(
    home: Compared, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = decode_room.typed

    def wrong(field, value, *, from_json):  # type: ignore[no-untyped-def]
        sql = typed(field, value, from_json=from_json)
        return f"CASE WHEN {value} = '20' THEN {sql} + 1 ELSE {sql} END" if field.name == "amount" else sql

    monkeypatch.setattr(decode_room, "typed", wrong)
    outcome = dropped(home, row("1", "10") + row("2", "20") + row("3", "30"))
    assert items(outcome) == [("amount", "row 3", "misread", Decimal(21), Decimal(20))]
    assert [m.verdict for m in outcome.reconciled] == ["agrees", "differs"]


@pytest.mark.parametrize("cell", ["9" * 40, "1E+50", "1E+900000", "1E+9999999", "1E+99999999999999999999"])
def test_a_number_beyond_every_currency_is_a_cell_that_cannot_be_read(home: Compared, cell: str) -> None:
    outcome = dropped(home, row("1", "10") + row("2", cell) + row("3", "0.5"))
    assert outcome.status == "loaded" and not outcome.messages
    assert items(outcome) == [("amount", "row 3", "unreadable", None, None)]
    assert [(m.verdict, m.ours, m.theirs) for m in outcome.reconciled] == [
        ("agrees", 3, 3), ("explained", Decimal("10.5"), Decimal("10.5")),
    ]  # fmt: skip
    right = dropped(home, row("2", "20"), "商机_20260302")
    assert right.status == "loaded" and [m.verdict for m in right.reconciled] == ["agrees", "agrees"]
    assert home.query("SELECT theirs FROM ops.reconciliation WHERE measure = 'amount' ORDER BY run_id") == [
        (Decimal("10.5"),), (Decimal(20),),
    ]  # fmt: skip
    big = [
        path for path in home.settings.landing.rglob("*") if path.is_file() and path.stat().st_size > 100_000
    ]
    assert not big, "900,000 zeros are nobody's amount"


def test_further_columns_of_a_file_are_personal_to_rules_about_tables(home: Compared) -> None:
    """Whether they are is known only while the file is read."""
    header = HEADER.replace("最后修改时间", "最后修改时间,备用联系方式")
    inbox = home.settings.home / "inbox" / "fxiaoke_export"
    (inbox / "商机_20260301.csv").write_text(header + row("1", "10").rstrip() + ",13800000000\n", "utf-8")
    assert home.sync(streams=(DEALS,)).ok
    (stream,) = (one for one in discover()[home.name].streams() if one.name == DEALS)
    declared = {field.name for field in stream.fields}
    columns = {name for (name,) in home.query(f"SELECT column_name FROM (DESCRIBE raw_{home.name}.{DEALS})")}
    (further,) = {name for name in columns if not name.startswith("_")} - declared
    assert further in personal_of(home.zone(DEALS), stream)
    assert personal_of(home.zone(DEALS), stream) - declared == {further}
