-- The rows of a receipt are the receipt, to the cent and in both currencies: money neither vanishes nor comes into being
-- when it is spread over orders, and no instalment is paid more than it is.
select payments.payment_key, payments.amount, parts.amount as allocated, payments.amount_reporting, parts.amount_reporting
    as allocated_reporting
from {{ ref('fct_payment') }} as payments
left join (
    select payment_key, sum(amount) as amount, sum(amount_reporting) as amount_reporting
    from {{ ref('fct_payment_allocation') }}
    group by payment_key
) as parts on parts.payment_key = payments.payment_key
where payments.amount <> coalesce(parts.amount, 0)
    or payments.amount_reporting <> coalesce(parts.amount_reporting, 0)

union all

select payment_plan_key, amount, paid_amount, null, null
from {{ ref('fct_payment_plan') }}
where paid_amount > amount or paid_amount < 0
