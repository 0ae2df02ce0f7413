{{ config(materialized='table') }}

{{ identity_members('user', 'employee_number') }}

union all

-- people that only records name
select distinct
    record_key,
    record_key
from {{ ref('int_crm__references') }}
where entity = 'user' and resolution = 'inferred'
