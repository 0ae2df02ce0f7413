{{ config(materialized='ephemeral') }}

with raw as (
    select * from {{ source('fxiaoke', 'quote_obj') }}
),

renamed as (
    select
        -- keys
        _org as source_org,
        _record_id as quote_id,
        {{ lookup_id('account_id') }} as account_id,
        {{ lookup_name('account_id') }} as account_name,
        {{ lookup_id('new_opportunity_id') }} as opportunity_id,
        {{ lookup_name('new_opportunity_id') }} as opportunity_name,
        {{ lookup_id('owner') }} as owner_id,
        {{ lookup_name('owner') }} as owner_name,

        -- what it is
        {{ text_field('name') }} as quote_no,
        {{ text_field('name') }} as quote_name,
        cast(null as {{ type_text() }}) as source_status,
        {{ lookup_label('life_status') }} as source_record_status,

        -- money
        {{ money_field('quote_amount') }} as amount,
        cast(null as decimal(18, 2)) as line_total,
        {{ text_field('mc_currency') }} as currency_code,
        {{ typed_field('mc_exchange_rate', type_rate()) }} as exchange_rate,

        -- days and moments
        {{ business_date(timestamp_field('quote_time')) }} as quoted_on,
        cast(null as date) as valid_until,

        -- how we know
        {{ timestamp_field('create_time') }} as created_at,
        _modified_at as modified_at
    from raw
    where _deleted_at is null
)

select * from renamed
