with records as (
    select * from {{ ref('int_crm__money_records') }}
),

-- The best pair of a record that made it the same deal as another.
reasons as (
    select
        record_key,
        score,
        decided_how,
        decided_by,
        reason,
        row_number() over (partition by record_key order by decided_how, score desc, pair_key) as place
    from (
        {%- for side in ['opportunity_key', 'other_opportunity_key'] %}
        select
            {{ side }} as record_key, opportunity_key || other_opportunity_key as pair_key, score, decided_how,
            decided_by, reason
        from {{ ref('map_opportunity_identity') }}
        where decision = 'same'
        {%- if not loop.last %}
        union all
        {%- endif %}
        {%- endfor %}
    ) as sides
),

counted_ones as (
    select * from records
    where {{ counted_once('records') }}
)

select
    cast(duplicates.entity as {{ type_text() }}) as entity,
    cast(duplicates.record_key as {{ type_text() }}) as record_key,
    cast(duplicates.record_uid as {{ type_text() }}) as record_uid,
    cast(duplicates.source_system as {{ type_text() }}) as source_system,
    cast(duplicates.source_id as {{ type_text() }}) as source_id,
    cast(duplicates.metric as {{ type_text() }}) as metric,
    cast(duplicates.period_start as date) as period_start,
    cast(duplicates.currency_code as {{ type_text() }}) as currency_code,
    cast(duplicates.amount as decimal(18, 2)) as amount,
    cast(duplicates.counted_record_key as {{ type_text() }}) as counted_record_key,
    cast(counted_ones.source_system as {{ type_text() }}) as counted_source_system,
    cast(counted_ones.source_id as {{ type_text() }}) as counted_source_id,
    cast(counted_ones.amount as decimal(18, 2)) as counted_amount,
    cast(
        case when duplicates.matched_by is not null then 'rule' else reasons.decided_how end as {{ type_text() }}
    ) as decided_how,
    cast(reasons.score as decimal(5, 2)) as score,
    cast(reasons.decided_by as {{ type_text() }}) as decided_by,
    cast(coalesce(duplicates.matched_by, reasons.reason) as {{ type_text() }}) as reason,
    cast(duplicates.as_of_date as date) as as_of_date,
    {{ metric_version() }} as metric_version
from records as duplicates
left join counted_ones on counted_ones.entity = duplicates.entity and counted_ones.record_key = duplicates.counted_record_key
left join reasons on reasons.record_key = duplicates.record_key and reasons.place = 1
where duplicates.is_duplicate
