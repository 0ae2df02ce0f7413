-- Σ of the CRMs − itemised duplicates = Σ unified, and the Σ of the CRMs is that of the facts: nothing fell out between.
-- Every deal counts exactly once.
with facts as (
    select
        source_system,
        sum(case when status in ('open', 'won', 'lost') then coalesce(amount, 0) else 0 end) as amount
    from {{ ref('fct_opportunity') }}
    group by source_system
),

reconciled as (
    select source_system, sum(record_amount) as amount, sum(duplicate_amount) as duplicate_amount
    from {{ ref('mart_money_reconciliation') }}
    group by source_system
),

items as (
    select source_system, sum(amount) as amount from {{ ref('mart_money_duplicate') }}
    group by source_system
)

select 'difference' as law, metric as of_what, difference as off_by from {{ ref('mart_money_reconciliation') }}
where difference <> 0 or record_count - duplicate_count <> unified_count
union all
select 'facts', facts.source_system, facts.amount - coalesce(reconciled.amount, 0)
from facts
left join reconciled on reconciled.source_system = facts.source_system
where facts.amount <> coalesce(reconciled.amount, 0)
union all
select 'items', reconciled.source_system, reconciled.duplicate_amount - coalesce(items.amount, 0)
from reconciled
left join items on items.source_system = reconciled.source_system
where reconciled.duplicate_amount <> coalesce(items.amount, 0)
union all
select 'counted once', opportunity_uid, cast(count(*) as decimal(18, 2))
from {{ ref('int_crm__opportunity_members') }}
group by opportunity_uid
having sum(case when is_duplicate then 0 else 1 end) <> 1
