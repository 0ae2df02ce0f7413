{{ config(materialized='table') }}

with unioned as (
    {{ crm_records('contacts', 'contact_id', [
        'source_org', 'contact_id', 'account_id', 'account_name', 'owner_id', 'owner_name', 'contact_name', 'phone',
        'email', 'job_title', 'department', 'created_at', 'modified_at',
    ], references=['account', 'owner']) }}
)

select
    {{ surrogate_key(['source_system', 'source_org', 'contact_id']) }} as contact_key,
    {{ reference_key('account', 'account_id', 'account_name') }} as account_reference_key,
    {{ reference_key('user', 'owner_id', 'owner_name') }} as owner_reference_key,
    unioned.*
from unioned
