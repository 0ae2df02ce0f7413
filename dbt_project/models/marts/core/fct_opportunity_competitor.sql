with as_of as (
    select as_of_date from {{ ref('int_crm__as_of') }}
),

opportunities as (
    select opportunity_key, account_key, status, closed_on from {{ ref('fct_opportunity') }}
),

counted as (
    select * from {{ ref('int_crm__opportunity_competitors') }}
    where is_counted
),

entries as (
    {{ fx_converted('counted', business_date('events.created_at')) }}
)

select
    -- keys
    cast(entries.opportunity_competitor_key as {{ type_text() }}) as opportunity_competitor_key,
    {{ ledger_common('entries', 'opportunity_competitor_id', account=false) }}
    {{ referred('opportunity') }} as opportunity_key,
    {{ referred('competitor') }} as competitor_key,
    cast(coalesce(opportunities.account_key, 'unassigned') as {{ type_text() }}) as account_key,
    cast(coalesce(account_members.account_uid, 'unassigned') as {{ type_text() }}) as account_uid,

    -- what it is
    cast(entries.is_win as boolean) as is_competitor_win,
    cast(opportunities.status as {{ type_text() }}) as opportunity_status,
    cast(entries.advantage as {{ type_text() }}) as advantage,
    cast(entries.weakness as {{ type_text() }}) as weakness,

    -- money: what the competitor asked
    {{ ledger_money('entries') }}

    -- how we know
    {{ ledger_evidence('entries') }}
from entries
cross join as_of
{{ ledger_lookups('entries', ['owner', 'opportunity', 'competitor']) }}
left join opportunities on opportunities.opportunity_key = opportunity_refs.record_key
left join {{ ref('int_crm__account_members') }} as account_members
    on account_members.account_key = opportunities.account_key
