"""What follows a won deal, as both CRMs serve it, against the company's truth: every stream of it read once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors import discover
from connectors.core.contract import CursorKind, Source, SourceContext, Window
from tests.conftest import Sandbox
from tests.contract.canonical import delivered
from tests.contract.fxiaoke_api_truth import LEDGER, FxiaokeApiTruth
from tests.contract.fxiaoke_truth import LEDGER as EXPORTED
from tests.contract.fxiaoke_truth import FxiaokeTruth
from tests.contract.test_source_contract import _differences
from tests.contract.zoho_truth import ZohoTruth

ZOHO = (
    "quotes", "quoted_items", "sales_orders", "ordered_items", "invoices", "invoiced_items", "tasks", "events", "calls",
    "cases", "campaigns",
)  # fmt: skip


class Served:
    """A company that keeps its books, and a source for each of its CRMs."""

    def __init__(self, folder: Path) -> None:
        self.sandbox = Sandbox(seed=11, size=150)
        self.sandbox.set(ledger=True, tokens=1000, fxiaoke={"tokens": 1000, "calls": 100_000})
        self.sources = {
            name: discover()[name].open(
                SourceContext("default", values, folder, folder / name, allow_loopback=True)
            )
            for name, values in (("zoho", self.sandbox.settings), ("fxiaoke", self.sandbox.fxiaoke))
        }
        self.truths: dict[str, Any] = {
            "zoho": ZohoTruth(self.sandbox),
            "fxiaoke": FxiaokeApiTruth(self.sandbox),
        }

    def read(self, name: str, stream: str) -> Any:
        source: Source = self.sources[name]
        found = next(s for s in source.streams() if s.name == stream)
        shape = source.shape(found, CursorKind.INCREMENTAL)
        pages = source.read(found, Window(CursorKind.INCREMENTAL, None))
        return delivered(source, found, shape, pages)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    found = Served(tmp_path_factory.mktemp("ledger"))
    yield found
    for source in found.sources.values():
        source.close()
    found.sandbox.close()


@pytest.mark.parametrize(
    ("name", "stream"), [("zoho", stream) for stream in ZOHO] + [("fxiaoke", stream) for stream in LEDGER]
)
def test_a_stream_is_the_truth_each_record_once(served: Served, name: str, stream: str) -> None:
    found, truth = served.read(name, stream), served.truths[name].records(stream)
    records = {
        key: row for key, row in found.records.items() if key in truth
    }  # void ones are shown beside them
    assert len(found.keys) == len(set(found.keys))
    assert truth and records.keys() == truth.keys()
    assert _differences(truth, records) == []


@pytest.mark.parametrize("stream", EXPORTED)
def test_an_exported_file_is_the_truth_but_for_what_the_view_leaves_out(
    served: Served, stream: str, tmp_path: Path
) -> None:
    served.sandbox.exports(tmp_path)
    with discover()["fxiaoke_export"].open(
        SourceContext("default", {}, tmp_path, tmp_path / ".cache")
    ) as source:
        found = next(s for s in source.streams() if s.name == stream)
        shape = source.shape(found, CursorKind.FILE)
        records = delivered(source, found, shape, source.read(found, Window(CursorKind.FILE, None))).records
        assert list(source.problems()) == []
    truth = FxiaokeTruth(served.sandbox).records(stream)
    columns = {field.name for field in found.fields}
    shown = {key: {n: v for n, v in row.items() if n in columns} for key, row in truth.items()}
    assert truth and records.keys() == truth.keys()
    assert _differences(shown, records) == []


def test_the_money_of_an_order_is_that_of_its_lines_and_of_its_deal(served: Served) -> None:
    """What the models may rely on: told by the truth of both CRMs, by hand."""
    for crm, orders, lines, deals, names in (
        (
            "zoho", "sales_orders", "ordered_items", "deals",
            ("Grand_Total", "Net_Total", "Parent_Id", "Deal_Name", "Amount"),
        ),
        (
            "fxiaoke", "sales_order_obj", "sales_order_product_obj", "deals",
            ("order_amount", "subtotal", "order_id", "new_opportunity_id", "amount"),
        ),
    ):  # fmt: skip
        whole, part, of, deal, worth = names
        found = served.sandbox.truth(crm, orders)["records"]
        parts: dict[str, Any] = {}
        for line in served.sandbox.truth(crm, lines)["records"].values():
            parts[line[of]] = parts.get(line[of], 0) + line[part]
        opportunities = served.sandbox.truth(crm, deals)["records"]
        assert len(found) > 20
        assert {id: parts[id] for id in found} == {id: order[whole] for id, order in found.items()}
        assert all(opportunities[order[deal]][worth] == order[whole] for order in found.values())


def test_receipts_come_in_parts_too_late_too_little_together_and_go_back(served: Served) -> None:
    records = {stream: served.sandbox.truth("fxiaoke", stream)["records"] for stream in LEDGER}
    parts, receipts = records["order_payment_obj"].values(), records["payment_obj"]
    orders: dict[str, set[str]] = {}
    for part in parts:
        orders.setdefault(part["payment_id"], set()).add(part["order_id"])
    plans = records["payment_plan_obj"]
    assert max(map(len, orders.values())) == 2, "no receipt pays two orders"
    assert any(part["payment_time"] > plans[part["payment_plan_id"]]["plan_payment_time"] for part in parts)
    paid = [plan for plan in plans.values() if plan["actual_payment_amount"]]
    assert any(plan["actual_payment_amount"] < plan["plan_payment_amount"] for plan in paid)
    assert any(plan["actual_payment_amount"] > plan["plan_payment_amount"] for plan in paid)
    assert records["refund_obj"] and all(
        one["payment_id"] in receipts for one in records["refund_obj"].values()
    )
    assert {deal["mc_currency"] for deal in served.sandbox.truth("fxiaoke", "deals")["records"].values()} == {
        "CNY", "USD", "HKD",
    }  # fmt: skip


def test_splits_of_an_opportunity_sum_to_one(served: Served) -> None:
    shares: dict[tuple[str, str], list[str]] = {}
    for row in served.sandbox.ledger()["opportunity_splits"]:
        shares.setdefault((row["crm"], row["opportunity_id"]), []).append(row["share"])
    assert shares and all(sum(round(float(s) * 100) for s in parts) == 100 for parts in shares.values())


@pytest.mark.parametrize("name", ["zoho", "fxiaoke"])
def test_a_company_without_books_has_none_of_these_streams_and_nobody_is_told(
    name: str, sandbox: Sandbox, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    values = sandbox.settings if name == "zoho" else sandbox.fxiaoke
    with discover()[name].open(
        SourceContext("default", values, tmp_path, tmp_path, allow_loopback=True)
    ) as source:
        offered = {stream.name for stream in source.streams()}
        assert list(source.problems()) == []
    assert offered.isdisjoint(ZOHO if name == "zoho" else LEDGER)
    assert {stream.name for stream in discover()[name].streams()} >= set(ZOHO if name == "zoho" else LEDGER)
    assert [record for record in caplog.records if record.levelname == "WARNING"] == []


def test_the_sales_are_the_same_with_books_and_without() -> None:
    from sandbox.company.world import World

    plain, kept = World(5, 80), World(5, 80, books=True)
    own = set(plain.log.entities())
    currencies = {"Currency", "Exchange_Rate", "mc_currency", "mc_exchange_rate"}

    def sales(world: World) -> list[tuple[Any, ...]]:
        return [
            (
                e.time,
                e.crm,
                e.entity,
                e.id,
                e.kind,
                e.by,
                {n: v for n, v in e.changes.items() if n not in currencies},
            )
            for e in world.log
            if (e.crm, e.entity) in own and not e.id.startswith("5540237")  # the books' own range of ids
        ]

    assert sales(plain) == sales(kept)
    assert len(kept.log) > 2 * len(plain.log)
    again = World(5, 80, books=True)
    assert again.log.digest() == kept.log.digest()
    kept.refound(books=False)
    assert kept.log.digest() == plain.log.digest()
