{{ config(materialized='ephemeral') }}

{%- set columns = [
    'source_org', 'contract_id', 'contract_no', 'contract_name', 'account_id', 'account_name', 'opportunity_id',
    'opportunity_name', 'renewed_id', 'renewed_name', 'owner_id', 'owner_name', 'source_status', 'source_record_status',
    'amount', 'currency_code', 'exchange_rate', 'signed_on', 'starts_on', 'ends_on', 'created_at', 'modified_at',
] %}

with unioned as (
    {{ ledger_union('contracts', columns) }}
    union all
    {{ input_rows('contracts', [
        "'inputs:' || contract_row_id", 'contract_no', 'title', 'account_id', 'account', 'opportunity_id', 'null', 'null',
        'renewal_of', 'case when owner is null then owner_id end', 'owner', 'status', 'null', 'amount', 'currency_code',
        'null', 'signed_on', 'starts_on', 'ends_on', 'null', 'modified_at',
    ]) }}
)

{{ ledger_records('unioned', 'contract_key', 'contract_id', ledger_references('contracts')) }}
