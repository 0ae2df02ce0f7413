{{ config(severity='warn') }}

-- Whoever keeps the sheet identity_decisions: the record named there is in no CRM (a mistyped id, a deleted record, another
-- source). Correct the id or take the row out; until then the row decides nothing.
{%- set entities = ['account', 'contact', 'user', 'product'] %}
with known as (
    {%- for entity in entities %}
    select '{{ entity }}' as entity, source_system, {{ entity }}_id as record_id
    from {{ ref('int_crm__' ~ entity ~ '_evidence') }}
    union
    {%- endfor %}
    select {% for entity in entities %}{{ "case entity " if loop.first }}when '{{ entity }}s' then '{{ entity }}' {% endfor %}end,
        source_system, weak_id
    from {{ ref('int_crm__key_map') }}
    where decision = 'adopted'
),

sides as (
    select identity_decision_id, entity, left_source as source, left_id as record_id, decided_by
    from {{ ref('stg_inputs__identity_decisions') }}
    union all
    select identity_decision_id, entity, right_source, right_id, decided_by
    from {{ ref('stg_inputs__identity_decisions') }}
)

select sides.*
from sides
left join known
    on known.entity = sides.entity
    and known.source_system = {{ crm_of('sides.source') }}
    and known.record_id = sides.record_id
where known.record_id is null
    and sides.entity in ({% for entity in entities %}'{{ entity }}'{{ ', ' if not loop.last }}{% endfor %})
