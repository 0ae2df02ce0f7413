{{ config(materialized='ephemeral') }}

with raw as (
    select * from {{ source('zoho', 'sales_orders') }}
),

renamed as (
    select
        -- keys
        _org as source_org,
        _record_id as order_id,
        {{ lookup_id('Account_Name') }} as account_id,
        {{ lookup_name('Account_Name') }} as account_name,
        {{ lookup_id('Deal_Name') }} as opportunity_id,
        {{ lookup_name('Deal_Name') }} as opportunity_name,
        {{ lookup_id('Quote_Name') }} as quote_id,
        {{ lookup_name('Quote_Name') }} as quote_name,
        cast(null as {{ type_text() }}) as contract_id,
        cast(null as {{ type_text() }}) as contract_name,
        {{ lookup_id('Owner') }} as owner_id,
        {{ lookup_name('Owner') }} as owner_name,

        -- what it is
        {{ text_field('SO_Number') }} as order_no,
        {{ text_field('Status') }} as source_status,
        cast(null as {{ type_text() }}) as source_record_status,

        -- money
        {{ money_field('Grand_Total') }} as amount,
        {{ money_field('Sub_Total') }} as line_total,
        cast(null as decimal(18, 2)) as delivered_amount,
        {{ text_field('Currency') }} as currency_code,
        {{ inverse_rate(typed_field('Exchange_Rate', type_double())) }} as exchange_rate,

        -- days and moments. No field holds the day of the order: it is that of its creation
        {{ business_date(timestamp_field('Created_Time')) }} as ordered_on,
        {{ typed_field('Due_Date', 'date') }} as due_on,

        -- how we know
        {{ timestamp_field('Created_Time') }} as created_at,
        _modified_at as modified_at
    from raw
    where _deleted_at is null
)

select * from renamed
