-- Each axis puts every opportunity into exactly one team, so its sums over all periods are the facts' own.
with facts as (
    select
        sum(case when created_on <= as_of_date then 1 else 0 end) as created_count,
        sum(case when status = 'won' then 1 else 0 end) as won_count,
        sum(case when status = 'lost' then 1 else 0 end) as lost_count,
        sum(case when status = 'derailed' then 1 else 0 end) as derailed_count,
        sum(case when status = 'won' then coalesce(amount_reporting, 0) else 0 end) as won_amount
    from {{ ref('fct_opportunity') }}
),

axes as (
    {% for axis in team_axes() %}
    select '{{ axis }}' as team_axis{% if not loop.last %} union all{% endif %}
    {% endfor %}
),

{% for period in ['month', 'quarter'] %}
{{ period }}_sums as (
    select
        '{{ period }}' as period_type,
        axes.team_axis,
        coalesce(sum(created_count), 0) as created_count,
        coalesce(sum(won_count), 0) as won_count,
        coalesce(sum(lost_count), 0) as lost_count,
        coalesce(sum(derailed_count), 0) as derailed_count,
        coalesce(sum(won_amount), 0) as won_amount
    from axes
    left join {{ ref('mart_team_kpi_' ~ period) }} as kpi on kpi.team_axis = axes.team_axis
    group by axes.team_axis
){% if not loop.last %},{% endif %}

{% endfor %}

select sums.*
from (select * from month_sums union all select * from quarter_sums) as sums
cross join facts
where sums.created_count <> coalesce(facts.created_count, 0)
    or sums.won_count <> coalesce(facts.won_count, 0)
    or sums.lost_count <> coalesce(facts.lost_count, 0)
    or sums.derailed_count <> coalesce(facts.derailed_count, 0)
    or sums.won_amount <> coalesce(facts.won_amount, 0)
