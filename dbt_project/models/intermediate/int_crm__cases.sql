{{ config(materialized='ephemeral') }}

with unioned as (
    {{ ledger_union('cases', [
        'source_org', 'case_id', 'case_no', 'account_id', 'account_name', 'contact_id', 'contact_name', 'opportunity_id',
        'opportunity_name', 'product_id', 'product_name', 'owner_id', 'owner_name', 'source_type', 'source_status',
        'source_priority', 'source_origin', 'source_reason', 'source_record_status', 'subject_length',
        'first_responded_at', 'resolved_at', 'closed_at', 'reopened_count', 'created_at', 'modified_at',
    ]) }}
)

{{ ledger_records('unioned', 'case_key', 'case_id', ledger_references('cases')) }}
