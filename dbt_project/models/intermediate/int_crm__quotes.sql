{{ config(materialized='ephemeral') }}

with unioned as (
    {{ ledger_union('quotes', [
        'source_org', 'quote_id', 'quote_no', 'quote_name', 'account_id', 'account_name', 'opportunity_id',
        'opportunity_name', 'owner_id', 'owner_name', 'source_status', 'source_record_status', 'amount', 'line_total',
        'currency_code', 'exchange_rate', 'quoted_on', 'valid_until', 'created_at', 'modified_at',
    ]) }}
)

{{ ledger_records('unioned', 'quote_key', 'quote_id', ledger_references('quotes')) }}
