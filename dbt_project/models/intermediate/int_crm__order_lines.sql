{{ config(materialized='ephemeral') }}

with unioned as (
    {{ ledger_union('order_lines', [
        'source_org', 'order_line_id', 'order_id', 'order_name', 'product_id', 'product_name', 'source_record_status',
        'quantity', 'list_price', 'amount', 'created_at', 'modified_at',
    ]) }}
)

{{ ledger_records('unioned', 'order_line_key', 'order_line_id', ledger_references('order_lines')) }}
