{{ config(schema='intermediate', contract={'enforced': false}) }}

{%- set team_keys = team_axes() | join('_team_key, ') ~ '_team_key' %}

with opportunities as (
    select * from {{ ref('fct_opportunity') }}
),

as_of as (
    select as_of_date from {{ ref('int_crm__as_of') }}
),

bounds as (
    select
        least(min(opened_on), min(created_on), min(closed_on)) as first_on,
        max(as_of.as_of_date) as last_on
    from opportunities
    cross join as_of
),

periods as (
    {% for period in ['month', 'quarter'] %}
    select
        '{{ period }}' as period_type,
        period_start,
        {{ period_end(period, 'period_start') }} as period_end,
        -- a period that is not over is measured at the as-of day
        least({{ period_end(period, 'period_start') }}, last_on) as measured_on
    from (
        select
            cast({{ each_period(period, 'first_on', 'last_on') }} as date) as period_start,
            last_on
        from bounds
    ) as starts
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

-- The amount as it was known on a day: that of the last version of that day or before. Before our first look
-- nothing was known; the first version then stands in, and the opportunity is counted as rewound. Open ends are
-- far days, not NULL: with `or ... is null` in a join condition engines compare every row with every row.
version_spans as (
    select
        opportunity_key,
        amount,
        currency_code,
        exchange_rate,
        valid_on,
        case when lag(valid_on) over (versions_in_order) is null then date '0001-01-01' else valid_on end as valid_from,
        coalesce(lead(valid_on) over (versions_in_order), date '9999-12-31') as valid_to
    from {{ ref('int_crm__opportunity_versions_unioned') }}
    window versions_in_order as (
        partition by opportunity_key order by valid_on, modified_at, way_rank desc, read_at, read_position
    )
),

created as (
    select
        periods.period_type,
        periods.period_start,
        {{ team_keys }},
        count(*) as created_count
    from opportunities
    inner join periods on opportunities.created_on between periods.period_start and periods.period_end
    group by periods.period_type, periods.period_start, {{ team_keys }}
),

-- one row each: a median cannot be added up
closed as (
    select
        periods.period_type,
        periods.period_start,
        {{ team_keys }},
        opportunities.status,
        coalesce(opportunities.amount_reporting, 0) as amount_reporting,
        case when opportunities.amount is not null and opportunities.fx_rate is null then 1 else 0 end as is_without_rate,
        opportunities.cycle_days
    from opportunities
    inner join periods on opportunities.closed_on between periods.period_start and periods.period_end
),

held_open as (
    select
        periods.period_type,
        periods.period_start,
        periods.measured_on,
        opportunities.source_system,
        opportunities.source_org,
        {{ team_keys }},
        case when spans.opportunity_key is null then opportunities.amount else spans.amount end as amount,
        case when spans.opportunity_key is null then opportunities.currency_code else spans.currency_code end
            as currency_code,
        spans.exchange_rate,
        case when spans.valid_on > periods.measured_on then 1 else 0 end as is_rewound
    from opportunities
    inner join periods
        on opportunities.opened_on <= periods.measured_on
        and coalesce(opportunities.closed_on, date '9999-12-31') > periods.measured_on
    left join version_spans as spans
        on spans.opportunity_key = opportunities.opportunity_key
        and spans.valid_from <= periods.measured_on
        and spans.valid_to > periods.measured_on
),

-- a stock is worth what it was worth on the day on which it is measured
held_money as (
    {{ fx_converted('held_open', 'events.measured_on') }}
),

stock as (
    select
        period_type,
        period_start,
        {{ team_keys }},
        count(*) as open_count,
        sum(coalesce(amount_reporting, 0)) as open_amount,
        sum(case when amount is null then 1 else 0 end) as open_count_without_amount,
        sum(case when amount is not null and fx_rate is null then 1 else 0 end) as open_count_without_rate,
        sum(is_rewound) as open_count_rewound
    from held_money
    group by period_type, period_start, {{ team_keys }}
),

activity as (
    select
        period_type, period_start, {{ team_keys }},
        created_count, null as status, 0 as amount_reporting, 0 as is_without_rate, null as cycle_days,
        0 as open_count, 0 as open_amount, 0 as open_count_without_amount, 0 as open_count_without_rate,
        0 as open_count_rewound
    from created
    union all
    select
        period_type, period_start, {{ team_keys }}, 0, status, amount_reporting, is_without_rate, cycle_days, 0, 0, 0, 0, 0
    from closed
    union all
    select
        period_type, period_start, {{ team_keys }}, 0, null, 0, 0, null,
        open_count, open_amount, open_count_without_amount, open_count_without_rate, open_count_rewound
    from stock
),

by_team as (
    {% for axis in team_axes() %}
    select
        '{{ axis }}' as team_axis,
        {{ axis }}_team_key as team_key,
        activity.*
    from activity
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

counted as (
    select
        period_type,
        team_axis,
        team_key,
        period_start,
        sum(created_count) as created_count,
        sum(case when status = 'won' then 1 else 0 end) as won_count,
        sum(case when status = 'lost' then 1 else 0 end) as lost_count,
        sum(case when status = 'derailed' then 1 else 0 end) as derailed_count,
        sum(case when status = 'won' then amount_reporting else 0 end) as won_amount,
        sum(case when status = 'lost' then amount_reporting else 0 end) as lost_amount,
        sum(is_without_rate) as closed_count_without_rate,
        {{ median("case when status = 'won' then cycle_days end") }} as median_cycle_days,
        sum(open_count) as open_count,
        sum(open_amount) as open_amount,
        sum(open_count_without_amount) as open_count_without_amount,
        sum(open_count_without_rate) as open_count_without_rate,
        sum(open_count_rewound) as open_count_rewound
    from by_team
    group by period_type, team_axis, team_key, period_start
)

select
    counted.*,
    periods.period_end,
    periods.measured_on,
    {{ win_rate('counted.won_count', 'counted.lost_count') }} as win_rate,
    as_of.as_of_date
from counted
inner join periods
    on periods.period_type = counted.period_type
    and periods.period_start = counted.period_start
cross join as_of
