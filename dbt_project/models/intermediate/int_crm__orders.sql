{{ config(materialized='ephemeral') }}

with unioned as (
    {{ ledger_union('orders', [
        'source_org', 'order_id', 'order_no', 'account_id', 'account_name', 'opportunity_id', 'opportunity_name', 'quote_id',
        'quote_name', 'contract_id', 'contract_name', 'owner_id', 'owner_name', 'source_status', 'source_record_status',
        'amount', 'line_total', 'delivered_amount', 'currency_code', 'exchange_rate', 'ordered_on', 'due_on', 'created_at',
        'modified_at',
    ]) }}
)

{{ ledger_records('unioned', 'order_key', 'order_id', ledger_references('orders')) }}
