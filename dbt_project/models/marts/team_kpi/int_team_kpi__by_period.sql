{{ config(schema='intermediate', contract={'enforced': false}) }}

{%- set views = org_views() %}
{%- set record_axes = record_axes() %}
{%- set record_keys = record_axes.keys() | join('_team_key, ') ~ '_team_key' %}
{%- set counts = [
    'created_count', 'won_count', 'lost_count', 'derailed_count', 'open_count', 'open_count_without_amount',
    'open_count_rewound', 'closed_count_without_rate', 'open_count_without_rate',
] %}
{%- set amounts = ['won_amount', 'lost_amount', 'open_amount'] %}

with opportunities as (
    select * from {{ ref('fct_opportunity') }} as facts
    where {{ counted_once('facts') }}
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

months as (
    select
        period_start as month_start,
        -- a period that is not over is measured at the as-of day
        least({{ period_end('month', 'period_start') }}, last_on) as measured_on,
        last_on
    from (
        select
            cast({{ each_period('month', 'first_on', 'last_on') }} as date) as period_start,
            last_on
        from bounds
    ) as starts
),

past_owners as (
    select
        owners.opportunity_key,
        owners.valid_from,
        owners.valid_to,
        coalesce(members.user_uid, lookups.record_key) as user_uid
    from {{ ref('int_crm__opportunity_owners') }} as owners
    inner join {{ ref('int_crm__references') }} as lookups on lookups.reference_key = owners.owner_reference_key
    left join {{ ref('int_crm__user_members') }} as members on members.user_key = lookups.record_key
),

splits as (
    select * from {{ ref('int_org__splits') }}
),

slice_teams as (
    {{ slice_teams() }}
),

{% for axis in record_axes -%}
{{ axis }}_records as (
    {{ record_teams(axis) }}
),

{% endfor -%}
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

held_open as (
    select
        opportunities.opportunity_key,
        opportunities.source_system,
        opportunities.source_org,
        months.measured_on,
        months.month_start,
        case when spans.opportunity_key is null then opportunities.amount else spans.amount end as amount,
        case when spans.opportunity_key is null then opportunities.currency_code else spans.currency_code end
            as currency_code,
        spans.exchange_rate,
        case when spans.valid_on > months.measured_on then 1 else 0 end as is_rewound
    from opportunities
    inner join months
        on opportunities.opened_on <= months.measured_on
        and coalesce(opportunities.closed_on, date '9999-12-31') > months.measured_on
    left join version_spans as spans
        on spans.opportunity_key = opportunities.opportunity_key
        and spans.valid_from <= months.measured_on
        and spans.valid_to > months.measured_on
),

-- a stock is worth what it was worth on the day on which it is measured
held_money as (
    {{ fx_converted('held_open', 'events.measured_on') }}
),

-- What happened, and on which day: created, closed, or held open at a month's end.
events as (
    select
        opportunity_key,
        created_on as day,
        {{ period_start('month', 'created_on') }} as month_start,
        'created' as kind,
        cast(0 as decimal(18, 2)) as amount_reporting,
        0 as is_without_amount,
        0 as is_without_rate,
        0 as is_rewound
    from opportunities
    cross join as_of
    where created_on <= as_of.as_of_date

    union all

    select
        opportunity_key,
        closed_on,
        {{ period_start('month', 'closed_on') }},
        status,
        coalesce(amount_reporting, 0),
        case when amount is null then 1 else 0 end,
        case when amount is not null and fx_rate is null then 1 else 0 end,
        0
    from opportunities
    where closed_on is not null

    union all

    select
        opportunity_key,
        measured_on,
        month_start,
        'open',
        coalesce(amount_reporting, 0),
        case when amount is null then 1 else 0 end,
        case when amount is not null and fx_rate is null then 1 else 0 end,
        is_rewound
    from held_money
),

owned as (
    select
        events.*,
        opportunities.product_key,
        opportunities.account_key,
        opportunities.owner_user_uid as as_is_user_uid,
        coalesce(past_owners.user_uid, opportunities.owner_user_uid) as as_was_user_uid,
        {%- for axis in record_axes %}
        opportunities.{{ axis }}_team_key_as_is,
        {%- endfor %}
        exists_split.opportunity_key is not null as is_split
    from events
    inner join opportunities on opportunities.opportunity_key = events.opportunity_key
    left join past_owners
        on past_owners.opportunity_key = events.opportunity_key
        and past_owners.valid_from <= events.day
        and past_owners.valid_to > events.day
    left join (select distinct opportunity_key, valid_from, valid_to from splits) as exists_split
        on exists_split.opportunity_key = events.opportunity_key
        and exists_split.valid_from <= events.day
        and exists_split.valid_to > events.day
),

-- Money of a split opportunity is its people's, the count is its owner's.
split_out as (
    select
        owned.*,
        splits.user_uid,
        splits.role,
        splits.share
    from owned
    inner join splits
        on splits.opportunity_key = owned.opportunity_key
        and splits.valid_from <= owned.day
        and splits.valid_to > owned.day
    where owned.is_split and owned.kind <> 'created' and owned.amount_reporting <> 0
),

{% for view in views -%}
{{ view }}_credits as (
    select
        opportunity_key, day, month_start, kind, is_rewound, product_key, account_key,
        {%- for axis in record_axes %}
        {{ axis }}_team_key_as_is,
        {%- endfor %}
        {{ view }}_user_uid as user_uid,
        1 as is_counted,
        is_without_amount,
        is_without_rate,
        case when is_split then 0 else amount_reporting end as amount_reporting
    from owned

    union all

    select
        opportunity_key, day, month_start, kind, 0, product_key, account_key,
        {%- for axis in record_axes %}
        {{ axis }}_team_key_as_is,
        {%- endfor %}
        user_uid, 0, 0, 0, amount_reporting_share
    from ({{ shared_out('split_out', ['opportunity_key', 'kind', 'day'], ['amount_reporting'], 'share',
        'user_uid, role') }}) as shared
),

{{ view }}_sums as (
    select
        '{{ view }}' as org_view,
        credits.month_start,
        slices.slice_key,
        {%- for axis, record in record_axes.items() %}
        {%- if view == 'as_was' %}
        coalesce(slices.{{ axis }}_team_key, {{ axis }}_records.team_key, {{ no_team(axis) }}) as {{ axis }}_team_key,
        {%- else %}
        coalesce(slices.{{ axis }}_team_key_as_is, credits.{{ axis }}_team_key_as_is) as {{ axis }}_team_key,
        {%- endif %}
        {%- endfor %}
        credits.kind,
        sum(is_counted) as opportunity_count,
        sum(is_without_amount) as count_without_amount,
        sum(is_without_rate) as count_without_rate,
        sum(is_rewound) as count_rewound,
        sum(amount_reporting) as amount_reporting
    {%- if view == 'as_was' %}
    from as_was_credits as credits
    left join slice_teams as slices
        on slices.user_uid = credits.user_uid
        and slices.valid_from <= credits.day
        and slices.valid_to > credits.day
    {%- for axis, record in record_axes.items() %}
    left join {{ axis }}_records
        on {{ axis }}_records.record_key = credits.{{ record }}
        and {{ axis }}_records.valid_from <= credits.day
        and {{ axis }}_records.valid_to > credits.day
    {%- endfor %}
    {%- else %}
    from as_is_credits as credits
    cross join as_of
    left join slice_teams as slices
        on slices.user_uid = credits.user_uid
        and slices.valid_from <= as_of.as_of_date
        and slices.valid_to > as_of.as_of_date
    {%- endif %}
    group by 2, 3, {% for axis in record_axes %}{{ loop.index + 3 }}, {% endfor %}credits.kind
),

{% endfor -%}
sums as (
    select
        org_view,
        month_start,
        slice_key,
        {%- for axis in record_axes %}
        {{ axis }}_team_key,
        {%- endfor %}
        {%- for kind in ['created', 'won', 'lost', 'derailed', 'open'] %}
        case when kind = '{{ kind }}' then opportunity_count else 0 end as {{ kind }}_count,
        {%- endfor %}
        case when kind = 'open' then count_without_amount else 0 end as open_count_without_amount,
        case when kind = 'open' then count_rewound else 0 end as open_count_rewound,
        case when kind in ('won', 'lost', 'derailed') then count_without_rate else 0 end as closed_count_without_rate,
        case when kind = 'open' then count_without_rate else 0 end as open_count_without_rate
        {%- for kind in ['won', 'lost', 'open'] %},
        case when kind = '{{ kind }}' then amount_reporting else 0 end as {{ kind }}_amount
        {%- endfor %}
    from (
        {%- for view in views %}
        select * from {{ view }}_sums
        {%- if not loop.last %}
        union all
        {%- endif %}
        {%- endfor %}
    ) as both_views
),

-- From here on rows are few: what a person's slice has in a month, on each axis.
by_axis as (
    {%- for axis in team_axes() %}
    select
        sums.org_view,
        '{{ axis }}' as team_axis,
        sums.month_start,
        sums.slice_key,
        {%- if axis in record_axes %}
        sums.{{ axis }}_team_key as team_key,
        {%- else %}
        coalesce(
            case sums.org_view when 'as_is' then slices.{{ axis }}_team_key_as_is else slices.{{ axis }}_team_key end,
            {{ no_team(axis) }}
        ) as team_key,
        {%- endif %}
        coalesce(slices.{{ axis }}_teams, 0) > 1 as is_shared
        {%- for column in counts + amounts %},
        sum(sums.{{ column }}) as {{ column }}
        {%- endfor %}
    from sums
    left join slice_teams as slices on slices.slice_key = sums.slice_key
    group by 1, 3, 4, 5, 6
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

in_several_teams as (
    select
        by_axis.*,
        slices.weight,
        case by_axis.org_view when 'as_is' then slices.as_is_team_key else slices.team_key end as member_team_key,
        slices.team_key as slice_team_key
    from by_axis
    inner join {{ ref('int_org__slices') }} as slices
        on slices.slice_key = by_axis.slice_key
        and slices.team_axis = by_axis.team_axis
    where by_axis.is_shared
),

by_team as (
    select
        org_view, team_axis, team_key, month_start,
        {{ counts | join(', ') }}
        {%- for amount in amounts %},
        case when is_shared then 0 else {{ amount }} end as {{ amount }}
        {%- endfor %}
    from by_axis

    union all

    select
        org_view, team_axis, member_team_key, month_start
        {%- for column in counts %}, 0{% endfor %}
        {%- for amount in amounts %}, {{ amount }}_share{% endfor %}
    from (
        {{ shared_out(
            'in_several_teams', ['org_view', 'team_axis', 'month_start', 'slice_key'], amounts, 'weight',
            'slice_team_key',
        ) }}
    ) as shared
),

-- What flows adds up over a quarter's months; what stands is that of its last one.
by_period as (
    {%- for period in ['month', 'quarter'] %}
    select
        '{{ period }}' as period_type,
        by_team.org_view,
        by_team.team_axis,
        by_team.team_key,
        {{ period_start(period, 'by_team.month_start') }} as period_start
        {%- for column in counts + amounts %},
        {%- if column.startswith('open') and period == 'quarter' %}
        sum(
            case
                when months.measured_on
                    = least({{ period_end('quarter', period_start('quarter', 'months.month_start')) }}, months.last_on)
                    then by_team.{{ column }}
                else 0
            end
        ) as {{ column }}
        {%- else %}
        sum(by_team.{{ column }}) as {{ column }}
        {%- endif %}
        {%- endfor %}
    from by_team
    inner join months on months.month_start = by_team.month_start
    group by 2, 3, 4, 5
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

-- A median cannot be added up.
cycles as (
    {%- for period in ['month', 'quarter'] %}
    {%- set period_loop = loop %}
    {%- for view in views %}
    {%- set view_loop = loop %}
    {%- for axis in team_axes() %}
    select
        '{{ period }}' as period_type,
        '{{ view }}' as org_view,
        '{{ axis }}' as team_axis,
        {{ axis }}_team_key{{ '_as_is' if view == 'as_is' and axis != 'company' }} as team_key,
        {{ period_start(period, 'closed_on') }} as period_start,
        cycle_days
    from opportunities
    where status = 'won' and cycle_days is not null
    {%- if not (loop.last and view_loop.last and period_loop.last) %}
    union all
    {%- endif %}
    {%- endfor %}
    {%- endfor %}
    {%- endfor %}
),

medians as (
    select period_type, org_view, team_axis, team_key, period_start, {{ median('cycle_days') }} as median_cycle_days
    from cycles
    group by period_type, org_view, team_axis, team_key, period_start
)

select
    by_period.*,
    medians.median_cycle_days,
    {%- set ends = {'month': period_end('month', 'by_period.period_start'),
        'quarter': period_end('quarter', 'by_period.period_start')} %}
    case by_period.period_type when 'month' then {{ ends.month }} else {{ ends.quarter }} end as period_end,
    least(
        case by_period.period_type when 'month' then {{ ends.month }} else {{ ends.quarter }} end, as_of.as_of_date
    ) as measured_on,
    {{ win_rate('by_period.won_count', 'by_period.lost_count') }} as win_rate,
    as_of.as_of_date
from by_period
cross join as_of
left join medians
    on medians.period_type = by_period.period_type
    and medians.org_view = by_period.org_view
    and medians.team_axis = by_period.team_axis
    and medians.team_key = by_period.team_key
    and medians.period_start = by_period.period_start
where {% for column in counts + amounts %}by_period.{{ column }} <> 0{{ ' or ' if not loop.last }}{% endfor %}
