"""The questions that the demo answers from the published file, as SQL that anyone may run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb


@dataclass(frozen=True, slots=True)
class Question:
    """A title and the SQL over the published file that answers it."""

    title: str
    sql: str


def demo_questions() -> tuple[Question, ...]:
    """Team KPI, customer tier, funnel: a screen of each."""
    return (
        Question(
            "Team KPI by quarter · 团队业绩 (mart.mart_team_kpi_quarter)",
            """
            SELECT period_start AS quarter, team_axis AS axis, team_name AS team, won_count AS won,
                lost_count AS lost, round(100 * win_rate, 1) AS "win %", won_amount AS revenue,
                median_cycle_days AS "cycle days", open_count AS "open", open_amount AS pipeline
            FROM mart.mart_team_kpi_quarter
            WHERE period_start = (SELECT max(period_start) FROM mart.mart_team_kpi_quarter)
            ORDER BY team_axis, won_amount DESC, team_name
            """,
        ),
        Question(
            "Customer tier · 客户分层 (mart.mart_customer_tier), the ten largest",
            """
            SELECT account_name AS customer, abc_class AS abc, r_score AS r, f_score AS f, m_score AS m,
                won_count AS won, won_amount AS revenue, recency_days AS "days since"
            FROM mart.mart_customer_tier
            ORDER BY won_amount DESC, account_key LIMIT 10
            """,
        ),
        Question(
            "Funnel as of today's data · 销售漏斗 (mart.mart_funnel_asof)",
            """
            SELECT pipeline, stage, opportunity_count AS opportunities, amount
            FROM mart.mart_funnel_asof ORDER BY pipeline, stage_order, stage
            """,
        ),
    )


def rows_of(published: Path, question: Question) -> tuple[list[str], Sequence[Sequence[object]]]:
    """Column names and rows of the answer."""
    with duckdb.connect(str(published), read_only=True) as con:
        cursor = con.execute(question.sql)
        return [name for (name, *_) in cursor.description or ()], cursor.fetchall()
