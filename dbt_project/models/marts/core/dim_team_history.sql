with people as (
    select * from {{ ref('int_org__people') }}
),

teams as (
    select
        teams.axis as team_axis,
        {{ team_key_of('teams.axis', 'teams.team') }} as team_key,
        teams.team as team_name,
        teams.valid_from,
        -- its last day is included
        case
            when teams.valid_to < {{ far_future() }} then cast(teams.valid_to + interval 1 day as date)
            else {{ far_future() }}
        end as valid_to,
        case when teams.parent_team is not null then {{ team_key_of('teams.axis', 'teams.parent_team') }} end
            as parent_team_key,
        people.user_uid as leader_user_uid,
        case when teams.successor is not null then {{ team_key_of('teams.axis', 'teams.successor') }} end
            as successor_team_key
    from {{ ref('stg_inputs__teams') }} as teams
    left join people on {{ named_person('people', 'teams.leader', 'teams.leader_id') }}
    where teams.axis is not null and teams.team is not null and teams.valid_from is not null
),

-- Two rows of a team that overlap: the later one begins where it says, and the earlier one ends there.
cut as (
    select
        teams.*,
        lead(valid_from) over (partition by team_key order by valid_from, team_name) as next_from
    from teams
)

select
    cast(team_axis as {{ type_text() }}) as team_axis,
    cast(team_key as {{ type_text() }}) as team_key,
    cast(team_name as {{ type_text() }}) as team_name,
    cast(parent_team_key as {{ type_text() }}) as parent_team_key,
    cast(leader_user_uid as {{ type_text() }}) as leader_user_uid,
    cast(successor_team_key as {{ type_text() }}) as successor_team_key,
    cast(valid_from as date) as valid_from,
    cast(least(valid_to, coalesce(next_from, valid_to)) as date) as valid_to
from cut
where next_from is null or next_from > valid_from
