with recursive direct as (
    select
        user_uid,
        replace(team_key, 'manager:', '') as manager_user_uid,
        valid_from,
        valid_to
    from {{ ref('bridge_user_team') }}
    where team_axis = 'manager'
        and team_key <> {{ team_key('manager', 'null') }}
        and team_key <> {{ team_key('manager', 'user_uid') }}
),

-- Everybody above, for as long as each step of the line held. Nobody is above themselves: a circle ends there.
line as (
    select
        user_uid,
        manager_user_uid,
        valid_from,
        valid_to,
        1 as level,
        '|' || user_uid || '|' || manager_user_uid || '|' as path
    from direct

    union all

    select
        line.user_uid,
        direct.manager_user_uid,
        greatest(line.valid_from, direct.valid_from),
        least(line.valid_to, direct.valid_to),
        line.level + 1,
        line.path || direct.manager_user_uid || '|'
    from line
    inner join direct
        on direct.user_uid = line.manager_user_uid
        and direct.valid_from < line.valid_to
        and direct.valid_to > line.valid_from
    where line.level < 20
        and line.path not like '%|' || direct.manager_user_uid || '|%'
)

select
    cast(user_uid as {{ type_text() }}) as user_uid,
    cast(manager_user_uid as {{ type_text() }}) as manager_user_uid,
    cast(level as integer) as level,
    cast(valid_from as date) as valid_from,
    cast(valid_to as date) as valid_to
from line
