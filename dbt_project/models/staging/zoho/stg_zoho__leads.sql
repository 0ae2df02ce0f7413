with raw as (
    select * from {{ source('zoho', 'leads') }}
),

renamed as (
    select
        -- keys
        _org as source_org,
        _record_id as lead_id,
        {{ lookup_id('Owner') }} as owner_id,
        {{ lookup_name('Owner') }} as owner_name,

        -- who it is (personal data)
        {{ text_field('Full_Name') }} as lead_name,
        {{ text_field('Company') }} as company_name,
        coalesce({{ text_field('Mobile') }}, {{ text_field('Phone') }}) as phone,
        {{ text_field('Email') }} as email,

        -- where it stands
        {{ text_field('Lead_Status') }} as source_status,
        {{ text_field('Lead_Source') }} as lead_source,
        {{ timestamp_field('Converted_Date_Time') }} as converted_at,

        -- what it became
        {{ lookup_id('Converted_Account') }} as account_id,
        {{ lookup_name('Converted_Account') }} as account_name,
        {{ lookup_id('Converted_Contact') }} as contact_id,
        {{ lookup_name('Converted_Contact') }} as contact_name,
        {{ lookup_id('Converted_Deal') }} as opportunity_id,
        {{ lookup_name('Converted_Deal') }} as opportunity_name,

        -- how we know
        {{ timestamp_field('Created_Time') }} as created_at,
        _modified_at as modified_at
    from raw
    where _deleted_at is null
)

select * from renamed
