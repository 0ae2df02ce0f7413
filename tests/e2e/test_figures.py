"""The figures that the project promises, measured; `make test-slow`. Medians of three, on two cores."""

from __future__ import annotations

import statistics

import pytest

from benchmarks.__main__ import Figures, measure

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def figures() -> Figures:
    return measure("200000", 3)


def test_a_sync_of_200_000_deals_costs_at_most_four_floors(figures: Figures) -> None:
    assert statistics.median(figures.ratios) <= 4, figures.ratios


def test_a_sync_in_which_nothing_changed_ends_in_15_seconds(figures: Figures) -> None:
    assert statistics.median(cost.wall for cost in figures.idle) <= 15
