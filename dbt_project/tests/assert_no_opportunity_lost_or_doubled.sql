-- Fan-out guard: joins between staging and the fact neither lose nor multiply rows or money.
with staged as (
    select
        count(*) as row_count,
        coalesce(sum(amount), 0) as amount
    from {{ ref('int_crm__opportunity_states') }}
),

modelled as (
    select
        count(*) as row_count,
        coalesce(sum(amount), 0) as amount
    from {{ ref('int_crm__opportunities') }}
),

uncounted as (
    select
        count(*) as row_count,
        coalesce(sum(amount), 0) as amount
    from {{ ref('int_crm__opportunities') }}
    where not is_counted
),

facts as (
    select
        count(*) as row_count,
        coalesce(sum(amount), 0) as amount
    from {{ ref('fct_opportunity') }}
    -- one whose references found no row is as good as lost
    where account_uid is not null and product_uid is not null and owner_user_uid is not null and opportunity_uid is not null
)

select staged.row_count as staged_rows, modelled.row_count as modelled_rows, facts.row_count as fact_rows
from staged
cross join modelled
cross join uncounted
cross join facts
where staged.row_count <> modelled.row_count
    or staged.amount <> modelled.amount
    or facts.row_count + uncounted.row_count <> modelled.row_count
    or facts.amount + uncounted.amount <> modelled.amount
