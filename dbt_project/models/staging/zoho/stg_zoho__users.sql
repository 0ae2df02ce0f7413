with raw as (
    select * from {{ source('zoho', 'users') }}
),

renamed as (
    select
        -- keys
        _org as source_org,
        _record_id as user_id,
        cast(null as {{ type_text() }}) as reference_id,
        {{ lookup_id('Reporting_To') }} as manager_id,
        {{ lookup_name('Reporting_To') }} as manager_name,

        -- who it is
        coalesce({{ text_field('full_name') }}, {{ text_field('last_name') }}) as user_name,
        {{ text_field('email') }} as email,
        cast(null as {{ type_text() }}) as employee_number,
        {{ lookup_name('role') }} as job_title,
        {{ text_field('status') }} as user_status,
        {{ text_field('state') }} as region,

        -- how we know
        {{ timestamp_field('created_time') }} as created_at,
        _modified_at as modified_at
    from raw
    where _deleted_at is null
)

select * from renamed
