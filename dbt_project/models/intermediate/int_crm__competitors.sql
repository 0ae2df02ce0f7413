{{ config(materialized='ephemeral') }}

with unioned as (
    {{ ledger_union('competitors', [
        'source_org', 'competitor_id', 'competitor_name', 'competitor_level', 'advantage', 'weakness', 'website',
        'owner_id', 'owner_name', 'source_record_status', 'created_at', 'modified_at',
    ]) }}
)

{{ ledger_records('unioned', 'competitor_key', 'competitor_id', ledger_references('competitors')) }}
