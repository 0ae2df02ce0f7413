"""Writes the seeds of dim_date from the libraries that are kept up by others: `python -m pipelines.calendar_seeds`.

For developers, once a year when chinesecalendar has the next one (`uv pip install -U chinesecalendar lunardate`);
nothing else imports this or them. What a business knows before or better stands in its input 工作日历 (workdays).
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from io import StringIO
from pathlib import Path

SEEDS = Path(__file__).resolve().parents[1] / "dbt_project" / "seeds"
FESTIVAL_YEARS = range(1990, 2100)  # lunardate knows 1900 to 2099
OCCASIONS_ZH = {
    "New Year's Day": "元旦",
    "Spring Festival": "春节",
    "Tomb-sweeping Day": "清明节",
    "Labour Day": "劳动节",
    "Dragon Boat Festival": "端午节",
    "National Day": "国庆节",
    "Mid-autumn Festival": "中秋节",
    "Anti-Fascist 70th Day": "抗战胜利70周年纪念日",
}


def holidays() -> list[tuple[str, ...]]:
    """Days of the official calendar that are off or worked by decree: day, kind, occasion in English and Chinese."""
    from chinese_calendar.constants import holidays, workdays

    days = [(day, "holiday", occasion) for day, occasion in holidays.items()]
    days += [(day, "workday", occasion) for day, occasion in workdays.items()]
    return [(day.isoformat(), kind, name, OCCASIONS_ZH[name]) for day, kind, name in sorted(days)]


def spring_festivals() -> list[tuple[str, ...]]:
    """The first day of each lunar year: Gregorian year, day."""
    from lunardate import LunarDate

    return [(str(year), LunarDate(year, 1, 1).to_solar_date().isoformat()) for year in FESTIVAL_YEARS]


def seeds() -> dict[str, str]:
    """File name → content."""
    return {
        "holidays_cn.csv": _csv(("day", "day_type", "occasion", "occasion_zh"), holidays()),
        "spring_festivals.csv": _csv(("festival_year", "day"), spring_festivals()),
    }


def _csv(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    return text.getvalue()


if __name__ == "__main__":
    for name, content in seeds().items():
        (SEEDS / name).write_text(content, "utf-8")
