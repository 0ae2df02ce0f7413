with accounts as (
    select * from {{ ref('int_crm__accounts_unioned') }}
),

owners as (
    select * from {{ ref('int_crm__references') }}
    where entity = 'user'
),

members as (
    select
        accounts.account_key,
        accounts.source_system,
        accounts.source_org,
        accounts.account_id as source_id,
        accounts.account_name,
        accounts.account_type,
        accounts.industry,
        accounts.country,
        accounts.province,
        accounts.city,
        accounts.employee_count,
        accounts.annual_revenue,
        owners.record_key as owner_user_key,
        accounts.created_at,
        false as is_unassigned
    from accounts
    inner join owners on owners.reference_key = accounts.owner_reference_key

    union all

    select
        'unassigned', null, null, null, 'Unassigned / 未分配', null, null, null, null, null, null, null, 'unassigned',
        null, true
)

select
    cast(account_key as {{ type_text() }}) as account_key,
    cast(source_system as {{ type_text() }}) as source_system,
    cast(source_org as {{ type_text() }}) as source_org,
    cast(source_id as {{ type_text() }}) as source_id,
    cast(account_name as {{ type_text() }}) as account_name,
    cast(account_type as {{ type_text() }}) as account_type,
    cast(industry as {{ type_text() }}) as industry,
    cast(country as {{ type_text() }}) as country,
    cast(province as {{ type_text() }}) as province,
    cast(city as {{ type_text() }}) as city,
    cast(employee_count as bigint) as employee_count,
    cast(annual_revenue as decimal(18, 2)) as annual_revenue,
    cast(owner_user_key as {{ type_text() }}) as owner_user_key,
    cast(created_at as {{ type_timestamp_tz() }}) as created_at,
    cast(is_unassigned as boolean) as is_unassigned
from members
