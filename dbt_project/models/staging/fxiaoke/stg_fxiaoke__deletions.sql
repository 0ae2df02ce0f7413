{%- set tables = {
    'users': 'personnel_obj', 'accounts': 'account_obj', 'products': 'product_obj', 'opportunities': 'new_opportunity_obj',
} %}
{%- for entity, table in tables.items() %}
select
    '{{ entity }}' as entity,
    _org as source_org,
    _record_id as record_id,
    _deleted_at as deleted_at,
    _deletion_evidence as deletion_evidence
from {{ source('fxiaoke', table) }}
where _deleted_at is not null
{%- if not loop.last %}
union all
{%- endif %}
{%- endfor %}
