{{ config(materialized='view', meta={'published': false}) }}

with history as (
    select * from {{ ref('fct_opportunity_history') }}
),

as_of as (
    select as_of_date from {{ ref('int_crm__as_of') }}
),

members as (
    select * from {{ ref('int_crm__opportunity_members') }}
),

months as (
    select {{ each_period('month', business_date('begin.first_at'), 'as_of.as_of_date') }} as month_start
    from (select min(valid_from) as first_at from history where known_to is null) as begin
    cross join as_of
),

month_ends as (
    select least({{ period_end('month', 'months.month_start') }}, as_of.as_of_date) as snapshot_date
    from months
    cross join as_of
)

select
    cast(month_ends.snapshot_date as date) as snapshot_date,
    cast(history.opportunity_key as {{ type_text() }}) as opportunity_key,
    cast(coalesce(members.opportunity_uid, history.opportunity_key) as {{ type_text() }}) as opportunity_uid,
    cast(coalesce(members.is_duplicate, false) as boolean) as is_duplicate,
    cast(history.source_system as {{ type_text() }}) as source_system,
    cast(history.account_key as {{ type_text() }}) as account_key,
    cast(history.account_uid as {{ type_text() }}) as account_uid,
    cast(history.product_key as {{ type_text() }}) as product_key,
    cast(history.owner_user_key as {{ type_text() }}) as owner_user_key,
    cast(history.pipeline as {{ type_text() }}) as pipeline,
    cast(history.stage as {{ type_text() }}) as stage,
    cast(history.status as {{ type_text() }}) as status,
    cast(history.amount as decimal(18, 2)) as amount,
    cast(history.currency_code as {{ type_text() }}) as currency_code,
    cast(history.expected_close_date as date) as expected_close_date,
    cast(history.evidence_grade as {{ type_text() }}) as evidence_grade,
    cast(history.valid_from as {{ type_timestamp_tz() }}) as valid_from
from month_ends
inner join history on {{ held_on('history', 'month_ends.snapshot_date') }}
left join members on members.opportunity_key = history.opportunity_key
