with as_of as (
    select as_of_date from {{ ref('int_crm__as_of') }}
),

members as (
    select * from {{ ref('int_crm__campaign_members') }}
    where is_counted
)

select
    -- keys
    cast(members.campaign_member_key as {{ type_text() }}) as campaign_member_key,
    {{ ledger_common('members', 'campaign_member_id') }}
    {{ referred('campaign') }} as campaign_key,
    {{ referred('lead') }} as lead_key,
    {{ referred('contact') }} as contact_key,

    -- what it is
    cast(members.source_type as {{ type_text() }}) as member_type,
    cast(members.source_status as {{ type_text() }}) as member_status,
    cast(members.signed_in_at as {{ type_timestamp_tz() }}) as signed_in_at,

    -- how we know
    {{ ledger_evidence('members') }}
from members
cross join as_of
{{ ledger_lookups('members', ['account', 'owner', 'campaign', 'lead', 'contact']) }}
