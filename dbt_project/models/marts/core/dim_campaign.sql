with as_of as (
    select as_of_date from {{ ref('int_crm__as_of') }}
),

counted as (
    select * from {{ ref('int_crm__campaigns') }}
    where is_counted
),

campaigns as (
    {{ fx_converted('counted', 'events.starts_on', ['budgeted_cost', 'actual_cost', 'expected_revenue']) }}
)

select
    -- keys
    cast(campaigns.campaign_key as {{ type_text() }}) as campaign_key,
    {{ ledger_common('campaigns', 'campaign_id', account=false) }}
    {{ referred('parent') }} as parent_campaign_key,

    -- what it is
    cast(campaigns.campaign_name as {{ type_text() }}) as campaign_name,
    cast(campaigns.source_type as {{ type_text() }}) as campaign_type,
    cast(coalesce(statuses.code, 'unmapped') as {{ type_text() }}) as campaign_status,
    cast(campaigns.source_status as {{ type_text() }}) as source_status,
    cast(campaigns.starts_on as date) as starts_on,
    cast(campaigns.ends_on as date) as ends_on,
    cast(campaigns.sent_count as bigint) as sent_count,
    cast(campaigns.expected_response_count as bigint) as expected_response_count,

    -- money
    cast(campaigns.money_currency as {{ type_text() }}) as currency_code,
    {% for amount in ['budgeted_cost', 'actual_cost', 'expected_revenue'] -%}
    cast(campaigns.{{ amount }} as decimal(18, 2)) as {{ amount }},
    cast(campaigns.{{ amount }}_reporting as decimal(18, 2)) as {{ amount }}_reporting,
    {% endfor -%}
    cast(campaigns.fx_day as date) as fx_on,
    cast(campaigns.fx_rate as decimal(20, 12)) as fx_rate,
    cast(campaigns.fx_rate_key as {{ type_text() }}) as fx_rate_key,
    cast(campaigns.fx_rate_source as {{ type_text() }}) as fx_rate_source,

    -- how we know
    {{ ledger_evidence('campaigns') }}
from campaigns
cross join as_of
{{ ledger_lookups('campaigns', ['owner', 'parent']) }}
{{ coded('campaigns', 'source_status', 'campaign_status', 'statuses') }}
