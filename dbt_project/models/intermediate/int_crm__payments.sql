{{ config(materialized='ephemeral') }}

with crm_payments as (
    {{ ledger_union('payments', [
        'source_org', 'payment_id', 'payment_no', 'account_id', 'account_name', 'owner_id', 'owner_name', 'source_method',
        'source_record_status', 'amount', 'currency_code', 'exchange_rate', 'paid_on', 'created_at', 'modified_at',
    ]) }}
),

crm_refunds as (
    {{ ledger_union('refunds', [
        'source_org', 'refund_id', 'refund_no', 'account_id', 'account_name', 'payment_id', 'payment_name', 'owner_id',
        'owner_name', 'source_record_status', 'amount', 'currency_code', 'exchange_rate', 'paid_on', 'created_at',
        'modified_at',
    ]) }}
),

-- a receipt that pays several orders has a row for each, with one number
input_receipts as (
    {{ input_rows('receipts', [
        "'inputs:' || kind || ':' || receipt_no as payment_id", 'receipt_no', 'kind', 'account_id', 'account', 'owner_id',
        'owner', 'method', 'amount', 'currency_code', 'paid_on', 'modified_at',
    ]) }}
),

unioned as (
    select
        source_system, source_way, source_org, payment_id, payment_no, 'receipt' as payment_kind, account_id, account_name,
        cast(null as {{ type_text() }}) as refunded_id, cast(null as {{ type_text() }}) as refunded_name, owner_id,
        owner_name, source_method, source_record_status, amount, currency_code, exchange_rate, paid_on, created_at,
        modified_at
    from crm_payments

    union all

    select
        source_system, source_way, source_org, 'refund:' || refund_id, refund_no, 'refund', account_id, account_name,
        payment_id, payment_name, owner_id, owner_name, null, source_record_status, -amount, currency_code, exchange_rate,
        paid_on, created_at, modified_at
    from crm_refunds

    union all

    select
        source_system,
        source_way,
        source_org,
        payment_id,
        min(receipt_no),
        kind,
        min(account_id),
        case when min(account_id) is null then min(account) end,
        null,
        null,
        case when min(owner) is null then min(owner_id) end,
        min(owner),
        min(method),
        null,
        case kind when 'refund' then -sum(amount) else sum(amount) end,
        currency_code,
        null,
        min(paid_on),
        null,
        max(modified_at)
    from input_receipts
    group by source_system, source_way, source_org, payment_id, kind, currency_code
)

{{ ledger_records('unioned', 'payment_key', 'payment_id', ledger_references('payments')) }}
