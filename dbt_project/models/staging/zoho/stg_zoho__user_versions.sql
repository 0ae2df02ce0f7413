with raw as (
    select * from {{ source('zoho', 'users__history') }}
),

renamed as (
    select
        -- keys
        _org as source_org,
        _record_id as user_id,
        cast(null as {{ type_text() }}) as user_number,
        {{ text_field('email') }} as user_email,
        {{ lookup_id('Reporting_To') }} as manager_id,
        {{ lookup_name('Reporting_To') }} as manager_name,

        -- who it is. A role is a place in the tree of roles, so it is both what somebody does and where.
        coalesce({{ text_field('full_name') }}, {{ text_field('last_name') }}) as user_name,
        {{ lookup_label('role') }} as job_title,
        {{ lookup_label('role') }} as org_unit,
        {{ text_field('state') }} as region,
        {{ text_field('status') }} as user_status,
        {{ timestamp_field('created_time') }} as created_at,

        -- how we know
        _modified_at as modified_at,
        _read_at as read_at,
        _position as read_position,
        _loaded_at as known_at,
        _deleted_at as deleted_at
    from raw
)

select * from renamed
