with raw as (
    select * from {{ source('zoho', 'products') }}
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

        -- how we know
        {{ timestamp_field('Created_Time') }} as created_at,
        _modified_at as modified_at
    from raw
    where _deleted_at is null
)

select * from renamed
