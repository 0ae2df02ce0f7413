with opportunities as (
    select * from {{ ref('fct_opportunity') }} as facts
    where {{ counted_once('facts') }}
),

furthest_visits as (
    select
        opportunity_key,
        max(stage_order) as stage_order
    from {{ ref('fct_opportunity_stage_history') }}
    group by opportunity_key
),

-- Created means entered the first stage. Later stages imply the skipped ones; a move back takes nothing away;
-- losing is not progress.
reached as (
    select
        {{ period_start('month', 'opportunities.created_on') }} as cohort_month,
        opportunities.status,
        greatest(
            1, coalesce(furthest_visits.stage_order, 1), coalesce(opportunities.stage_order, 1)
        ) as furthest_order
    from opportunities
    left join furthest_visits on furthest_visits.opportunity_key = opportunities.opportunity_key
),

as_of as (
    select as_of_date from {{ ref('int_crm__as_of') }}
),

funnel_stages as (
    select
        stage,
        stage_name,
        stage_name_zh,
        stage_order,
        stage_order = max(stage_order) over () as is_end
    from {{ ref('stages') }}
    where stage_order is not null
),

counted as (
    select
        reached.cohort_month,
        funnel_stages.stage,
        funnel_stages.stage_name,
        funnel_stages.stage_name_zh,
        funnel_stages.stage_order,
        funnel_stages.is_end,
        count(*) as cohort_size,
        sum(case when reached.status <> 'open' then 1 else 0 end) as resolved_count,
        sum(case when reached.furthest_order >= funnel_stages.stage_order then 1 else 0 end) as entered,
        sum(case when reached.furthest_order > funnel_stages.stage_order then 1 else 0 end) as passed_any
    from reached
    cross join funnel_stages
    group by 1, 2, 3, 4, 5, 6
),

judged as (
    -- nothing comes after winning
    select
        counted.*,
        case when not is_end then passed_any end as passed
    from counted
)

select
    cast(judged.cohort_month as date) as cohort_month,
    cast(judged.stage as {{ type_text() }}) as stage,
    cast(judged.stage_name as {{ type_text() }}) as stage_name,
    cast(judged.stage_name_zh as {{ type_text() }}) as stage_name_zh,
    cast(judged.stage_order as integer) as stage_order,
    cast(judged.cohort_size as bigint) as cohort_size,
    cast({{ ratio('judged.resolved_count', 'judged.cohort_size') }} as {{ type_double() }}) as resolved_share,
    cast(judged.entered as bigint) as entered,
    cast(judged.passed as bigint) as passed,
    cast({{ conversion('judged.passed', 'judged.entered') }} as {{ type_double() }}) as conversion,
    cast(as_of.as_of_date as date) as as_of_date,
    {{ metric_version() }} as metric_version
from judged
cross join as_of
