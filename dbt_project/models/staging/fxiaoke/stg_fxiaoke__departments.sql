with raw as (
    select * from {{ source('fxiaoke', 'department_obj') }}
),

renamed as (
    select
        -- keys
        _org as source_org,
        _record_id as department_id,
        {{ lookup_id('parent_id') }} as parent_department_id,

        -- what it is
        {{ text_field('name') }} as department_name,
        {{ lookup_label('status') }} as department_status,

        -- how we know
        {{ timestamp_field('create_time') }} as created_at,
        _modified_at as modified_at
    from raw
    where _deleted_at is null
)

select * from renamed
