{{ config(materialized='table') }}

{%- set tracked = [
    'account_name', 'account_type', 'customer_type', 'owner_id', 'owner_name', 'account_parent_id',
    'account_parent_name',
] %}

with versions as (
    {{ crm_versions(
        'account_versions', 'accounts', 'account_id', tracked + ['created_at'], references=['owner', 'account_parent']
    ) }}
),

{{ history_intervals('versions', ['source_system', 'source_org', 'account_id'], tracked) }}

select
    {{ surrogate_key(['source_system', 'source_org', 'account_id']) }} as account_key,
    {{ reference_key('user', 'owner_id', 'owner_name') }} as owner_reference_key,
    {{ reference_key('account', 'account_parent_id', 'account_parent_name') }} as parent_reference_key,
    intervals.*
from intervals
