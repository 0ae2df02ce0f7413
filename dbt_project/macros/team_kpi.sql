{# Body of mart_team_kpi_<period>: the columns are the same for every period, and so is their one definition. #}
{% macro team_kpi(period) -%}
with by_period as (
    select * from {{ ref('int_team_kpi__by_period') }}
    where period_type = '{{ period }}'
),

teams as (
    select * from {{ ref('dim_team') }}
)

select
    cast(by_period.org_view as {{ type_text() }}) as org_view,
    cast(by_period.team_axis as {{ type_text() }}) as team_axis,
    cast(by_period.team_key as {{ type_text() }}) as team_key,
    cast(teams.team_name as {{ type_text() }}) as team_name,
    cast(teams.team_name_zh as {{ type_text() }}) as team_name_zh,
    cast(by_period.period_start as date) as period_start,
    cast(by_period.period_end as date) as period_end,
    cast(by_period.measured_on as date) as measured_on,
    cast(by_period.created_count as bigint) as created_count,
    cast(by_period.won_count as bigint) as won_count,
    cast(by_period.lost_count as bigint) as lost_count,
    cast(by_period.derailed_count as bigint) as derailed_count,
    cast(by_period.win_rate as {{ type_double() }}) as win_rate,
    cast(by_period.won_amount as decimal(18, 2)) as won_amount,
    cast(by_period.lost_amount as decimal(18, 2)) as lost_amount,
    cast(by_period.closed_count_without_rate as bigint) as closed_count_without_rate,
    cast(by_period.median_cycle_days as {{ type_double() }}) as median_cycle_days,
    cast(by_period.open_count as bigint) as open_count,
    cast(by_period.open_amount as decimal(18, 2)) as open_amount,
    cast(by_period.open_count_without_amount as bigint) as open_count_without_amount,
    cast(by_period.open_count_without_rate as bigint) as open_count_without_rate,
    cast(by_period.open_count_rewound as bigint) as open_count_rewound,
    cast(by_period.as_of_date as date) as as_of_date,
    {{ metric_version() }} as metric_version
from by_period
inner join teams
    on teams.team_axis = by_period.team_axis
    and teams.team_key = by_period.team_key
{%- endmacro %}
