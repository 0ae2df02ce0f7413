{{ config(materialized='table') }}

with users as (
    select * from {{ ref('int_crm__users_unioned') }}
),

people as (
    select * from {{ source('identity', 'people') }}
),

managers as (
    select lookups.reference_key, listed.user_name
    from {{ ref('int_crm__references') }} as lookups
    inner join users as listed on listed.user_key = lookups.record_key
    where lookups.entity = 'user' and lookups.resolution <> 'empty'
)

select
    users.user_key,
    users.source_system,
    users.source_org,
    users.user_id,
    users.created_at,
    users.modified_at,
    nullif(names.name_hash, '') as name_hash,
    nullif(manager_names.name_hash, '') as manager_name_hash,
    nullif(emails.email_hash, '') as email_hash,
    nullif({{ match_key('users.employee_number') }}, '') as employee_number,
    nullif({{ match_key('users.region') }}, '') as region
from users
left join managers on managers.reference_key = users.manager_reference_key
left join people as names on names.value = {{ keyed_hash('users.user_name') }}
left join people as manager_names on manager_names.value = {{ keyed_hash('managers.user_name') }}
left join {{ source('identity', 'emails') }} as emails on emails.value = {{ keyed_hash('users.email') }}
