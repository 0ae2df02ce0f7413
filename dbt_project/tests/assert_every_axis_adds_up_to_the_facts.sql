-- Each axis puts every deal into exactly one team in either view of the organisation, so its counts over all
-- periods are the facts' own, and so is its money to the cent, however many people and teams share it.
with facts as (
    select
        sum(case when created_on <= as_of_date then 1 else 0 end) as created_count,
        sum(case when status = 'won' then 1 else 0 end) as won_count,
        sum(case when status = 'lost' then 1 else 0 end) as lost_count,
        sum(case when status = 'derailed' then 1 else 0 end) as derailed_count,
        sum(case when status = 'won' then coalesce(amount_reporting, 0) else 0 end) as won_amount,
        sum(case when status = 'lost' then coalesce(amount_reporting, 0) else 0 end) as lost_amount
    from {{ ref('fct_opportunity') }} as facts
    where {{ counted_once('facts') }}
),

{%- set measures = ['created_count', 'won_count', 'lost_count', 'derailed_count', 'won_amount', 'lost_amount'] %}

axes as (
    {%- for axis in team_axes() %}
    {%- set axis_loop = loop %}
    {%- for view in org_views() %}
    select '{{ view }}' as org_view, '{{ axis }}' as team_axis
    {%- if not (loop.last and axis_loop.last) %} union all{% endif %}
    {%- endfor %}
    {%- endfor %}
),

sums as (
    {%- for period in ['month', 'quarter'] %}
    select
        '{{ period }}' as period_type,
        axes.org_view,
        axes.team_axis
        {%- for measure in measures %},
        coalesce(sum({{ measure }}), 0) as {{ measure }}
        {%- endfor %}
    from axes
    left join {{ ref('mart_team_kpi_' ~ period) }} as kpi
        on kpi.org_view = axes.org_view
        and kpi.team_axis = axes.team_axis
    group by axes.org_view, axes.team_axis
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

-- What is open is a stock: every period's is the same on every axis.
stocks as (
    {%- for period in ['month', 'quarter'] %}
    select '{{ period }}' as period_type, org_view, team_axis, period_start,
        sum(open_count) as open_count, sum(open_amount) as open_amount
    from {{ ref('mart_team_kpi_' ~ period) }}
    group by org_view, team_axis, period_start
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)

select sums.period_type, sums.org_view, sums.team_axis, cast(null as date) as period_start
from sums
cross join facts
where {% for measure in measures %}sums.{{ measure }} <> coalesce(facts.{{ measure }}, 0){{ ' or ' if not loop.last }}{% endfor %}

union all

select stocks.period_type, stocks.org_view, stocks.team_axis, stocks.period_start
from stocks
inner join stocks as company
    on company.period_type = stocks.period_type
    and company.period_start = stocks.period_start
    and company.team_axis = 'company'
    and company.org_view = 'as_was'
where stocks.open_count <> company.open_count or stocks.open_amount <> company.open_amount
