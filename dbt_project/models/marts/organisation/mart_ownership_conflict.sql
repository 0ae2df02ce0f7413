with ownership as (
    select * from {{ ref('fct_account_ownership') }}
),

as_of as (
    select as_of_date, cast(as_of_date + interval 1 day as date) as tomorrow from {{ ref('int_crm__as_of') }}
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
        coalesce(account_members.account_uid, facts.account_key) as account_uid
    from {{ ref('fct_opportunity') }} as facts
    cross join as_of
    left join account_members on account_members.account_key = facts.account_key
    where facts.account_key <> 'unassigned'
        and facts.credit_user_uid <> 'unassigned'
        and coalesce(facts.closed_on, {{ far_future() }}) > facts.opened_on
        -- a deal that two CRMs keep is one deal of one person
        and {{ counted_once('facts') }}
        -- what a typing error, or another clock, opened tomorrow has met nobody yet
        and facts.opened_on <= as_of.as_of_date
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

-- What a person works on at a customer, as days: two people are compared by stretches, not deal by deal.
worked_days as (
    select
        opportunities.account_uid,
        opportunities.user_uid,
        opportunities.opened_on as from_day,
        opportunities.open_until as to_day
    from opportunities
    inner join worked_on on worked_on.account_uid = opportunities.account_uid
),

stretches as (
    {{ joined_stretches('worked_days', ['account_uid', 'user_uid']) }}
),

-- Stretches of one person never overlap, so those that two people share do not either.
meetings as (
    select
        ours.account_uid,
        ours.user_uid,
        theirs.user_uid as other_user_uid,
        greatest(ours.from_day, theirs.from_day) as conflict_from,
        least(ours.to_day, theirs.to_day) as conflict_to
    from stretches as ours
    inner join stretches as theirs
        on theirs.account_uid = ours.account_uid
        and theirs.user_uid > ours.user_uid
        and theirs.from_day < ours.to_day
        and theirs.to_day > ours.from_day
),

pairs as (
    select
        meetings.account_uid,
        meetings.user_uid,
        meetings.other_user_uid,
        min(meetings.conflict_from) as conflict_from,
        max(meetings.conflict_to) as conflict_to,
        sum({{ days_between('meetings.conflict_from', 'least(meetings.conflict_to, as_of.tomorrow)') }}) as overlap_days,
        max(as_of.as_of_date) as as_of_date
    from meetings
    cross join as_of
    group by meetings.account_uid, meetings.user_uid, meetings.other_user_uid
),

-- Which of a person's opportunities met any of the other's: one row of each, against the other's stretches.
met as (
    select
        opportunities.account_uid,
        opportunities.user_uid,
        stretches.user_uid as other_user_uid,
        count(distinct opportunities.opportunity_key) as opportunity_count
    from opportunities
    inner join stretches
        on stretches.account_uid = opportunities.account_uid
        and stretches.user_uid <> opportunities.user_uid
        and stretches.from_day < opportunities.open_until
        and stretches.to_day > opportunities.opened_on
    group by opportunities.account_uid, opportunities.user_uid, stretches.user_uid
),

open_opportunities as (
    select
        'open_opportunities' as rule,
        pairs.account_uid,
        pairs.user_uid,
        pairs.other_user_uid,
        pairs.conflict_from,
        pairs.conflict_to,
        pairs.overlap_days,
        ours.opportunity_count,
        theirs.opportunity_count as other_opportunity_count,
        pairs.as_of_date
    from pairs
    inner join met as ours
        on ours.account_uid = pairs.account_uid
        and ours.user_uid = pairs.user_uid
        and ours.other_user_uid = pairs.other_user_uid
    inner join met as theirs
        on theirs.account_uid = pairs.account_uid
        and theirs.user_uid = pairs.other_user_uid
        and theirs.other_user_uid = pairs.user_uid
),

-- Records of one customer that belong to different people today, of two CRMs or of one.
held as (
    select
        ownership.account_uid,
        ownership.owner_user_uid,
        min({{ business_date('ownership.valid_from') }}) as held_from
    from ownership
    cross join as_of
    where ownership.is_current and not ownership.is_in_pool
        and {{ business_date('ownership.valid_from') }} <= as_of.as_of_date
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
