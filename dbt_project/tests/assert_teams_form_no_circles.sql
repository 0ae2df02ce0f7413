-- Mend the spreadsheet of teams: a team is its own successor, or its own parent, over one or more steps, so nobody can
-- say which team it is today or what it belongs to. `problem` names the team and what to correct.
with recursive states as (
    select * from {{ ref('dim_team_history') }}
),

links as (
    select distinct 'successor' as link, team_key, successor_team_key as next_team_key from states
    where successor_team_key is not null
    union
    -- a parent counts for the days of its row
    select 'parent', team_key, parent_team_key from states
    where parent_team_key is not null
),

walks as (
    select link, team_key as first_team_key, next_team_key, 1 as steps from links
    union all
    select walks.link, walks.first_team_key, links.next_team_key, walks.steps + 1
    from walks
    inner join links on links.link = walks.link and links.team_key = walks.next_team_key
    where walks.steps < 20 and walks.next_team_key <> walks.first_team_key
)

select
    first_team_key as team_key,
    link,
    'In the sheet of teams (团队), ' || first_team_key || ' comes back to itself as its own ' || link || ' after '
    || cast(min(steps) as {{ type_text() }}) || ' step(s): correct the column '
    || case link when 'parent' then 'parent_team (上级团队)' else 'successor (并入团队)' end || ' of one of its rows.' as problem
from walks
where next_team_key = first_team_key
group by first_team_key, link
