{{ config(materialized='table') }}

with unioned as (
    {{ crm_records('products', 'product_id', [
        'source_org', 'product_id', 'product_name', 'product_code', 'product_line', 'list_price', 'created_at', 'modified_at',
    ]) }}
)

select
    {{ surrogate_key(['source_system', 'source_org', 'product_id']) }} as product_key,
    unioned.*
from unioned
