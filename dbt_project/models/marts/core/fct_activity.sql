with as_of as (
    select as_of_date from {{ ref('int_crm__as_of') }}
),

activities as (
    select * from {{ ref('int_crm__activities') }}
    where is_counted
)

select
    -- keys
    cast(activities.activity_key as {{ type_text() }}) as activity_key,
    {{ ledger_common('activities', 'activity_id') }}
    {{ referred('opportunity') }} as opportunity_key,
    {{ referred('contact') }} as contact_key,

    -- what it is
    cast(
        case
            when activities.checked_in_at is not null then 'visit'
            else coalesce(types.code, 'note')
        end as {{ type_text() }}
    ) as activity_type,
    cast(activities.source_type as {{ type_text() }}) as source_type,
    cast(directions.code as {{ type_text() }}) as direction,
    cast(
        coalesce(
            activities.is_done,
            activities.checked_in_at is not null or {{ business_date('activities.started_at') }} <= as_of.as_of_date
        ) as boolean
    ) as is_done,
    cast(coalesce(activities.subject_length, 0) as bigint) as subject_length,
    cast(coalesce(activities.visit_note_length, activities.note_length, 0) as bigint) as note_length,

    -- moments
    cast({{ business_date('activities.started_at') }} as date) as activity_on,
    cast(activities.started_at as {{ type_timestamp_tz() }}) as started_at,
    cast(activities.ended_at as {{ type_timestamp_tz() }}) as ended_at,
    cast(
        coalesce(activities.duration_s, {{ seconds_between('activities.started_at', 'activities.ended_at') }}) as bigint
    ) as duration_s,
    cast(activities.planned_on as date) as planned_on,
    cast(activities.checked_in_at as {{ type_timestamp_tz() }}) as checked_in_at,
    cast(activities.checked_out_at as {{ type_timestamp_tz() }}) as checked_out_at,
    cast(activities.distance_m as {{ type_double() }}) as distance_m,
    cast(activities.scene as {{ type_text() }}) as scene,

    -- how we know
    {{ ledger_evidence('activities') }}
from activities
cross join as_of
{{ ledger_lookups('activities', ['account', 'owner', 'opportunity', 'contact']) }}
{{ coded('activities', 'source_type', 'activity_type', 'types') }}
{{ coded('activities', 'source_direction', 'call_direction', 'directions') }}
