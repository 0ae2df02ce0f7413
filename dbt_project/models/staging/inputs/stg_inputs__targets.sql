with raw as (
    select * from {{ source('inputs', 'targets') }}
),

renamed as (
    select
        -- keys
        _org as source_org,
        _record_id as target_id,

        -- which target
        {{ text_field('version') }} as version,
        {{ text_field('status') }} as status,
        {{ text_field('metric') }} as metric,
        {{ typed_field('year', 'integer') }} as fiscal_year,
        {{ text_field('period') }} as period,

        -- whose it is, and what it is cut by
        {{ text_field('level') }} as level,
        {{ text_field('axis') }} as axis,
        {{ text_field('team') }} as team,
        {{ text_field('person') }} as person,
        {{ text_field('person_id') }} as person_id,
        {{ text_field('product_line') }} as product_line,
        {{ text_field('region') }} as region,
        {{ text_field('channel') }} as channel,
        {{ text_field('customer_type') }} as customer_type,

        -- how much
        {{ typed_field('target_value', 'decimal(18, 4)') }} as target_value,
        {{ text_field('currency') }} as currency_code,
        {{ typed_field('locked', 'boolean') }} as is_locked,

        -- where it comes from
        {{ text_field('target_no') }} as target_no,
        {{ text_field('parent_no') }} as parent_no,

        -- how we know
        {{ text_field('remark') }} as remark,
        _modified_at as modified_at
    from raw
    where _deleted_at is null
)

select * from renamed
