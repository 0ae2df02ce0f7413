{%- set tracked = ['product_name', 'product_code', 'product_line', 'list_price'] %}

with versions as (
    {{ crm_versions('product_versions', 'products', 'product_id', tracked + ['created_at']) }}
),

{{ history_intervals('versions', ['source_system', 'source_org', 'product_id'], tracked) }},

keyed as (
    select
        {{ surrogate_key(['source_system', 'source_org', 'product_id']) }} as product_key,
        intervals.*
    from intervals
),

members as (
    select * from {{ ref('int_crm__product_members') }}
)

select
    cast({{ surrogate_key(['keyed.product_key', 'keyed.valid_from']) }} as {{ type_text() }}) as product_history_key,
    cast(keyed.product_key as {{ type_text() }}) as product_key,
    cast(coalesce(members.product_uid, keyed.product_key) as {{ type_text() }}) as product_uid,
    cast(keyed.source_system as {{ type_text() }}) as source_system,
    cast(keyed.source_org as {{ type_text() }}) as source_org,
    cast(keyed.product_id as {{ type_text() }}) as source_id,
    cast(keyed.product_name as {{ type_text() }}) as product_name,
    cast(keyed.product_code as {{ type_text() }}) as product_code,
    cast(keyed.product_line as {{ type_text() }}) as product_line,
    cast({{ team_key('product_line', match_key('keyed.product_line')) }} as {{ type_text() }}) as product_line_team_key,
    cast(keyed.list_price as decimal(18, 2)) as list_price,
    cast(keyed.valid_from as {{ type_timestamp_tz() }}) as valid_from,
    cast(keyed.valid_to as {{ type_timestamp_tz() }}) as valid_to,
    cast(keyed.recorded_from as {{ type_timestamp_tz() }}) as recorded_from,
    cast(keyed.is_current as boolean) as is_current,
    cast(keyed.known_from as {{ type_timestamp_tz() }}) as known_from,
    cast(keyed.evidence as {{ type_text() }}) as evidence
from keyed
left join members on members.product_key = keyed.product_key
