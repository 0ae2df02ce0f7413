with people as (
    select * from {{ ref('int_org__people') }}
),

-- A day shows a person as the day ended.
history as (
    select
        user_key,
        user_uid,
        manager_user_uid,
        region,
        org_unit,
        job_title,
        is_active,
        {{ business_date('valid_from') }} as from_day,
        {{ business_date('recorded_from') }} as recorded_day,
        {{ business_date('valid_to') }} as to_day
    from {{ ref('dim_user_history') }}
),

-- Before our first look we only assume.
phases as (
    select history.*, 'assumed' as evidence, from_day as first_day, least(recorded_day, to_day) as end_day
    from history
    union all
    select history.*, 'crm', greatest(from_day, recorded_day), to_day
    from history
),

known as (
    select * from phases
    where first_day < end_day
),

-- Whoever is not led leads a team of their own, as long as somebody reports to them.
reported_to as (
    select distinct
        manager_user_uid as user_uid,
        first_day,
        end_day
    from known
    where manager_user_uid is not null
),

said_by_crm as (
    select user_uid, user_key, 'company' as team_axis, {{ team_key('company', "'all'") }} as team_key, job_title,
        is_active, evidence, first_day, end_day
    from known
    union all
    select user_uid, user_key, 'region', {{ team_key('region', match_key('region')) }}, job_title,
        is_active, evidence, first_day, end_day
    from known
    union all
    select user_uid, user_key, 'org', {{ team_key('org', match_key('org_unit')) }}, job_title,
        is_active, evidence, first_day, end_day
    from known
    union all
    select user_uid, user_key, 'manager', {{ team_key('manager', 'manager_user_uid') }}, job_title,
        is_active, evidence, first_day, end_day
    from known
    union all
    select known.user_uid, known.user_key, 'manager', {{ team_key('manager', 'known.user_uid') }}, known.job_title,
        known.is_active, known.evidence,
        greatest(known.first_day, reported_to.first_day), least(known.end_day, reported_to.end_day)
    from known
    inner join reported_to
        on reported_to.user_uid = known.user_uid
        and reported_to.first_day < known.end_day
        and reported_to.end_day > known.first_day
    where known.manager_user_uid is null
),

said_by_input as (
    select
        people.user_uid,
        memberships.axis as team_axis,
        {{ team_key_of('memberships.axis', 'memberships.team') }} as team_key,
        memberships.role,
        coalesce(memberships.weight, 1) as weight,
        coalesce(memberships.is_primary, true) as is_primary,
        memberships.valid_from as first_day,
        -- its last day is included
        case
            when memberships.valid_to < {{ far_future() }}
                then cast(memberships.valid_to + interval 1 day as date)
            else {{ far_future() }}
        end as end_day
    from {{ ref('stg_inputs__team_memberships') }} as memberships
    inner join people on {{ named_person('people', 'memberships.person', 'memberships.person_id') }}
    where memberships.axis is not null and memberships.team is not null and memberships.valid_from is not null
),

claims as (
    select
        user_uid, team_axis, team_key, job_title as role, cast(1 as decimal(18, 6)) as weight, true as is_primary,
        evidence, first_day, end_day,
        -- of a person's several records one speaks: the one that knows a team, works here, was seen, is newest
        row_number() over (
            partition by user_uid, team_axis
            order by
                case when team_key like '%:unassigned' then 1 else 0 end,
                case when is_active then 0 else 1 end,
                evidence desc, first_day desc, user_key, team_key
        ) as place
    from said_by_crm
    union all
    select
        user_uid, team_axis, team_key, role, weight, is_primary, 'input', first_day, end_day, 0
    from said_by_input
),

days as (
    select user_uid, team_axis, first_day as day from claims
    union
    select user_uid, team_axis, end_day from claims
),

-- Between two days on which anything begins or ends nothing changes.
slices as (
    select
        user_uid,
        team_axis,
        day as valid_from,
        lead(day) over (partition by user_uid, team_axis order by day) as valid_to
    from days
),

heard as (
    select
        slices.user_uid,
        slices.team_axis,
        slices.valid_from,
        slices.valid_to,
        claims.team_key,
        claims.role,
        claims.weight,
        claims.is_primary,
        claims.evidence,
        claims.place,
        min(claims.place) over (partition by slices.user_uid, slices.team_axis, slices.valid_from) as best_place
    from slices
    inner join claims
        on claims.user_uid = slices.user_uid
        and claims.team_axis = slices.team_axis
        and claims.first_day <= slices.valid_from
        and claims.end_day >= slices.valid_to
),

-- A spreadsheet's rows win together; a team that is named twice for a day is named once with both weights.
named as (
    select
        user_uid,
        team_axis,
        valid_from,
        valid_to,
        team_key,
        max(role) as role,
        sum(weight) as weight,
        max(case when is_primary then 1 else 0 end) as is_primary,
        max(evidence) as evidence
    from heard
    where place = best_place
    group by user_uid, team_axis, valid_from, valid_to, team_key
),

ranked as (
    select
        named.*,
        sum(weight) over (partition by user_uid, team_axis, valid_from) as weights,
        count(*) over (partition by user_uid, team_axis, valid_from) as teams,
        row_number() over (
            partition by user_uid, team_axis, valid_from order by is_primary desc, weight desc, team_key
        ) as team_rank
    from named
),

shares as (
    select
        ranked.*,
        cast(case when weights > 0 then weight / weights else cast(1 as {{ type_double() }}) / teams end as decimal(18, 6)) as share
    from ranked
),

-- What rounding leaves over is the primary team's.
weighed as (
    select
        shares.*,
        case
            when team_rank = 1
                then 1 - (sum(share) over (partition by user_uid, team_axis, valid_from) - share)
            else share
        end as exact_share
    from shares
),

compared as (
    select
        weighed.*,
        {{ surrogate_key(['exact_share', 'team_rank = 1', 'role', 'evidence']) }} as state,
        lag({{ surrogate_key(['exact_share', 'team_rank = 1', 'role', 'evidence']) }}) over same_team as state_before,
        lag(valid_to) over same_team as ended_before
    from weighed
    window same_team as (partition by user_uid, team_axis, team_key order by valid_from)
),

stretches as (
    select
        compared.*,
        sum(case when state_before = state and ended_before = valid_from then 0 else 1 end) over (
            partition by user_uid, team_axis, team_key order by valid_from rows between unbounded preceding and current row
        ) as stretch
    from compared
),

joined as (
    select
        user_uid,
        team_axis,
        team_key,
        min(valid_from) as valid_from,
        max(valid_to) as valid_to,
        max(exact_share) as weight,
        min(team_rank) = 1 as is_primary,
        max(role) as role,
        max(evidence) as evidence,
        max(weights) as stated_weights
    from stretches
    group by user_uid, team_axis, team_key, stretch
)

select
    cast({{ surrogate_key(['user_uid', 'team_key', 'valid_from']) }} as {{ type_text() }}) as user_team_key,
    cast(user_uid as {{ type_text() }}) as user_uid,
    cast(team_axis as {{ type_text() }}) as team_axis,
    cast(team_key as {{ type_text() }}) as team_key,
    cast(valid_from as date) as valid_from,
    cast(valid_to as date) as valid_to,
    cast(weight as decimal(18, 6)) as weight,
    cast(is_primary as boolean) as is_primary,
    cast(role as {{ type_text() }}) as role,
    cast(evidence as {{ type_text() }}) as evidence,
    cast(stated_weights as decimal(18, 6)) as stated_weights
from joined
