{{ config(materialized='table') }}

with told as (
    {% for entity in ['account', 'contact', 'user', 'product'] -%}
    {{ told_values(entity) }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

-- an empty field says nothing; of what is left the column's rule decides, then the newest word, then the key
ranked as (
    select
        told.*,
        rules.rule,
        rules.is_personal,
        row_number() over (
            partition by told.entity, told.uid, told.column_name
            order by
                case when rules.rule = 'longest' then length(told.told_value) end desc nulls last,
                case when rules.rule = 'preferred' and told.source_system = '{{ var("preferred_crm") }}' then 0 else 1 end,
                case when rules.rule = 'first' then told.created_at end nulls last,
                told.modified_at desc nulls last,
                told.record_key
        ) as place,
        min(told.told_value) over (partition by told.entity, told.uid, told.column_name)
        <> max(told.told_value) over (partition by told.entity, told.uid, told.column_name) as is_conflict
    from told
    inner join {{ ref('survivorship') }} as rules
        on rules.entity = told.entity and rules.column_name = told.column_name
    where told.told_value is not null
)

select
    entity,
    uid,
    column_name,
    record_key,
    source_system,
    told_value,
    rule,
    is_personal,
    place = 1 as is_survivor,
    is_conflict
from ranked
