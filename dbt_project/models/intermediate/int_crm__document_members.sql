{{ config(materialized='table') }}

with documents as (
    {{ money_documents_unioned() }}
),

-- Only where two CRMs have the same customer, currency and amount is there anything to compare.
amounts_of_two as (
    select entity, account_uid, currency_code, amount
    from documents
    where account_uid <> 'unassigned' and amount <> 0
    group by entity, account_uid, currency_code, amount
    having min(source_system) <> max(source_system)
),

candidates as (
    select
        documents.*,
        case when {{ document_rule('same_number') }} then {{ document_number('document_no') }} end as number_key,
        case when {{ document_rule('same_day') }} then day end as day_key
    from documents
    inner join amounts_of_two using (entity, account_uid, currency_code, amount)
),

-- One to one: of two alike in either CRM the first is the first and the second the second. Which is which moves no
-- sum, they are the same money.
by_number as (
    select
        placed.*,
        count(*) over same_number > 1 and number_key is not null as has_number_twin,
        min(record_key) over same_number as number_uid
    from (
        select
            candidates.*,
            row_number() over (
                partition by entity, account_uid, currency_code, amount, number_key, source_system
                order by day, record_key
            ) as number_place
        from candidates
    ) as placed
    window same_number as (partition by entity, account_uid, currency_code, amount, number_key, number_place)
),

-- The day speaks for those that no number joins.
by_day as (
    select
        placed.*,
        count(*) over same_day > 1 and day_key is not null and not has_number_twin as has_day_twin,
        min(record_key) over same_day as day_uid
    from (
        select
            by_number.*,
            row_number() over (
                partition by entity, account_uid, currency_code, amount, has_number_twin, day_key, source_system
                order by record_key
            ) as day_place
        from by_number
    ) as placed
    window same_day as (partition by entity, account_uid, currency_code, amount, has_number_twin, day_key, day_place)
),

joined as (
    select
        entity,
        record_key,
        source_system,
        case when has_number_twin then number_uid else day_uid end as record_uid,
        case when has_number_twin then 'same_number' else 'same_day' end as matched_by
    from by_day
    where has_number_twin or has_day_twin
),

ranked as (
    select
        joined.*,
        row_number() over (partition by entity, record_uid order by {{ preferred_crm() }}, record_key) as place
    from joined
)

select
    entity,
    record_key,
    record_uid,
    matched_by,
    place > 1 as is_duplicate,
    first_value(record_key) over (partition by entity, record_uid order by place) as counted_record_key
from ranked
