{{ config(materialized='ephemeral') }}

with unioned as (
    {{ ledger_union('campaigns', [
        'source_org', 'campaign_id', 'campaign_name', 'parent_id', 'parent_name', 'owner_id', 'owner_name', 'source_type',
        'source_status', 'source_record_status', 'sent_count', 'expected_response_count', 'budgeted_cost', 'actual_cost',
        'expected_revenue', 'currency_code', 'exchange_rate', 'starts_on', 'ends_on', 'created_at', 'modified_at',
    ]) }}
)

{{ ledger_records('unioned', 'campaign_key', 'campaign_id', ledger_references('campaigns')) }}
