with raw as (
    select * from {{ source('fxiaoke', 'account_obj') }}
),

renamed as (
    select
        -- keys
        _org as source_org,
        _record_id as account_id,
        {{ text_field('account_no') }} as record_number,
        {{ lookup_id('owner') }} as owner_id,
        {{ lookup_name('owner') }} as owner_name,
        {{ lookup_id('parent_account_id') }} as parent_id,
        {{ lookup_name('parent_account_id') }} as parent_name,

        -- what it is
        {{ text_field('name') }} as account_name,
        {{ lookup_label('account_type') }} as account_type,
        {{ text_field('uniform_social_credit_code') }} as credit_code,
        {{ lookup_label('industry_level1') }} as industry,
        {{ typed_field('employee_count', 'bigint') }} as employee_count,
        {{ money_field('annual_revenue') }} as annual_revenue,
        {{ lookup_label('deal_status') }} as deal_status,

        -- how it is reached
        {{ text_field('tel') }} as phone,
        {{ text_field('url') }} as website,

        -- where it is
        {{ lookup_label('country') }} as country,
        {{ lookup_label('province') }} as province,
        {{ lookup_label('city') }} as city,

        -- how we know
        {{ timestamp_field('create_time') }} as created_at,
        _modified_at as modified_at
    from raw
    where _deleted_at is null
)

select * from renamed
