with user_references as (
    select * from {{ ref('int_crm__references') }}
    where entity = 'user'
),

user_members as (
    select * from {{ ref('int_crm__user_members') }}
),

users as (
    {{ survived('user') }}
),

listed as (
    select
        users.user_uid,
        users.source_system,
        users.source_org,
        users.source_id,
        users.source_count,
        users.user_name,
        users.job_title,
        users.user_status,
        users.region,
        case
            when managers.resolution <> 'empty' and manager_members.user_uid <> users.user_uid then manager_members.user_uid
        end as manager_user_uid,
        false as is_inferred,
        false as is_unassigned
    from users
    left join user_references as managers on managers.reference_key = users.manager_reference_key
    left join user_members as manager_members on manager_members.user_key = managers.record_key
),

inferred as (
    select
        record_key as user_uid,
        source_system,
        source_org,
        min(reference_id) as source_id,
        min(coalesce(reference_name, reference_id)) as user_name
    from user_references
    where resolution = 'inferred'
    group by record_key, source_system, source_org
),

members as (
    select * from listed

    union all

    select
        user_uid, source_system, source_org, source_id, 1 as source_count, user_name, null as job_title,
        null as user_status, null as region, null as manager_user_uid, true as is_inferred, false as is_unassigned
    from inferred

    union all

    select 'unassigned', null, null, null, 0, 'Unassigned / 未分配', null, null, null, null, false, true
),

managers as (
    select distinct manager_user_uid from members
    where manager_user_uid is not null
),

-- A manager without a manager leads a team of their own.
teamed as (
    select
        members.*,
        managers.manager_user_uid is not null as is_manager,
        coalesce(members.manager_user_uid, managers.manager_user_uid) as team_manager_user_uid
    from members
    left join managers on managers.manager_user_uid = members.user_uid
)

select
    cast(user_uid as {{ type_text() }}) as user_uid,
    cast(source_system as {{ type_text() }}) as source_system,
    cast(source_org as {{ type_text() }}) as source_org,
    cast(source_id as {{ type_text() }}) as source_id,
    cast(source_count as integer) as source_count,
    cast(user_name as {{ type_text() }}) as user_name,
    cast(job_title as {{ type_text() }}) as job_title,
    cast(user_status as {{ type_text() }}) as user_status,
    cast(region as {{ type_text() }}) as region,
    cast(manager_user_uid as {{ type_text() }}) as manager_user_uid,
    cast({{ team_key('manager', 'team_manager_user_uid') }} as {{ type_text() }}) as manager_team_key,
    cast({{ team_key('region', match_key('region')) }} as {{ type_text() }}) as region_team_key,
    cast(is_manager as boolean) as is_manager,
    cast(is_inferred as boolean) as is_inferred,
    cast(is_unassigned as boolean) as is_unassigned
from teamed
