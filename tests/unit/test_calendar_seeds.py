"""The seeds of dim_date are what the kept libraries say, and what the government's notices of those years said."""

from __future__ import annotations

import csv

import pytest

from pipelines.calendar_seeds import SEEDS, seeds


@pytest.mark.parametrize("name", seeds())
def test_seeds_are_what_the_libraries_say(name: str) -> None:
    """Red after a library was upgraded: run `python -m pipelines.calendar_seeds`."""
    assert (SEEDS / name).read_text("utf-8") == seeds()[name]


def seed(name: str, key: str) -> dict[str, dict[str, str]]:
    with (SEEDS / name).open(encoding="utf-8") as file:
        return {row[key]: row for row in csv.DictReader(file)}


@pytest.mark.parametrize(
    ("day", "kind", "occasion"),
    [  # the State Council's notices for 2024, 2025 and 2026
        ("2024-02-04", "workday", "春节"),
        ("2024-02-10", "holiday", "春节"),
        ("2024-10-12", "workday", "国庆节"),
        ("2025-01-26", "workday", "春节"),
        ("2025-10-06", "holiday", "中秋节"),
        ("2026-01-04", "workday", "元旦"),
        ("2026-02-17", "holiday", "春节"),
    ],
)
def test_days_of_the_official_notices(day: str, kind: str, occasion: str) -> None:
    row = seed("holidays_cn.csv", "day")[day]
    assert (row["day_type"], row["occasion_zh"]) == (kind, occasion)


@pytest.mark.parametrize(
    ("year", "day"),
    [
        ("2000", "2000-02-05"),
        ("2020", "2020-01-25"),
        ("2024", "2024-02-10"),
        ("2026", "2026-02-17"),
        ("2033", "2033-01-31"),
    ],
)
def test_lunar_new_years_as_almanacs_give_them(year: str, day: str) -> None:
    assert seed("spring_festivals.csv", "festival_year")[year]["day"] == day
