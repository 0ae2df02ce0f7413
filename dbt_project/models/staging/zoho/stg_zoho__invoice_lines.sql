{{ config(materialized='ephemeral') }}

with raw as (
    select * from {{ source('zoho', 'invoiced_items') }}
),

renamed as (
    select
        -- keys
        _org as source_org,
        _record_id as invoice_line_id,
        {{ lookup_id('Parent_Id') }} as invoice_id,
        {{ lookup_name('Parent_Id') }} as invoice_name,
        {{ lookup_id('Product_Name') }} as product_id,
        {{ lookup_name('Product_Name') }} as product_name,

        -- what it is
        cast(null as {{ type_text() }}) as source_record_status,

        -- how many and for how much
        {{ typed_field('Quantity', 'decimal(18, 4)') }} as quantity,
        {{ money_field('List_Price') }} as list_price,
        {{ money_field('Net_Total') }} as amount,

        -- how we know
        {{ timestamp_field('Created_Time') }} as created_at,
        _modified_at as modified_at
    from raw
    where _deleted_at is null
)

select * from renamed
