with raw as (
    select * from {{ source('inputs', 'exchange_rates') }}
),

renamed as (
    select
        -- keys
        _org as source_org,
        _record_id as exchange_rate_id,

        -- which rate
        {{ text_field('currency') }} as currency_code,
        {{ text_field('base_currency') }} as base_currency_code,
        {{ text_field('rate_type') }} as rate_type,
        {{ typed_field('rate_date', 'date') }} as rate_date,

        -- what it is
        {{ typed_field('units', 'integer') }} as units,
        {{ typed_field('rate', 'decimal(18, 8)') }} as rate,
        {{ text_field('provider') }} as provider,

        -- how we know
        {{ text_field('remark') }} as remark,
        _modified_at as modified_at
    from raw
    where _deleted_at is null
)

select * from renamed
