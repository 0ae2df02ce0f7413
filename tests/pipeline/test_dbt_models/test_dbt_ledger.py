"""Facts after the sale, against numbers worked out by hand (`ledger.py` gives the rows), and laws that turn red."""

from __future__ import annotations

from datetime import date
from decimal import Decimal as D

import pytest

from tests.pipeline.test_dbt_models.warehouse import Dbt, Warehouse


def test_an_order_and_its_lines_hang_on_deal_account_and_products(company: Warehouse) -> None:
    assert company.rows(
        "SELECT o.order_no, o.ordered_on, o.order_status, o.amount_reporting, f.source_id, a.account_name, "
        "u.user_name, p.product_name, l.amount, l.list_amount "
        "FROM core.fct_order o JOIN core.fct_opportunity f USING (opportunity_key) "
        "JOIN core.dim_account a ON a.account_uid = o.account_uid "
        "JOIN core.dim_user u ON u.user_uid = o.owner_user_uid "
        "JOIN core.fct_order_line l ON l.order_key = o.order_key "
        "JOIN core.dim_product p ON p.product_uid = l.product_uid "
        "ORDER BY l.amount"
    ) == [
        (
            "SO-1",
            date(2026, 2, 11),
            "confirmed",
            D("1000.00"),
            "d1",
            "Alpha",
            "Li Lei",
            "Box",
            D("400.00"),
            D("800.00"),
        ),
        (
            "SO-1",
            date(2026, 2, 11),
            "confirmed",
            D("1000.00"),
            "d1",
            "Alpha",
            "Li Lei",
            "Cloud",
            D("600.00"),
            D("800.00"),
        ),
    ]


def test_an_invoice_and_its_line_hang_on_the_order_and_its_deal(company: Warehouse) -> None:
    assert company.rows(
        "SELECT i.invoice_no, o.order_no, f.source_id, p.product_name, l.amount_reporting, l.list_amount, l.fx_on "
        "FROM core.fct_invoice i JOIN core.fct_invoice_line l USING (invoice_key) "
        "JOIN core.fct_order o ON o.order_key = i.order_key "
        "JOIN core.fct_opportunity f ON f.opportunity_key = i.opportunity_key "
        "JOIN core.dim_product p ON p.product_uid = l.product_uid"
    ) == [("INV-1", "SO-1", "d1", "Cloud", D("600.00"), D("800.00"), date(2026, 2, 12))]


def test_a_converted_lead_names_what_it_became(company: Warehouse) -> None:
    assert company.rows(
        "SELECT l.source_id, l.is_converted, a.account_name, f.source_id, l.contact_key "
        "FROM core.fct_lead l JOIN core.dim_account a USING (account_uid) "
        "LEFT JOIN core.fct_opportunity f USING (opportunity_key) ORDER BY 1"
    ) == [("l1", True, "Alpha", "d1", None), ("l2", False, "Unassigned / 未分配", None, None)]


def test_receipts_of_a_list_are_the_account_owners_and_pay_the_order(company: Warehouse) -> None:
    assert company.rows(
        "SELECT p.payment_no, p.payment_kind, p.amount, u.user_name, x.allocation_kind, x.amount, o.order_no "
        "FROM core.fct_payment p JOIN core.dim_user u ON u.user_uid = p.owner_user_uid "
        "JOIN core.fct_payment_allocation x USING (payment_key) LEFT JOIN core.fct_order o USING (order_key) "
        "ORDER BY 1, 6"
    ) == [
        ("R1", "receipt", D("500.00"), "Li Lei", "unallocated", D("50.00"), None),
        ("R1", "receipt", D("500.00"), "Li Lei", "allocated", D("450.00"), "SO-1"),
        ("R2", "receipt", D("60.00"), "Li Lei", "allocated", D("60.00"), "SO-1"),
        ("R3", "refund", D("-10.00"), "Li Lei", "allocated", D("-10.00"), "SO-1"),
    ]


def test_instalments_of_a_list_are_paid_by_what_names_their_order(company: Warehouse) -> None:
    assert company.rows(
        "SELECT amount, paid_amount, plan_status, fully_paid_on FROM core.fct_payment_plan ORDER BY due_on"
    ) == [
        (D("300.00"), D("300.00"), "paid", date(2026, 2, 20)),
        (D("700.00"), D("200.00"), "partial", None),
    ]


def test_days_that_everybody_knows(company: Warehouse) -> None:
    """2024-02-04 was a Sunday of work, 2026-02-17 the lunar new year; nobody has named the holidays of 2028 yet."""
    assert company.rows(
        "SELECT day, is_working_day, is_makeup_day, is_working_day_certain, holiday_name_zh, "
        "spring_festival_offset_days FROM core.dim_date "
        "WHERE day IN ('2024-02-04', '2026-02-17', '2028-01-03') ORDER BY 1"
    ) == [
        (date(2024, 2, 4), True, True, True, None, -6),
        (date(2026, 2, 17), False, False, True, "春节", 0),
        (date(2028, 1, 3), True, False, False, None, -23),
    ]
    assert company.one("SELECT max(day) FROM core.dim_date") == date(2028, 12, 31)


@pytest.mark.parametrize(
    ("law", "change"),
    [
        (
            "assert_allocations_are_their_receipts",
            "UPDATE core.fct_payment_allocation SET amount = 51 WHERE amount = 50",
        ),
        (
            "assert_allocations_are_their_receipts",
            "UPDATE core.fct_payment_plan SET paid_amount = 701 WHERE amount = 700",
        ),
        (
            "assert_ledger_facts_are_the_sum_of_their_parts",
            "DELETE FROM core.fct_payment WHERE payment_no = 'R3'",
        ),
        ("assert_ledger_facts_are_the_sum_of_their_parts", "UPDATE core.fct_order SET amount = 999"),
        ("assert_converted_money_names_its_rate", "UPDATE core.fct_order SET amount_reporting = 999"),
        ("assert_converted_money_names_its_rate", "DELETE FROM core.fct_fx_rate"),
        (
            "warn_lines_differ_from_their_header",
            "UPDATE core.fct_order_line SET amount = 1 WHERE amount = 600",
        ),
        ("warn_amount_without_rate", "UPDATE core.fct_order SET fx_rate = NULL"),
        ("warn_code_without_mapping", "UPDATE core.fct_order SET order_status = 'unmapped'"),
        (
            "warn_payment_over_allocated",
            "UPDATE core.fct_payment_allocation SET allocation_kind = 'over_allocated' WHERE amount = 60",
        ),
    ],
)
def test_a_broken_law_is_reported(dbt: Dbt, company: Warehouse, law: str, change: str) -> None:
    [complaint] = dbt.tests(company, change, law)
    assert complaint.startswith(law)
