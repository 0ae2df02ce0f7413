with opportunities as (
    select * from {{ ref('fct_opportunity') }} as facts
    where {{ counted_once('facts') }}
),

stages as (
    select * from {{ ref('stages') }}
)

select
    cast(opportunities.as_of_date as date) as as_of_date,
    cast(opportunities.pipeline as {{ type_text() }}) as pipeline,
    cast(stages.stage as {{ type_text() }}) as stage,
    cast(stages.stage_name as {{ type_text() }}) as stage_name,
    cast(stages.stage_name_zh as {{ type_text() }}) as stage_name_zh,
    cast(stages.stage_order as integer) as stage_order,
    cast(stages.status as {{ type_text() }}) as status,
    cast(count(*) as bigint) as opportunity_count,
    cast(sum(coalesce(opportunities.amount_reporting, 0)) as decimal(18, 2)) as amount,
    cast(sum(case when opportunities.amount is null then 1 else 0 end) as bigint) as count_without_amount,
    cast(
        sum(case when opportunities.amount is not null and opportunities.fx_rate is null then 1 else 0 end) as bigint
    ) as count_without_rate,
    {{ metric_version() }} as metric_version
from opportunities
inner join stages on stages.stage = opportunities.stage
group by
    opportunities.as_of_date,
    opportunities.pipeline,
    stages.stage,
    stages.stage_name,
    stages.stage_name_zh,
    stages.stage_order,
    stages.status
