with raw as (
    select * from {{ source('fxiaoke_export', 'personnel_obj__history') }}
),

renamed as (
    select
        -- keys
        _org as source_org,
        _record_id as user_id,
        coalesce({{ text_field('employee_number') }}, _number) as user_number,
        cast(null as {{ type_text() }}) as user_email,
        {{ lookup_id('leader') }} as manager_id,
        {{ lookup_name('leader') }} as manager_name,

        -- who it is
        coalesce({{ text_field('name') }}, {{ text_field('full_name') }}) as user_name,
        {{ text_field('position') }} as job_title,
        {{ lookup_name('main_department') }} as org_unit,
        {{ lookup_name('main_department') }} as region,
        {{ text_field('status') }} as user_status,
        {{ timestamp_field('create_time') }} as created_at,

        -- how we know
        _modified_at as modified_at,
        _read_at as read_at,
        _position as read_position,
        _loaded_at as known_at,
        _deleted_at as deleted_at
    from raw
)

select * from renamed
