{{ config(materialized='table') }}

with memberships as (
    select * from {{ ref('bridge_user_team') }}
),

teams as (
    select team_key, as_is_team_key from {{ ref('dim_team') }}
),

days as (
    select user_uid, valid_from as day from memberships
    union
    select user_uid, valid_to from memberships
    where valid_to < {{ far_future() }}
),

-- Between two days on which anything begins or ends on any axis nothing changes.
slices as (
    select
        user_uid,
        day,
        case when row_number() over (by_day) = 1 then {{ far_past() }} else day end as valid_from,
        coalesce(lead(day) over (by_day), {{ far_future() }}) as valid_to
    from days
    window by_day as (partition by user_uid order by day)
),

axes as (
    {%- for axis in team_axes() %}
    select '{{ axis }}' as team_axis, {{ axis in person_axes() }} as is_of_persons
    {%- if not loop.last %} union all{% endif %}
    {%- endfor %}
),

covered as (
    select
        slices.user_uid,
        slices.day,
        axes.team_axis,
        axes.is_of_persons,
        max(case when memberships.user_uid is not null then slices.day end) as covered_on
    from slices
    cross join axes
    left join memberships
        on memberships.user_uid = slices.user_uid
        and memberships.team_axis = axes.team_axis
        and memberships.valid_from <= slices.day
        and memberships.valid_to > slices.day
    group by slices.user_uid, slices.day, axes.team_axis, axes.is_of_persons
),

-- Who sold before we knew of them, or after they had gone, sold for the nearest team. On an axis of products or
-- accounts the record speaks where no spreadsheet does.
nearest as (
    select
        user_uid,
        day,
        team_axis,
        case
            when not is_of_persons then covered_on
            else coalesce(
                max(covered_on) over (
                    partition by user_uid, team_axis order by day rows between unbounded preceding and current row
                ),
                min(covered_on) over (partition by user_uid, team_axis)
            )
        end as seen_on
    from covered
)

select
    {{ surrogate_key(['slices.user_uid', 'slices.valid_from']) }} as slice_key,
    slices.user_uid,
    slices.valid_from,
    slices.valid_to,
    nearest.team_axis,
    memberships.team_key,
    teams.as_is_team_key,
    memberships.weight,
    memberships.is_primary
from slices
inner join nearest on nearest.user_uid = slices.user_uid and nearest.day = slices.day
inner join memberships
    on memberships.user_uid = nearest.user_uid
    and memberships.team_axis = nearest.team_axis
    and memberships.valid_from <= nearest.seen_on
    and memberships.valid_to > nearest.seen_on
inner join teams on teams.team_key = memberships.team_key
