with records as (
    select * from {{ ref('int_crm__money_records') }}
),

of_crms as (
    select
        metric,
        period_start,
        currency_code,
        source_system,
        count(*) as record_count,
        sum(amount) as record_amount,
        sum(case when {{ counted_once('records') }} then 0 else 1 end) as duplicate_count,
        sum(case when {{ counted_once('records') }} then 0 else amount end) as duplicate_amount,
        max(as_of_date) as as_of_date
    from records
    group by metric, period_start, currency_code, source_system
),

-- What the company sees, from the other end: each deal once, by the record that counts.
deals as (
    select entity, record_uid, max(counted_record_key) as record_key
    from records
    group by entity, record_uid
),

unified as (
    select
        records.metric,
        records.period_start,
        records.currency_code,
        records.source_system,
        count(*) as unified_count,
        sum(records.amount) as unified_amount
    from deals
    inner join records on records.entity = deals.entity and records.record_key = deals.record_key
    group by records.metric, records.period_start, records.currency_code, records.source_system
)

select
    cast(of_crms.metric as {{ type_text() }}) as metric,
    cast(of_crms.period_start as date) as period_start,
    cast(of_crms.currency_code as {{ type_text() }}) as currency_code,
    cast(of_crms.source_system as {{ type_text() }}) as source_system,
    cast(of_crms.record_count as bigint) as record_count,
    cast(of_crms.record_amount as decimal(18, 2)) as record_amount,
    cast(of_crms.duplicate_count as bigint) as duplicate_count,
    cast(of_crms.duplicate_amount as decimal(18, 2)) as duplicate_amount,
    cast(coalesce(unified.unified_count, 0) as bigint) as unified_count,
    cast(coalesce(unified.unified_amount, 0) as decimal(18, 2)) as unified_amount,
    cast(
        of_crms.record_amount - of_crms.duplicate_amount - coalesce(unified.unified_amount, 0) as decimal(18, 2)
    ) as difference,
    cast(of_crms.as_of_date as date) as as_of_date,
    {{ metric_version() }} as metric_version
from of_crms
left join unified
    on unified.metric = of_crms.metric
    and unified.period_start is not distinct from of_crms.period_start
    and unified.currency_code = of_crms.currency_code
    and unified.source_system = of_crms.source_system
