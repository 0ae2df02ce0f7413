{{ config(materialized='table') }}

with unioned as (
    {{ crm_records('accounts', 'account_id', [
        'source_org', 'account_id', 'account_name', 'account_type', 'industry', 'employee_count', 'annual_revenue',
        'country', 'province', 'city', 'credit_code', 'phone', 'website', 'deal_status', 'parent_id', 'parent_name',
        'owner_id', 'owner_name', 'created_at', 'modified_at',
    ], references=['owner', 'parent']) }}
)

select
    {{ surrogate_key(['source_system', 'source_org', 'account_id']) }} as account_key,
    {{ reference_key('user', 'owner_id', 'owner_name') }} as owner_reference_key,
    {{ reference_key('account', 'parent_id', 'parent_name') }} as parent_reference_key,
    unioned.*
from unioned
