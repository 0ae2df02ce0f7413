with raw as (
    select * from {{ source('fxiaoke_export', 'product_obj__history') }}
),

renamed as (
    select
        -- keys
        _org as source_org,
        _record_id as product_id,

        -- what it is
        {{ text_field('name') }} as product_name,
        {{ text_field('product_code') }} as product_code,
        {{ text_field('product_line') }} as product_line,
        {{ money_field('price') }} as list_price,
        {{ timestamp_field('create_time') }} as created_at,

        -- how we know
        _modified_at as modified_at,
        _read_at as read_at,
        _position as read_position,
        _loaded_at as known_at,
        _deleted_at as deleted_at
    from raw
)

select * from renamed
