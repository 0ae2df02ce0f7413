with raw as (
    select * from {{ source('inputs', 'workdays') }}
),

renamed as (
    select
        -- keys
        _org as source_org,
        _record_id as workday_id,

        -- which day
        {{ text_field('calendar') }} as calendar,
        {{ typed_field('day', 'date') }} as day,

        -- what it is
        {{ text_field('day_type') }} as day_type,
        {{ text_field('occasion') }} as occasion,

        -- how we know
        {{ text_field('remark') }} as remark,
        _modified_at as modified_at
    from raw
    where _deleted_at is null
)

select * from renamed
