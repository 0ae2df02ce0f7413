{{ config(materialized='table') }}

select
    product_key,
    product_key as product_uid
from {{ ref('int_crm__products_unioned') }}

union all

select 'unassigned', 'unassigned'
