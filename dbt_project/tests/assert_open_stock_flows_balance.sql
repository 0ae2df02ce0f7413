-- Within a team, what is open at a period's end is what was open before, plus what came, minus what closed.
-- Opportunities without a creation day come when first seen, so they are counted by opened_on.
with facts as (
    select *, {{ period_start('month', 'opened_on') }} as opened_month from {{ ref('fct_opportunity') }} as all_facts
    where {{ counted_once('all_facts') }}
),

company as (
    select *, lag(open_count, 1, 0) over (order by period_start) as open_before
    from {{ ref('mart_team_kpi_month') }}
    where team_axis = 'company' and org_view = 'as_was'
),

opened as (
    select opened_month, count(*) as opened_count
    from facts
    where closed_on is null or closed_on >= opened_on
    group by opened_month
),

closed_before_opened as (
    select {{ period_start('month', 'closed_on') }} as closed_month, count(*) as closed_count
    from facts
    where closed_on < opened_on
    group by 1
)

select company.period_start
from company
left join opened on opened.opened_month = company.period_start
left join closed_before_opened as odd on odd.closed_month = company.period_start
where company.open_count <> company.open_before + coalesce(opened.opened_count, 0) + coalesce(odd.closed_count, 0)
    - company.won_count - company.lost_count - company.derailed_count
