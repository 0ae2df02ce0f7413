{{ config(severity='warn') }}

-- Whoever decided, or keeps the sheet identity_decisions (同一性判定): the row that `problem` names decides nothing until it is
-- mended there. A row with two unknown records is two problems.
{%- set entities = ['account', 'contact', 'user', 'product'] %}
with named as (
    {%- for entity in entities %}
    select '{{ entity }}' as entity, source_system, record_id from ({{ identity_names(entity) }}) as {{ entity }}_names
    union
    {%- endfor %}
    select 'opportunity', source_system, opportunity_id from {{ ref('int_crm__opportunities') }}
),

decisions as (
    select * from {{ ref('stg_inputs__identity_decisions') }}
),

sides as (
    select identity_decision_id, entity, decided_by, decided_on, 'left (甲方)' as side, left_source as source, left_id as record_id
    from decisions
    union all
    select identity_decision_id, entity, decided_by, decided_on, 'right (乙方)', right_source, right_id
    from decisions
),

spelled as (
    {{ spelled_ids('sides', 'record_id', ['identity_decision_id', 'side', 'entity', 'source']) }}
),

found as (
    select distinct spelled.identity_decision_id, spelled.side
    from spelled
    inner join named
        on named.entity = spelled.entity
        and named.source_system = {{ crm_of('spelled.source') }}
        and named.record_id = spelled.spelled_id
)

select
    sides.identity_decision_id,
    'identity_decisions (同一性判定): of the decision on ' || sides.entity || ' by ' || coalesce(sides.decided_by, 'nobody') || ' of '
    || coalesce(cast(sides.decided_on as {{ type_text() }}), 'no day') || ', the ' || sides.side || ' record ' || sides.record_id
    || ' is unknown in ' || sides.source || ' (mistyped, deleted, or of another CRM); correct its id or end the row with 未定.' as problem
from sides
left join found on found.identity_decision_id = sides.identity_decision_id and found.side = sides.side
where found.side is null

union all

select
    identity_decision_id,
    'identity_decisions (同一性判定): both sides of the decision on ' || entity || ' by ' || coalesce(decided_by, 'nobody')
    || ' are the record ' || left_id || ' of ' || left_source || '; one of the two ids was pasted twice, correct it.'
from decisions
where {{ crm_of('left_source') }} = {{ crm_of('right_source') }} and left_id = right_id
