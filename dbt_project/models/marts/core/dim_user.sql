with user_references as (
    select * from {{ ref('int_crm__references') }}
    where entity = 'user'
),

listed as (
    select
        users.user_key,
        users.source_system,
        users.source_org,
        users.user_id as source_id,
        users.user_name,
        users.job_title,
        users.user_status,
        users.region,
        case when managers.resolution <> 'empty' then managers.record_key end as manager_user_key,
        false as is_inferred,
        false as is_unassigned
    from {{ ref('int_crm__users_unioned') }} as users
    inner join user_references as managers on managers.reference_key = users.manager_reference_key
),

inferred as (
    select
        record_key as user_key,
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
        user_key, source_system, source_org, source_id, user_name, null as job_title, null as user_status,
        null as region, null as manager_user_key, true as is_inferred, false as is_unassigned
    from inferred

    union all

    select 'unassigned', null, null, null, 'Unassigned / 未分配', null, null, null, null, false, true
),

managers as (
    select distinct manager_user_key from members
    where manager_user_key is not null
),

-- A manager without a manager leads a team of their own.
teamed as (
    select
        members.*,
        managers.manager_user_key is not null as is_manager,
        coalesce(members.manager_user_key, managers.manager_user_key) as team_manager_user_key
    from members
    left join managers on managers.manager_user_key = members.user_key
)

select
    cast(user_key as {{ type_text() }}) as user_key,
    cast(source_system as {{ type_text() }}) as source_system,
    cast(source_org as {{ type_text() }}) as source_org,
    cast(source_id as {{ type_text() }}) as source_id,
    cast(user_name as {{ type_text() }}) as user_name,
    cast(job_title as {{ type_text() }}) as job_title,
    cast(user_status as {{ type_text() }}) as user_status,
    cast(region as {{ type_text() }}) as region,
    cast(manager_user_key as {{ type_text() }}) as manager_user_key,
    cast({{ team_key('manager', 'team_manager_user_key') }} as {{ type_text() }}) as manager_team_key,
    cast({{ team_key('region', match_key('region')) }} as {{ type_text() }}) as region_team_key,
    cast(is_manager as boolean) as is_manager,
    cast(is_inferred as boolean) as is_inferred,
    cast(is_unassigned as boolean) as is_unassigned
from teamed
