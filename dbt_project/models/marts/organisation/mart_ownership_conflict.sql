with ownership as (
    select * from {{ ref('fct_account_ownership') }}
),

as_of as (
    select as_of_date from {{ ref('int_crm__as_of') }}
),

account_members as (
    select * from {{ ref('int_crm__account_members') }}
),

opportunities as (
    select
        facts.opportunity_key,
        facts.credit_user_uid as user_uid,
        facts.opened_on,
        -- open up to the day before it was closed, and today
        coalesce(facts.closed_on, {{ far_future() }}) as open_until,
        coalesce(account_members.account_uid, facts.account_key) as account_uid,
        facts.as_of_date
    from {{ ref('fct_opportunity') }} as facts
    left join account_members on account_members.account_key = facts.account_key
    where facts.account_key <> 'unassigned'
        and facts.credit_user_uid <> 'unassigned'
        and coalesce(facts.closed_on, {{ far_future() }}) > facts.opened_on
),

-- Only customers whom more than one person works on can be in conflict: the rest is not paired at all.
worked_on as (
    select account_uid
    from opportunities
    group by account_uid
    having min(user_uid) <> max(user_uid)
),

-- Who works on a customer beside its owner with everybody's knowledge: all people of one split are allies.
shares as (
    select distinct opportunity_key, user_uid from {{ ref('bridge_opportunity_split') }}
    where evidence = 'input'
),

allies as (
    select distinct opportunities.account_uid, ours.user_uid, theirs.user_uid as other_user_uid
    from shares as ours
    inner join shares as theirs
        on theirs.opportunity_key = ours.opportunity_key
        and theirs.user_uid <> ours.user_uid
    inner join opportunities on opportunities.opportunity_key = ours.opportunity_key
),

rivals as (
    select
        ours.account_uid,
        ours.user_uid,
        theirs.user_uid as other_user_uid,
        ours.opportunity_key,
        theirs.opportunity_key as other_opportunity_key,
        greatest(ours.opened_on, theirs.opened_on) as conflict_from,
        least(ours.open_until, theirs.open_until) as conflict_to,
        cast(ours.as_of_date + interval 1 day as date) as tomorrow,
        ours.as_of_date
    from opportunities as ours
    inner join worked_on on worked_on.account_uid = ours.account_uid
    inner join opportunities as theirs
        on theirs.account_uid = ours.account_uid
        and theirs.user_uid > ours.user_uid
        and theirs.opened_on < ours.open_until
        and theirs.open_until > ours.opened_on
),

-- A day on which several of their opportunities meet is one day.
days_of_rivals as (
    select
        rivals.*,
        coalesce(
            max(least(conflict_to, tomorrow)) over (
                partition by account_uid, user_uid, other_user_uid
                order by conflict_from, conflict_to, opportunity_key, other_opportunity_key
                rows between unbounded preceding and 1 preceding
            ),
            conflict_from
        ) as counted_to
    from rivals
),

open_opportunities as (
    select
        'open_opportunities' as rule,
        account_uid,
        user_uid,
        other_user_uid,
        min(conflict_from) as conflict_from,
        max(conflict_to) as conflict_to,
        sum(greatest(
            {{ days_between('greatest(conflict_from, counted_to)', 'least(conflict_to, tomorrow)') }}, 0
        )) as overlap_days,
        count(distinct opportunity_key) as opportunity_count,
        count(distinct other_opportunity_key) as other_opportunity_count,
        max(as_of_date) as as_of_date
    from days_of_rivals
    group by account_uid, user_uid, other_user_uid
),

-- Records of one customer that belong to different people today, of two CRMs or of one.
held as (
    select
        ownership.account_uid,
        ownership.owner_user_uid,
        min({{ business_date('ownership.valid_from') }}) as held_from
    from ownership
    where ownership.is_current and not ownership.is_in_pool
    group by ownership.account_uid, ownership.owner_user_uid
),

two_owners as (
    select
        'records_of_two_owners' as rule,
        ours.account_uid,
        ours.owner_user_uid as user_uid,
        theirs.owner_user_uid as other_user_uid,
        greatest(ours.held_from, theirs.held_from) as conflict_from,
        {{ far_future() }} as conflict_to,
        {{ days_between('greatest(ours.held_from, theirs.held_from)', 'as_of.as_of_date') }} + 1 as overlap_days,
        cast(null as bigint) as opportunity_count,
        cast(null as bigint) as other_opportunity_count,
        as_of.as_of_date
    from held as ours
    inner join held as theirs
        on theirs.account_uid = ours.account_uid
        and theirs.owner_user_uid > ours.owner_user_uid
    cross join as_of
),

conflicts as (
    select * from open_opportunities
    union all
    select * from two_owners
)

select
    cast({{ surrogate_key(['conflicts.rule', 'conflicts.account_uid', 'conflicts.user_uid', 'conflicts.other_user_uid']) }}
        as {{ type_text() }}) as conflict_key,
    cast(conflicts.rule as {{ type_text() }}) as rule,
    cast(conflicts.account_uid as {{ type_text() }}) as account_uid,
    cast(conflicts.user_uid as {{ type_text() }}) as user_uid,
    cast(conflicts.other_user_uid as {{ type_text() }}) as other_user_uid,
    cast(conflicts.conflict_from as date) as conflict_from,
    cast(conflicts.conflict_to as date) as conflict_to,
    cast(conflicts.overlap_days as bigint) as overlap_days,
    cast(conflicts.conflict_to > conflicts.as_of_date as boolean) as is_ongoing,
    cast(conflicts.opportunity_count as bigint) as opportunity_count,
    cast(conflicts.other_opportunity_count as bigint) as other_opportunity_count,
    cast(allies.account_uid is not null as boolean) as is_allowed,
    cast(conflicts.as_of_date as date) as as_of_date
from conflicts
left join allies
    on allies.account_uid = conflicts.account_uid
    and allies.user_uid = conflicts.user_uid
    and allies.other_user_uid = conflicts.other_user_uid
