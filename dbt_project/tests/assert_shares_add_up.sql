-- Nothing is credited twice or to nobody: the shares of an opportunity sum to 100 and to its amount, the weights of a
-- person's teams to 1 on every axis and day with one primary team, and every team of a fact is a known one.
select 'opportunity_split' as what, facts.opportunity_key as which
from {{ ref('fct_opportunity') }} as facts
left join (
    select
        opportunity_key,
        sum(percent) as percent,
        sum(credited_amount) as credited_amount,
        sum(credited_amount_reporting) as credited_amount_reporting
    from {{ ref('bridge_opportunity_split') }}
    group by opportunity_key
) as splits on splits.opportunity_key = facts.opportunity_key
where coalesce(splits.percent, 0) <> 100
    or coalesce(splits.credited_amount, 0) <> coalesce(facts.amount, 0)
    or coalesce(splits.credited_amount_reporting, 0) <> coalesce(facts.amount_reporting, 0)

union all

select 'weight', user_uid || ' on ' || team_axis
from {{ ref('int_org__slices') }}
group by slice_key, user_uid, team_axis
having sum(weight) <> 1 or sum(case when is_primary then 1 else 0 end) <> 1

union all

select 'overlap', user_uid || ' in ' || team_key
from (
    select user_uid, team_key, valid_from, lag(valid_to) over (partition by user_uid, team_key order by valid_from) as ended
    from {{ ref('bridge_user_team') }}
) as memberships
where ended > valid_from

union all

select 'team', keys.team_key
from (
    {%- for axis in team_axes() %}
    select distinct {{ axis }}_team_key as team_key from {{ ref('fct_opportunity') }}
    {%- if axis != 'company' %}
    union
    select distinct {{ axis }}_team_key_as_is from {{ ref('fct_opportunity') }}
    {%- endif %}
    {%- if not loop.last %}
    union
    {%- endif %}
    {%- endfor %}
) as keys
left join {{ ref('dim_team') }} as teams on teams.team_key = keys.team_key
where teams.team_key is null
