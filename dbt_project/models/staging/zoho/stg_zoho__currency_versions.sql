{{ config(materialized='ephemeral') }}

-- Rates as they were, of the currencies that the organisation has.
with raw as (
    select versions.*
    from {{ source('zoho', 'currencies__history') }} as versions
    inner join {{ source('zoho', 'currencies') }} as listed
        on listed._org = versions._org
        and listed._record_id = versions._record_id
    where listed._deleted_at is null
),

renamed as (
    select
        -- keys
        _org as source_org,
        _record_id as currency_id,

        -- which currency
        {{ text_field('iso_code') }} as currency_code,
        {{ text_field('name') }} as currency_name,
        coalesce({{ typed_field('is_base', 'boolean') }}, false) as is_home,
        coalesce({{ typed_field('is_active', 'boolean') }}, true) as is_active,

        -- what one unit is worth in the home currency
        {{ inverse_rate(typed_field('exchange_rate', type_rate())) }} as exchange_rate,

        -- how we know
        coalesce({{ timestamp_field('modified_time') }}, _modified_at) as modified_at,
        _read_at as read_at,
        _position as read_position
    from raw
    where _deleted_at is null
)

select * from renamed
