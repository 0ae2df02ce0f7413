{#
    Entities that not every source offers (var entity_sources): what follows a sale, and the work around it.
    No source of crm_sources may offer one, so a select without rows gives the columns their types.
#}

{# stg_<source>__<entity> of every source that offers it, after source_system and source_way. #}
{% macro ledger_union(entity, columns) -%}
    select
        cast('' as {{ type_text() }}) as source_system,
        cast('' as {{ type_text() }}) as source_way,
        {{ columns | join(',\n        ') }}
    from {{ ref('stg_' ~ var('entity_sources')[entity][0] ~ '__' ~ entity) }}
    where 1 = 0
    {%- for crm, ways in crm_ways(entity).items() %}
    {%- for way in ways %}
    union all
    select
        '{{ crm }}',
        '{{ way }}',
        {{ columns | join(',\n        ') }}
    from {{ ref('stg_' ~ way ~ '__' ~ entity) }}
    {%- endfor %}
    {%- endfor %}
{%- endmacro %}
