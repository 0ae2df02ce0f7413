-- A line is of its header's currency, day and rate; lines of a header that does not count, or is gone, do not count.
with headers as (
    select * from {{ ref('fct_invoice') }}
),

lines as (
    select * from {{ ref('int_crm__invoice_lines') }}
    where is_counted
)

select
    -- keys
    cast(lines.invoice_line_key as {{ type_text() }}) as invoice_line_key,
    {{ ledger_common('lines', 'invoice_line_id', account=false, owner=false) }}
    cast(headers.invoice_key as {{ type_text() }}) as invoice_key,
    cast(headers.account_key as {{ type_text() }}) as account_key,
    cast(headers.account_uid as {{ type_text() }}) as account_uid,
    cast(headers.owner_user_key as {{ type_text() }}) as owner_user_key,
    cast(headers.owner_user_uid as {{ type_text() }}) as owner_user_uid,
    cast(coalesce(product_refs.record_key, 'unassigned') as {{ type_text() }}) as product_key,
    cast(coalesce(product_members.product_uid, 'unassigned') as {{ type_text() }}) as product_uid,

    -- how many and for how much
    cast(lines.quantity as decimal(18, 4)) as quantity,
    cast(lines.list_price as decimal(18, 2)) as list_price,
    cast(round(lines.quantity * lines.list_price, 2) as decimal(18, 2)) as list_amount,
    cast(lines.amount as decimal(18, 2)) as amount,
    cast(headers.currency_code as {{ type_text() }}) as currency_code,
    cast({{ fx_amount('lines.amount', 'headers.fx_rate') }} as decimal(18, 2)) as amount_reporting,
    cast({{ fx_amount('round(lines.quantity * lines.list_price, 2)', 'headers.fx_rate') }} as decimal(18, 2))
        as list_amount_reporting,
    cast(headers.fx_on as date) as fx_on,
    cast(headers.fx_rate as decimal(20, 12)) as fx_rate,
    cast(headers.fx_rate_key as {{ type_text() }}) as fx_rate_key,

    -- how we know
    cast(lines.created_at as {{ type_timestamp_tz() }}) as created_at,
    cast(lines.modified_at as {{ type_timestamp_tz() }}) as modified_at,
    cast(headers.as_of_date as date) as as_of_date
from lines
{{ ledger_lookups('lines', ['invoice', 'product']) }}
inner join headers on headers.invoice_key = invoice_refs.record_key
