{{ config(materialized='ephemeral') }}

with raw as (
    select * from {{ source('fxiaoke', 'quote_lines_obj') }}
),

renamed as (
    select
        -- keys
        _org as source_org,
        _record_id as quote_line_id,
        {{ lookup_id('quote_id') }} as quote_id,
        {{ lookup_name('quote_id') }} as quote_name,
        {{ lookup_id('product_id') }} as product_id,
        {{ lookup_name('product_id') }} as product_name,

        -- what it is
        {{ lookup_label('life_status') }} as source_record_status,

        -- how many and for how much
        {{ typed_field('quantity', 'decimal(18, 4)') }} as quantity,
        {{ money_field('price') }} as list_price,
        {{ money_field('total_amount') }} as amount,

        -- how we know
        {{ timestamp_field('create_time') }} as created_at,
        _modified_at as modified_at
    from raw
    where _deleted_at is null
)

select * from renamed
