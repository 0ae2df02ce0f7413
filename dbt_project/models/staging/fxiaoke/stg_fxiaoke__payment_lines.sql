{{ config(materialized='ephemeral') }}

with raw as (
    select * from {{ source('fxiaoke', 'order_payment_obj') }}
),

renamed as (
    select
        -- keys
        _org as source_org,
        _record_id as payment_line_id,
        {{ lookup_id('payment_id') }} as payment_id,
        {{ lookup_name('payment_id') }} as payment_name,
        {{ lookup_id('order_id') }} as order_id,
        {{ lookup_name('order_id') }} as order_name,
        {{ lookup_id('payment_plan_id') }} as payment_plan_id,
        {{ lookup_name('payment_plan_id') }} as payment_plan_name,

        -- what it is
        {{ lookup_label('life_status') }} as source_record_status,

        -- money
        {{ money_field('payment_amount') }} as amount,

        -- how we know
        {{ timestamp_field('create_time') }} as created_at,
        _modified_at as modified_at
    from raw
    where _deleted_at is null
)

select * from renamed
