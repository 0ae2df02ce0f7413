with opportunities as (
    select * from {{ ref('fct_opportunity') }}
),

splits as (
    select * from {{ ref('int_org__splits') }}
),

-- The split that holds on the day of the event, else the owner of that day alone.
shared as (
    select
        opportunities.opportunity_key,
        coalesce(splits.user_uid, opportunities.credit_user_uid) as user_uid,
        coalesce(splits.role, 'owner') as role,
        coalesce(splits.share, 1) as share,
        coalesce(opportunities.amount, 0) as amount,
        opportunities.amount is not null as has_amount,
        coalesce(opportunities.amount_reporting, 0) as amount_reporting,
        opportunities.amount_reporting is not null as has_amount_reporting,
        splits.stated_share,
        case when splits.opportunity_key is null then 'owner' else 'input' end as evidence
    from opportunities
    left join splits
        on splits.opportunity_key = opportunities.opportunity_key
        and splits.valid_from <= opportunities.event_on
        and splits.valid_to > opportunities.event_on
),

shared_by_several as (
    select * from shared
    where evidence = 'input'
),

cut as (
    select
        opportunity_key, user_uid, role, share, has_amount, has_amount_reporting, stated_share, evidence,
        amount_share, amount_reporting_share
    from (
        {{ shared_out(
            'shared_by_several', ['opportunity_key'], ['amount', 'amount_reporting'], 'share', 'user_uid, role'
        ) }}
    ) as cut

    union all

    select
        opportunity_key, user_uid, role, share, has_amount, has_amount_reporting, stated_share, evidence,
        amount, amount_reporting
    from shared
    where evidence = 'owner'
)

select
    cast(opportunity_key as {{ type_text() }}) as opportunity_key,
    cast(user_uid as {{ type_text() }}) as user_uid,
    cast(role as {{ type_text() }}) as role,
    cast(share * 100 as decimal(9, 4)) as percent,
    cast(case when has_amount then amount_share end as decimal(18, 2)) as credited_amount,
    cast(case when has_amount_reporting then amount_reporting_share end as decimal(18, 2)) as credited_amount_reporting,
    cast(stated_share * 100 as decimal(9, 4)) as stated_percent,
    cast(evidence as {{ type_text() }}) as evidence
from cut
