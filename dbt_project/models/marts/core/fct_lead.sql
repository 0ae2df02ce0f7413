with as_of as (
    select as_of_date from {{ ref('int_crm__as_of') }}
),

leads as (
    select * from {{ ref('int_crm__leads') }}
    where is_counted
)

select
    -- keys
    cast(leads.lead_key as {{ type_text() }}) as lead_key,
    {{ ledger_common('leads', 'lead_id') }}
    {{ referred('contact') }} as contact_key,
    {{ referred('opportunity') }} as opportunity_key,

    -- where it stands
    cast(leads.source_status as {{ type_text() }}) as source_status,
    cast(leads.lead_source as {{ type_text() }}) as lead_source,
    cast(leads.converted_at is not null as boolean) as is_converted,
    cast(leads.converted_at as {{ type_timestamp_tz() }}) as converted_at,
    cast({{ business_date('leads.created_at') }} as date) as created_on,

    -- how we know
    {{ ledger_evidence('leads') }}
from leads
cross join as_of
{{ ledger_lookups('leads', ['account', 'contact', 'opportunity', 'owner']) }}
