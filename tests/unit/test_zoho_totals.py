"""Zoho's answers to aggregates: which number is which, whatever the columns are called, and no float in between."""

from __future__ import annotations

from decimal import Decimal

import pytest

from connectors.zoho.totals import range_of, totals_in
from pipelines.reconcile.held import Held
from pipelines.reconcile.search import Counted, slack_of


def answer(row: str) -> bytes:
    return f'{{"data": [{{{row}}}], "info": {{"count": 1, "more_records": false}}}}'.encode()


@pytest.mark.parametrize(
    "row",
    [
        '"COUNT(id)": 12, "SUM(Amount)": 12345678901234.56',
        '"SUM(Amount)": 12345678901234.56, "COUNT(id)": 12',
        '"count": 12, "sum": 12345678901234.56',
        '"count(id)": 12, "Amount": 12345678901234.56',
        '"id_count": 12, "Amount_sum": 12345678901234.56',
        '"COUNT(id)": 12, "SUM(Amount)": "12345678901234.56"',
    ],
)
def test_the_columns_of_aggregates_are_told_by_their_words(row):
    found = totals_in(answer(row), ["Amount"])
    assert found is not None and found.rows == 12
    assert found.sums == {"Amount": Decimal("12345678901234.56")} and not found.untold


def test_two_sums_are_told_apart_or_not_at_all():
    both = ["Amount", "Expected_Revenue"]
    found = totals_in(answer('"COUNT(id)": 3, "SUM(Expected_Revenue)": 5, "SUM(Amount)": 7.1'), both)
    assert found is not None and found.sums == {"Amount": Decimal("7.1"), "Expected_Revenue": 5}
    unnamed = totals_in(answer('"count": 3, "sum": 5, "sum_2": 7'), both)
    assert unnamed is not None and unnamed.sums == {} and "Amount, Expected_Revenue" in unnamed.untold


def test_a_sum_of_nothing_is_null_and_zero():
    found = totals_in(answer('"COUNT(id)": 0, "SUM(Amount)": null'), ["Amount"])
    assert found is not None and found.sums == {"Amount": 0}


@pytest.mark.parametrize(
    "body",
    [b"[]", b"{}", b"<html>", answer(""), answer('"a": 1, "b": 2'), answer('"COUNT(id)": 1.5'),
     answer('"COUNT(id)": -1'), answer('"COUNT(id)": "x"'), answer('"COUNT(id)": true')],
)  # fmt: skip
def test_what_cannot_be_read_is_no_count(body):
    assert totals_in(body, []) is None


def test_one_number_alone_is_the_count():
    found = totals_in(answer('"expr0": 9'), [])
    assert found is not None and found.rows == 9


def test_ranges_as_coql_asks_for_them():
    assert str(range_of("", "")) == "id is not null"
    assert str(range_of("5", "9")) == "id > '5' and id <= '9'"


@pytest.mark.parametrize(
    ("theirs", "ours", "agrees"),
    [
        ("1234.56", "1234.56", True),
        ("1234.56", "1234.57", False),
        ("1234.5600000000004", "1234.56", True),  # as adding doubles leaves it
        ("999999999999999", "999999999999998", False),  # fifteen digits are exact
        ("12345678901234.56", "12345678901234.57", True),  # beyond them a double cannot tell
        ("12345678901234.56", "12345678901234.66", False),
        ("0", "0.01", False),
        ("-1234.56", "-1234.55", False),
    ],
)
def test_a_sum_may_be_off_by_what_a_double_cannot_hold_and_no_more(theirs, ours, agrees):
    said = Decimal(theirs)
    found = Counted(1, (said,), (slack_of(said),)).apart(Held(1, (Decimal(ours),)))
    assert found == ([] if agrees else [1])


def test_the_rest_of_a_range_is_all_of_it_less_its_part():
    whole = Counted(10, (Decimal(7), None), (Decimal("0.5"), Decimal(0)))
    part = Counted(4, (Decimal(5), Decimal(1)), (Decimal("0.25"), Decimal(0)))
    assert whole.less(part) == Counted(6, (Decimal(2), None), (Decimal("0.75"), Decimal(0)), asked=False)
