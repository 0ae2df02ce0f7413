{{ config(materialized='ephemeral') }}

with raw as (
    select * from {{ source('zoho', 'quotes') }}
),

renamed as (
    select
        -- keys
        _org as source_org,
        _record_id as quote_id,
        {{ lookup_id('Account_Name') }} as account_id,
        {{ lookup_name('Account_Name') }} as account_name,
        {{ lookup_id('Deal_Name') }} as opportunity_id,
        {{ lookup_name('Deal_Name') }} as opportunity_name,
        {{ lookup_id('Owner') }} as owner_id,
        {{ lookup_name('Owner') }} as owner_name,

        -- what it is
        {{ text_field('Quote_Number') }} as quote_no,
        {{ text_field('Subject') }} as quote_name,
        {{ text_field('Quote_Stage') }} as source_status,
        cast(null as {{ type_text() }}) as source_record_status,

        -- money
        {{ money_field('Grand_Total') }} as amount,
        {{ money_field('Sub_Total') }} as line_total,
        {{ text_field('Currency') }} as currency_code,
        {{ inverse_rate(typed_field('Exchange_Rate', type_double())) }} as exchange_rate,

        -- days and moments
        {{ business_date(timestamp_field('Created_Time')) }} as quoted_on,
        {{ typed_field('Valid_Till', 'date') }} as valid_until,

        -- how we know
        {{ timestamp_field('Created_Time') }} as created_at,
        _modified_at as modified_at
    from raw
    where _deleted_at is null
)

select * from renamed
