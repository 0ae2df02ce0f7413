with raw as (
    select * from {{ source('zoho', 'contacts') }}
),

renamed as (
    select
        -- keys
        _org as source_org,
        _record_id as contact_id,
        {{ lookup_id('Account_Name') }} as account_id,
        {{ lookup_name('Account_Name') }} as account_name,
        {{ lookup_id('Owner') }} as owner_id,
        {{ lookup_name('Owner') }} as owner_name,

        -- who it is (personal data)
        {{ text_field('Full_Name') }} as contact_name,
        coalesce({{ text_field('Mobile') }}, {{ text_field('Phone') }}) as phone,
        {{ text_field('Email') }} as email,
        {{ text_field('Title') }} as job_title,
        {{ text_field('Department') }} as department,

        -- how we know
        {{ timestamp_field('Created_Time') }} as created_at,
        _modified_at as modified_at
    from raw
    where _deleted_at is null
)

select * from renamed
