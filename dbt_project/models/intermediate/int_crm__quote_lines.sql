{{ config(materialized='ephemeral') }}

with unioned as (
    {{ ledger_union('quote_lines', [
        'source_org', 'quote_line_id', 'quote_id', 'quote_name', 'product_id', 'product_name', 'source_record_status',
        'quantity', 'list_price', 'amount', 'created_at', 'modified_at',
    ]) }}
)

{{ ledger_records('unioned', 'quote_line_key', 'quote_line_id', ledger_references('quote_lines')) }}
