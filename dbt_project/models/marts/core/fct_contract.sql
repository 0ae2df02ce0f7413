with as_of as (
    select as_of_date from {{ ref('int_crm__as_of') }}
),

counted as (
    select * from {{ ref('int_crm__contracts') }}
    where is_counted
),

contracts as (
    {{ fx_converted('counted', 'events.signed_on') }}
)

select
    -- keys
    cast(contracts.contract_key as {{ type_text() }}) as contract_key,
    {{ ledger_common('contracts', 'contract_id') }}
    {{ referred('opportunity') }} as opportunity_key,
    {{ referred('renewed') }} as renewal_of_contract_key,

    -- what it is
    cast(contracts.contract_no as {{ type_text() }}) as contract_no,
    cast(contracts.contract_name as {{ type_text() }}) as contract_name,
    cast(coalesce(statuses.code, 'unmapped') as {{ type_text() }}) as contract_status,
    cast(contracts.source_status as {{ type_text() }}) as source_status,
    cast(coalesce(contracts.renewed_id, contracts.renewed_name) is not null as boolean) as is_renewal,

    -- money
    {{ ledger_money('contracts') }}

    -- days
    cast(contracts.signed_on as date) as signed_on,
    cast(contracts.starts_on as date) as starts_on,
    cast(contracts.ends_on as date) as ends_on,

    -- how we know
    {{ ledger_evidence('contracts') }}
from contracts
cross join as_of
{{ ledger_lookups('contracts', ['account', 'owner', 'opportunity', 'renewed']) }}
{{ coded('contracts', 'source_status', 'contract_status', 'statuses') }}
