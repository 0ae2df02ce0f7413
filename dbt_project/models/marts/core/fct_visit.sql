with activities as (
    select * from {{ ref('fct_activity') }}
),

-- Planned or made: whatever has a check-in, and what the CRM keeps as a visit.
visits as (
    select * from activities
    where checked_in_at is not null or (source_type = 'visit' and planned_on is not null)
),

-- What came next on the account, whoever did it.
moments as (
    select
        activity_key,
        account_uid,
        started_at,
        lead(started_at) over (partition by account_uid order by started_at, activity_key) as next_at
    from activities
    where account_uid <> 'unassigned' and is_done and started_at is not null
)

select
    -- keys
    cast(visits.activity_key as {{ type_text() }}) as visit_key,
    cast(visits.source_system as {{ type_text() }}) as source_system,
    cast(visits.source_way as {{ type_text() }}) as source_way,
    cast(visits.source_org as {{ type_text() }}) as source_org,
    cast(visits.source_id as {{ type_text() }}) as source_id,
    cast(visits.account_key as {{ type_text() }}) as account_key,
    cast(visits.account_uid as {{ type_text() }}) as account_uid,
    cast(visits.owner_user_key as {{ type_text() }}) as owner_user_key,
    cast(visits.owner_user_uid as {{ type_text() }}) as owner_user_uid,
    cast(visits.opportunity_key as {{ type_text() }}) as opportunity_key,

    -- the visit
    cast(visits.scene as {{ type_text() }}) as scene,
    cast(visits.planned_on as date) as planned_on,
    cast(visits.checked_in_at is not null as boolean) as is_made,
    cast(visits.checked_in_at as {{ type_timestamp_tz() }}) as checked_in_at,
    cast({{ business_date('visits.checked_in_at') }} as date) as visited_on,
    cast(visits.checked_out_at as {{ type_timestamp_tz() }}) as checked_out_at,
    cast({{ seconds_between('visits.checked_in_at', 'visits.checked_out_at') }} as bigint) as duration_s,
    cast(visits.distance_m as {{ type_double() }}) as distance_m,
    cast(visits.note_length as bigint) as note_length,
    cast(visits.note_length > 0 as boolean) as has_note,

    -- what came of it
    cast(case when visits.checked_in_at is not null then moments.next_at end as {{ type_timestamp_tz() }}) as follow_up_at,
    cast(
        case
            when visits.checked_in_at is not null
                then {{ days_between(business_date('visits.checked_in_at'), business_date('moments.next_at')) }}
        end as bigint
    ) as follow_up_days,

    -- how we know
    cast(visits.record_status as {{ type_text() }}) as record_status,
    cast(visits.created_at as {{ type_timestamp_tz() }}) as created_at,
    cast(visits.modified_at as {{ type_timestamp_tz() }}) as modified_at,
    cast(visits.as_of_date as date) as as_of_date
from visits
left join moments on moments.activity_key = visits.activity_key
