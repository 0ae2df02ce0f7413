with raw as (
    select * from {{ source('fxiaoke_export', 'product_obj') }}
),

renamed as (
    select
        -- keys
        _org as source_org,
        _record_id as product_id,
        {{ export_key_kind() }} as record_key_kind,
        _number as record_number,

        -- what it is
        {{ text_field('name') }} as product_name,
        {{ text_field('product_code') }} as product_code,
        {{ text_field('product_line') }} as product_line,
        {{ money_field('price') }} as list_price,

        -- how we know
        {{ timestamp_field('create_time') }} as created_at,
        _modified_at as modified_at
    from raw
    where _deleted_at is null
)

select * from renamed
