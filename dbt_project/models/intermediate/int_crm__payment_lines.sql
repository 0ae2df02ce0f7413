{{ config(materialized='ephemeral') }}

with crm_lines as (
    {{ ledger_union('payment_lines', [
        'source_org', 'payment_line_id', 'payment_id', 'payment_name', 'order_id', 'order_name', 'payment_plan_id',
        'payment_plan_name', 'source_record_status', 'amount', 'created_at', 'modified_at',
    ]) }}
),

crm_refunds as (
    {{ ledger_union('refunds', [
        'source_org', 'refund_id', 'order_id', 'order_name', 'source_record_status', 'amount', 'created_at', 'modified_at',
    ]) }}
    ),

unioned as (
    select
        source_system, source_way, source_org, payment_line_id, payment_id, payment_name, order_id, order_name,
        cast(null as {{ type_text() }}) as contract_id, cast(null as {{ type_text() }}) as contract_name,
        cast(null as {{ type_text() }}) as opportunity_id, cast(null as {{ type_text() }}) as opportunity_name,
        payment_plan_id, payment_plan_name, source_record_status, amount, created_at, modified_at
    from crm_lines

    union all

    -- a refund takes back what it paid for
    select
        source_system, source_way, source_org, 'refund:' || refund_id, 'refund:' || refund_id, null, order_id, order_name,
        null, null, null, null, null, null, source_record_status, -amount, created_at, modified_at
    from crm_refunds
    where coalesce(order_id, order_name) is not null

    union all

    {{ input_rows('receipts', [
        "'inputs:' || receipt_row_id", "'inputs:' || kind || ':' || receipt_no", 'null', 'null', 'order_no', 'null',
        'contract_no', 'opportunity_id', 'null', 'null', 'null', 'null', "case kind when 'refund' then -amount else amount end",
        'null', 'modified_at',
    ]) }}
    where coalesce(order_no, contract_no, opportunity_id) is not null
)

{{ ledger_records('unioned', 'payment_line_key', 'payment_line_id', ledger_references('payment_lines')) }}
