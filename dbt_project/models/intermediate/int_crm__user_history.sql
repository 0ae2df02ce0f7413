{{ config(materialized='table') }}

{%- set tracked = [
    'user_name', 'user_number', 'user_email', 'job_title', 'org_unit', 'region', 'manager_id', 'manager_name',
    'user_status',
] %}

with versions as (
    {{ crm_versions('user_versions', 'users', 'user_id', tracked + ['created_at'], references=['manager']) }}
),

{{ history_intervals('versions', ['source_system', 'source_org', 'user_id'], tracked) }}

select
    {{ surrogate_key(['source_system', 'source_org', 'user_id']) }} as user_key,
    {{ reference_key('user', 'manager_id', 'manager_name') }} as manager_reference_key,
    intervals.*
from intervals
