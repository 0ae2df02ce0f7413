with raw as (
    select * from {{ source('zoho', 'accounts') }}
),

renamed as (
    select
        -- keys
        _org as source_org,
        _record_id as account_id,
        {{ lookup_id('Owner') }} as owner_id,
        {{ lookup_name('Owner') }} as owner_name,
        {{ lookup_id('Parent_Account') }} as parent_id,
        {{ lookup_name('Parent_Account') }} as parent_name,

        -- what it is
        {{ text_field('Account_Name') }} as account_name,
        {{ text_field('Account_Type') }} as account_type,
        {{ text_field(var('zoho_credit_code_field')) }} as credit_code,
        {{ text_field('Industry') }} as industry,
        {{ typed_field('Employees', 'bigint') }} as employee_count,
        {{ money_field('Annual_Revenue') }} as annual_revenue,
        cast(null as {{ type_text() }}) as deal_status,

        -- how it is reached
        {{ text_field('Phone') }} as phone,
        {{ text_field('Website') }} as website,

        -- where it is
        {{ text_field('Billing_Country') }} as country,
        {{ text_field('Billing_State') }} as province,
        {{ text_field('Billing_City') }} as city,

        -- how we know
        {{ timestamp_field('Created_Time') }} as created_at,
        _modified_at as modified_at
    from raw
    where _deleted_at is null
)

select * from renamed
