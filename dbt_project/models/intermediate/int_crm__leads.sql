{{ config(materialized='ephemeral') }}

with unioned as (
    {{ crm_records('leads', 'lead_id', [
        'source_org', 'lead_id', 'owner_id', 'owner_name', 'phone', 'email', 'source_status', 'lead_source',
        'account_id', 'account_name', 'contact_id', 'contact_name', 'opportunity_id', 'opportunity_name',
        'converted_at', 'created_at', 'modified_at',
    ], references=['owner']) }}
),

stated as (
    select
        unioned.*,
        cast(null as {{ type_text() }}) as source_record_status
    from unioned
)

{{ ledger_records('stated', 'lead_key', 'lead_id', ledger_references('leads')) }}
