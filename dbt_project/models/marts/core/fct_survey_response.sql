with as_of as (
    select as_of_date from {{ ref('int_crm__as_of') }}
),

cases as (
    select * from {{ ref('fct_case') }}
),

responses as (
    select * from {{ ref('int_crm__survey_responses') }}
),

scaled as (
    select
        responses.*,
        coalesce(scale_min, 0) as lowest,
        coalesce(scale_max, 10) as highest
    from responses
)

select
    -- keys
    cast(scaled.survey_response_key as {{ type_text() }}) as survey_response_key,
    {{ ledger_common('scaled', 'survey_response_id', owner=false) }}
    cast(
        case
            when owner_refs.record_key <> 'unassigned' then owner_refs.record_key
            else coalesce(cases.owner_user_key, 'unassigned')
        end as {{ type_text() }}
    ) as owner_user_key,
    cast(
        case
            when owner_refs.record_key <> 'unassigned' then owner_members.user_uid
            else coalesce(cases.owner_user_uid, 'unassigned')
        end as {{ type_text() }}
    ) as owner_user_uid,
    cast(cases.case_key as {{ type_text() }}) as case_key,
    {{ referred('opportunity') }} as opportunity_key,

    -- what was asked and answered
    cast(scaled.survey as {{ type_text() }}) as survey,
    cast(scaled.kind as {{ type_text() }}) as survey_kind,
    cast(scaled.score as decimal(18, 2)) as score,
    cast(scaled.lowest as decimal(18, 2)) as scale_min,
    cast(scaled.highest as decimal(18, 2)) as scale_max,
    cast({{ ratio('(scaled.score - scaled.lowest)', '(scaled.highest - scaled.lowest)') }} as {{ type_double() }}) as score_share,
    cast(
        case
            when scaled.kind = 'nps' and scaled.lowest = 0 and scaled.highest = 10
                then case when scaled.score >= 9 then 'promoter' when scaled.score >= 7 then 'passive' else 'detractor' end
        end as {{ type_text() }}
    ) as nps_group,
    cast(coalesce(scaled.comment_length, 0) as bigint) as comment_length,
    cast(scaled.answered_on as date) as answered_on,

    -- how we know
    cast(scaled.modified_at as {{ type_timestamp_tz() }}) as modified_at,
    cast(as_of.as_of_date as date) as as_of_date
from scaled
cross join as_of
{{ ledger_lookups('scaled', ['account', 'owner', 'opportunity', 'case']) }}
left join cases on cases.case_key = case_refs.record_key
