{{ config(materialized='ephemeral') }}

with raw as (
    select * from {{ source('fxiaoke', 'checkins_obj') }}
),

renamed as (
    select
        -- keys
        _org as source_org,
        _record_id as activity_id,
        {{ lookup_id('customer_id') }} as account_id,
        {{ lookup_name('customer_id') }} as account_name,
        {{ lookup_id('new_opportunity_id') }} as opportunity_id,
        {{ lookup_name('new_opportunity_id') }} as opportunity_name,
        cast(null as {{ type_text() }}) as related_id,
        cast(null as {{ type_text() }}) as related_name,
        cast(null as {{ type_text() }}) as contact_id,
        cast(null as {{ type_text() }}) as contact_name,
        {{ lookup_id('owner') }} as owner_id,
        {{ lookup_name('owner') }} as owner_name,

        -- what it is
        'visit' as source_type,
        length({{ text_field('name') }}) as subject_length,
        length({{ text_field('communicate_record') }}) as note_length,
        {{ lookup_label('checkin_status') }} as source_status,
        {{ timestamp_field('checkin_time') }} is not null as is_done,
        cast(null as {{ type_text() }}) as source_direction,
        {{ lookup_label('life_status') }} as source_record_status,

        -- days and moments
        coalesce({{ timestamp_field('checkin_time') }}, {{ timestamp_field('new_stat_date') }}) as started_at,
        {{ timestamp_field('checkout_time') }} as ended_at,
        cast(null as bigint) as duration_s,

        -- the visit itself
        {{ business_date(timestamp_field('new_stat_date')) }} as planned_on,
        {{ lookup_label('checkins_scene') }} as scene,
        {{ timestamp_field('checkin_time') }} as checked_in_at,
        {{ timestamp_field('checkout_time') }} as checked_out_at,
        {{ text_field('checkin_address') }} as address,
        {{ typed_field('checkin_distance', type_double()) }} as distance_m,
        length({{ text_field('communicate_record') }}) as visit_note_length,

        -- how we know
        {{ timestamp_field('create_time') }} as created_at,
        _modified_at as modified_at
    from raw
    where _deleted_at is null
)

select * from renamed
