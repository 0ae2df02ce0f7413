{{ config(materialized='ephemeral') }}

with opportunities as (
    select * from {{ ref('fct_opportunity') }}
),

members as (
    select * from {{ ref('int_crm__opportunity_members') }}
)

select
    'opportunity' as entity,
    opportunities.opportunity_key as record_key,
    members.opportunity_uid as record_uid,
    members.counted_opportunity_key as counted_record_key,
    members.is_duplicate,
    opportunities.source_system,
    opportunities.source_id,
    case opportunities.status when 'open' then 'open_amount' when 'won' then 'won_amount' else 'lost_amount' end as metric,
    -- a stock is of the day it is counted on, a closing of its own
    {{ period_start('month', "case when opportunities.status = 'open' then as_of_date else closed_on end") }}
        as period_start,
    coalesce(opportunities.currency_code, 'unknown') as currency_code,
    coalesce(opportunities.amount, 0) as amount,
    opportunities.as_of_date
from opportunities
inner join members on members.opportunity_key = opportunities.opportunity_key
where opportunities.status in ('open', 'won', 'lost')
