with products as (
    select * from {{ ref('int_crm__products_unioned') }}
),

members as (
    select
        product_key,
        source_system,
        source_org,
        product_id as source_id,
        product_name,
        product_code,
        product_line,
        list_price,
        false as is_unassigned
    from products

    union all

    select 'unassigned', null, null, null, 'Unassigned / 未分配', null, null, null, true
)

select
    cast(product_key as {{ type_text() }}) as product_key,
    cast(source_system as {{ type_text() }}) as source_system,
    cast(source_org as {{ type_text() }}) as source_org,
    cast(source_id as {{ type_text() }}) as source_id,
    cast(product_name as {{ type_text() }}) as product_name,
    cast(product_code as {{ type_text() }}) as product_code,
    cast(product_line as {{ type_text() }}) as product_line,
    cast({{ team_key('product_line', match_key('product_line')) }} as {{ type_text() }}) as product_line_team_key,
    cast(list_price as decimal(18, 2)) as list_price,
    cast(is_unassigned as boolean) as is_unassigned
from members
