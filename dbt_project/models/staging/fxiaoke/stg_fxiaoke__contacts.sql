with raw as (
    select * from {{ source('fxiaoke', 'contact_obj') }}
),

renamed as (
    select
        -- keys
        _org as source_org,
        _record_id as contact_id,
        {{ lookup_id('account_id') }} as account_id,
        {{ lookup_name('account_id') }} as account_name,
        {{ lookup_id('owner') }} as owner_id,
        {{ lookup_name('owner') }} as owner_name,

        -- who it is (personal data)
        {{ text_field('name') }} as contact_name,
        coalesce({{ text_field('mobile1') }}, {{ text_field('tel1') }}) as phone,
        {{ text_field('email') }} as email,
        {{ text_field('job_title') }} as job_title,
        {{ text_field('department') }} as department,

        -- how we know
        {{ timestamp_field('create_time') }} as created_at,
        _modified_at as modified_at
    from raw
    where _deleted_at is null
)

select * from renamed
