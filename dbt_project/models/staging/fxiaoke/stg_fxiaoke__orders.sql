{{ config(materialized='ephemeral') }}

with raw as (
    select * from {{ source('fxiaoke', 'sales_order_obj') }}
),

renamed as (
    select
        -- keys
        _org as source_org,
        _record_id as order_id,
        {{ lookup_id('account_id') }} as account_id,
        {{ lookup_name('account_id') }} as account_name,
        {{ lookup_id('new_opportunity_id') }} as opportunity_id,
        {{ lookup_name('new_opportunity_id') }} as opportunity_name,
        {{ lookup_id('quote_id') }} as quote_id,
        {{ lookup_name('quote_id') }} as quote_name,
        {{ lookup_id('sale_contract_id') }} as contract_id,
        {{ lookup_name('sale_contract_id') }} as contract_name,
        {{ lookup_id('owner') }} as owner_id,
        {{ lookup_name('owner') }} as owner_name,

        -- what it is
        {{ text_field('name') }} as order_no,
        {{ lookup_label('order_status') }} as source_status,
        {{ lookup_label('life_status') }} as source_record_status,

        -- money
        {{ money_field('order_amount') }} as amount,
        {{ money_field('product_amount') }} as line_total,
        {{ money_field('delivered_amount_sum') }} as delivered_amount,
        {{ text_field('mc_currency') }} as currency_code,
        {{ typed_field('mc_exchange_rate', type_rate()) }} as exchange_rate,

        -- days and moments
        {{ business_date(timestamp_field('order_time')) }} as ordered_on,
        {{ business_date(timestamp_field('delivery_date')) }} as due_on,

        -- how we know
        {{ timestamp_field('create_time') }} as created_at,
        _modified_at as modified_at
    from raw
    where _deleted_at is null
)

select * from renamed
