{{ config(materialized='ephemeral') }}

with raw as (
    select * from {{ source('zoho', 'calls') }}
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
        'call' as source_type,
        length({{ text_field('Subject') }}) as subject_length,
        length({{ text_field('Description') }}) as note_length,
        {{ text_field('Outgoing_Call_Status') }} as source_status,
        coalesce({{ typed_field('Call_Duration_in_seconds', 'bigint') }}, 0) > 0 as is_done,
        {{ text_field('Call_Type') }} as source_direction,
        cast(null as {{ type_text() }}) as source_record_status,

        -- days and moments
        {{ timestamp_field('Call_Start_Time') }} as started_at,
        cast(null as {{ type_timestamp_tz() }}) as ended_at,
        {{ typed_field('Call_Duration_in_seconds', 'bigint') }} as duration_s,

        -- how we know
        {{ timestamp_field('Created_Time') }} as created_at,
        _modified_at as modified_at
    from raw
    where _deleted_at is null
)

select * from renamed
