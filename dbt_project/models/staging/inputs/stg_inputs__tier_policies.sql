with raw as (
    select * from {{ source('inputs', 'tier_policies') }}
),

renamed as (
    select
        -- keys
        _org as source_org,
        _record_id as tier_policy_id,

        -- which criterion, and when
        {{ text_field('policy') }} as policy,
        {{ text_field('tier') }} as tier,
        {{ typed_field('tier_order', 'integer') }} as tier_order,
        {{ text_field('measure') }} as measure,
        {{ text_field('customer_type') }} as customer_type,
        {{ typed_field('valid_from', 'date') }} as valid_from,
        {{ typed_field('valid_to', 'date') }} as valid_to,

        -- what it takes
        {{ typed_field('enter_at', 'decimal(18, 4)') }} as enter_at,
        {{ typed_field('keep_at', 'decimal(18, 4)') }} as keep_at,
        {{ typed_field('keep_periods', 'integer') }} as keep_periods,
        {{ typed_field('window_months', 'integer') }} as window_months,

        -- how we know
        {{ text_field('remark') }} as remark,
        _modified_at as modified_at
    from raw
    where _deleted_at is null
)

select * from renamed
