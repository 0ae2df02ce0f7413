{%- set tables = {
    'users': ['personnel_obj', text_field('employee_number')],
    'accounts': ['account_obj', text_field('account_no')],
    'products': ['product_obj', text_field('product_code')],
    'opportunities': ['new_opportunity_obj', 'cast(null as ' ~ type_text() ~ ')'],
} %}
{%- for entity, facts in tables.items() %}
select
    '{{ entity }}' as entity,
    _org as source_org,
    _record_id as record_id,
    {{ text_field('name') }} as record_name,
    {{ facts[1] }} as record_number,
    {{ timestamp_field('create_time') }} as created_at,
    _modified_at as modified_at,
    _deleted_at as deleted_at,
    _read_at as said_at,
    _deletion_evidence as deletion_evidence
from {{ source('fxiaoke', facts[0]) }}
where _deleted_at is not null
{%- if not loop.last %}
union all
{%- endif %}
{%- endfor %}
