"""The figures that the project promises, measured; `make test-slow`. Medians of three, on two cores."""

from __future__ import annotations

import statistics

import pytest

from benchmarks import fold, publish
from benchmarks.__main__ import Figures, measure

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def figures() -> Figures:
    return measure("200000", 3)


def test_a_sync_of_200_000_deals_costs_at_most_four_floors(figures: Figures) -> None:
    assert statistics.median(figures.ratios) <= 4, figures.ratios


def test_a_sync_in_which_nothing_changed_ends_in_15_seconds(figures: Figures) -> None:
    assert statistics.median(cost.wall for cost in figures.idle) <= 15


@pytest.fixture(scope="module")
def folded() -> fold.FoldFigures:
    return fold.measure(1_000_000, 30)


def test_applying_one_percent_costs_at_most_a_fifth_of_loading_a_million_rows(
    folded: fold.FoldFigures,
) -> None:
    assert folded.ratio <= 0.2, (folded.days, folded.load)


def test_thirty_days_with_compaction_stay_below_1_8_of_the_net_data(folded: fold.FoldFigures) -> None:
    assert folded.bloat < 1.8, folded


def test_the_marts_of_a_million_opportunities_are_published_in_ten_seconds() -> None:
    figures = publish.measure(1_000_000, 3)
    assert statistics.median(figures.seconds) <= 10, figures
