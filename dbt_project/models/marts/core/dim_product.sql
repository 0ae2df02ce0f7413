with products as (
    {{ survived('product') }}
)

select
    cast(product_uid as {{ type_text() }}) as product_uid,
    cast(source_system as {{ type_text() }}) as source_system,
    cast(source_org as {{ type_text() }}) as source_org,
    cast(source_id as {{ type_text() }}) as source_id,
    cast(source_count as integer) as source_count,
    cast(product_name as {{ type_text() }}) as product_name,
    cast(product_code as {{ type_text() }}) as product_code,
    cast(product_line as {{ type_text() }}) as product_line,
    cast({{ team_key('product_line', match_key('product_line')) }} as {{ type_text() }}) as product_line_team_key,
    cast(list_price as decimal(18, 2)) as list_price,
    cast(false as boolean) as is_unassigned
from products

union all

select
    'unassigned', null, null, null, 0, 'Unassigned / 未分配', null, null, {{ team_key('product_line', 'null') }}, null, true
