with raw as (
    select * from {{ source('fxiaoke', 'personnel_obj') }}
),

renamed as (
    select
        -- keys. Other records refer to a person by user_id, never by _id.
        _org as source_org,
        _record_id as user_id,
        {{ text_field('user_id') }} as reference_id,
        {{ text_field('employee_number') }} as record_number,
        {{ lookup_id('leader') }} as manager_id,
        {{ lookup_name('leader') }} as manager_name,

        -- who it is
        coalesce({{ text_field('name') }}, {{ text_field('full_name') }}) as user_name,
        cast(null as {{ type_text() }}) as email,
        {{ text_field('employee_number') }} as employee_number,
        {{ text_field('position') }} as job_title,
        {{ lookup_label('status') }} as user_status,
        {{ lookup_name('main_department') }} as region,

        -- how we know
        {{ timestamp_field('create_time') }} as created_at,
        _modified_at as modified_at
    from raw
    where _deleted_at is null
)

select * from renamed
