-- For every money metric: Σ of the CRMs − itemised duplicates = Σ unified, and the Σ of the CRMs is that of the facts:
-- nothing fell out between. Every deal, order, invoice and receipt counts exactly once.
{% set deals = {'open': 'open_amount', 'won': 'won_amount', 'lost': 'lost_amount'} %}

with facts as (
    {%- for status, metric in deals.items() %}
    select '{{ metric }}' as metric, source_system, sum(coalesce(amount, 0)) as amount
    from {{ ref('fct_opportunity') }}
    where status = '{{ status }}'
    group by source_system
    union all
    {%- endfor %}
    {%- for document in money_documents().values() %}
    select '{{ document.metric }}' as metric, source_system, sum(coalesce(amount, 0)) as amount
    from {{ ref(document.fact) }}
    where not ({{ document.void }})
    group by source_system
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

reconciled as (
    select metric, source_system, sum(record_amount) as amount, sum(duplicate_amount) as duplicate_amount
    from {{ ref('mart_money_reconciliation') }}
    group by metric, source_system
),

items as (
    select metric, source_system, sum(amount) as amount from {{ ref('mart_money_duplicate') }}
    group by metric, source_system
),

-- A deal's counting record may be in no money metric, so deals are asked where all their records are.
records_of_one as (
    select opportunity_uid as record_uid, is_duplicate from {{ ref('int_crm__opportunity_members') }}
    union all
    select record_uid, is_duplicate from {{ ref('int_crm__document_members') }}
)

select 'difference' as law, metric as of_what, difference as off_by from {{ ref('mart_money_reconciliation') }}
where difference <> 0 or record_count - duplicate_count <> unified_count
union all
select 'facts', facts.metric || ' of ' || facts.source_system, facts.amount - coalesce(reconciled.amount, 0)
from facts
left join reconciled on reconciled.metric = facts.metric and reconciled.source_system = facts.source_system
where facts.amount <> coalesce(reconciled.amount, 0)
union all
select 'items', reconciled.metric || ' of ' || reconciled.source_system,
    reconciled.duplicate_amount - coalesce(items.amount, 0)
from reconciled
left join items on items.metric = reconciled.metric and items.source_system = reconciled.source_system
where reconciled.duplicate_amount <> coalesce(items.amount, 0)
union all
select 'counted once', record_uid, cast(count(*) as decimal(18, 2))
from records_of_one
group by record_uid
having sum(case when is_duplicate then 0 else 1 end) <> 1
