{{ config(materialized='table', meta={'digest': 'rows'}) }}

{%- set entities = {
    'users': ['user_id', 'user_name'],
    'accounts': ['account_id', 'account_name'],
    'products': ['product_id', 'product_name'],
    'opportunities': ['opportunity_id', 'opportunity_name'],
} %}

with known as (
    select
        cast(null as {{ type_text() }}) as entity,
        cast(null as {{ type_text() }}) as source_system,
        cast(null as {{ type_text() }}) as source_way,
        cast(null as {{ type_text() }}) as source_org,
        cast(null as {{ type_text() }}) as record_id,
        cast(null as {{ type_text() }}) as key_kind,
        cast(null as {{ type_text() }}) as record_number,
        cast(null as {{ type_text() }}) as name_key,
        cast(null as {{ type_timestamp_tz() }}) as created_at,
        cast(null as {{ type_timestamp_tz() }}) as modified_at
    where 1 = 0
    {%- set selects = [] %}
    {%- for crm, ways in crm_ways().items() if ways | length > 1 %}
    {%- for way in ways %}
    {%- for entity, columns in entities.items() %}
    {%- set select %}
    select
        '{{ entity }}' as entity,
        '{{ crm }}' as source_system,
        '{{ way }}' as source_way,
        source_org,
        {{ columns[0] }} as record_id,
        {{ "'id'" if way == ways[0] else 'record_key_kind' }} as key_kind,
        record_number,
        {{ match_key(columns[1]) }} as name_key,
        created_at,
        modified_at
    from {{ ref('stg_' ~ way ~ '__' ~ entity) }}
    {%- endset %}
    {%- do selects.append(select) %}
    {%- endfor %}
    {%- endfor %}
    {#- what is void may be what a file without ids still shows #}
    {%- set select %}
    select
        entity,
        '{{ crm }}' as source_system,
        '{{ ways[0] }}' as source_way,
        source_org,
        record_id,
        'id' as key_kind,
        record_number,
        {{ match_key('record_name') }} as name_key,
        created_at,
        modified_at
    from {{ ref('stg_' ~ ways[0] ~ '__deletions') }}
    {%- endset %}
    {%- do selects.append(select) %}
    {%- endfor %}
    {%- for select in selects %}
    union all
    {{ select }}
    {%- endfor %}
),

numbered as (
    {{ adopted('number', "select entity, source_system, source_org, record_id, record_id as adopts, record_number, name_key, created_at
        from known where key_kind = 'id'") }}
),

named as (
    {{ adopted('name', "select known.entity, known.source_system, known.source_org, known.record_id,
            coalesce(numbered.record_id, known.record_id) as adopts, known.record_number, known.name_key, known.created_at
        from known
        left join numbered
            on numbered.entity = known.entity
            and numbered.source_system = known.source_system
            and numbered.source_org = known.source_org
            and numbered.weak_id = known.record_id
        where known.key_kind in ('id', 'number')") }}
)

select * from numbered
union all
select * from named
