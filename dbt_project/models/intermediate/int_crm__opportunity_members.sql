{{ config(materialized='table') }}

with recursive pairs as (
    select opportunity_key as one_key, other_opportunity_key as other_key
    from {{ ref('map_opportunity_identity') }}
    where decision = 'same'
),

edges as (
    select one_key, other_key from pairs
    union
    select other_key, one_key from pairs
),

-- Whoever is reached from a record over any number of pairs; there are few.
reached as (
    select one_key, other_key from edges
    union
    select reached.one_key, edges.other_key
    from reached
    inner join edges on edges.one_key = reached.other_key
),

deals as (
    select one_key as opportunity_key, least(one_key, min(other_key)) as opportunity_uid
    from reached
    group by one_key
),

ranked as (
    select
        opportunities.opportunity_key,
        coalesce(deals.opportunity_uid, opportunities.opportunity_key) as opportunity_uid,
        row_number() over (
            partition by coalesce(deals.opportunity_uid, opportunities.opportunity_key)
            order by {{ counting_order() }}
        ) as place
    from (
        select opportunity_key, source_system, status, stage_order, modified_at
        from {{ ref('int_crm__opportunities') }}
    ) as opportunities
    left join deals using (opportunity_key)
)

select
    opportunity_key,
    opportunity_uid,
    place > 1 as is_duplicate,
    first_value(opportunity_key) over (partition by opportunity_uid order by place) as counted_opportunity_key
from ranked
