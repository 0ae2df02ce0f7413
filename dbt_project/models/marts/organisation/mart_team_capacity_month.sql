with as_of as (
    select as_of_date from {{ ref('int_crm__as_of') }}
),

kpi as (
    select * from {{ ref('mart_team_kpi_month') }}
    where org_view = 'as_was'
),

months as (
    select
        period_start,
        period_end,
        least(period_end, as_of_date) as measured_on
    from (
        select
            cast(period_start as date) as period_start,
            {{ period_end('month', 'cast(period_start as date)') }} as period_end,
            as_of_date
        from (
            select {{ each_period('month', 'first_month', 'as_of_date') }} as period_start, as_of_date
            from (
                select min(kpi.period_start) as first_month, max(as_of.as_of_date) as as_of_date
                from kpi
                cross join as_of
            ) as bounds
        ) as starts
    ) as periods
),

-- Days on which somebody whom a CRM lists worked here. As the day ended, so a last day counts no more.
employed as (
    select
        user_uid,
        {{ business_date('valid_from') }} as from_day,
        {{ business_date('valid_to') }} as to_day
    from {{ ref('dim_user_history') }}
    where is_active and recorded_from < cast({{ far_future() }} as {{ type_timestamp_tz() }})
),

stints as (
    {{ joined_stretches('employed', ['user_uid']) }}
),

present as (
    select
        stints.user_uid,
        memberships.team_axis,
        memberships.team_key,
        memberships.weight,
        stints.from_day as employed_from,
        greatest(stints.from_day, memberships.valid_from) as from_day,
        least(stints.to_day, memberships.valid_to) as to_day
    from stints
    inner join {{ ref('bridge_user_team') }} as memberships
        on memberships.user_uid = stints.user_uid
        and memberships.valid_from < stints.to_day
        and memberships.valid_to > stints.from_day
),

headcounts as (
    select
        months.period_start,
        present.team_axis,
        present.team_key,
        sum(case when present.from_day <= months.measured_on and present.to_day > months.measured_on then weight else 0 end)
            as headcount,
        sum(
            case
                when present.from_day <= months.measured_on
                    and present.to_day > months.measured_on
                    and {{ days_between('present.employed_from', 'months.measured_on') }} >= {{ var('ramp_days') }}
                    then weight
                else 0
            end
        ) as ramped_headcount,
        sum(
            weight * {{ days_between(
                'greatest(present.from_day, months.period_start)',
                'least(present.to_day, cast(months.measured_on + interval 1 day as date))',
            ) }}
        ) as person_days,
        max({{ days_between('months.period_start', 'months.measured_on') }} + 1) as days
    from present
    inner join months
        on present.from_day <= months.measured_on
        and present.to_day > months.period_start
    group by months.period_start, present.team_axis, present.team_key
),

-- Coming and going is of the team: who moves leaves one and joins the other. Another weight is neither.
stays as (
    select
        present.*,
        lag(to_day) over (partition by user_uid, team_key order by from_day) as to_day_before,
        lead(from_day) over (partition by user_uid, team_key order by from_day) as from_day_after
    from present
),

moves as (
    select team_axis, team_key, {{ period_start('month', 'from_day') }} as period_start, 1 as joiners, 0 as leavers
    from stays
    where coalesce(to_day_before, {{ far_past() }}) < from_day and from_day > {{ far_past() }}
    union all
    select team_axis, team_key, {{ period_start('month', 'to_day') }}, 0, 1
    from stays
    where coalesce(from_day_after, {{ far_future() }}) > to_day and to_day < {{ far_future() }}
),

turnover as (
    select team_axis, team_key, period_start, sum(joiners) as joiner_count, sum(leavers) as leaver_count
    from moves
    group by team_axis, team_key, period_start
),

-- Accounts of a person at the months' ends, from what came and what went: one customer of a person is one, in however
-- many records.
owned as (
    select
        account_uid,
        owner_user_uid,
        {{ business_date('valid_from') }} as from_day,
        {{ business_date('valid_to') }} as to_day
    from {{ ref('fct_account_ownership') }}
    where not is_in_pool
),

holdings as (
    {{ joined_stretches('owned', ['account_uid', 'owner_user_uid']) }}
),

changes as (
    select owner_user_uid, from_day as day, 1 as change from holdings
    union all
    select owner_user_uid, to_day, -1 from holdings
),

monthly_changes as (
    select
        changes.owner_user_uid,
        greatest({{ period_start('month', 'changes.day') }}, bounds.first_month) as period_start,
        sum(changes.change) as change
    from changes
    cross join (select min(period_start) as first_month, max(measured_on) as last_on from months) as bounds
    where changes.day <= bounds.last_on
    group by 1, 2
),

account_counts as (
    select
        owners.owner_user_uid,
        months.period_start,
        months.measured_on,
        sum(coalesce(monthly_changes.change, 0)) over (
            partition by owners.owner_user_uid order by months.period_start rows between unbounded preceding and current row
        ) as account_count
    from (select distinct owner_user_uid from monthly_changes) as owners
    cross join months
    left join monthly_changes
        on monthly_changes.owner_user_uid = owners.owner_user_uid
        and monthly_changes.period_start = months.period_start
),

accounts as (
    select
        slices.team_axis,
        slices.team_key,
        account_counts.period_start,
        sum(account_counts.account_count) as account_count
    from account_counts
    inner join {{ ref('int_org__slices') }} as slices
        on slices.user_uid = account_counts.owner_user_uid
        and slices.is_primary
        and slices.valid_from <= account_counts.measured_on
        and slices.valid_to > account_counts.measured_on
    group by slices.team_axis, slices.team_key, account_counts.period_start
),

rows_of_teams as (
    select team_axis, team_key, period_start from headcounts
    union
    select turnover.team_axis, turnover.team_key, turnover.period_start
    from turnover
    inner join months on months.period_start = turnover.period_start
)

select
    cast(rows_of_teams.team_axis as {{ type_text() }}) as team_axis,
    cast(rows_of_teams.team_key as {{ type_text() }}) as team_key,
    cast(teams.team_name as {{ type_text() }}) as team_name,
    cast(teams.team_name_zh as {{ type_text() }}) as team_name_zh,
    cast(months.period_start as date) as period_start,
    cast(months.period_end as date) as period_end,
    cast(months.measured_on as date) as measured_on,
    cast(coalesce(headcounts.headcount, 0) as decimal(18, 6)) as headcount,
    cast({{ ratio('headcounts.person_days', 'headcounts.days') }} as {{ type_double() }}) as average_headcount,
    cast(coalesce(headcounts.ramped_headcount, 0) as decimal(18, 6)) as ramped_headcount,
    cast(coalesce(turnover.joiner_count, 0) as bigint) as joiner_count,
    cast(coalesce(turnover.leaver_count, 0) as bigint) as leaver_count,
    cast(coalesce(kpi.open_count, 0) as bigint) as open_count,
    cast(coalesce(accounts.account_count, 0) as bigint) as account_count,
    cast({{ ratio('coalesce(kpi.open_count, 0)', 'headcounts.headcount') }} as {{ type_double() }}) as open_per_head,
    cast({{ ratio('coalesce(accounts.account_count, 0)', 'headcounts.headcount') }} as {{ type_double() }})
        as accounts_per_head,
    cast(as_of.as_of_date as date) as as_of_date,
    {{ metric_version() }} as metric_version
from rows_of_teams
inner join months on months.period_start = rows_of_teams.period_start
inner join {{ ref('dim_team') }} as teams on teams.team_key = rows_of_teams.team_key
cross join as_of
left join headcounts
    on headcounts.team_key = rows_of_teams.team_key
    and headcounts.period_start = rows_of_teams.period_start
left join turnover
    on turnover.team_key = rows_of_teams.team_key
    and turnover.period_start = rows_of_teams.period_start
left join kpi
    on kpi.team_key = rows_of_teams.team_key
    and kpi.period_start = rows_of_teams.period_start
left join accounts
    on accounts.team_key = rows_of_teams.team_key
    and accounts.period_start = rows_of_teams.period_start
