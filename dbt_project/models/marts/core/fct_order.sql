with as_of as (
    select as_of_date from {{ ref('int_crm__as_of') }}
),

counted as (
    select * from {{ ref('int_crm__orders') }}
    where is_counted
),

orders as (
    {{ fx_converted('counted', 'events.ordered_on', ['amount', 'delivered_amount']) }}
)

select
    -- keys
    cast(orders.order_key as {{ type_text() }}) as order_key,
    {{ ledger_common('orders', 'order_id') }}
    {{ referred('opportunity') }} as opportunity_key,
    {{ referred('quote') }} as quote_key,
    {{ referred('contract') }} as contract_key,

    -- what it is
    cast(orders.order_no as {{ type_text() }}) as order_no,
    cast(coalesce(statuses.code, 'unmapped') as {{ type_text() }}) as order_status,
    cast(orders.source_status as {{ type_text() }}) as source_status,

    -- money
    {{ ledger_money('orders') }}
    cast(orders.line_total as decimal(18, 2)) as line_total,
    cast(orders.delivered_amount as decimal(18, 2)) as delivered_amount,
    cast(orders.delivered_amount_reporting as decimal(18, 2)) as delivered_amount_reporting,

    -- days
    cast(orders.ordered_on as date) as ordered_on,
    cast(orders.due_on as date) as due_on,

    -- how we know
    {{ ledger_evidence('orders') }}
from orders
cross join as_of
{{ ledger_lookups('orders', ['account', 'owner', 'opportunity', 'quote', 'contract']) }}
{{ coded('orders', 'source_status', 'order_status', 'statuses') }}
