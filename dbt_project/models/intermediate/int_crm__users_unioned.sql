with unioned as (
    {{ union_sources('users', [
        'source_org', 'user_id', 'user_name', 'manager_id', 'manager_name', 'region', 'job_title', 'user_status',
        'modified_at',
    ]) }}
)

select
    {{ surrogate_key(['source_system', 'source_org', 'user_id']) }} as user_key,
    {{ reference_key('user', 'manager_id', 'manager_name') }} as manager_reference_key,
    unioned.*
from unioned
