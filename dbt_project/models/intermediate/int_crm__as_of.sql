{{ config(materialized='table', meta={'digest': 'rows'}) }}

with newest_stamps as (
    {%- for source in var('crm_sources') %}
    {%- set source_loop = loop %}
    {%- for entity in [
        'users', 'accounts', 'contacts', 'leads', 'products', 'opportunities', 'opportunity_versions', 'stage_visits',
    ] %}
    select max(modified_at) as modified_at from {{ ref('stg_' ~ source ~ '__' ~ entity) }}
    {%- if not (loop.last and source_loop.last) %}
    union all
    {%- endif %}
    {%- endfor %}
    {%- endfor %}
    {%- for entity in var('entity_sources') if entity != 'currency_versions' %}
    {%- for ways in crm_ways(entity).values() %}
    {%- for way in ways %}
    union all
    select max(modified_at) from {{ ref('stg_' ~ way ~ '__' ~ entity) }}
    {%- endfor %}
    {%- endfor %}
    {%- endfor %}
)

{% if var('as_of_date') -%}
select cast('{{ var("as_of_date") }}' as date) as as_of_date
{%- else -%}
select {{ business_date('max(modified_at)') }} as as_of_date
from newest_stamps
{%- endif %}
