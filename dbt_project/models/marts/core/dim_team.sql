with users as (
    select * from {{ ref('dim_user') }}
),

teams as (
    select
        'company' as team_axis,
        {{ team_key('company', "'all'") }} as team_key,
        'Company' as team_name,
        '全公司' as team_name_zh,
        cast(null as {{ type_text() }}) as leader_user_key,
        false as is_unassigned

    {% for axis in team_axes() if axis != 'company' %}
    union all

    select '{{ axis }}', {{ team_key(axis, 'null') }}, 'Unassigned', '未分配', null, true
    {% endfor %}

    union all

    select distinct 'manager', users.manager_team_key, leaders.user_name, leaders.user_name, leaders.user_key, false
    from users
    inner join users as leaders
        on users.manager_team_key = {{ team_key('manager', 'leaders.user_key') }}
        and not leaders.is_unassigned

    union all

    select 'region', region_team_key, min(region), min(region), null, false
    from users
    where region_team_key <> {{ team_key('region', 'null') }}
    group by region_team_key

    union all

    select 'product_line', product_line_team_key, min(product_line), min(product_line), null, false
    from {{ ref('dim_product') }}
    where product_line_team_key <> {{ team_key('product_line', 'null') }}
    group by product_line_team_key
)

select
    cast(team_axis as {{ type_text() }}) as team_axis,
    cast(team_key as {{ type_text() }}) as team_key,
    cast(team_name as {{ type_text() }}) as team_name,
    cast(team_name_zh as {{ type_text() }}) as team_name_zh,
    cast(leader_user_key as {{ type_text() }}) as leader_user_key,
    cast(is_unassigned as boolean) as is_unassigned
from teams
