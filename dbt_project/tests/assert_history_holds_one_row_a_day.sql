-- On a day an opportunity stood in one state: of its history (商机历史), and so of each day's snapshot, one row holds.
-- The as-of day speaks for all days: they are cut out of the same intervals.
with as_of as (
    select as_of_date from {{ ref('int_crm__as_of') }}
),

held as (
    select history.opportunity_key
    from {{ ref('int_crm__opportunity_history') }} as history
    cross join as_of
    where {{ held_on('history', 'as_of.as_of_date') }}
)

select
    opportunity_key,
    count(*) as row_count
from held
group by opportunity_key
having count(*) > 1
