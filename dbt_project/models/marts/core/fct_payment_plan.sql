with as_of as (
    select as_of_date from {{ ref('int_crm__as_of') }}
),

orders as (
    select * from {{ ref('fct_order') }}
),

contracts as (
    select * from {{ ref('fct_contract') }}
),

counted as (
    select * from {{ ref('int_crm__payment_plans') }}
    where is_counted
),

converted as (
    {{ fx_converted('counted', 'events.due_on') }}
),

-- What a plan is of: its order, else its contract, else its opportunity. Money that names one of them pays its plans.
plans as (
    select
        converted.*,
        coalesce(statuses.code, 'planned') as stated_status,
        orders.order_key,
        contracts.contract_key,
        {{ referred('opportunity') }} as opportunity_key,
        coalesce(orders.order_key, contracts.contract_key, {{ referred('opportunity') }}) as owed_by_key,
        case
            when account_refs.record_key <> 'unassigned' then account_refs.record_key
            else coalesce(orders.account_key, contracts.account_key, 'unassigned')
        end as account_key,
        case
            when account_refs.record_key <> 'unassigned' then account_members.account_uid
            else coalesce(orders.account_uid, contracts.account_uid, 'unassigned')
        end as account_uid,
        case
            when owner_refs.record_key <> 'unassigned' then owner_refs.record_key
            else coalesce(orders.owner_user_key, contracts.owner_user_key, 'unassigned')
        end as owner_user_key,
        case
            when owner_refs.record_key <> 'unassigned' then owner_members.user_uid
            else coalesce(orders.owner_user_uid, contracts.owner_user_uid, 'unassigned')
        end as owner_user_uid
    from converted
    {{ ledger_lookups('converted', ['account', 'owner', 'order', 'contract', 'opportunity']) }}
    left join orders on orders.order_key = order_refs.record_key
    left join contracts on contracts.contract_key = contract_refs.record_key
    {{ coded('converted', 'source_status', 'plan_status', 'statuses') }}
),

allocations as (
    select allocations.*
    from {{ ref('fct_payment_allocation') }} as allocations
    cross join as_of
    where allocation_kind = 'allocated' and paid_on <= as_of.as_of_date
),

-- money that names the plan itself
direct as (
    select
        plans.payment_plan_key,
        sum(allocations.amount) as amount,
        max(allocations.paid_on) as last_on
    from plans
    inner join allocations
        on allocations.payment_plan_key = plans.payment_plan_key
        and allocations.currency_code = plans.money_currency
    where plans.stated_status <> 'cancelled'
    group by plans.payment_plan_key
),

-- money that names only what is owed goes to its plans in the order in which they fall due, and so does what was paid
-- beyond a plan
owing as (
    select
        plans.payment_plan_key,
        plans.owed_by_key,
        plans.money_currency,
        plans.amount,
        greatest(least(coalesce(direct.amount, 0), plans.amount), 0) as direct_amount,
        plans.amount - greatest(least(coalesce(direct.amount, 0), plans.amount), 0) as owed_amount,
        coalesce(direct.amount, 0) - greatest(least(coalesce(direct.amount, 0), plans.amount), 0) as beyond_amount,
        direct.last_on as direct_last_on,
        plans.due_on,
        plans.instalment
    from plans
    left join direct on direct.payment_plan_key = plans.payment_plan_key
    where plans.stated_status <> 'cancelled' and plans.amount is not null
),

queued as (
    select
        owing.*,
        sum(owed_amount) over (
            partition by owed_by_key, money_currency order by due_on, instalment, payment_plan_key
            rows between unbounded preceding and current row
        ) as owed_so_far
    from owing
),

owed_by as (
    select distinct owed_by_key, money_currency from owing
    where owed_by_key is not null
),

-- each amount in one pool: its order's if that has plans, else its contract's, else its opportunity's
pooled as (
    select
        coalesce(by_order.owed_by_key, by_contract.owed_by_key, by_opportunity.owed_by_key) as owed_by_key,
        allocations.currency_code,
        allocations.paid_on,
        allocations.amount
    from allocations
    left join owed_by as by_order
        on by_order.owed_by_key = allocations.order_key and by_order.money_currency = allocations.currency_code
    left join owed_by as by_contract
        on by_contract.owed_by_key = allocations.contract_key and by_contract.money_currency = allocations.currency_code
    left join owed_by as by_opportunity
        on by_opportunity.owed_by_key = allocations.opportunity_key
        and by_opportunity.money_currency = allocations.currency_code
    left join queued as named on named.payment_plan_key = allocations.payment_plan_key
    where named.payment_plan_key is null

    union all

    select owed_by_key, money_currency, direct_last_on, beyond_amount
    from owing
    where beyond_amount <> 0
),

pool_days as (
    select
        owed_by_key,
        currency_code,
        paid_on,
        sum(sum(amount)) over (
            partition by owed_by_key, currency_code order by paid_on rows between unbounded preceding and current row
        ) as paid_so_far
    from pooled
    where owed_by_key is not null
    group by owed_by_key, currency_code, paid_on
),

pools as (
    select owed_by_key, currency_code, sum(amount) as amount
    from pooled
    where owed_by_key is not null
    group by owed_by_key, currency_code
),

-- the first day from which the pool reached to the end of this plan
reached as (
    select
        queued.payment_plan_key,
        min(pool_days.paid_on) as reached_on
    from queued
    inner join pool_days
        on pool_days.owed_by_key = queued.owed_by_key
        and pool_days.currency_code = queued.money_currency
        and pool_days.paid_so_far >= queued.owed_so_far
    where queued.owed_amount > 0
    group by queued.payment_plan_key
),

paid as (
    select
        queued.payment_plan_key,
        queued.direct_amount + greatest(
            0, least(queued.owed_amount, coalesce(pools.amount, 0) - (queued.owed_so_far - queued.owed_amount))
        ) as paid_amount,
        case
            when queued.owed_amount = 0 then queued.direct_last_on
            when reached.reached_on > queued.direct_last_on or queued.direct_last_on is null then reached.reached_on
            else queued.direct_last_on
        end as reached_on
    from queued
    left join pools on pools.owed_by_key = queued.owed_by_key and pools.currency_code = queued.money_currency
    left join reached on reached.payment_plan_key = queued.payment_plan_key
)

select
    -- keys
    cast(plans.payment_plan_key as {{ type_text() }}) as payment_plan_key,
    cast(plans.source_system as {{ type_text() }}) as source_system,
    cast(plans.source_way as {{ type_text() }}) as source_way,
    cast(plans.source_org as {{ type_text() }}) as source_org,
    cast(plans.payment_plan_id as {{ type_text() }}) as source_id,
    cast(plans.account_key as {{ type_text() }}) as account_key,
    cast(plans.account_uid as {{ type_text() }}) as account_uid,
    cast(plans.owner_user_key as {{ type_text() }}) as owner_user_key,
    cast(plans.owner_user_uid as {{ type_text() }}) as owner_user_uid,
    cast(plans.order_key as {{ type_text() }}) as order_key,
    cast(plans.contract_key as {{ type_text() }}) as contract_key,
    cast(plans.opportunity_key as {{ type_text() }}) as opportunity_key,

    -- what it is
    cast(plans.payment_plan_no as {{ type_text() }}) as payment_plan_no,
    cast(
        case
            when plans.stated_status = 'cancelled' then 'cancelled'
            when paid.paid_amount >= plans.amount then 'paid'
            when plans.due_on < as_of.as_of_date then 'overdue'
            when paid.paid_amount > 0 then 'partial'
            else 'planned'
        end as {{ type_text() }}
    ) as plan_status,
    cast(plans.source_status as {{ type_text() }}) as source_status,

    -- money
    {{ ledger_money('plans') }}
    cast(coalesce(paid.paid_amount, 0) as decimal(18, 2)) as paid_amount,
    cast({{ fx_amount('coalesce(paid.paid_amount, 0)', 'plans.fx_rate') }} as decimal(18, 2)) as paid_amount_reporting,
    cast(plans.source_paid_amount as decimal(18, 2)) as source_paid_amount,

    -- days
    cast(plans.due_on as date) as due_on,
    cast(case when paid.paid_amount >= plans.amount then paid.reached_on end as date) as fully_paid_on,

    -- how we know
    {{ ledger_evidence('plans') }}
from plans
cross join as_of
left join paid on paid.payment_plan_key = plans.payment_plan_key
