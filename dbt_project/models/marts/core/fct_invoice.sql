with as_of as (
    select as_of_date from {{ ref('int_crm__as_of') }}
),

orders as (
    select * from {{ ref('fct_order') }}
),

counted as (
    select * from {{ ref('int_crm__invoices') }}
    where is_counted
),

invoices as (
    {{ fx_converted('counted', 'events.issued_on') }}
)

select
    -- keys
    cast(invoices.invoice_key as {{ type_text() }}) as invoice_key,
    {{ ledger_common('invoices', 'invoice_id') }}
    {{ referred('order') }} as order_key,
    -- an invoice's opportunity is that of its order
    coalesce({{ referred('opportunity') }}, cast(orders.opportunity_key as {{ type_text() }})) as opportunity_key,

    -- what it is
    cast(invoices.invoice_no as {{ type_text() }}) as invoice_no,
    cast(coalesce(statuses.code, 'unmapped') as {{ type_text() }}) as invoice_status,
    cast(invoices.source_status as {{ type_text() }}) as source_status,

    -- money
    {{ ledger_money('invoices') }}
    cast(invoices.line_total as decimal(18, 2)) as line_total,

    -- days
    cast(invoices.issued_on as date) as issued_on,
    cast(invoices.due_on as date) as due_on,

    -- how we know
    {{ ledger_evidence('invoices') }}
from invoices
cross join as_of
{{ ledger_lookups('invoices', ['account', 'owner', 'opportunity', 'order']) }}
left join orders on orders.order_key = order_refs.record_key
{{ coded('invoices', 'source_status', 'invoice_status', 'statuses') }}
