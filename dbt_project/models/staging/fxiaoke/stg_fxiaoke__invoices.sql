{{ config(materialized='ephemeral') }}

with raw as (
    select * from {{ source('fxiaoke', 'invoice_application_obj') }}
),

renamed as (
    select
        -- keys
        _org as source_org,
        _record_id as invoice_id,
        {{ lookup_id('account_id') }} as account_id,
        {{ lookup_name('account_id') }} as account_name,
        {{ lookup_id('order_id') }} as order_id,
        {{ lookup_name('order_id') }} as order_name,
        cast(null as {{ type_text() }}) as opportunity_id,
        cast(null as {{ type_text() }}) as opportunity_name,
        {{ lookup_id('owner') }} as owner_id,
        {{ lookup_name('owner') }} as owner_name,

        -- what it is
        coalesce({{ text_field('invoice_no') }}, {{ text_field('name') }}) as invoice_no,
        {{ lookup_label('status') }} as source_status,
        {{ lookup_label('life_status') }} as source_record_status,

        -- money
        {{ money_field('invoice_applied_amount') }} as amount,
        cast(null as decimal(18, 2)) as line_total,
        {{ text_field('mc_currency') }} as currency_code,
        {{ typed_field('mc_exchange_rate', type_rate()) }} as exchange_rate,

        -- days and moments
        {{ business_date(timestamp_field('invoice_date')) }} as issued_on,
        cast(null as date) as due_on,

        -- how we know
        {{ timestamp_field('create_time') }} as created_at,
        _modified_at as modified_at
    from raw
    where _deleted_at is null
)

select * from renamed
