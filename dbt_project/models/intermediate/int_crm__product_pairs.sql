{{ config(materialized='table') }}

{{ identity_pairs('product', {
    'code': compared('product_code'),
    'name': compared('name_norm'),
    'line': compared('product_line', 'same'),
}) }}
