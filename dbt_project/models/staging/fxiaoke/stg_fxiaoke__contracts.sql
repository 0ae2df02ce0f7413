{{ config(materialized='ephemeral') }}

with raw as (
    select * from {{ source('fxiaoke', 'sale_contract_obj') }}
),

renamed as (
    select
        -- keys
        _org as source_org,
        _record_id as contract_id,
        {{ lookup_id('account_id') }} as account_id,
        {{ lookup_name('account_id') }} as account_name,
        {{ lookup_id('new_opportunity_id') }} as opportunity_id,
        {{ lookup_name('new_opportunity_id') }} as opportunity_name,
        {{ lookup_id('renewed_from_id') }} as renewed_id,
        {{ lookup_name('renewed_from_id') }} as renewed_name,
        {{ lookup_id('owner') }} as owner_id,
        {{ lookup_name('owner') }} as owner_name,

        -- what it is
        {{ text_field('name') }} as contract_no,
        {{ text_field('name') }} as contract_name,
        {{ lookup_label('contract_status') }} as source_status,
        {{ lookup_label('life_status') }} as source_record_status,

        -- money
        {{ money_field('contract_amount') }} as amount,
        {{ text_field('mc_currency') }} as currency_code,
        {{ typed_field('mc_exchange_rate', type_rate()) }} as exchange_rate,

        -- days and moments
        {{ business_date(timestamp_field('sign_time')) }} as signed_on,
        {{ business_date(timestamp_field('start_time')) }} as starts_on,
        {{ business_date(timestamp_field('end_time')) }} as ends_on,

        -- how we know
        {{ timestamp_field('create_time') }} as created_at,
        _modified_at as modified_at
    from raw
    where _deleted_at is null
)

select * from renamed
