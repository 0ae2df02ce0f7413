with as_of as (
    select as_of_date from {{ ref('int_crm__as_of') }}
),

counted as (
    select * from {{ ref('int_crm__quotes') }}
    where is_counted
),

quotes as (
    {{ fx_converted('counted', 'events.quoted_on') }}
)

select
    -- keys
    cast(quotes.quote_key as {{ type_text() }}) as quote_key,
    {{ ledger_common('quotes', 'quote_id') }}
    {{ referred('opportunity') }} as opportunity_key,

    -- what it is
    cast(quotes.quote_no as {{ type_text() }}) as quote_no,
    cast(quotes.quote_name as {{ type_text() }}) as quote_name,
    cast(coalesce(statuses.code, 'unmapped') as {{ type_text() }}) as quote_status,
    cast(quotes.source_status as {{ type_text() }}) as source_status,

    -- money
    {{ ledger_money('quotes') }}
    cast(quotes.line_total as decimal(18, 2)) as line_total,

    -- days
    cast(quotes.quoted_on as date) as quoted_on,
    cast(quotes.valid_until as date) as valid_until,

    -- how we know
    {{ ledger_evidence('quotes') }}
from quotes
cross join as_of
{{ ledger_lookups('quotes', ['account', 'owner', 'opportunity']) }}
{{ coded('quotes', 'source_status', 'quote_status', 'statuses') }}
