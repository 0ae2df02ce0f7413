with history as (
    select * from {{ ref('int_crm__user_history') }}
),

lookups as (
    select * from {{ ref('int_crm__references') }}
    where entity = 'user'
),

members as (
    select * from {{ ref('int_crm__user_members') }}
),

listed as (
    select
        history.user_key,
        history.source_system,
        history.source_org,
        history.user_id as source_id,
        history.user_name,
        history.job_title,
        history.org_unit,
        history.region,
        case when lookups.resolution <> 'empty' then lookups.record_key end as manager_user_key,
        history.user_status,
        coalesce(statuses.is_active, true) as is_active,
        history.valid_from,
        history.valid_to,
        history.recorded_from,
        history.is_current,
        history.known_from,
        history.evidence
    from history
    inner join lookups on lookups.reference_key = history.manager_reference_key
    left join {{ ref('user_status_map') }} as statuses
        on statuses.source = history.source_system
        and {{ match_key('statuses.source_user_status') }} = {{ match_key('history.user_status') }}
),

-- Whom records name and no list holds, and nobody: as they are, for ever.
unlisted as (
    select
        record_key as user_key,
        min(source_system) as source_system,
        min(source_org) as source_org,
        min(reference_id) as source_id,
        min(coalesce(reference_name, reference_id)) as user_name
    from lookups
    where resolution = 'inferred'
        -- whom a list held once, before they were deleted, has a history
        and record_key not in (select user_key from listed)
    group by record_key

    union all

    select 'unassigned', null, null, null, 'Unassigned / 未分配'
),

everybody as (
    select * from listed

    union all

    select
        user_key, source_system, source_org, source_id, user_name, null as job_title, null as org_unit, null as region,
        null as manager_user_key, null as user_status, true as is_active,
        cast({{ far_past() }} as {{ type_timestamp_tz() }}) as valid_from,
        cast({{ far_future() }} as {{ type_timestamp_tz() }}) as valid_to,
        cast({{ far_future() }} as {{ type_timestamp_tz() }}) as recorded_from,
        true as is_current, null as known_from, 'assumed' as evidence
    from unlisted
)

select
    cast({{ surrogate_key(['everybody.user_key', 'everybody.valid_from']) }} as {{ type_text() }}) as user_history_key,
    cast(everybody.user_key as {{ type_text() }}) as user_key,
    cast(coalesce(members.user_uid, everybody.user_key) as {{ type_text() }}) as user_uid,
    cast(everybody.source_system as {{ type_text() }}) as source_system,
    cast(everybody.source_org as {{ type_text() }}) as source_org,
    cast(everybody.source_id as {{ type_text() }}) as source_id,
    cast(everybody.user_name as {{ type_text() }}) as user_name,
    cast(everybody.job_title as {{ type_text() }}) as job_title,
    cast(everybody.org_unit as {{ type_text() }}) as org_unit,
    cast(everybody.region as {{ type_text() }}) as region,
    cast(everybody.manager_user_key as {{ type_text() }}) as manager_user_key,
    cast(
        case when everybody.manager_user_key is not null then coalesce(managers.user_uid, everybody.manager_user_key) end
        as {{ type_text() }}
    ) as manager_user_uid,
    cast(everybody.user_status as {{ type_text() }}) as user_status,
    cast(everybody.is_active as boolean) as is_active,
    cast(everybody.valid_from as {{ type_timestamp_tz() }}) as valid_from,
    cast(everybody.valid_to as {{ type_timestamp_tz() }}) as valid_to,
    cast(everybody.recorded_from as {{ type_timestamp_tz() }}) as recorded_from,
    cast(everybody.is_current as boolean) as is_current,
    cast(everybody.known_from as {{ type_timestamp_tz() }}) as known_from,
    cast(everybody.evidence as {{ type_text() }}) as evidence
from everybody
left join members on members.user_key = everybody.user_key
left join members as managers on managers.user_key = everybody.manager_user_key
