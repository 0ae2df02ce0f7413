{{ config(materialized='table') }}

with said as (
    select
        'product_line' as team_axis,
        product_key as record_key,
        product_line_team_key as team_key,
        product_line as team_name,
        {{ business_date('valid_from') }} as from_day,
        {{ business_date('valid_to') }} as to_day
    from {{ ref('dim_product_history') }}
    union all
    select
        'customer_type',
        account_key,
        {{ team_key('customer_type', match_key('customer_type')) }},
        customer_type,
        {{ business_date('valid_from') }},
        {{ business_date('valid_to') }}
    from {{ ref('dim_account_history') }}
),

-- A day shows a record as the day ended; before the first and after a gap it is as it was nearest.
placed as (
    select
        said.*,
        row_number() over (partition by team_axis, record_key order by from_day) as place,
        lead(from_day) over (partition by team_axis, record_key order by from_day) as next_day
    from said
    where from_day < to_day
)

select
    team_axis,
    record_key,
    team_key,
    team_name,
    case when place = 1 then {{ far_past() }} else from_day end as valid_from,
    coalesce(next_day, {{ far_future() }}) as valid_to
from placed
