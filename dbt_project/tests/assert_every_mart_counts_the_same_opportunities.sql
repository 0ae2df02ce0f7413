-- One definition per number: what two marts show of the same thing is the same, a deal of two CRMs once.
with facts as (
    select
        count(*) as opportunity_count,
        coalesce(sum(case when status = 'open' then 1 else 0 end), 0) as open_count,
        coalesce(sum(case when status = 'won' then amount_reporting end), 0) as won_amount
    from {{ ref('fct_opportunity') }} as facts
    where {{ counted_once('facts') }}
),

shown as (
    select 'mart_funnel_asof' as mart, sum(opportunity_count) as opportunity_count,
        sum(case when status = 'open' then opportunity_count else 0 end) as open_count,
        sum(case when status = 'won' then amount else 0 end) as won_amount
    from {{ ref('mart_funnel_asof') }}
    union all
    select 'mart_customer_tier', sum(opportunity_count), sum(open_count), sum(won_amount)
    from {{ ref('mart_customer_tier') }}
    union all
    select 'mart_funnel_cohort', sum(cohort_size), null, null
    from {{ ref('mart_funnel_cohort') }}
    where stage_order = 1
    union all
    select 'mart_team_kpi_month', null, sum(open_count), null
    from {{ ref('mart_team_kpi_month') }}
    where team_axis = 'company' and org_view = 'as_was' and measured_on = as_of_date
)

select shown.*
from shown
cross join facts
where shown.opportunity_count <> facts.opportunity_count
    or shown.open_count <> facts.open_count
    or shown.won_amount <> facts.won_amount
    or (facts.opportunity_count > 0 and shown.opportunity_count is null and shown.open_count is null)
