{#
    The same columns of stg_<source>__<entity> for every source of the var `crm_sources`, with the source's
    name first. The column list is what a CRM's staging folder must offer for that entity.
#}
{% macro union_sources(entity, columns) -%}
    {%- for source in var('crm_sources') %}
    select
        cast('{{ source }}' as {{ type_text() }}) as source_system,
        {{ columns | join(',\n        ') }}
    from {{ ref('stg_' ~ source ~ '__' ~ entity) }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
{%- endmacro %}

{# What an opportunity looks like to everybody after staging; current rows and versions share it. #}
{% macro opportunity_columns() -%}
    {{ return([
        'source_org', 'opportunity_id', 'opportunity_name',
        'account_id', 'account_name', 'product_id', 'product_name', 'owner_id', 'owner_name',
        'pipeline', 'source_stage', 'source_status', 'source_record_status', 'lost_reason', 'lead_source',
        'amount', 'currency_code', 'expected_close_date', 'actual_close_date',
        'created_at', 'modified_at', 'read_at', 'read_position', 'deleted_at',
    ]) }}
{%- endmacro %}

{# The row of int_crm__references that resolves a lookup of a source row. #}
{% macro reference_key(entity, id, name) -%}
    {{ surrogate_key(["'" ~ entity ~ "'", 'source_system', 'source_org', id, name]) }}
{%- endmacro %}
