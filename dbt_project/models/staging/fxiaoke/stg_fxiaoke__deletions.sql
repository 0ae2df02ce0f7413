{%- set tables = {
    'users': ['personnel_obj', text_field('employee_number')],
    'accounts': ['account_obj', text_field('account_no')],
    'products': ['product_obj', text_field('product_code')],
    'opportunities': ['new_opportunity_obj', 'cast(null as ' ~ type_text() ~ ')'],
} %}

with words as (
    select * from {{ source('ops', 'deletions') }}
    where source = 'fxiaoke'
),

{%- for entity, facts in tables.items() %}
{{ entity }} as (
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
        _deletion_evidence as deletion_evidence,
        true as is_read
    from {{ source('fxiaoke', facts[0]) }}
),
{%- endfor %}

gone as (
    {%- for entity in tables %}
    select * from {{ entity }}
    where deleted_at is not null
    union all
    {%- endfor %}
    -- void before the API was asked for the first time: files from then may show it
    {%- for entity, facts in tables.items() %}
    select
        '{{ entity }}', words.org, words.record_id, null, null, null, max(words.deleted_at), max(words.deleted_at),
        max(words.read_at), max(words.evidence), false
    from words
    left join {{ entity }} as known on known.source_org = words.org and known.record_id = words.record_id
    where words.stream = '{{ facts[0] }}' and known.record_id is null
    group by words.org, words.record_id
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)

select * from gone
