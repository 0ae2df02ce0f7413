{{ config(materialized='ephemeral') }}

with raw as (
    select * from {{ source('zoho', 'campaigns') }}
),

renamed as (
    select
        -- keys
        _org as source_org,
        _record_id as campaign_id,
        {{ lookup_id('Parent_Campaign') }} as parent_id,
        {{ lookup_name('Parent_Campaign') }} as parent_name,
        {{ lookup_id('Owner') }} as owner_id,
        {{ lookup_name('Owner') }} as owner_name,

        -- what it is
        {{ text_field('Campaign_Name') }} as campaign_name,
        {{ text_field('Type') }} as source_type,
        {{ text_field('Status') }} as source_status,
        {{ typed_field('Num_sent', 'bigint') }} as sent_count,
        {{ typed_field('Expected_Response', 'bigint') }} as expected_response_count,
        cast(null as {{ type_text() }}) as source_record_status,

        -- money
        {{ money_field('Budgeted_Cost') }} as budgeted_cost,
        {{ money_field('Actual_Cost') }} as actual_cost,
        {{ money_field('Expected_Revenue') }} as expected_revenue,
        {{ text_field('Currency') }} as currency_code,
        {{ inverse_rate(typed_field('Exchange_Rate', type_double())) }} as exchange_rate,

        -- days and moments
        {{ typed_field('Start_Date', 'date') }} as starts_on,
        {{ typed_field('End_Date', 'date') }} as ends_on,

        -- how we know
        {{ timestamp_field('Created_Time') }} as created_at,
        _modified_at as modified_at
    from raw
    where _deleted_at is null
)

select * from renamed
