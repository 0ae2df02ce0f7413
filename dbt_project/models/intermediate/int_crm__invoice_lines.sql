{{ config(materialized='ephemeral') }}

with unioned as (
    {{ ledger_union('invoice_lines', [
        'source_org', 'invoice_line_id', 'invoice_id', 'invoice_name', 'product_id', 'product_name', 'source_record_status',
        'quantity', 'list_price', 'amount', 'created_at', 'modified_at',
    ]) }}
)

{{ ledger_records('unioned', 'invoice_line_key', 'invoice_line_id', ledger_references('invoice_lines')) }}
