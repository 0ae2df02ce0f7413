{{ config(materialized='ephemeral') }}

with raw as (
    select * from {{ source('fxiaoke', 'marketing_event_obj') }}
),

renamed as (
    select
        -- keys
        _org as source_org,
        _record_id as campaign_id,
        cast(null as {{ type_text() }}) as parent_id,
        cast(null as {{ type_text() }}) as parent_name,
        {{ lookup_id('owner') }} as owner_id,
        {{ lookup_name('owner') }} as owner_name,

        -- what it is
        {{ text_field('name') }} as campaign_name,
        {{ lookup_label('event_type') }} as source_type,
        {{ lookup_label('biz_status') }} as source_status,
        cast(null as bigint) as sent_count,
        cast(null as bigint) as expected_response_count,
        {{ lookup_label('life_status') }} as source_record_status,

        -- money
        {{ money_field('expected_cost') }} as budgeted_cost,
        {{ money_field('actual_cost') }} as actual_cost,
        {{ money_field('expected_income') }} as expected_revenue,
        {{ text_field('mc_currency') }} as currency_code,
        {{ typed_field('mc_exchange_rate', type_rate()) }} as exchange_rate,

        -- days and moments
        {{ business_date(timestamp_field('begin_time')) }} as starts_on,
        {{ business_date(timestamp_field('end_time')) }} as ends_on,

        -- how we know
        {{ timestamp_field('create_time') }} as created_at,
        _modified_at as modified_at
    from raw
    where _deleted_at is null
)

select * from renamed
