{{ config(materialized='ephemeral') }}

with unioned as (
    {{ ledger_union('campaign_members', [
        'source_org', 'campaign_member_id', 'campaign_id', 'campaign_name', 'lead_id', 'lead_name', 'contact_id',
        'contact_name', 'account_id', 'account_name', 'owner_id', 'owner_name', 'source_type', 'source_status',
        'source_record_status', 'signed_in_at', 'created_at', 'modified_at',
    ]) }}
)

{{ ledger_records('unioned', 'campaign_member_key', 'campaign_member_id', ledger_references('campaign_members')) }}
