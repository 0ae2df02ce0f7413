{{ config(materialized='table') }}

with unioned as (
    {{ crm_records('users', 'user_id', [
        'source_org', 'user_id', 'reference_id', 'user_name', 'manager_id', 'manager_name', 'region', 'job_title', 'user_status',
        'email', 'employee_number', 'created_at', 'modified_at',
    ], references=['manager']) }}
)

select
    {{ surrogate_key(['source_system', 'source_org', 'user_id']) }} as user_key,
    {{ reference_key('user', 'manager_id', 'manager_name') }} as manager_reference_key,
    unioned.*
from unioned
