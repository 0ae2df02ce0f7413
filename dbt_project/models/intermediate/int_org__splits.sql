{{ config(materialized='table') }}

with people as (
    select * from {{ ref('int_org__people') }}
),

stated as (
    select
        opportunities.opportunity_key,
        -- a share whose person nobody knows stays a share
        coalesce(people.user_uid, 'unassigned') as user_uid,
        coalesce(splits.role, 'owner') as role,
        coalesce(splits.valid_from, {{ far_past() }}) as valid_from,
        sum(coalesce(splits.share, 0)) as share
    from {{ ref('stg_inputs__opportunity_splits') }} as splits
    inner join {{ ref('int_crm__opportunities') }} as opportunities
        on opportunities.source_system = splits.crm_source
        and opportunities.opportunity_id = splits.opportunity_id
    left join people on {{ named_person('people', 'splits.person', 'splits.person_id') }}
    group by 1, 2, 3, 4
),

-- A set that sums to nothing ends the one before it, and is none.
sets as (
    select
        opportunity_key,
        valid_from,
        sum(share) as stated_share,
        coalesce(lead(valid_from) over (partition by opportunity_key order by valid_from), {{ far_future() }}) as valid_to
    from stated
    group by opportunity_key, valid_from
),

scaled as (
    select
        stated.opportunity_key,
        stated.user_uid,
        stated.role,
        sets.valid_from,
        sets.valid_to,
        sets.stated_share,
        cast(stated.share / sets.stated_share as decimal(9, 6)) as share,
        row_number() over (
            partition by stated.opportunity_key, stated.valid_from order by stated.share desc, stated.user_uid, stated.role
        ) as place
    from stated
    inner join sets on sets.opportunity_key = stated.opportunity_key and sets.valid_from = stated.valid_from
    where stated.share > 0
),

splits as (
    select
        opportunity_key,
        user_uid,
        role,
        valid_from,
        valid_to,
        stated_share,
        -- what rounding leaves over is the largest share's
        case
            when place = 1
                then 1 - (sum(share) over (partition by opportunity_key, valid_from) - share)
            else share
        end as share
    from scaled
),

told as (
    select distinct opportunity_key from splits
),

-- What is said of one record of a deal holds for the record that counts, unless that has a split of its own.
lent as (
    select
        members.counted_opportunity_key as opportunity_key,
        min(told.opportunity_key) as lender_key
    from told
    inner join {{ ref('int_crm__opportunity_members') }} as members on members.opportunity_key = told.opportunity_key
    left join told as own on own.opportunity_key = members.counted_opportunity_key
    where own.opportunity_key is null
    group by members.counted_opportunity_key
)

select opportunity_key, user_uid, role, valid_from, valid_to, stated_share, share
from splits

union all

select
    lent.opportunity_key,
    splits.user_uid,
    splits.role,
    splits.valid_from,
    splits.valid_to,
    splits.stated_share,
    splits.share
from lent
inner join splits on splits.opportunity_key = lent.lender_key
