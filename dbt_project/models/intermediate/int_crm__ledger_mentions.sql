{{ config(materialized='ephemeral') }}

{%- for model, references in ledger_references().items() %}
{%- set model_loop = loop %}
{%- for prefix, entity in references.items() %}
select
    {{ prefix }}_reference_key as reference_key,
    '{{ entity }}' as entity,
    source_system,
    source_org,
    {{ prefix }}_id as reference_id,
    {{ prefix }}_name as reference_name
from {{ ref('int_crm__' ~ model) }}
{%- if not (loop.last and model_loop.last) %}
union all
{%- endif %}
{%- endfor %}
{%- endfor %}
