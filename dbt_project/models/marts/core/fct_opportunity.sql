with counted as (
    select * from {{ ref('int_crm__opportunities') }}
    where is_counted
),

opportunities as (
    {{ fx_converted('counted', 'coalesce(events.closed_on, events.as_of_date)') }}
),

lookups as (
    select * from {{ ref('int_crm__references') }}
),

users as (
    select * from {{ ref('dim_user') }}
),

products as (
    select * from {{ ref('dim_product') }}
)

select
    -- keys
    cast(opportunities.opportunity_key as {{ type_text() }}) as opportunity_key,
    cast(opportunities.source_system as {{ type_text() }}) as source_system,
    cast(opportunities.source_way as {{ type_text() }}) as source_way,
    cast(opportunities.source_org as {{ type_text() }}) as source_org,
    cast(opportunities.opportunity_id as {{ type_text() }}) as source_id,
    cast(accounts.record_key as {{ type_text() }}) as account_key,
    cast(products.product_key as {{ type_text() }}) as product_key,
    cast(users.user_key as {{ type_text() }}) as owner_user_key,

    -- teams, as the owner and the product stand now
    cast({{ team_key('company', "'all'") }} as {{ type_text() }}) as company_team_key,
    cast(users.manager_team_key as {{ type_text() }}) as manager_team_key,
    cast(users.region_team_key as {{ type_text() }}) as region_team_key,
    cast(products.product_line_team_key as {{ type_text() }}) as product_line_team_key,

    -- what it is
    cast(opportunities.opportunity_name as {{ type_text() }}) as opportunity_name,
    cast(coalesce(opportunities.pipeline, 'unassigned') as {{ type_text() }}) as pipeline,
    cast(opportunities.stage as {{ type_text() }}) as stage,
    cast(opportunities.stage_order as integer) as stage_order,
    cast(opportunities.source_stage as {{ type_text() }}) as source_stage,
    cast(opportunities.status as {{ type_text() }}) as status,
    cast(opportunities.lost_reason as {{ type_text() }}) as lost_reason,
    cast(opportunities.lead_source as {{ type_text() }}) as lead_source,

    -- money
    cast(opportunities.amount as decimal(18, 2)) as amount,
    cast(opportunities.money_currency as {{ type_text() }}) as currency_code,
    cast(opportunities.amount_reporting as decimal(18, 2)) as amount_reporting,
    cast(opportunities.fx_day as date) as fx_on,
    cast(opportunities.fx_rate as decimal(20, 12)) as fx_rate,
    cast(opportunities.fx_rate_key as {{ type_text() }}) as fx_rate_key,
    cast(opportunities.fx_rate_source as {{ type_text() }}) as fx_rate_source,

    -- days and moments
    cast(opportunities.created_at as {{ type_timestamp_tz() }}) as created_at,
    cast(opportunities.created_on as date) as created_on,
    cast(opportunities.opened_on as date) as opened_on,
    cast(opportunities.expected_close_date as date) as expected_close_date,
    cast(opportunities.closed_at as {{ type_timestamp_tz() }}) as closed_at,
    cast(opportunities.closed_on as date) as closed_on,
    cast({{ cycle_days('opportunities.created_on', 'opportunities.closed_on') }} as bigint) as cycle_days,

    -- how we know
    cast(accounts.resolution as {{ type_text() }}) as account_resolution,
    cast(product_lookups.resolution as {{ type_text() }}) as product_resolution,
    cast(opportunities.closed_at_evidence as {{ type_text() }}) as closed_at_evidence,
    cast(opportunities.state_evidence as {{ type_text() }}) as state_evidence,
    cast(opportunities.modified_at as {{ type_timestamp_tz() }}) as modified_at,
    cast(opportunities.as_of_date as date) as as_of_date
from opportunities
inner join lookups as accounts on accounts.reference_key = opportunities.account_reference_key
inner join lookups as product_lookups on product_lookups.reference_key = opportunities.product_reference_key
inner join lookups as owners on owners.reference_key = opportunities.owner_reference_key
inner join products on products.product_key = product_lookups.record_key
inner join users on users.user_key = owners.record_key
