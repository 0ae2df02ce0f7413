with raw as (
    select * from {{ source('fxiaoke_export', 'leads_obj') }}
),

renamed as (
    select
        -- keys
        _org as source_org,
        _record_id as lead_id,
        {{ lookup_id('owner') }} as owner_id,
        {{ lookup_name('owner') }} as owner_name,

        -- who it is (personal data)
        {{ text_field('name') }} as lead_name,
        {{ text_field('company') }} as company_name,
        coalesce({{ text_field('mobile') }}, {{ text_field('tel') }}) as phone,
        {{ text_field('email') }} as email,

        -- where it stands
        coalesce({{ text_field('biz_status') }}, {{ text_field('leads_stage') }}) as source_status,
        {{ text_field('source') }} as lead_source,
        {{ timestamp_field('transform_time') }} as converted_at,

        -- what it became (not told)
        cast(null as {{ type_text() }}) as account_id,
        cast(null as {{ type_text() }}) as account_name,
        cast(null as {{ type_text() }}) as contact_id,
        cast(null as {{ type_text() }}) as contact_name,
        cast(null as {{ type_text() }}) as opportunity_id,
        cast(null as {{ type_text() }}) as opportunity_name,

        -- how we know
        {{ timestamp_field('create_time') }} as created_at,
        _modified_at as modified_at
    from raw
    where _deleted_at is null
)

select * from renamed
