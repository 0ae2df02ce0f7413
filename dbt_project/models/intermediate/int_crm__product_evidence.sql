{{ config(materialized='table') }}

with products as (
    select * from {{ ref('int_crm__products_unioned') }}
)

select
    products.product_key,
    products.source_system,
    products.source_org,
    products.product_id,
    products.created_at,
    products.modified_at,
    nullif({{ match_key('products.product_code') }}, '') as product_code,
    nullif(spellings.spelling, '') as name_norm,
    nullif({{ match_key('products.product_line') }}, '') as product_line
from products
left join {{ source('identity', 'spellings') }} as spellings on spellings.value = products.product_name
