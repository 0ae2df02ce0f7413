with raw as (
    select * from {{ source('zoho', 'products__history') }}
),

renamed as (
    select
        -- keys
        _org as source_org,
        _record_id as product_id,

        -- what it is
        {{ text_field('Product_Name') }} as product_name,
        {{ text_field('Product_Code') }} as product_code,
        {{ text_field('Product_Category') }} as product_line,
        {{ money_field('Unit_Price') }} as list_price,
        {{ timestamp_field('Created_Time') }} as created_at,

        -- how we know
        _modified_at as modified_at,
        _read_at as read_at,
        _position as read_position,
        _loaded_at as known_at,
        _deleted_at as deleted_at
    from raw
)

select * from renamed
