with payments as (
    select * from {{ ref('fct_payment') }}
),

orders as (
    select * from {{ ref('fct_order') }}
),

contracts as (
    select * from {{ ref('fct_contract') }}
),

lines as (
    select * from {{ ref('int_crm__payment_lines') }}
    where is_counted
),

allocated as (
    select
        lines.payment_line_key as allocation_key,
        payments.payment_key,
        'allocated' as allocation_kind,
        orders.order_key,
        coalesce({{ referred('contract') }}, orders.contract_key) as contract_key,
        coalesce({{ referred('opportunity') }}, orders.opportunity_key, contracts.opportunity_key) as opportunity_key,
        {{ referred('payment_plan') }} as payment_plan_key,
        coalesce(lines.amount, 0) as amount
    from lines
    {{ ledger_lookups('lines', ['payment', 'order', 'contract', 'opportunity', 'payment_plan']) }}
    inner join payments on payments.payment_key = payment_refs.record_key
    left join orders on orders.order_key = order_refs.record_key
    left join contracts on contracts.contract_key = contract_refs.record_key
),

sums as (
    select
        payment_key,
        sum(amount) as amount
    from allocated
    group by payment_key
),

-- what is left of the receipt, or what was given away beyond it, so that the lines are the receipt to the cent
residues as (
    select
        {{ surrogate_key(["'residue'", 'payments.payment_key']) }} as allocation_key,
        payments.payment_key,
        case
            when payments.amount * (payments.amount - coalesce(sums.amount, 0)) > 0 then 'unallocated'
            else 'over_allocated'
        end as allocation_kind,
        cast(null as {{ type_text() }}) as order_key,
        cast(null as {{ type_text() }}) as contract_key,
        cast(null as {{ type_text() }}) as opportunity_key,
        cast(null as {{ type_text() }}) as payment_plan_key,
        payments.amount - coalesce(sums.amount, 0) as amount
    from payments
    left join sums on sums.payment_key = payments.payment_key
    where payments.amount <> coalesce(sums.amount, 0)
),

parts as (
    select * from allocated
    union all
    select * from residues
),

-- converted as far as each part, so that roundings go nowhere: the parts are the receipt in the reporting currency too
summed as (
    select
        parts.*,
        sum(amount) over (
            partition by payment_key order by allocation_kind, allocation_key
            rows between unbounded preceding and current row
        ) as amount_so_far
    from parts
)

select
    -- keys
    cast(summed.allocation_key as {{ type_text() }}) as allocation_key,
    cast(summed.payment_key as {{ type_text() }}) as payment_key,
    cast(payments.source_system as {{ type_text() }}) as source_system,
    cast(payments.source_way as {{ type_text() }}) as source_way,
    cast(payments.source_org as {{ type_text() }}) as source_org,
    cast(payments.account_key as {{ type_text() }}) as account_key,
    cast(payments.account_uid as {{ type_text() }}) as account_uid,
    cast(payments.owner_user_key as {{ type_text() }}) as owner_user_key,
    cast(payments.owner_user_uid as {{ type_text() }}) as owner_user_uid,
    cast(summed.order_key as {{ type_text() }}) as order_key,
    cast(summed.contract_key as {{ type_text() }}) as contract_key,
    cast(summed.opportunity_key as {{ type_text() }}) as opportunity_key,
    cast(summed.payment_plan_key as {{ type_text() }}) as payment_plan_key,

    -- what it is
    cast(summed.allocation_kind as {{ type_text() }}) as allocation_kind,
    cast(payments.payment_kind as {{ type_text() }}) as payment_kind,

    -- money
    cast(summed.amount as decimal(18, 2)) as amount,
    cast(payments.currency_code as {{ type_text() }}) as currency_code,
    cast(
        {{ fx_amount('summed.amount_so_far', 'payments.fx_rate') }}
        - {{ fx_amount('(summed.amount_so_far - summed.amount)', 'payments.fx_rate') }} as decimal(18, 2)
    ) as amount_reporting,
    cast(payments.fx_rate_key as {{ type_text() }}) as fx_rate_key,

    -- days
    cast(payments.paid_on as date) as paid_on,
    cast(payments.as_of_date as date) as as_of_date
from summed
inner join payments on payments.payment_key = summed.payment_key
