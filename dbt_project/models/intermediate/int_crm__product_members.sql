{{ config(materialized='table') }}

{{ identity_members('product', 'product_code') }}
