{{ config(materialized='ephemeral') }}

with crm_plans as (
    {{ ledger_union('payment_plans', [
        'source_org', 'payment_plan_id', 'payment_plan_no', 'account_id', 'account_name', 'order_id', 'order_name',
        'owner_id', 'owner_name', 'source_status', 'source_record_status', 'amount', 'source_paid_amount', 'currency_code',
        'exchange_rate', 'due_on', 'created_at', 'modified_at',
    ]) }}
),

unioned as (
    select
        source_system, source_way, source_org, payment_plan_id, payment_plan_no, account_id, account_name, order_id,
        order_name, cast(null as {{ type_text() }}) as contract_id, cast(null as {{ type_text() }}) as contract_name,
        cast(null as {{ type_text() }}) as opportunity_id, cast(null as {{ type_text() }}) as opportunity_name, owner_id,
        owner_name, cast(null as integer) as instalment, source_status, source_record_status, amount, source_paid_amount,
        currency_code, exchange_rate, due_on, created_at, modified_at
    from crm_plans

    union all

    {{ input_rows('payment_plans', [
        "'inputs:' || payment_plan_id", 'null', 'account_id', 'account', 'null', 'order_no', 'null', 'contract_no',
        'opportunity_id', 'null', 'null', 'null', 'instalment', 'status', 'null', 'amount', 'null', 'currency_code', 'null',
        'due_on', 'null', 'modified_at',
    ]) }}
)

{{ ledger_records('unioned', 'payment_plan_key', 'payment_plan_id', ledger_references('payment_plans')) }}
