{{ config(materialized='ephemeral') }}

with unioned as (
    {{ ledger_union('opportunity_competitors', [
        'source_org', 'opportunity_competitor_id', 'opportunity_id', 'opportunity_name', 'competitor_id',
        'competitor_name', 'owner_id', 'owner_name', 'advantage', 'weakness', 'is_win', 'source_record_status', 'amount',
        'currency_code', 'exchange_rate', 'created_at', 'modified_at',
    ]) }}
)

{{ ledger_records('unioned', 'opportunity_competitor_key', 'opportunity_competitor_id', ledger_references('opportunity_competitors')) }}
