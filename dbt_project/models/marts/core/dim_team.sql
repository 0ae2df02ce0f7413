with recursive as_of as (
    select as_of_date from {{ ref('int_crm__as_of') }}
),

user_history as (
    select * from {{ ref('dim_user_history') }}
),

memberships as (
    select * from {{ ref('bridge_user_team') }}
),

-- Who writes `Unassigned` names nobody: what a sheet says of such a team is not said of the member that stands for none.
states as (
    select * from {{ ref('dim_team_history') }}
    where team_key not like '%:unassigned'
),

-- Names as people write them; a spreadsheet's spelling before a CRM's.
spellings as (
    select team_axis, team_key, team_name, 0 as place from states
    union all
    select axis, {{ team_key_of('axis', 'team') }}, team, 1 from {{ ref('stg_inputs__team_memberships') }}
    where axis is not null and team is not null
    union all
    select 'region', {{ team_key('region', match_key('region')) }}, region, 2 from user_history
    where region is not null
    union all
    select 'org', {{ team_key('org', match_key('org_unit')) }}, org_unit, 2 from user_history
    where org_unit is not null
    union all
    select team_axis, team_key, team_name, 2 from {{ ref('int_org__record_teams') }}
    where team_name is not null
    union all
    -- teams that somebody names as another's parent or successor only
    select team_axis, parent_team_key, replace(parent_team_key, team_axis || ':', ''), 3
    from states
    where parent_team_key is not null
    union all
    select team_axis, successor_team_key, replace(successor_team_key, team_axis || ':', ''), 3
    from states
    where successor_team_key is not null
),

best_spellings as (
    select
        team_axis,
        team_key,
        team_name,
        row_number() over (partition by team_key order by place, team_name) as spelling_rank
    from (select distinct team_axis, team_key, team_name, place from spellings) as spellings
),

leaders as (
    select
        user_uid,
        user_name,
        row_number() over (partition by user_uid order by is_active desc, valid_from desc, user_key) as name_rank
    from user_history
),

-- Members that are there whatever people write, and may be spelled by a text too.
given as (
    select
        'company' as team_axis,
        {{ team_key('company', "'all'") }} as team_key,
        'Company' as team_name,
        '全公司' as team_name_zh,
        cast(null as {{ type_text() }}) as leader_user_uid,
        false as is_unassigned

    {% for axis in team_axes() if axis != 'company' %}
    union all

    select '{{ axis }}', {{ team_key(axis, 'null') }}, 'Unassigned', '未分配', null, true
    {% endfor %}

    union all

    select 'manager', teams.team_key, leaders.user_name, leaders.user_name, leaders.user_uid, false
    from (select distinct team_key from memberships where team_axis = 'manager') as teams
    inner join leaders
        on teams.team_key = {{ team_key('manager', 'leaders.user_uid') }}
        and leaders.name_rank = 1
    where leaders.user_uid <> 'unassigned'
),

occurring as (
    select * from given

    union all

    select best_spellings.team_axis, best_spellings.team_key, best_spellings.team_name, best_spellings.team_name, null, false
    from best_spellings
    left join given on given.team_key = best_spellings.team_key
    where best_spellings.spelling_rank = 1 and given.team_key is null
),

-- What a spreadsheet says of a team as of the day: the state that holds, or the last one before, or the first one.
told as (
    select
        states.*,
        min(states.valid_from) over (partition by states.team_key) as founded_on,
        max(states.valid_to) over (partition by states.team_key) as ended_on,
        row_number() over (
            partition by states.team_key
            order by
                case when states.valid_from <= as_of.as_of_date then 0 else 1 end,
                case when states.valid_from <= as_of.as_of_date then states.valid_from end desc,
                states.valid_from
        ) as state_rank
    from states
    cross join as_of
),

ended as (
    select
        told.team_key,
        told.successor_team_key
    from told
    cross join as_of
    where told.state_rank = 1 and told.ended_on <= as_of.as_of_date and told.successor_team_key is not null
),

-- Who goes on for whom; a circle never comes to an end (assert_teams_form_no_circles).
chain as (
    select team_key, successor_team_key, 1 as steps from ended
    union all
    select chain.team_key, ended.successor_team_key, chain.steps + 1
    from chain
    inner join ended on ended.team_key = chain.successor_team_key
    where chain.steps < 20
),

heirs as (
    select chain.team_key, chain.successor_team_key as as_is_team_key
    from chain
    left join ended on ended.team_key = chain.successor_team_key
    where ended.team_key is null
),

-- Whose leader reports to whom today.
lines as (
    select memberships.user_uid, memberships.team_key
    from memberships
    cross join as_of
    where memberships.team_axis = 'manager'
        and memberships.valid_from <= as_of.as_of_date
        and memberships.valid_to > as_of.as_of_date
        and memberships.team_key <> {{ team_key('manager', 'null') }}
)

select
    cast(occurring.team_axis as {{ type_text() }}) as team_axis,
    cast(occurring.team_key as {{ type_text() }}) as team_key,
    cast(occurring.team_name as {{ type_text() }}) as team_name,
    cast(occurring.team_name_zh as {{ type_text() }}) as team_name_zh,
    cast(
        coalesce(told.parent_team_key, case when lines.team_key <> occurring.team_key then lines.team_key end)
        as {{ type_text() }}
    ) as parent_team_key,
    cast(coalesce(occurring.leader_user_uid, told.leader_user_uid) as {{ type_text() }}) as leader_user_uid,
    cast(told.founded_on as date) as valid_from,
    cast(coalesce(told.ended_on, {{ far_future() }}) as date) as valid_to,
    cast(told.successor_team_key as {{ type_text() }}) as successor_team_key,
    cast(coalesce(heirs.as_is_team_key, occurring.team_key) as {{ type_text() }}) as as_is_team_key,
    cast(coalesce(told.ended_on <= as_of.as_of_date, false) as boolean) as is_ended,
    cast(occurring.is_unassigned as boolean) as is_unassigned
from occurring
cross join as_of
left join told on told.team_key = occurring.team_key and told.state_rank = 1
left join heirs on heirs.team_key = occurring.team_key
left join lines on occurring.team_axis = 'manager' and lines.user_uid = occurring.leader_user_uid
