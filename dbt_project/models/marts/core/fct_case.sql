with as_of as (
    select as_of_date from {{ ref('int_crm__as_of') }}
),

cases as (
    select * from {{ ref('int_crm__cases') }}
    where is_counted
),

coded as (
    select
        cases.*,
        coalesce(statuses.code, 'open') as case_status,
        coalesce(types.code, 'other') as case_type,
        coalesce(priorities.code, 'medium') as priority
    from cases
    {{ coded('cases', 'source_status', 'case_status', 'statuses') }}
    {{ coded('cases', 'source_type', 'case_type', 'types') }}
    {{ coded('cases', 'source_priority', 'case_priority', 'priorities') }}
)

select
    -- keys
    cast(coded.case_key as {{ type_text() }}) as case_key,
    {{ ledger_common('coded', 'case_id') }}
    {{ referred('contact') }} as contact_key,
    {{ referred('opportunity') }} as opportunity_key,
    cast(coalesce(product_refs.record_key, 'unassigned') as {{ type_text() }}) as product_key,
    cast(coalesce(product_members.product_uid, 'unassigned') as {{ type_text() }}) as product_uid,

    -- what it is
    cast(coded.case_no as {{ type_text() }}) as case_no,
    cast(coded.case_type as {{ type_text() }}) as case_type,
    cast(coded.source_type as {{ type_text() }}) as source_type,
    cast(coded.case_status as {{ type_text() }}) as case_status,
    cast(coded.source_status as {{ type_text() }}) as source_status,
    cast(coded.priority as {{ type_text() }}) as priority,
    cast(coded.source_origin as {{ type_text() }}) as origin,
    cast(coded.source_reason as {{ type_text() }}) as reason,

    -- moments
    cast(coded.created_at as {{ type_timestamp_tz() }}) as opened_at,
    cast({{ business_date('coded.created_at') }} as date) as opened_on,
    cast(coded.first_responded_at as {{ type_timestamp_tz() }}) as first_responded_at,
    cast(
        case
            when coded.case_status = 'open' then null
            else coalesce(coded.resolved_at, coded.closed_at, coded.modified_at)
        end as {{ type_timestamp_tz() }}
    ) as resolved_at,
    cast(
        case
            when coded.case_status = 'open' then null
            when coalesce(coded.resolved_at, coded.closed_at) is not null then 'vendor'
            else 'last_change'
        end as {{ type_text() }}
    ) as resolved_at_evidence,
    cast(coded.closed_at as {{ type_timestamp_tz() }}) as closed_at,
    cast(coded.reopened_count as bigint) as reopened_count,

    -- how we know
    {{ ledger_evidence('coded') }}
from coded
cross join as_of
{{ ledger_lookups('coded', ['account', 'owner', 'contact', 'opportunity', 'product']) }}
