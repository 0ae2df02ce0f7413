{{ config(materialized='table') }}

select
    user_key,
    user_key as user_uid
from {{ ref('int_crm__users_unioned') }}

union all

-- people that only records name
select distinct
    record_key,
    record_key
from {{ ref('int_crm__references') }}
where entity = 'user' and resolution = 'inferred'

union all

select 'unassigned', 'unassigned'
