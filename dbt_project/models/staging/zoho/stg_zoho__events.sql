{{ config(materialized='ephemeral') }}

with raw as (
    select * from {{ source('zoho', 'events') }}
),

renamed as (
    select
        -- keys. What_Id may be a record of any module: ids are one sequence
        _org as source_org,
        _record_id as activity_id,
        cast(null as {{ type_text() }}) as account_id,
        cast(null as {{ type_text() }}) as account_name,
        cast(null as {{ type_text() }}) as opportunity_id,
        cast(null as {{ type_text() }}) as opportunity_name,
        {{ lookup_id('What_Id') }} as related_id,
        {{ lookup_name('What_Id') }} as related_name,
        {{ lookup_id('Who_Id') }} as contact_id,
        {{ lookup_name('Who_Id') }} as contact_name,
        {{ lookup_id('Owner') }} as owner_id,
        {{ lookup_name('Owner') }} as owner_name,

        -- what it is
        'meeting' as source_type,
        length({{ text_field('Event_Title') }}) as subject_length,
        length({{ text_field('Description') }}) as note_length,
        {{ text_field('Check_In_Status') }} as source_status,
        cast(null as boolean) as is_done,
        cast(null as {{ type_text() }}) as source_direction,
        cast(null as {{ type_text() }}) as source_record_status,

        -- days and moments
        {{ timestamp_field('Start_DateTime') }} as started_at,
        {{ timestamp_field('End_DateTime') }} as ended_at,
        cast(null as bigint) as duration_s,

        -- a visit where somebody checked in
        {{ business_date(timestamp_field('Start_DateTime')) }} as planned_on,
        cast(null as {{ type_text() }}) as scene,
        {{ timestamp_field('Check_In_Time') }} as checked_in_at,
        cast(null as {{ type_timestamp_tz() }}) as checked_out_at,
        {{ text_field('Check_In_Address') }} as address,
        cast(null as {{ type_double() }}) as distance_m,
        length({{ text_field('Check_In_Comment') }}) as visit_note_length,

        -- how we know
        {{ timestamp_field('Created_Time') }} as created_at,
        _modified_at as modified_at
    from raw
    where _deleted_at is null
)

select * from renamed
