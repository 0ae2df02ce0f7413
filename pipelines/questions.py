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
            "Team KPI · 团队业绩 (mart.mart_team_kpi_quarter): the company's last quarters",
            """
            SELECT year(period_start) || 'Q' || quarter(period_start) AS quarter,
                created_count AS created, won_count AS won, lost_count AS lost,
                round(100 * win_rate, 1) AS "win %", round(won_amount)::BIGINT AS revenue,
                median_cycle_days AS "cycle d", open_count AS "open", round(open_amount)::BIGINT AS pipeline
            FROM mart.mart_team_kpi_quarter WHERE team_axis = 'company' AND org_view = 'as_was'
            ORDER BY period_start DESC LIMIT 5
            """,
        ),
        Question(
            "Team KPI by team · 分团队: the last complete quarter",
            """
            SELECT team_axis AS axis, team_name AS team, won_count AS won, lost_count AS lost,
                round(100 * win_rate, 1) AS "win %", round(won_amount)::BIGINT AS revenue,
                median_cycle_days AS "cycle d", open_count AS "open"
            FROM mart.mart_team_kpi_quarter
            WHERE team_axis <> 'company' AND org_view = 'as_was' AND period_start =
                (SELECT max(period_start) FROM mart.mart_team_kpi_quarter WHERE period_end <= as_of_date)
            QUALIFY row_number() OVER (PARTITION BY team_axis ORDER BY won_amount DESC, team_key) <= 5
            ORDER BY team_axis, won_amount DESC, team_key
            """,
        ),
        Question(
            "Customer tier · 客户分层 (mart.mart_customer_tier): the ten largest",
            """
            SELECT account_name AS customer, abc_class AS abc, r_score AS r, f_score AS f, m_score AS m,
                won_count AS won, round(won_amount)::BIGINT AS revenue, recency_days AS "days since"
            FROM mart.mart_customer_tier WHERE is_ranked ORDER BY value_rank LIMIT 10
            """,
        ),
        Question(
            "Funnel · 销售漏斗 (mart.mart_funnel_asof), all pipelines",
            """
            SELECT stage_name || ' ' || stage_name_zh AS stage, status,
                sum(opportunity_count)::BIGINT AS opportunities, round(sum(amount))::BIGINT AS amount
            FROM mart.mart_funnel_asof GROUP BY stage_name, stage_name_zh, status, stage_order
            ORDER BY stage_order NULLS LAST, stage
            """,
        ),
    )


def rows_of(published: Path, question: Question) -> tuple[list[str], Sequence[Sequence[object]]]:
    """Column names and rows of the answer."""
    with duckdb.connect(str(published), read_only=True) as con:
        cursor = con.execute(question.sql)
        return [name for (name, *_) in cursor.description or ()], cursor.fetchall()
