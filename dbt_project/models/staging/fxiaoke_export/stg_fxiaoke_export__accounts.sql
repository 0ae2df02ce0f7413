with raw as (
    select * from {{ source('fxiaoke_export', 'account_obj') }}
),

renamed as (
    select
        -- keys
        _org as source_org,
        _record_id as account_id,
        {{ export_key_kind() }} as record_key_kind,
        _number as record_number,
        {{ lookup_id('owner') }} as owner_id,
        {{ lookup_name('owner') }} as owner_name,
        {{ lookup_id('parent_account_id') }} as parent_id,
        {{ lookup_name('parent_account_id') }} as parent_name,

        -- what it is
        {{ text_field('name') }} as account_name,
        {{ text_field('account_type') }} as account_type,
        {{ text_field('uniform_social_credit_code') }} as credit_code,
        {{ text_field('industry_level1') }} as industry,
        {{ typed_field('employee_count', 'bigint') }} as employee_count,
        {{ money_field('annual_revenue') }} as annual_revenue,
        {{ text_field('deal_status') }} as deal_status,

        -- how it is reached
        {{ text_field('tel') }} as phone,
        {{ text_field('url') }} as website,

        -- where it is
        {{ text_field('country') }} as country,
        {{ text_field('province') }} as province,
        {{ text_field('city') }} as city,

        -- how we know
        {{ timestamp_field('create_time') }} as created_at,
        _modified_at as modified_at
    from raw
    where _deleted_at is null
)

select * from renamed
