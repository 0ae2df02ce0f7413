with raw as (
    select * from {{ source('inputs', 'visit_policies') }}
),

renamed as (
    select
        -- keys
        _org as source_org,
        _record_id as visit_policy_id,

        -- for whom, and when
        {{ text_field('policy') }} as policy,
        {{ text_field('tier') }} as tier,
        {{ text_field('customer_type') }} as customer_type,
        {{ text_field('activity') }} as activity,
        {{ typed_field('valid_from', 'date') }} as valid_from,
        {{ typed_field('valid_to', 'date') }} as valid_to,

        -- what is promised
        {{ typed_field('every_days', 'integer') }} as every_days,
        {{ typed_field('respond_hours', 'decimal(18, 2)') }} as respond_hours,

        -- how we know
        {{ text_field('remark') }} as remark,
        _modified_at as modified_at
    from raw
    where _deleted_at is null
)

select * from renamed
