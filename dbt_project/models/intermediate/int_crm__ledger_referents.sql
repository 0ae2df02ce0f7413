{{ config(materialized='ephemeral') }}

{%- for entity, facts in ledger_referents().items() %}
select
    '{{ entity }}' as entity,
    source_system,
    source_org,
    {{ facts[2] }} as record_id,
    {{ facts[3] }} as record_name,
    {{ facts[1] }} as record_key
from {{ ref(facts[0]) }}
{%- if not loop.last %}
union all
{%- endif %}
{%- endfor %}
