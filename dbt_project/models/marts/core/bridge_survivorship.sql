with survivors as (
    select * from {{ ref('int_crm__survivors') }}
)

select
    cast({{ surrogate_key(['entity', 'uid', 'column_name', 'record_key']) }} as {{ type_text() }}) as survivorship_key,
    cast(entity as {{ type_text() }}) as entity,
    cast(uid as {{ type_text() }}) as uid,
    cast(column_name as {{ type_text() }}) as column_name,
    cast(record_key as {{ type_text() }}) as record_key,
    cast(source_system as {{ type_text() }}) as source_system,
    cast(case when not is_personal then told_value end as {{ type_text() }}) as told_value,
    cast(rule as {{ type_text() }}) as rule,
    cast(is_survivor as boolean) as is_survivor,
    cast(is_conflict as boolean) as is_conflict
from survivors
