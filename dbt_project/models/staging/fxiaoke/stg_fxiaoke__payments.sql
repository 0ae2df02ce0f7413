{{ config(materialized='ephemeral') }}

with raw as (
    select * from {{ source('fxiaoke', 'payment_obj') }}
),

renamed as (
    select
        -- keys
        _org as source_org,
        _record_id as payment_id,
        {{ lookup_id('account_id') }} as account_id,
        {{ lookup_name('account_id') }} as account_name,
        {{ lookup_id('owner') }} as owner_id,
        {{ lookup_name('owner') }} as owner_name,

        -- what it is
        {{ text_field('name') }} as payment_no,
        {{ lookup_label('payment_term') }} as source_method,
        {{ lookup_label('life_status') }} as source_record_status,

        -- money
        coalesce({{ money_field('amount') }}, {{ money_field('payment_amount') }}) as amount,
        {{ text_field('mc_currency') }} as currency_code,
        {{ typed_field('mc_exchange_rate', type_rate()) }} as exchange_rate,

        -- days and moments
        {{ business_date(timestamp_field('payment_time')) }} as paid_on,

        -- how we know
        {{ timestamp_field('create_time') }} as created_at,
        _modified_at as modified_at
    from raw
    where _deleted_at is null
)

select * from renamed
