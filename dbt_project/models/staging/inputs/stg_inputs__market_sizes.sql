with raw as (
    select * from {{ source('inputs', 'market_sizes') }}
),

renamed as (
    select
        -- keys
        _org as source_org,
        _record_id as market_size_id,

        -- which market
        {{ text_field('market') }} as market,
        {{ typed_field('year', 'integer') }} as fiscal_year,
        {{ text_field('period') }} as period,
        {{ text_field('region') }} as region,
        {{ text_field('product_line') }} as product_line,
        {{ text_field('customer_type') }} as customer_type,

        -- how large, and who says so
        {{ typed_field('market_size', 'decimal(18, 2)') }} as market_size,
        {{ text_field('currency') }} as currency_code,
        {{ text_field('provider') }} as provider,
        {{ typed_field('provided_on', 'date') }} as provided_on,

        -- how we know
        {{ text_field('remark') }} as remark,
        _modified_at as modified_at
    from raw
    where _deleted_at is null
)

select * from renamed
