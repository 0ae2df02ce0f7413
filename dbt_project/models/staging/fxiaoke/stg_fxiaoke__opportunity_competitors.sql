{{ config(materialized='ephemeral') }}

with raw as (
    select * from {{ source('fxiaoke', 'competitive_lines_obj') }}
),

renamed as (
    select
        -- keys
        _org as source_org,
        _record_id as opportunity_competitor_id,
        {{ lookup_id('new_opportunity_id') }} as opportunity_id,
        {{ lookup_name('new_opportunity_id') }} as opportunity_name,
        {{ lookup_id('competitor_id') }} as competitor_id,
        {{ lookup_name('competitor_id') }} as competitor_name,
        {{ lookup_id('owner') }} as owner_id,
        {{ lookup_name('owner') }} as owner_name,

        -- what it is
        {{ text_field('advantage') }} as advantage,
        {{ text_field('weaknesses') }} as weakness,
        {{ typed_field('is_win', 'boolean') }} as is_win,
        {{ lookup_label('life_status') }} as source_record_status,

        -- money
        {{ money_field('quotation_amount') }} as amount,
        {{ text_field('mc_currency') }} as currency_code,
        {{ typed_field('mc_exchange_rate', type_rate()) }} as exchange_rate,

        -- how we know
        {{ timestamp_field('create_time') }} as created_at,
        _modified_at as modified_at
    from raw
    where _deleted_at is null
)

select * from renamed
