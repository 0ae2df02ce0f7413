{{ config(materialized='ephemeral') }}

with unioned as (
    {{ ledger_union('invoices', [
        'source_org', 'invoice_id', 'invoice_no', 'account_id', 'account_name', 'order_id', 'order_name', 'opportunity_id',
        'opportunity_name', 'owner_id', 'owner_name', 'source_status', 'source_record_status', 'amount', 'line_total',
        'currency_code', 'exchange_rate', 'issued_on', 'due_on', 'created_at', 'modified_at',
    ]) }}
)

{{ ledger_records('unioned', 'invoice_key', 'invoice_id', ledger_references('invoices')) }}
